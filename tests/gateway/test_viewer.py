"""The caller at his own pace: back-pressure first, then the file, and the moment he counts as gone."""

import asyncio
import contextlib
import os

import pytest

from darkroom.gateway.spool import Folder, Full, Spool
from darkroom.gateway.viewer import Viewer
from darkroom.web.outlet import EXTENSION, Protocol
from darkroom.web.server import serving

pytestmark = pytest.mark.anyio
PIECE = os.urandom(64 * 1024)


@contextlib.asynccontextmanager
async def watching(tmp_path, *, lag_s=30.0, stall_s=30.0, limit=1 << 30):
    """A viewer over a real connection: gives (viewer, spool, reader, writer), headers sent and read."""
    ready, over = asyncio.Event(), asyncio.Event()
    made = []

    async def app(scope, receive, send):
        spool = Spool(Folder(tmp_path), limit)
        viewer = Viewer(scope["extensions"][EXTENSION], spool, lag_s, stall_s)
        viewer.outlet.start(200, [])
        viewer.push()
        made.append((viewer, spool))
        ready.set()
        await over.wait()

    async with serving(app, "127.0.0.1", 0, http=Protocol) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port, limit=1024)
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        await ready.wait()
        try:
            yield *made[0], reader, writer
        finally:
            made[0][0].close()
            writer.close()
            over.set()


async def read_all(reader):
    return b"".join([piece async for piece in pieces(reader)])


async def pieces(reader):
    while piece := await reader.read(1 << 20):
        yield piece


async def fill(viewer, most=64 << 20):
    """Write until the caller's side is full; the bytes written."""
    size = 0
    while not viewer.outlet.paused and size < most:
        viewer.write(PIECE)
        viewer.push()
        size += len(PIECE)
    return size


async def test_viewer_passes_bytes_on_while_the_caller_keeps_up(tmp_path):
    async with watching(tmp_path) as (viewer, spool, reader, _):
        viewer.write(b"hello")
        viewer.push()
        await viewer.ready()
        assert await viewer.finish(proper=True)
        assert await read_all(reader) == b"hello"
        assert spool.size == 0
        assert not viewer.slow


async def test_full_connection_makes_ready_wait_until_the_caller_reads(tmp_path):
    async with watching(tmp_path) as (viewer, spool, reader, _):
        size = await fill(viewer)
        waiting = asyncio.create_task(viewer.ready())
        await asyncio.sleep(0.1)
        assert not waiting.done()
        got = 0
        while not waiting.done():
            got += len(await reader.read(1 << 20))
        assert viewer.slow
        assert not viewer.lagging
        ended = asyncio.create_task(viewer.finish(proper=True))
        assert got + len(await read_all(reader)) == size
        assert await ended
        assert spool.size == 0


async def test_caller_who_lags_gets_the_rest_through_the_file(tmp_path):
    async with watching(tmp_path, lag_s=0.2) as (viewer, spool, reader, _):
        size = await fill(viewer)
        await asyncio.wait_for(viewer.ready(), 2)
        assert viewer.lagging
        for _ in range(100):
            viewer.write(PIECE)
            viewer.push()
            await asyncio.wait_for(viewer.ready(), 0.1)
        assert spool.size == 100 * len(PIECE)
        ended = asyncio.create_task(viewer.finish(proper=True))
        assert await read_all(reader) == PIECE * (100 + size // len(PIECE))
        assert await ended


async def test_lag_is_forgotten_once_the_caller_has_caught_up(tmp_path):
    async with watching(tmp_path, lag_s=0.5) as (viewer, _, reader, _w):
        await fill(viewer)
        reading = asyncio.create_task(read_all(reader))
        await viewer.ready()
        await asyncio.sleep(0.6)
        viewer.caught_up()
        await fill(viewer, most=1 << 20)
        await viewer.ready()
        assert not viewer.lagging
        await viewer.finish(proper=True)
        await reading


async def test_caller_who_takes_nothing_has_left(tmp_path):
    async with watching(tmp_path, stall_s=0.3) as (viewer, _, _r, _w):
        await fill(viewer)
        await asyncio.wait_for(viewer.ready(), 2)
        assert viewer.left
        sent = viewer.outlet.sent
        viewer.write(PIECE)
        assert (viewer.outlet.sent, viewer.outlet.buffered) == (sent, 0), "nothing waits for him any more"
        assert not await viewer.finish(proper=True)


async def test_caller_who_takes_nothing_of_the_file_has_left(tmp_path):
    async with watching(tmp_path, lag_s=0.1, stall_s=0.4) as (viewer, _, _r, _w):
        await fill(viewer)
        await viewer.ready()
        assert viewer.lagging
        viewer.write(PIECE)
        assert not await asyncio.wait_for(viewer.finish(proper=True), 3)
        assert viewer.left


async def test_last_bytes_are_waited_for_before_the_answer_counts_as_delivered(tmp_path):
    async with watching(tmp_path) as (viewer, _, reader, _w):
        await fill(viewer)
        ended = asyncio.create_task(viewer.finish(proper=True))
        await asyncio.sleep(0.1)
        assert not ended.done()
        await read_all(reader)
        assert await asyncio.wait_for(ended, 2)


async def test_answer_that_cannot_end_properly_is_not_delivered(tmp_path):
    async with watching(tmp_path) as (viewer, _, reader, _w):
        viewer.write(b"half")
        assert not await viewer.finish(proper=False)
        assert await read_all(reader) == b"half"


async def test_caller_who_hangs_up_while_we_wait_is_noticed(tmp_path):
    async with watching(tmp_path) as (viewer, _, _r, writer):
        await fill(viewer)
        waiting = asyncio.create_task(viewer.ready())
        await asyncio.sleep(0.05)
        writer.transport.abort()
        await asyncio.wait_for(waiting, 1)
        assert viewer.left
        assert not await viewer.finish(proper=True)


async def test_file_of_a_lagging_caller_is_bounded(tmp_path):
    async with watching(tmp_path, lag_s=0.1, limit=10 * len(PIECE)) as (viewer, _, _r, _w):
        await fill(viewer)
        await viewer.ready()
        for _ in range(10):
            viewer.write(PIECE)
        with pytest.raises(Full):
            viewer.write(PIECE)
