"""The caller as the exchange feeds him: at his own pace, from memory while he keeps up, from disk once he lags.

A caller who reads slowly slows the upstream. Once he has lagged `lag_s`, the rest goes through a file and the
upstream is let go; if he takes no byte for `stall_s`, he has left. Counterpart of `web.outlet`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from darkroom.gateway.spool import Full, Spool

FILE_PIECE = 64 * 1024


class Outlet(Protocol):
    """What the web side offers for writing one answer (`darkroom.web.outlet`)."""

    gone: bool
    started: bool
    sent: int
    on_gone: Callable[[], None] | None

    @property
    def paused(self) -> bool:
        """More waits than should."""

    @property
    def buffered(self) -> int:
        """Bytes that wait for the caller's socket."""

    @property
    def waiting(self) -> int:
        """Bytes that the caller has not taken, the kernel's among them."""

    def start(self, status: int, headers: list[tuple[bytes, bytes]], length: int | None = None) -> None:
        """Status and headers."""

    def write(self, data: bytes) -> None:
        """A piece of the body."""

    def push(self) -> None:
        """Hand over what has been written."""

    def finish(self) -> None:
        """The answer is complete."""

    def abort(self) -> None:
        """Close without the proper end."""

    def drop(self) -> None:
        """Close at once; what waits is forgotten."""

    def drain(self, timeout_s: float) -> Awaitable[None]:
        """Until the bytes that wait have left, the caller has left, or the time is over."""


class Viewer:
    """Feeds one caller. `write` never waits; `ready` waits until more may be read from the upstream."""

    def __init__(self, outlet: Outlet, spool: Spool, lag_s: float, stall_s: float) -> None:
        self.outlet = outlet
        self.left = False
        """He has left, or has not taken a byte for too long."""
        self.slow = False
        """He cannot take all at once: read from the upstream in small pieces."""
        self._spool = spool
        self._lag_s = lag_s
        self._stall_s = stall_s
        self._behind_since: float | None = None
        self._feeder: asyncio.Task[None] | None = None
        self._fed = 0
        self._more = asyncio.Event()
        self._done = False

    @property
    def lagging(self) -> bool:
        """The rest goes through the file."""
        return self._feeder is not None

    def write(self, data: bytes) -> None:
        """The next bytes of the body. Raises Full when the file has reached its limit."""
        if self.left:
            return
        if self._feeder is not None:
            self._spool.append(data)
            self._more.set()
        else:
            self.outlet.write(data)

    def push(self) -> None:
        """Hand over what has been written."""
        if self._feeder is None:
            self.outlet.push()

    def caught_up(self) -> None:
        """The upstream had nothing to give and the caller had taken everything."""
        if not self.outlet.paused:
            self._behind_since = None

    async def ready(self) -> None:
        """Until the caller can take more, has left, or lags so much that the file takes over."""
        outlet = self.outlet
        if self._feeder is not None or not outlet.paused:
            return
        self.slow = True
        now = asyncio.get_running_loop().time
        if self._behind_since is None:
            self._behind_since = now()
        last, moved = outlet.waiting, now()
        while outlet.paused and not self._gone():  # type: ignore[redundant-expr]
            until = min(self._behind_since + self._lag_s, moved + self._stall_s)
            await outlet.drain(max(0.0, min(until - now(), 1.0)))
            if outlet.waiting != last:
                last, moved = outlet.waiting, now()
            if outlet.paused and now() - moved >= self._stall_s:  # type: ignore[redundant-expr]
                self._stalled()
            elif outlet.paused and now() - self._behind_since >= self._lag_s:  # type: ignore[redundant-expr]
                self._feeder = asyncio.get_running_loop().create_task(self._feed())
                return
        self._gone()

    async def finish(self, proper: bool) -> bool:
        """End the answer, properly or by closing the connection; True if every byte of it has left."""
        if self._feeder is not None:
            self._done = True
            self._more.set()
            await self._feeder
        if self._gone() or not proper:
            self.outlet.abort()
            return False
        self.outlet.finish()
        await self._drained()
        return not self._gone()

    def close(self) -> None:
        """Let go of everything; the caller is not served any further."""
        if self._feeder is not None:
            self._feeder.cancel()

    def _gone(self) -> bool:
        self.left = self.left or self.outlet.gone
        return self.left

    def _stalled(self) -> None:
        """He takes nothing: he has left, and what waits for him would wait for ever."""
        self.left = True
        self.outlet.drop()

    async def _drained(self) -> None:
        """Until nothing waits for the caller's socket, or he has stalled."""
        now = asyncio.get_running_loop().time
        last, moved = self.outlet.waiting, now()
        while self.outlet.buffered and not self._gone():
            await self.outlet.drain(min(1.0, self._stall_s))
            if self.outlet.waiting != last:
                last, moved = self.outlet.waiting, now()
            elif now() - moved >= self._stall_s:
                self._stalled()
            elif not self.outlet.paused:
                await asyncio.sleep(0.01)

    async def _feed(self) -> None:
        """From the file to the caller, at his pace."""
        while not self._gone():
            await self._drained()
            piece = self._spool.read(self._fed, min(self._spool.size, self._fed + FILE_PIECE))
            if piece and not self._gone():
                self._fed += len(piece)
                self.outlet.write(piece)
                self.outlet.push()
            elif self._done:
                return
            else:
                self._more.clear()
                await self._more.wait()


__all__ = ["Full", "Outlet", "Viewer"]
