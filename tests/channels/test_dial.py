"""Connecting to an upstream on loopback: what comes of it, and what customer and operator are told when it fails."""

import asyncio
import contextlib
import socket
import ssl

import pytest

from darkroom.channels.address import read_address
from darkroom.channels.connection import Buffer
from darkroom.channels.dial import _alternating, dial, tls_context
from darkroom.errors import Lost, TimedOut

pytestmark = pytest.mark.anyio
# For `localhost` alone, good until 2120; opens nothing.
IDENTITY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgfyZrTtAekR/NfF5g
AO5Yvse1v/0wo9Fsi186u8D5+0ShRANCAAQWhLRLycMNRyhqtK4/ZWxvGdITO6wy
EvoPX2wzIQHBmHsbZVuOQVbumoDG4bcx8wDNKCn+iOyMQEEfUxGtJ+ZA
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBZzCCAQ2gAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABBaEtEvJww1HKGq0
rj9lbG8Z0hM7rDIS+g9fbDMhAcGYextlW45BVu6agMbhtzHzAM0oKf6I7IxAQR9T
Ea0n5kCjTjBMMBoGA1UdEQQTMBGCCWxvY2FsaG9zdIcEfwAAATAPBgNVHRMBAf8E
BTADAQH/MB0GA1UdDgQWBBQLonzTiaWLvTh/fLtyL1hFA24FKTAKBggqhkjOPQQD
AgNIADBFAiBC5Mtw4O5P66OAOdUaUiO1LgHjTOC9lS7waWjl9C/4WQIhAIh35hBG
vGKM3vm8b1pgWFTX8RaOIqlAyeqcLMYHLZly
-----END CERTIFICATE-----
"""


@contextlib.asynccontextmanager
async def listening(talk, tls=None):
    """A server on loopback; gives its port."""
    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def accept(reader, writer):
    await reader.read()
    writer.close()


async def connected(url, tls=None, timeout_s=5.0):
    connection = await dial(read_address(url), Buffer(), tls, timeout_s, "main at upstream.example")
    connection.abort()
    await asyncio.sleep(0)
    return connection


async def failure(url, tls=None, timeout_s=5.0):
    """The failure to connect; no place may stand in what the customer reads."""
    with pytest.raises((Lost, TimedOut)) as caught:
        await connected(url, tls, timeout_s)
    error = caught.value
    assert "upstream.example" not in error.message
    assert "127.0.0.1" not in error.message
    assert error.internal.startswith("main at upstream.example: ")
    return error


@pytest.fixture
def identity(tmp_path):
    path = tmp_path / "identity.pem"
    path.write_text(IDENTITY)
    return path


@pytest.fixture
def server_tls(identity):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity)
    return context


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_dial_connects_by_address_and_by_name(host):
    async with listening(accept) as port:
        connection = await connected(f"http://{host}:{port}/v1")
        assert connection.reader is None


async def test_dial_with_tls_verifies_the_name_against_the_authorities(identity, server_tls):
    trusting = tls_context()
    trusting.load_verify_locations(identity)
    async with listening(accept, server_tls) as port:
        await connected(f"https://localhost:{port}/v1", trusting)
        wrong = await failure(f"https://localhost:{port}/v1", tls_context())
        assert "certificate is not accepted" in wrong.internal
        assert not wrong.retryable


async def test_authorities_of_the_environment_are_used(identity, server_tls, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(identity))
    async with listening(accept, server_tls) as port:
        await connected(f"https://localhost:{port}/v1", tls_context())


async def test_port_that_does_not_speak_tls_is_told():
    async def talk(reader, writer):
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with listening(talk) as port:
        assert (
            "does this port speak TLS?"
            in (await failure(f"https://localhost:{port}", tls_context())).internal
        )


async def test_upstream_that_never_answers_the_handshake_is_given_up_in_time():
    async with listening(accept) as port:
        error = await failure(f"https://localhost:{port}", tls_context(), timeout_s=0.1)
        assert isinstance(error, TimedOut)
        assert "within 0.1 seconds" in error.internal


async def test_upstream_that_hangs_up_in_the_handshake_is_lost():
    async def talk(reader, writer):
        writer.close()

    async with listening(talk) as port:
        assert (await failure(f"https://localhost:{port}", tls_context())).retryable


async def test_closed_port_is_refused_and_may_be_tried_again():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        error = await failure(f"http://127.0.0.1:{free.getsockname()[1]}")
    assert isinstance(error, Lost)
    assert error.retryable
    assert "nothing listens there" in error.internal


async def test_name_that_does_not_exist_is_told_as_such():
    assert "DNS: " in (await failure("http://nowhere.invalid/v1", timeout_s=60)).internal


def test_addresses_of_the_two_families_take_turns_in_the_order_of_the_system():
    four, six = socket.AF_INET, socket.AF_INET6
    found = [(six, 1, 6, "", ("::1", 1)), (six, 1, 6, "", ("::2", 1)), (four, 1, 6, "", ("1.1.1.1", 1))]
    assert _alternating(found) == [(six, ("::1", 1)), (four, ("1.1.1.1", 1)), (six, ("::2", 1))]


async def test_second_address_is_tried_when_the_first_one_fails(monkeypatch):
    loop = type(asyncio.get_running_loop())
    resolve = loop.getaddrinfo
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = free.getsockname()[1]
    async with listening(accept) as port:

        async def two(self, host, number, **more):
            if host != "upstream.example":
                return await resolve(self, host, number, **more)
            return [(socket.AF_INET, 1, 6, "", ("127.0.0.1", each)) for each in (closed, port)]

        monkeypatch.setattr(loop, "getaddrinfo", two)
        await connected("http://upstream.example")
