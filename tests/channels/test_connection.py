"""One socket to an upstream: read only as fast as somebody takes, idle ones watched, every end noticed."""

import asyncio
import contextlib
import socket

import pytest

from darkroom.channels.address import read_address
from darkroom.channels.connection import LEAST_READ_BYTES, READ_BYTES, Buffer
from darkroom.channels.dial import dial
from darkroom.channels.http1 import Reader

pytestmark = pytest.mark.anyio
OK = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n"


class Peer:
    """The upstream's end of a connection, a plain socket that does exactly what a test says."""

    def __init__(self, sock):
        self.sock = sock

    def send(self, data):
        self.sock.sendall(data)

    def close(self):
        self.sock.close()

    def fill(self, limit):
        """Send until nothing more is taken, at most `limit` bytes; how many were."""
        self.sock.setblocking(False)
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while sent < limit:
                sent += self.sock.send(b"x" * min(65536, limit - sent))
        return sent


@contextlib.asynccontextmanager
async def pair():
    """A connection and its peer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        connection = await dial(read_address(url), Buffer(), None, 5, "up")
        peer = Peer(listener.accept()[0])
    try:
        yield connection, peer
    finally:
        connection.abort()
        peer.close()
        await asyncio.sleep(0)


async def until(connection, check):
    """Wait on the connection until `check` holds."""
    deadline = connection.time() + 5
    while not check():
        await connection.wait(deadline)


async def test_answer_is_read_into_the_reader():
    async with pair() as (connection, peer):
        reader = Reader()
        connection.begin(reader, watch=False)
        connection.write(b"GET / HTTP/1.1\r\n\r\n")
        assert peer.sock.recv(100) == b"GET / HTTP/1.1\r\n\r\n"
        peer.send(OK % 5 + b"hello")
        await until(connection, lambda: reader.ended)
        assert (reader.status, reader.take()) == (200, b"hello")


@pytest.mark.parametrize("size", [LEAST_READ_BYTES, 32 * 1024, READ_BYTES])
async def test_nothing_is_read_that_nobody_takes(size):
    async with pair() as (connection, peer):
        reader = Reader()
        connection.begin(reader, watch=False)
        connection.read_size(size)
        peer.send(OK % (1 << 30))
        sent = 0
        for _ in range(50):
            sent += peer.fill((1 << 26) - sent)
            await asyncio.sleep(0.002)
        assert sent < 1 << 26, "the upstream was slowed"
        assert size <= reader.unread < 2 * size
        taken = len(reader.take())
        connection.taken()
        await until(connection, lambda: reader.unread >= size)
        assert reader.unread < 2 * size
        assert taken + reader.unread == reader.received


@pytest.mark.parametrize(("asked", "given"), [(1, LEAST_READ_BYTES), (1 << 30, READ_BYTES), (8192, 8192)])
async def test_read_size_stays_within_its_bounds(asked, given):
    async with pair() as (connection, _):
        connection.read_size(asked)
        assert len(connection.get_buffer(-1)) == given


async def test_wait_ends_in_time_and_the_connection_goes_on():
    async with pair() as (connection, peer):
        reader = Reader()
        connection.begin(reader, watch=False)
        with pytest.raises(TimeoutError):
            await connection.wait(connection.time() + 0.02)
        peer.send(OK % 0)
        await until(connection, lambda: reader.ended)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 408 Request Timeout\r\n\r\n"])
async def test_idle_connection_is_closed_when_the_upstream_closes_it_or_speaks_unasked(said):
    async with pair() as (connection, peer):
        connection.idle(connection.time())
        peer.send(said)
        if not said:
            peer.close()
        async with asyncio.timeout(5):
            while not connection.closed:
                await asyncio.sleep(0.001)


async def test_connection_closed_before_it_took_a_byte_of_the_request_is_unheard():
    async with pair() as (connection, peer):
        peer.close()
        reader = Reader()
        connection.begin(reader, watch=True)
        connection.write(b"POST / HTTP/1.1\r\n\r\n")
        await until(connection, lambda: connection.closed)
        assert connection.unheard
        assert "before it answered" in reader.fault.message


@pytest.mark.parametrize("watch", [True, False])
async def test_connection_closed_after_it_took_the_request_was_heard(watch):
    async with pair() as (connection, peer):
        reader = Reader()
        connection.begin(reader, watch=watch)
        connection.write(b"POST / HTTP/1.1\r\n\r\n")
        assert peer.sock.recv(100)
        peer.close()
        await until(connection, lambda: connection.closed)
        assert not connection.unheard
        assert reader.fault is not None


async def test_connection_that_breaks_in_an_answer_is_a_fault_after_what_was_right():
    async with pair() as (connection, peer):
        reader = Reader()
        connection.begin(reader, watch=True)
        peer.send(OK % 10 + b"hello")
        peer.close()
        await until(connection, lambda: connection.closed)
        assert reader.take() == b"hello"
        assert "cut off" in reader.fault.message


async def test_bytes_that_are_no_http_close_the_connection():
    async with pair() as (connection, peer):
        reader = Reader()
        connection.begin(reader, watch=False)
        peer.send(b"SSH-2.0\r\n")
        await until(connection, lambda: connection.closed)
        assert "not valid HTTP" in reader.fault.message


async def test_writer_is_told_to_wait_and_when_to_go_on():
    async with pair() as (connection, peer):
        connection.begin(Reader(), watch=False)
        written = 0
        while connection.writable:
            connection.write(b"x" * 65536)
            written += 65536
        assert connection.unsent > 0
        took = 0
        while took < written:
            took += len(await asyncio.to_thread(peer.sock.recv, 1 << 20))
        await until(connection, lambda: connection.writable)
        assert connection.unsent == 0
        connection.abort()
        connection.write(b"more")
        assert connection.unsent == 0


@pytest.mark.parametrize("end", ["answer", "connection", "time"])
async def test_settle_calls_when_the_answer_has_ended_or_the_connection_or_the_time(end):
    async with pair() as (connection, peer):
        reader, settled = Reader(), asyncio.Event()
        connection.begin(reader, watch=False)
        peer.send(OK % 10 + b"hello")
        await until(connection, lambda: reader.received)
        connection.settle(0.05 if end == "time" else 60, settled.set)
        if end == "answer":
            peer.send(b"world")
        elif end == "connection":
            peer.close()
        await asyncio.wait_for(settled.wait(), 5)
        assert reader.ended is (end == "answer")
