"""One attempt at one channel: what is sent, what is read, which connections serve again, and what is never repeated."""

import asyncio
import contextlib
import gzip

import pytest

from darkroom.channels.catalog import Channel
from darkroom.channels.upstream import FilePart, Upstreams
from darkroom.errors import Internal, Lost, TimedOut
from darkroom.wire.stages import Stage
from tests.relaying import channel, upstream

pytestmark = pytest.mark.anyio


@contextlib.asynccontextmanager
async def calling(*plays, **fields):
    """Upstreams towards one that plays; gives it and a function that sends one request."""
    pool = Upstreams(idle_s=fields.pop("idle_s", 55.0))
    async with upstream(*plays) as up:
        to = channel(up, **fields)

        async def call(body=(b"{}",), **more):
            return await pool.open(to, b"POST", b"/responses", (), body, **{"deadline_s": 5, **more})

        try:
            yield up, call
        finally:
            await pool.close()


async def read(answer, timeout_s=5.0):
    out = b""
    while piece := await answer.read(timeout_s):
        out += piece
    return out


def whole(body=b"hello", more=""):
    async def play(heard):
        await heard.whole("200 OK", "text/plain", body, more)

    return play


async def hang(heard):
    await heard.left()


async def test_request_is_sent_with_its_parts_and_its_answer_read_to_its_end(tmp_path):
    (tmp_path / "picture").write_bytes(b"P" * 500_000)
    stages = []
    async with calling(whole()) as (up, call):
        answer = await call((b"{", FilePart(tmp_path / "picture", 0, 500_000), b"}"), mark=stages.append)
        assert await read(answer) == b"hello"
        assert (answer.status, answer.received, answer.reused) == (200, 5, False)
        assert up.heard[0].body == b"{" + b"P" * 500_000 + b"}"
        assert up.heard[0].head.startswith("POST /v1/responses HTTP/1.1\r\n")
        assert "authorization: Bearer sk-upstream-secret" in up.heard[0].head
    assert stages == [Stage.CONNECTED, Stage.SENT, Stage.HEADERS]


async def test_request_without_a_body_has_no_length():
    async with calling(whole()) as (up, call):
        await read(await call(None))
        assert "content-length" not in up.heard[0].head.lower()


@pytest.mark.parametrize(
    ("more", "reused"),
    [("", True), ("connection: close\r\n", False), ("keep-alive: timeout=1\r\n", False),
     ("keep-alive: timeout=60\r\n", True)],
)  # fmt: skip
async def test_connection_serves_again_unless_the_upstream_says_no(more, reused):
    async with calling(whole(more=more)) as (_, call):
        await read(await call())
        assert (await call()).reused is reused


async def test_connection_is_not_used_again_after_an_answer_that_was_left_in_the_middle():
    async def half(heard):
        await heard.begin()
        await heard.say(b"half")
        await heard.left()

    async with calling(half) as (up, call):
        (await call()).close()
        assert not (await call()).reused
        assert up.closed == 1, "the upstream was hung up on"


@pytest.mark.parametrize("end", [True, False])
async def test_released_answer_keeps_its_connection_if_its_end_comes_soon(end):
    more = asyncio.Event()

    async def play(heard):
        await heard.begin()
        await heard.say(b"nearly")
        await more.wait()
        if end:
            await heard.end()
        else:
            heard.writer.close()

    async with calling(play, whole()) as (_, call):
        answer = await call()
        await answer.read(5)
        answer.release()
        more.set()
        await asyncio.sleep(0.1)
        again = await call()
        assert again.reused is end
        assert await read(again) == b"hello"


async def test_connection_that_was_idle_for_too_long_is_not_used():
    async with calling(whole(), idle_s=0.05) as (_, call):
        await read(await call())
        await asyncio.sleep(0.1)
        assert not (await call()).reused


async def test_request_is_repeated_once_where_an_old_connection_was_closed_before_it_could_be_heard():
    async def last(heard):
        await heard.whole("200 OK", "text/plain", b"one")
        heard.writer.close()

    async with calling(last, whole(b"two")) as (up, call):
        answer = await call()
        while (piece := await answer.read(5)) != b"one":
            assert piece
        # Nobody waits in between, so that the end of the connection is not yet known here.
        again = await call()
        assert await read(again) == b"two"
        assert len(up.heard) == 2


async def test_request_that_may_have_been_heard_is_never_sent_again():
    async def take(heard):
        heard.writer.close()

    async with calling(whole(), take, whole()) as (up, call):
        await read(await call())
        with pytest.raises(Lost, match="before it answered"):
            await call()
        assert len(up.heard) == 2


async def test_request_on_a_new_connection_is_never_sent_again():
    async def take(heard):
        heard.writer.close()

    async with calling(take, whole()) as (up, call):
        with pytest.raises(Lost):
            await call()
        assert len(up.heard) == 1


