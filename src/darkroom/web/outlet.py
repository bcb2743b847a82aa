"""The caller's connection as the exchange sees it: direct writes, back-pressure, and the moment he leaves.

ASGI's `send` copies every chunk and cannot tell when bytes have really left; this small subclass of uvicorn's
httptools protocol offers both through `scope["extensions"]["darkroom.outlet"]`. Counterpart of `gateway.viewer`.
"""

import asyncio
import contextlib
import fcntl
import sys
import termios
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

EXTENSION = "darkroom.outlet"
HIGH_BYTES = 64 * 1024
"""Bytes waiting for the caller's socket above which nothing more is read from the upstream."""


class Outlet:
    """Writes one answer. `write` collects, `push` hands over; nothing here waits but `drain`."""

    def __init__(self, protocol: "Protocol") -> None:
        self.gone = False
        """The caller's connection is closed."""
        self.started = False
        self.on_gone: Callable[[], None] | None = None
        self.cycle: RequestResponseCycle | None = None
        self._protocol = protocol
        self._parts: list[bytes] = []
        self._chunked = True
        self._finished = False
        self._waiter: asyncio.Future[None] | None = None
        self.sent = 0
        """Bytes of the answer's body handed over."""

    @property
    def paused(self) -> bool:
        """The caller takes less than he is given."""
        return not self.gone and self._protocol.flow.write_paused

    @property
    def buffered(self) -> int:
        """Bytes that wait for the caller's socket."""
        return 0 if self.gone else self._protocol.transport.get_write_buffer_size()

    @property
    def waiting(self) -> int:
        """Bytes that the caller has not taken: those of `buffered`, and those that the kernel still holds for him.

        The kernel takes more from us only after a good part of its buffer has left, which a caller who reads a few
        kilobytes a second needs minutes for.
        """
        held = 0
        with contextlib.suppress(OSError, ValueError, AttributeError):
            number = self._protocol.transport.get_extra_info("socket").fileno()
            held = int.from_bytes(fcntl.ioctl(number, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
        return self.buffered + held

    def start(self, status: int, headers: list[tuple[bytes, bytes]], length: int | None = None) -> None:
        """Status and headers; without a length the body goes in chunks, or to the close for HTTP/1.0."""
        cycle = self._cycle()
        self.started = cycle.response_started = True
        cycle.waiting_for_100_continue = False
        old = cycle.scope["http_version"] == "1.0"
        self._chunked = length is None and not old
        if old and length is None:
            cycle.keep_alive = False
        lines = [STATUS_LINE[status]]
        for name, value in [*self._protocol.server_state.default_headers, *headers]:
            lines += [name, b": ", value, b"\r\n"]
        if length is not None:
            lines.append(b"content-length: %d\r\n" % length)
        elif self._chunked:
            lines.append(b"transfer-encoding: chunked\r\n")
        if not cycle.keep_alive:
            lines.append(b"connection: close\r\n")
        lines.append(b"\r\n")
        self._parts.append(b"".join(lines))
        if not self.gone:
            self._protocol.transport.set_write_buffer_limits(high=HIGH_BYTES, low=0)

    def write(self, data: bytes) -> None:
        """A piece of the body; leaves with the next `push`."""
        if not data:
            return
        self.sent += len(data)
        if self._chunked:
            self._parts += (b"%x\r\n" % len(data), data, b"\r\n")
        else:
            self._parts.append(data)

    def push(self) -> None:
        """Hand over what has been written."""
        parts, self._parts = self._parts, []
        if parts and not self.gone:
            self._protocol.transport.writelines(parts)

    def finish(self) -> None:
        """The answer is complete; the connection may serve the next request."""
        cycle = self._cycle()
        self._finished = True
        if self._chunked:
            self._parts.append(b"0\r\n\r\n")
        if not self.gone:
            self._protocol.transport.set_write_buffer_limits(high=0, low=0)
        self.push()
        cycle.response_complete = True
        cycle.message_event.set()
        if not self.gone and not cycle.keep_alive:
            self._protocol.transport.close()
        cycle.on_response()

    def abort(self) -> None:
        """Close without the proper end, so that the caller sees that the answer is not whole."""
        cycle = self._cycle()
        self.push()
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        if not self.gone:
            self._protocol.transport.close()

    def drop(self) -> None:
        """Close at once; what waits is forgotten, so that a caller who takes nothing cannot hold it for ever."""
        self._parts = []
        self.abort()
        if not self.gone:
            self._protocol.transport.abort()

    async def drain(self, timeout_s: float) -> None:
        """Until the bytes that wait have left, the caller has left, or the time is over."""
        if self.gone or not self._protocol.flow.write_paused:
            return
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait([self._waiter], timeout=timeout_s)
        finally:
            self._waiter = None

    def wake(self) -> None:
        """Something that `drain` waits for has happened."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def lost(self, exc: Exception | None) -> None:
        """The connection is closed; without an error all that was written before has left."""
        cycle = self.cycle
        if self.gone or cycle is None:
            return
        self.gone = exc is not None or not self._finished
        self.wake()
        if self.on_gone is not None and not cycle.response_complete:
            self.on_gone()

    def _cycle(self) -> RequestResponseCycle:
        assert self.cycle is not None, "the request's headers are complete before its outlet is used"
        return self.cycle


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol with an `Outlet` in every request's scope."""

    _outlets: "list[Outlet]"

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A caller has connected."""
        self._outlets = []
        super().connection_made(transport)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        cast(dict[str, Any], self.scope)["extensions"] = {EXTENSION: Outlet(self)}

    def on_headers_complete(self) -> None:
        """A request's headers are complete: its answer has a cycle now."""
        super().on_headers_complete()
        outlet: Outlet = cast(dict[str, Any], self.scope)["extensions"][EXTENSION]
        outlet.cycle = self.cycle
        self._outlets = [
            o for o in self._outlets if o.buffered or (o.cycle and not o.cycle.response_complete)
        ]
        self._outlets.append(outlet)

    def resume_writing(self) -> None:
        """All that waited has left."""
        super().resume_writing()
        for outlet in self._outlets:
            outlet.wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller has left."""
        super().connection_lost(exc)
        for outlet in self._outlets:
            outlet.lost(exc)
