"""One listening server: up inside its block, gone after it."""

import asyncio
import contextlib

import httpx2
import pytest

from darkroom.errors import GatewayError
from darkroom.web.server import serving

pytestmark = pytest.mark.anyio


async def hello(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


async def test_server_answers_inside_its_block_and_not_after_it():
    async with serving(hello, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.port}/"
        async with httpx2.AsyncClient() as client:
            assert (await client.get(url)).text == "hello"
    async with httpx2.AsyncClient() as client:
        with pytest.raises(httpx2.ConnectError):
            await client.get(url)


async def test_server_with_its_listener_closed_takes_no_new_connections_but_serves_the_old():
    async with serving(hello, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.port}/"
        async with httpx2.AsyncClient() as old, httpx2.AsyncClient() as new:
            assert (await old.get(url)).text == "hello"
            server.close_listener()
            await asyncio.sleep(0.05)
            assert (await old.get(url)).text == "hello"
            with pytest.raises(httpx2.ConnectError):
                await new.get(url)


async def test_port_that_is_taken_is_told_in_words_and_nothing_else_is_logged(caplog):
    async with serving(hello, "127.0.0.1", 0) as server:
        port = server.port
        with pytest.raises(GatewayError) as told:
            async with serving(hello, "127.0.0.1", port):
                pass
    assert told.value.message.startswith(f"Cannot listen on 127.0.0.1:{port}: Address already in use.")
    assert caplog.text == ""


async def test_host_that_is_not_ours_or_has_no_name_is_told_in_words():
    for host in ("203.0.113.5", "a..b"):
        with pytest.raises(GatewayError, match=f"Cannot listen on {host}:0: "):
            async with serving(hello, host, 0):
                pass


async def stuck(scope, receive, send):
    """An application that sends a piece and then neither listens nor ends."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"first", "more_body": True})
    await asyncio.get_running_loop().create_future()


@pytest.mark.slow
async def test_server_stops_and_cuts_the_connection_when_an_answer_never_ends():
    async with serving(stuck, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        await reader.readuntil(b"first")
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1000)
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
