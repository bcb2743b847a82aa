"""Pictures by address: what is refused before a connection is made, and what comes of the others, on loopback."""

import asyncio
import contextlib
import re
import ssl

import pytest

from darkroom.errors import Invalid, TooLarge
from darkroom.fetch import Fetched, fetch_picture, is_public
from tests.channels.test_dial import IDENTITY
from tests.gateway.samples import picture

pytestmark = pytest.mark.anyio
PNG = picture("PNG")
PRIVATE = """
    127.0.0.1 127.9.9.9 0.0.0.0 0.1.2.3 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1
    100.127.255.254 192.0.0.1 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1 192.88.99.1 224.0.0.1 239.1.1.1 240.0.0.1
    255.255.255.255 ::1 :: fe80::1 fe80::1%eth0 fec0::1 fc00::1 fd00:ec2::254 ff02::1 100::1 5f00::1 3fff::1
    ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe
    64:ff9b:1::1 2001:db8::1 2001::1 2002:7f00:1:: nonsense
"""
PUBLIC = "1.1.1.1 172.32.0.1 100.128.0.1 192.0.3.1 2606:4700::1111 ::ffff:1.1.1.1 64:ff9b::101:101"
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


class Site:
    """A web server on loopback: `pages` by path, each the bytes of an answer or a coroutine that talks itself."""

    def __init__(self):
        self.pages = {}
        self.heard = []
        self.looked_up = []
        self.names = {}
        """What the resolver says; every other name leads to this site."""

    async def talk(self, reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heard.append(head)
            page = self.pages[re.match(r"GET (\S+)", head)[1]]
            if callable(page):
                await page(reader, writer)
            else:
                writer.write(page)
                await writer.drain()
        writer.close()

    async def resolve(self, host, port):
        self.looked_up.append(host)
        found = self.names.get(host, ["127.0.0.1"])
        if isinstance(found, Exception):
            raise found
        return found

    @contextlib.asynccontextmanager
    async def serving(self, tls=None):
        server = await asyncio.start_server(self.talk, "127.0.0.1", 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        yield self
        server.close()

    async def fetch(self, url, **options):
        """The outcome and the bytes; `:PORT` in the address is this site's."""
        got = []
        options = {
            "limit_bytes": 1_000_000,
            "timeout_s": 5,
            "sink": got.append,
            "allow_private": True,
            **options,
        }
        url = url.replace(":PORT", f":{self.port}")
        return await fetch_picture(url, param="image_url", resolve=self.resolve, **options), b"".join(got)

    async def refusal(self, url, code, **options):
        with pytest.raises(Invalid) as caught:
            await self.fetch(url, **options)
        error = caught.value
        assert (error.code, error.param, error.status) == (code, "image_url", 400)
        assert "127.0.0.1" not in error.message.replace(url.replace(":PORT", f":{self.port}"), "")
        return error.message


@pytest.fixture
async def site():
    async with Site().serving() as site:
        yield site


def answer(body, *headers, status="200 OK"):
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@pytest.mark.parametrize("address", PRIVATE.split())
async def test_address_that_is_not_everybodys_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC.split())
async def test_address_of_the_internet_is_public(address):
    assert is_public(address)


async def test_operator_can_open_private_networks_but_not_where_clouds_keep_their_secrets():
    for address in ("127.0.0.1", "10.0.0.1", "::1", "fd12::1", "::ffff:192.168.0.1"):
        assert is_public(address, allow_private=True)
    for address in (
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "fe80::1",
        "0.0.0.0",
        "224.0.0.1",
    ):
        assert not is_public(address, allow_private=True)


async def test_picture_goes_to_the_sink_as_it_arrives_and_the_host_is_asked_by_its_own_name(
    site, monkeypatch
):
    for name in PROXIES:
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    site.pages["/a%20b.png?x=1"] = answer(PNG, "content-type: image/png; q=1")
    found, got = await site.fetch("http://Pictures.example:PORT/a b.png?x=1#f")
    assert (found, got) == (Fetched(len(PNG), "image/png"), PNG)
    (head,) = site.heard
    assert f"host: pictures.example:{site.port}\r\n" in head.lower()
    assert "accept-encoding: identity" in head.lower()
    assert "cookie" not in head.lower()
    assert site.looked_up == ["pictures.example"], "looked up once: a second answer could be another one"


@pytest.mark.parametrize("media", ["application/octet-stream", "text/plain", ""])
async def test_picture_is_known_by_its_first_bytes_where_the_server_does_not_say_so(site, media):
    async def slowly(_, writer):
        writer.write(f"HTTP/1.1 200 OK\r\ncontent-type: {media}\r\n\r\n".encode())
        for at in range(0, len(PNG), 7):
            writer.write(PNG[at : at + 7])
            await writer.drain()

    site.pages["/"] = slowly
    assert (await site.fetch("http://a.example:PORT/"))[1] == PNG


@pytest.mark.parametrize(
    "url, says",
    [
        ("ftp://a.example/x.png", "not 'ftp'"),
        ("file:///etc/passwd", "not 'file'"),
        ("//a.example/x.png", "not ''"),
        ("", "not ''"),
        ("nonsense", "not ''"),
        ("http://user:secret@a.example/", "a name or a password"),
        ("http://user@a.example/", "a name or a password"),
        ("http://", "names no host"),
        ("http://a.example:99999/", "names no host"),
        ("http://[fe80::1%25eth0]/", "names no host"),
        ("http://a\x00b/", "no address"),
        ("http://private.example/", "not on the public internet"),
        ("http://mixed.example/", "not on the public internet"),
    ],
)
async def test_address_that_may_not_be_asked_is_refused_without_a_connection(site, url, says):
    site.names = {"private.example": ["10.0.0.1"], "mixed.example": ["1.1.1.1", "::ffff:10.0.0.1"]}
    assert says in await site.refusal(url, "invalid_image_url", allow_private=False)
    assert site.heard == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:127.0.0.1]"]
)
async def test_loopback_is_refused_however_it_is_spelled(site, host):
    with pytest.raises(Invalid) as caught:
        await fetch_picture(f"http://{host}:{site.port}/", limit_bytes=9, timeout_s=5, sink=print)
    assert caught.value.code in ("invalid_image_url", "failed_to_download_image")
    assert site.heard == []


