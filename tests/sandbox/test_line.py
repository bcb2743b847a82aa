"""The way to one client, at the border of ASGI: pieces, pace, compression, and that a client who leaves is noticed."""

import asyncio
import zlib

import pytest

from darkroom.sandbox.line import EDGE, HUGE, PIECE, Line, Over
from darkroom.sandbox.scenario import read_scenario

pytestmark = pytest.mark.anyio
CONTENT = bytes(range(256)) * 40


class Client:
    """The other end: remembers what it got, and leaves when it is told to."""

    def __init__(self):
        self.messages = []
        self.leaves = asyncio.Event()

    async def receive(self):
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        self.messages.append(message)

    @property
    def pieces(self):
        return [message["body"] for message in self.messages if message["type"] == "http.response.body"]


async def told(scenario, *contents):
    """What a client gets of these writes."""
    client = Client()
    line = Line(client.receive, client.send, read_scenario(scenario))
    await line.start(200, [("content-type", "text/plain"), ("content-length", "5")])
    for content in contents:
        await line.write(content)
    await line.finish()
    await line.close()
    return client


async def test_answer_is_a_start_pieces_and_an_end():
    client = await told("", b"hello", b"world")
    start, *bodies = client.messages
    assert (start["type"], start["status"]) == ("http.response.start", 200)
    assert start["headers"] == [(b"content-type", b"text/plain"), (b"content-length", b"5")]
    assert [(body["body"], body["more_body"]) for body in bodies] == [
        (b"hello", True),
        (b"world", True),
        (b"", False),
    ]


@pytest.mark.parametrize(
    "scenario",
    [
        "",
        "chunks=tiny",
        "chunks=bytes",
        "chunks=huge",
        "chunk_bytes=7",
        "chunks=huge, chunk_bytes=1000",
        "rate_bytes_s=100000000",
    ],
)
async def test_pieces_together_are_the_content(scenario):
    for content in (CONTENT, b"x", b"", CONTENT[: EDGE * 2], CONTENT[: EDGE * 2 + 1], CONTENT[: EDGE + 1]):
        assert b"".join((await told(scenario, content)).pieces) == content


async def test_size_of_the_pieces():
    async def sizes(scenario, content=CONTENT):
        return [len(piece) for piece in (await told(scenario, content)).pieces[:-1]]

    assert await sizes("", bytes(PIECE + 5)) == [PIECE, 5]
    assert await sizes("chunk_bytes=1000", bytes(2500)) == [1000, 1000, 500]
    single = await sizes("chunks=bytes")
    assert single[:EDGE] == single[-EDGE:] == [1] * EDGE
    assert set(single[EDGE : -EDGE - 1]) == {997}
    tiny = await sizes("chunks=tiny")
    assert tiny[:50] == [7] * 50
    assert max(tiny) == 1399


async def test_huge_pieces_are_held_back_until_there_is_enough_or_the_end():
    client = await told("chunks=huge", *[CONTENT] * 20)
    assert [len(piece) for piece in client.pieces] == [20 * len(CONTENT), 0]
    client = await told("chunks=huge", bytes(HUGE - 1), b"xy", b"z")
    assert [len(piece) for piece in client.pieces] == [HUGE + 1, 1, 0]


async def test_pace_is_a_tenth_of_a_second_a_piece():
    client = await told("rate_bytes_s=1000000", bytes(250_000))
    assert [len(piece) for piece in client.pieces] == [PIECE] * 3 + [250_000 - 3 * PIECE, 0]
    client = await told("rate_bytes_s=10000", bytes(2500))
    assert [len(piece) for piece in client.pieces] == [1000, 1000, 500, 0]


async def test_compressed_answer_says_so_and_each_piece_can_be_read_at_once():
    client = await told("encoding=gzip", b"hello " * 100, CONTENT)
    assert dict(client.messages[0]["headers"]) == {
        b"content-type": b"text/plain",
        b"content-encoding": b"gzip",
    }
    unpack = zlib.decompressobj(wbits=31)
    assert unpack.decompress(client.pieces[0]) == b"hello " * 100
    assert unpack.decompress(b"".join(client.pieces[1:])) == CONTENT
    assert unpack.eof


async def test_whoever_waits_is_woken_when_the_client_leaves():
    client = Client()
    line = Line(client.receive, client.send, read_scenario(""))
    asyncio.get_running_loop().call_later(0.01, client.leaves.set)
    with pytest.raises(Over):
        await line.wait(3600)
    assert line.left
    for call in (
        line.wait(0),
        line.write(b"x"),
        line.until(asyncio.get_running_loop().create_future(), 3600),
    ):
        with pytest.raises(Over):
            await call
    assert client.pieces == []
    await line.close()


async def test_client_who_leaves_while_a_picture_is_drawn_ends_the_waiting():
    client = Client()
    line = Line(client.receive, client.send, read_scenario(""))
    never = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.01, client.leaves.set)
    with pytest.raises(Over):
        await line.until(never, 3600)
    await line.close()


async def test_waiting_for_something_says_whether_it_is_done():
    client = Client()
    line = Line(client.receive, client.send, read_scenario(""))
    future = asyncio.get_running_loop().create_future()
    assert await line.until(future, 0.001) is False
    future.set_result(1)
    assert await line.until(future, 3600) is True
    await line.close()


async def test_cut_is_over_even_where_there_is_no_connection_to_close():
    client = Client()
    line = Line(client.receive, client.send, read_scenario("chunks=huge"))
    await line.start(200, [])
    await line.write(b"held back")
    with pytest.raises(Over):
        await line.cut()
    assert client.pieces == [b"held back"], "what was said before the cut has been sent"
    await line.close()
