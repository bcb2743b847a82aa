"""The way to one client: bytes in pieces and at a pace, cut or reset where the script says, and knowing when it left.

The law of this file: whoever waits here is woken at once when the client leaves; `Over` then ends the answer.
"""

import asyncio
import contextlib
import socket
import struct
import zlib
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

from darkroom.sandbox.scenario import Scenario

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PIECE = 65_536
HUGE = 8_000_000
EDGE = 400
"""Bytes at both ends of a frame that the modes `bytes` and `tiny` send in the smallest pieces."""


class Over(Exception):
    """The answer has ended: it was cut, or the client has left."""


class Line:
    """One answer's way out."""

    def __init__(self, receive: Receive, send: Send, scenario: Scenario) -> None:
        self._receive = receive
        self._send = send
        self._scenario = scenario
        self._watch = asyncio.get_running_loop().create_task(self._leave())
        self._gzip = zlib.compressobj(wbits=31) if scenario.encoding == "gzip" else None
        self._held = bytearray()
        self._sent = 0
        self._since = 0.0
        self.started = False

    @property
    def left(self) -> bool:
        """Whether the client has left."""
        return self._watch.done()

    async def start(self, status: int, headers: list[tuple[str, str]]) -> None:
        """Sends status and headers."""
        if self._gzip is not None:
            headers = [(name, value) for name, value in headers if name != "content-length"]
            headers.append(("content-encoding", "gzip"))
        pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self.started = True
        self._since = asyncio.get_running_loop().time()
        await self._send({"type": "http.response.start", "status": status, "headers": pairs})

    async def write(self, content: bytes) -> None:
        """Sends bytes in the pieces and at the pace of the scenario."""
        for piece in self._pieces(content):
            await self._put(piece)
            if self._scenario.rate_bytes_s:
                due = self._since + self._sent / self._scenario.rate_bytes_s
                await self.wait(due - asyncio.get_running_loop().time())

    async def finish(self) -> None:
        """Ends the answer properly."""
        await self.flush()
        last = self._gzip.flush() if self._gzip else b""
        await self._send({"type": "http.response.body", "body": last, "more_body": False})

    async def flush(self) -> None:
        """Sends what the mode `huge` has held back."""
        held, self._held = bytes(self._held), bytearray()
        if held:
            await self._put(held)

    async def wait(self, seconds: float) -> None:
        """That many seconds; raises `Over` as soon as the client leaves."""
        if seconds > 0:
            await asyncio.wait({self._watch}, timeout=seconds)
        if self.left:
            raise Over

    async def until(self, future: "asyncio.Future[Any]", seconds: float) -> bool:
        """Whether something is done within the time; raises `Over` as soon as the client leaves."""
        await asyncio.wait({self._watch, future}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if self.left:
            raise Over
        return future.done()

    async def cut(self, reset: bool = False) -> None:
        """Closes the connection in the middle of things, with FIN or with RST. Always raises `Over`."""
        await self.flush()
        transport = getattr(getattr(self._receive, "__self__", None), "transport", None)
        if transport is not None:
            if reset:
                await self._drained(transport)
                with contextlib.suppress(OSError, AttributeError):
                    linger = struct.pack("ii", 1, 0)
                    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                transport.abort()
            else:
                transport.close()
            # Without this the server would complain about an answer that was not completed.
            await asyncio.wait({self._watch}, timeout=5)
        raise Over

    async def close(self) -> None:
        """Stops watching the client."""
        self._watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._watch

    async def _drained(self, transport: Any) -> None:
        """What was written has left: a reset would throw it away."""
        for _ in range(500):
            if not transport.get_write_buffer_size():
                return
            await self.wait(0.01)

    async def _put(self, piece: bytes) -> None:
        if self.left:
            raise Over
        self._sent += len(piece)
        if self._gzip is not None:
            piece = self._gzip.compress(piece) + self._gzip.flush(zlib.Z_SYNC_FLUSH)
        await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    def _pieces(self, content: bytes) -> Iterator[bytes]:
        mode, most = self._scenario.chunks, self._scenario.chunk_bytes
        rate = self._scenario.rate_bytes_s
        if mode == "huge":
            self._held += content
            if len(self._held) < HUGE:
                return
            content, self._held = bytes(self._held), bytearray()
            most = most or len(content)
        if mode in ("bytes", "tiny") and most is None:
            small, middle = (1, 997) if mode == "bytes" else (7, 1399)
            end = max(EDGE, len(content) - EDGE)
            yield from _cut(content[:EDGE], small)
            yield from _cut(content[EDGE:end], middle)
            yield from _cut(content[end:], small)
        else:
            # At a slow pace a piece is a tenth of a second's bytes.
            yield from _cut(content, most or min(PIECE, max(1, rate // 10) if rate else PIECE))

    async def _leave(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return


def _cut(content: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]