@contextlib.asynccontextmanager
async def talking(talk):
    """Upstreams, and a channel to a server that does exactly what `talk` does with a connection."""
    writers = []

    async def keep(reader, writer):
        writers.append(writer)
        await talk(reader, writer)

    server = await asyncio.start_server(keep, "127.0.0.1", 0)
    pool = Upstreams()
    port = server.sockets[0].getsockname()[1]
    try:
        yield pool, Channel(name="up", base_url=f"http://127.0.0.1:{port}", api_key="")
    finally:
        await pool.close()
        for writer in writers:
            writer.transport.abort()
        server.close()
        await asyncio.sleep(0.01)


async def test_upstream_that_says_no_early_is_not_sent_the_rest():
    async def refuse(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig")
        writer.transport.pause_reading()

    async with talking(refuse) as (pool, to):
        answer = await pool.open(to, b"POST", b"/x", (), [b"x" * 50_000_000], deadline_s=5)
        assert answer.status == 413
        assert await read(answer) == b"big"


@pytest.mark.parametrize("size", [2, 50_000_000])
async def test_deadline_runs_while_the_upstream_neither_takes_nor_answers(size):
    async def deaf(_, writer):
        writer.transport.pause_reading()

    async with talking(deaf) as (pool, to):
        with pytest.raises(TimeoutError):
            await pool.open(to, b"POST", b"/x", (), [b"x" * size], deadline_s=0.1)


async def test_upstream_that_is_not_there_is_lost_and_one_that_does_not_connect_is_late():
    pool = Upstreams()
    with pytest.raises(Lost):
        await pool.open(
            Channel(name="no", base_url="http://127.0.0.1:9/v1", api_key=""), b"GET", b"/models", deadline_s=5
        )
    async with upstream(hang) as up:
        silent = channel(up, base_url=f"https://127.0.0.1:{up.port}/v1", connect_s=0.1)
        with pytest.raises(TimedOut):
            await pool.open(silent, b"GET", b"/models", deadline_s=5)
    await pool.close()


async def test_read_that_ran_out_of_time_can_be_read_on():
    go = asyncio.Event()

    async def play(heard):
        await heard.begin()
        await go.wait()
        await heard.say(b"late")
        await heard.end()

    async with calling(play) as (_, call):
        answer = await call()
        with pytest.raises(TimeoutError):
            await answer.read(0.05)
        go.set()
        assert await read(answer) == b"late"


async def test_answer_that_is_cut_gives_what_came_and_then_its_fault():
    async def play(heard):
        await heard.begin()
        await heard.say(b"half")
        heard.writer.close()

    async with calling(play) as (_, call):
        answer = await call()
        assert await answer.read(5) == b"half"
        with pytest.raises(Lost, match="cut off"):
            await answer.read(5)


@pytest.mark.parametrize("cut", [0, 9])
async def test_compressed_answer_is_undone_and_a_cut_one_is_a_fault(cut):
    text = b"data: x\n\n" * 200_000
    packed = gzip.compress(text)
    async with calling(whole(packed[: len(packed) - cut], "content-encoding: gzip\r\n")) as (_, call):
        answer = await call()
        if not cut:
            assert await read(answer) == text
            assert answer.received == len(packed)
        else:
            with pytest.raises(Lost, match="cut off"):
                await read(answer)


@pytest.mark.parametrize("coding", ["br", "gzip"])
async def test_answer_whose_coding_cannot_be_undone_is_a_fault(coding):
    async with calling(whole(b"not packed at all", f"content-encoding: {coding}\r\n")) as (_, call):
        with pytest.raises(Lost, match="cannot be read"):
            await read(await call())


async def test_slow_taker_slows_the_upstream():
    sent = 0

    async def flood(heard):
        nonlocal sent
        await heard.begin()
        while True:
            await heard.say(b"x" * 65536)
            sent += 65536

    async with calling(flood) as (_, call):
        answer = await call()
        answer.read_size(8192)
        held, before = 0, -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.1)
        await answer.read(5)
        for _ in range(5):
            held = max(held, len(await answer.read(5)))
        assert held < 2 * 8192
        assert sent < 64_000_000
        answer.close()


async def test_body_whose_file_is_gone_leaves_no_connection_behind():
    async with calling(whole()) as (_, call):
        with pytest.raises(Internal):
            await call((b"{", FilePart("/nowhere", 0, 10), b"}"))
        assert not (await call()).reused


async def test_close_ends_the_answers_that_are_being_read():
    async def play(heard):
        await heard.begin()
        await heard.left()

    pool = Upstreams()
    async with upstream(play) as up:
        answer = await pool.open(channel(up), b"POST", b"/responses", (), [b"{}"], deadline_s=5)
        reading = asyncio.create_task(answer.read(30))
        await asyncio.sleep(0)
        await pool.close()
        with pytest.raises(Lost):
            await asyncio.wait_for(reading, 5)
