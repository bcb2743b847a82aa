"""One socket to an upstream: its bytes go to a `Reader`, and it is read only as fast as somebody takes them.

Counterpart of `upstream`, which decides what is sent and when a connection is used again.
Law: what has been read and not been taken is less than two reads (see `read_size`); nothing here waits but `wait`.
"""

import asyncio
import mmap
import socket
import struct
from collections.abc import Callable
from typing import cast

from darkroom.channels.http1 import Reader

READ_BYTES = 256 * 1024
"""The largest read, and the default."""
LEAST_READ_BYTES = 4 * 1024
WRITE_HIGH_BYTES = 64 * 1024
"""What may wait to be written before the sender has to wait."""

# Where a read goes inside its page: see docs/decisions/0005. Some processors copy twenty times more slowly when the
# target lies a few bytes behind the source, counted within a page, and the bytes of many a server start a page.
_OFFSET = 128
_LESSON_BYTES = 8 * 1024 * 1024
_BYTES_ACKED = 120
"""Where `struct tcp_info` (linux/tcp.h, since 4.2) has tcpi_bytes_acked, 64 bits."""


class Buffer:
    """What the sockets of one event loop are read into, one after the other: each read is parsed before the next."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, READ_BYTES + mmap.PAGESIZE)
        self._view = memoryview(self._memory)[_OFFSET : _OFFSET + READ_BYTES]
        # One large block, made and freed, teaches glibc to keep freed memory of that order for the next piece
        # instead of giving it back, which costs a page fault for every 4 KB of every piece. Elsewhere it does nothing.
        bytes(_LESSON_BYTES)

    def first(self, size: int) -> memoryview:
        """The first `size` bytes."""
        return self._view[:size]


class Connection(asyncio.BufferedProtocol):
    """A connection that serves one request at a time: `begin`, `write`…, `wait`…; then `begin` again, or `abort`."""

    def __init__(self, buffer: Buffer, sock: socket.socket) -> None:
        self.reader: Reader | None = None
        """The answer that is awaited; None while the connection is idle."""
        self.writable = True
        """Nothing hinders from writing more."""
        self.closed = False
        self.unheard = False
        """The upstream closed the connection without having received one byte of the request (see `begin`)."""
        self.idle_since = 0.0
        """Loop time; set by the pool."""
        self.born = 0.0
        """Loop time; set by the pool."""
        self._buffer = buffer
        self._socket = sock
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._size = READ_BYTES
        self._view = buffer.first(READ_BYTES)
        self._paused = False
        self._acked = -1
        self._settle: Callable[[], None] | None = None

    # used by the pool and by answers

    def begin(self, reader: Reader, *, watch: bool) -> None:
        """Serve one request. `watch`: the connection is used again, so note whether the request is ever received."""
        self.reader = reader
        self.read_size(READ_BYTES)
        self._acked = self._bytes_acked() if watch else -1

    def write(self, piece: bytes | memoryview) -> None:
        """Send, or keep until it can be sent; look at `writable` before the next one."""
        if self._transport is not None and not self.closed:
            self._transport.write(piece)

    @property
    def unsent(self) -> int:
        """Bytes that were written and have not left yet."""
        return (
            self._transport.get_write_buffer_size() if self._transport is not None and not self.closed else 0
        )

    def read_size(self, size: int) -> None:
        """The largest next read; what nobody has taken may be less than twice as much."""
        size = max(LEAST_READ_BYTES, min(READ_BYTES, size))
        if size != self._size:
            self._size, self._view = size, self._buffer.first(size)

    def taken(self) -> None:
        """What was read has been taken: read on."""
        if self._paused:
            self._paused = False
            if self._transport is not None and not self.closed:
                self._transport.resume_reading()

    def time(self) -> float:
        """Loop time."""
        return self._loop.time()

    async def wait(self, until: float) -> None:
        """Until anything happens: bytes, an end, room to write. TimeoutError at loop time `until`."""
        waiter = self._waiter = self._loop.create_future()
        timer = self._loop.call_at(until, _time_out, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiter = None

    def settle(self, seconds: float, done: Callable[[], None]) -> None:
        """Nobody takes what still comes: call `done` when the answer has ended, or the connection, or the time."""
        timer = self._loop.call_later(seconds, done)

        def settled() -> None:
            timer.cancel()
            done()

        self._settle = settled
        self.taken()

    def settled(self) -> None:
        """Forget `settle`."""
        self._settle = None

    def idle(self, now: float) -> None:
        """The answer has ended and was kept elsewhere: wait for the next request, and notice if the upstream closes."""
        self.reader = None
        self.idle_since = now
        self.taken()

    def abort(self) -> None:
        """Close now; what was not sent is dropped."""
        self.closed = True
        self._settle = None
        if self._transport is not None:
            self._transport.abort()

    # called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected (and, with TLS, the handshake is done)."""
        # uvloop's transports are none of asyncio's classes.
        transport = cast(asyncio.Transport, transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=WRITE_HIGH_BYTES)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next read goes."""
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes were read."""
        reader = self.reader
        if reader is None:
            # Nobody has asked: whatever it is, the next answer must not begin with it.
            self.abort()
            return
        reader.feed(self._view[:nbytes])
        if reader.fault is not None:
            self.abort()
        elif reader.unread >= self._size and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """The upstream will send nothing more; asyncio closes our side too."""
        reader = self.reader
        if reader is not None:
            if not reader.status and self._acked >= 0:
                self.unheard = self._bytes_acked() == self._acked
            reader.end()
        self.closed = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over, whoever ended it."""
        self.closed = True
        if self.reader is not None:
            self.reader.end(exc)
        self._wake()

    def pause_writing(self) -> None:
        """More waits to be written than WRITE_HIGH_BYTES."""
        self.writable = False

    def resume_writing(self) -> None:
        """There is room again."""
        self.writable = True
        self._wake()

    # private

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        if self._settle is not None:
            reader = self.reader
            if self.closed or reader is None or reader.ended:
                self._settle()

    def _bytes_acked(self) -> int:
        """Bytes that the upstream's machine has acknowledged on this connection so far; -1 where nobody can tell."""
        try:
            block = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_ACKED + 8)
            return int(struct.unpack_from("=Q", block, _BYTES_ACKED)[0])
        except (AttributeError, OSError, struct.error):
            return -1


def _time_out(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())
