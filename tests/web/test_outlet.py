"""The caller's connection: direct writes, back-pressure, leaving, and connections that are used again."""

import asyncio
import contextlib

import pytest

from darkroom.web.outlet import EXTENSION, HIGH_BYTES, Protocol
from darkroom.web.server import serving

pytestmark = pytest.mark.anyio
GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


@contextlib.asynccontextmanager
async def server(answer):
    """A server whose every request is answered by `answer(outlet)`; gives a function that connects to it."""

    async def app(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        await answer(scope["extensions"][EXTENSION])

    async with serving(app, "127.0.0.1", 0, http=Protocol) as running:
        yield lambda **more: asyncio.open_connection("127.0.0.1", running.port, **more)


async def head(reader):
    return (await reader.readuntil(b"\r\n\r\n")).decode()


async def chunks(reader):
    out = []
    while size := int(await reader.readline(), 16):
        out.append(await reader.readexactly(size))
        assert await reader.readline() == b"\r\n"
    assert await reader.readline() == b"\r\n"
    return out


async def test_pieces_leave_as_chunks_and_the_connection_serves_the_next_request():
    async def answer(outlet):
        outlet.start(200, [(b"content-type", b"text/plain")])
        outlet.write(b"one")
        outlet.write(b"")
        outlet.write(b"two")
        outlet.push()
        outlet.finish()

    async with server(answer) as connect:
        reader, writer = await connect()
        for _ in range(3):
            writer.write(GET)
            text = await head(reader)
            assert text.startswith("HTTP/1.1 200 OK\r\n")
            assert "content-type: text/plain" in text
            assert await chunks(reader) == [b"one", b"two"]
        writer.close()


async def test_body_of_known_length_has_no_chunks():
    async def answer(outlet):
        outlet.start(404, [], length=5)
        outlet.write(b"hello")
        outlet.finish()

    async with server(answer) as connect:
        reader, writer = await connect()
        writer.write(GET * 2)
        for _ in range(2):
            text = await head(reader)
            assert "content-length: 5" in text
            assert "transfer-encoding" not in text
            assert await reader.readexactly(5) == b"hello"
        writer.close()


async def test_http_1_0_gets_no_chunks_and_the_end_of_the_connection():
    async def answer(outlet):
        outlet.start(200, [])
        outlet.write(b"hello")
        outlet.finish()

    async with server(answer) as connect:
        reader, writer = await connect()
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        text = await head(reader)
        assert "transfer-encoding" not in text
        assert "connection: close" in text
        assert await reader.read() == b"hello"
        writer.close()


async def test_aborted_answer_ends_without_its_last_chunk():
    async def answer(outlet):
        outlet.start(200, [])
        outlet.write(b"half")
        outlet.abort()

    async with server(answer) as connect:
        reader, writer = await connect()
        writer.write(GET)
        await head(reader)
        assert await reader.read() == b"4\r\nhalf\r\n"
        writer.close()


async def test_dropped_answer_closes_at_once_and_forgets_what_waits():
    dropped = asyncio.Event()

    async def answer(outlet):
        outlet.start(200, [])
        while not outlet.paused:
            outlet.write(b"x" * 65536)
            outlet.push()
        outlet.drop()
        await asyncio.sleep(0)
        assert outlet.buffered == 0
        dropped.set()

    async with server(answer) as connect:
        reader, writer = await connect(limit=1024)
        writer.write(GET)
        await asyncio.wait_for(dropped.wait(), 2)
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(65536):
                assert not piece.endswith(b"0\r\n\r\n")
        writer.close()


async def test_slow_reader_pauses_the_outlet_and_draining_resumes_it():
    seen = {}
    done = asyncio.Event()

    async def answer(outlet):
        outlet.start(200, [])
        while not outlet.paused:
            outlet.write(b"x" * 65536)
            outlet.push()
        seen["buffered"] = outlet.buffered
        await outlet.drain(0.05)
        seen["still"] = outlet.paused
        done.set()
        await outlet.drain(10)
        seen["after"] = outlet.paused, outlet.buffered
        outlet.finish()

    async with server(answer) as connect:
        reader, writer = await connect(limit=1024)
        writer.write(GET)
        await done.wait()
        assert seen["still"]
        assert seen["buffered"] <= HIGH_BYTES + 2 * 65536
        while not reader.at_eof():
            if (await reader.read(1 << 20)).endswith(b"0\r\n\r\n"):
                break
        assert seen["after"] == (False, 0)
        writer.close()


async def test_caller_who_leaves_is_noticed_at_once():
    left = asyncio.Event()
    state = {}

    async def answer(outlet):
        state["outlet"] = outlet
        outlet.on_gone = left.set
        outlet.start(200, [])
        outlet.push()
        await left.wait()
        outlet.write(b"nobody reads this")
        outlet.push()
        outlet.abort()

    async with server(answer) as connect:
        reader, writer = await connect()
        writer.write(GET)
        await head(reader)
        writer.close()
        await asyncio.wait_for(left.wait(), 1)
        assert state["outlet"].gone
        assert not state["outlet"].paused
        assert state["outlet"].buffered == 0


async def test_leaving_wakes_a_drain():
    woken = asyncio.Event()

    async def answer(outlet):
        outlet.start(200, [])
        while not outlet.paused:
            outlet.write(b"x" * 65536)
            outlet.push()
        await outlet.drain(30)
        woken.set()
        outlet.abort()

    async with server(answer) as connect:
        reader, writer = await connect(limit=1024)
        writer.write(GET)
        await head(reader)
        writer.transport.abort()
        await asyncio.wait_for(woken.wait(), 2)


async def test_leaving_after_the_end_is_nobodys_business():
    calls = []

    async def answer(outlet):
        outlet.on_gone = lambda: calls.append(outlet)
        outlet.start(200, [], length=2)
        outlet.write(b"ok")
        outlet.finish()

    async with server(answer) as connect:
        reader, writer = await connect()
        writer.write(GET)
        await head(reader)
        await reader.readexactly(2)
        writer.close()
        await asyncio.sleep(0.1)
        assert calls == []


async def test_expectation_of_100_continue_is_answered_only_when_the_body_is_wanted():
    async def answer(outlet):
        outlet.start(401, [], length=0)
        outlet.finish()

    async def app(scope, receive, send):
        await answer(scope["extensions"][EXTENSION])

    async with serving(app, "127.0.0.1", 0, http=Protocol) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 10\r\n\r\n")
        assert (await head(reader)).startswith("HTTP/1.1 401")
        writer.close()


async def test_waiting_tells_of_the_few_bytes_that_a_slow_caller_takes():
    """The kernel asks for more only when much has left; until then `buffered` stands still."""
    seen = {}
    full, taken = asyncio.Event(), asyncio.Event()

    async def answer(outlet):
        outlet.start(200, [])
        while not outlet.paused:
            outlet.write(bytes(65536))
            outlet.push()
            await asyncio.sleep(0)
        seen["full"] = outlet.waiting
        assert outlet.waiting > outlet.buffered > 0
        full.set()
        await taken.wait()
        async with asyncio.timeout(10):
            while outlet.waiting == seen["full"]:
                await asyncio.sleep(0.01)
        seen["later"] = outlet.waiting
        outlet.abort()

    async with server(answer) as connect:
        reader, writer = await connect(limit=1024)
        writer.write(GET)
        await full.wait()
        for _ in range(16):
            await reader.readexactly(65536)
        taken.set()
        async with asyncio.timeout(10):
            while "later" not in seen:
                await reader.read(1024)
        writer.close()
    assert seen["later"] < seen["full"]