async def test_redirect_is_followed_and_every_hop_checked_like_the_first(site):
    def moved(to, status="302 Found"):
        return answer(b"", f"location: {to}", "set-cookie: a=b", status=status)

    site.names = {"secrets.example": ["169.254.169.254"]}
    site.pages |= {
        "/ok": answer(PNG, "content-type: image/png"),
        "/1": moved("/2", "308 Permanent Redirect"),
        "/2": moved(f"http://other.example:{site.port}/ok"),
        "/loop": moved("/loop"),
        "/in": moved("http://secrets.example/latest"),
        "/file": moved("file:///etc/passwd"),
        "/pass": moved("http://u:p@a.example/"),
        "/bad": moved("http://[x"),
    }
    assert (await site.fetch("http://a.example:PORT/1"))[1] == PNG
    assert site.looked_up == ["a.example", "a.example", "other.example"]
    assert not any("cookie" in head.lower() for head in site.heard)
    site.heard.clear()
    assert "more than 5 times" in await site.refusal("http://a.example:PORT/loop", "failed_to_download_image")
    assert len(site.heard) == 6
    for path, says in [
        ("in", "public internet"),
        ("file", "'file'"),
        ("pass", "password"),
        ("bad", "address"),
    ]:
        assert says in await site.refusal(f"http://a.example:PORT/{path}", "invalid_image_url")


async def test_answer_that_is_no_picture_is_refused_with_the_reason(site):
    async def cut(_, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 900\r\n\r\n" + PNG[:100])

    async def endless(_, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n\r\n")
        while True:
            writer.write(bytes(60_000))
            await writer.drain()

    async def silent(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n\r\n" + PNG[:100])
        await reader.read()

    image = "content-type: image/png"
    cases = [
        (answer(b"<html>", "content-type: text/html"), "no picture there, but text/html"),
        (answer(b"<html>" * 50), "no picture there, but something unknown"),
        (answer(b"", status="404 Not Found"), "status 404"),
        (answer(b"", status="302 Found"), "status 302"),
        (answer(b"", image), "sends nothing"),
        (answer(PNG, image, "content-encoding: gzip"), "compressed"),
        (answer(b"", image).replace(b"length: 0", b"length: 99999999"), "larger than 0.954 MB"),
        (endless, "larger than 0.954 MB"),
        (cut, "lost on the way"),
        (b"nonsense\r\n\r\n", "lost on the way"),
        (b"", "lost on the way"),
        (silent, "within 0.5 seconds"),
    ]
    for page, says in cases:
        site.pages["/"] = page
        wait = 0.5 if page is silent else 20
        assert says in await site.refusal(
            "http://a.example:PORT/", "failed_to_download_image", timeout_s=wait
        )


async def test_name_that_leads_nowhere_and_server_that_is_not_there_are_told_apart(site):
    site.names = {"nowhere.example": OSError("no such name"), "empty.example": []}
    for host in ("nowhere.example", "empty.example"):
        assert "cannot be resolved" in await site.refusal(f"http://{host}/", "failed_to_download_image")
    assert "cannot be reached" in await site.refusal("http://a.example:9/", "failed_to_download_image")


async def test_next_address_is_tried_where_the_first_does_not_answer(site):
    site.names = {"a.example": ["::1", "127.0.0.1"]}
    site.pages["/"] = answer(PNG)
    assert (await site.fetch("http://a.example:PORT/"))[1] == PNG


async def test_what_the_sink_raises_ends_the_download(site):
    def full(data):
        raise TooLarge("full")

    site.pages["/"] = answer(PNG)
    with pytest.raises(TooLarge, match="full"):
        await site.fetch("http://a.example:PORT/", sink=full)


async def test_certificate_must_be_the_names_though_the_connection_goes_to_an_address(tmp_path):
    file = tmp_path / "identity.pem"
    file.write_text(IDENTITY)
    server, trust, asked = (
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
        ssl.create_default_context(cafile=file),
        [],
    )
    server.load_cert_chain(file)
    server.sni_callback = lambda _, name, __: asked.append(name)
    async with Site().serving(server) as site:
        site.pages["/"] = answer(PNG)
        assert (await site.fetch("https://localhost:PORT/", tls=trust))[1] == PNG
        assert asked == ["localhost"]
        says = await site.refusal("https://other.example:PORT/", "failed_to_download_image", tls=trust)
        assert "certificate is not accepted" in says
        assert "certificate" in await site.refusal("https://localhost:PORT/", "failed_to_download_image")
        assert len(site.heard) == 1
