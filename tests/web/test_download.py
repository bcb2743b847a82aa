"""Sending stored bytes: at the caller's pace, cut where they cannot go on, and named in a header that holds."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from darkroom.errors import Overloaded
from darkroom.web.call import Call
from darkroom.web.download import Stored, send
from darkroom.web.outlet import Protocol
from darkroom.web.server import serving
from tests.relaying import relaying
from tests.web.routing import make_app

pytestmark = pytest.mark.slow
PIECE = bytes(256 * 1024)
MB = 1024 * 1024


class Source:
    """As many pieces as are asked for, counted; after `good` of them the store is away."""

    def __init__(self, size: int, good: int = 1 << 30) -> None:
        self.size = size
        self.good = good
        self.given = 0

    async def pieces(self, start: int, stop: int) -> AsyncIterator[bytes]:
        while start < stop:
            if self.given == self.good:
                raise Overloaded("away")
            self.given += 1
            yield PIECE[: stop - start]
            start += len(PIECE)

    async def __call__(self, call: Call) -> None:
        name = call.headers.get(b"x-name", b"a.png").decode("utf-8")
        await send(call, Stored("id", name, "image/png", self.size, self.pieces), max_age_s=-5)


async def fetch(
    folder: Path, source: Source, read: int = -1, name: str = "a.png", **settings: float
) -> bytes:
    async with relaying(folder, **settings) as relay:
        app = make_app(relay.gateway, {"/x": {"GET": source}})
        async with serving(app, "127.0.0.1", 0, http=Protocol) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=64 * 1024)
            writer.write(
                f"GET /x HTTP/1.1\r\nhost: x\r\nx-name: {name}\r\nconnection: close\r\n\r\n".encode()
            )
            got = await reader.read(read)
            if read > 0:
                await asyncio.sleep(0.3)  # time enough to read far too much
            writer.close()
            return got


async def test_slow_caller_slows_the_source(tmp_path: Path) -> None:
    source = Source(400 * MB)
    await fetch(tmp_path, source, read=1000)
    assert 0 < source.given * len(PIECE) < 40 * MB  # what the sockets of this machine hold back


async def test_caller_who_takes_nothing_is_let_go(tmp_path: Path) -> None:
    source = Source(400 * MB)
    async with relaying(tmp_path, caller_stall_s=0.1) as relay:
        async with serving(
            make_app(relay.gateway, {"/x": {"GET": source}}), "127.0.0.1", 0, http=Protocol
        ) as server:
            _, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)
            writer.write(b"GET /x HTTP/1.1\r\nhost: x\r\n\r\n")
            async with asyncio.timeout(20):
                while not source.given or server.server_state.connections:
                    await asyncio.sleep(0.02)
            writer.close()


async def test_store_that_is_away_at_once_is_an_error_with_a_status(tmp_path: Path) -> None:
    got = await fetch(tmp_path, Source(MB, good=0))
    assert got.startswith(b"HTTP/1.1 503")


async def test_store_that_goes_away_in_the_middle_cuts_the_answer(tmp_path: Path) -> None:
    head, _, body = (await fetch(tmp_path, Source(MB, good=2))).partition(b"\r\n\r\n")
    assert b"content-length: %d" % MB in head
    assert len(body) == 2 * len(PIECE)


@pytest.mark.parametrize("size", [0, 1, MB])
async def test_length_is_told_and_kept(tmp_path: Path, size: int) -> None:
    head, _, body = (await fetch(tmp_path, Source(size))).partition(b"\r\n\r\n")
    assert b"content-length: %d" % size in head
    assert len(body) == size
    assert b"max-age=0," in head


@pytest.mark.parametrize(
    "name, told",
    [
        ("cat.png", b'inline; filename="cat.png"'),
        ("猫.png", b"inline; filename=\"_.png\"; filename*=UTF-8''%E7%8C%AB.png"),
        ('a"b;c\\d.png', b"inline; filename=\"a_b;c_d.png\"; filename*=UTF-8''a%22b%3Bc%5Cd.png"),
    ],
)
async def test_name_cannot_break_out_of_its_header(tmp_path: Path, name: str, told: bytes) -> None:
    head = (await fetch(tmp_path, Source(1), name=name)).partition(b"\r\n\r\n")[0]
    assert b"content-disposition: " + told + b"\r\n" in head
