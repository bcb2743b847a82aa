"""What one process owns to relay requests: stores, keys, channels, connections, and the exchanges under way."""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import structlog

from darkroom.channels.catalog import Channel
from darkroom.channels.ids import Ids
from darkroom.channels.upstream import Upstreams
from darkroom.errors import Stopping
from darkroom.gateway.album import Album
from darkroom.gateway.body import Body, Budget
from darkroom.gateway.form import Form
from darkroom.gateway.spool import Folder
from darkroom.ledger.keys import Key, Keys
from darkroom.settings import Settings
from darkroom.store.engine import Store
from darkroom.traces.recorder import Recorder
from darkroom.traces.trace import Trace

if TYPE_CHECKING:
    from darkroom.gateway.exchange import Exchange

MB = 1024 * 1024
READ_BUDGET, SMALLEST_READ, LARGEST_READ = 8 * MB, 32 * 1024, 96 * 1024
"""Bytes that all exchanges together may have in hand between two sockets, and the bounds of one read."""
DECODED_AT_ONCE = 2
log = structlog.get_logger("darkroom.gateway")


class Gateway:
    """Holds what exchanges share; `start` begins one, `stop` ends them all well-formed."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        traces: Store,
        channels: Sequence[Channel],
        sandbox: Channel,
        open_sandbox: bool,
    ) -> None:
        self.settings = settings
        self.store = store
        self.traces = traces
        self.channels = tuple(channels)
        self.sandbox = sandbox
        """The built-in upstream: serves test keys, and everybody while no channel has ever been configured."""
        self.open_sandbox = open_sandbox
        self.keys = Keys(store)
        self.ids = Ids(store)
        self.recorder = Recorder(traces)
        self.upstreams = Upstreams()
        self.budget = Budget(settings.body_budget_mb * MB)
        self.uploads = Budget(settings.upload_budget_mb * MB)
        self.spools = Folder(settings.data / "spool")
        self.album: Album
        """Pictures and files that are kept; there once the gateway is open."""
        self.observers: list[Callable[[Trace], None]] = []
        """Who is told of each request that has ended."""
        self.slots = asyncio.Semaphore(DECODED_AT_ONCE)
        """Input pictures that are decoded at the same time."""
        self.stopping = False
        self.in_flight: dict[int, int] = {}
        """Exchanges under way by key id."""
        self._exchanges: set[Exchange] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Start what runs beside the exchanges."""
        self.album = await Album.open(self.settings, self.store)
        for run in (self.keys.watch, self.ids.run, self.recorder.run, self.album.run):
            self._keep(asyncio.get_running_loop().create_task(run()))

    async def close(self) -> None:
        """End what runs beside, and write what is still to be written."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.ids.flush()
        await self.recorder.close()
        await self.upstreams.close()
        await self.album.close()
        self.spools.clear()

    def choose(self, key: Key) -> tuple[Channel, ...]:
        """The channels that serve this key."""
        return (self.sandbox,) if key.test or self.open_sandbox else self.channels

    def ended(self, trace: Trace) -> None:
        """A request has ended: record it, and tell who wants to know."""
        self.recorder.put(trace)
        for observe in self.observers:
            observe(trace)

    def form(self, content_type: bytes) -> Form:
        """A place for one request's multipart body."""
        limit = self.settings.upload_limit_mb * MB
        return Form(self.uploads, self.spools, limit, content_type)

    def body(self) -> Body:
        """A place for one request's body."""
        settings = self.settings
        return Body(self.budget, self.spools, settings.body_limit_mb * MB, settings.body_spool_kb * 1024)

    def enter(self, key: Key) -> None:
        """One more request of this key is under way."""
        self.in_flight[key.id] = self.in_flight.get(key.id, 0) + 1

    def leave(self, key: Key) -> None:
        """One request of this key has ended."""
        left = self.in_flight.get(key.id, 1) - 1
        if left > 0:
            self.in_flight[key.id] = left
        else:
            self.in_flight.pop(key.id, None)

    def read_size(self) -> int:
        """The largest next read from an upstream: large ones save time, many exchanges at once need small ones."""
        return max(SMALLEST_READ, min(LARGEST_READ, READ_BUDGET // (len(self._exchanges) + 1)))

    def start(self, exchange: "Exchange") -> None:
        """Run an exchange in the gateway's own tasks: it outlives the HTTP request if it must."""
        task = asyncio.get_running_loop().create_task(exchange.run())
        exchange.task = task
        self._exchanges.add(exchange)
        task.add_done_callback(lambda _: self._ended(exchange))

    def _ended(self, exchange: "Exchange") -> None:
        self._exchanges.discard(exchange)
        self.leave(exchange.key)
        task = exchange.task
        if task is not None and not task.cancelled() and task.exception() is not None:
            log.error("exchange_crashed", request_id=exchange.request_id, exc_info=task.exception())

    async def stop(self, grace_s: float, hurry: asyncio.Event) -> None:
        """Take no more requests; let those under way finish for `grace_s` or until `hurry`; end the rest in form."""
        self.stopping = True
        hurried = asyncio.get_running_loop().create_task(hurry.wait())
        await self._idle([hurried], grace_s)
        hurried.cancel()
        error = Stopping(
            "This server is restarting and could not finish the picture. Please send the request again."
        )
        for exchange in list(self._exchanges):
            exchange.end(error)
        await self._idle([], 10)

    async def _idle(self, others: list[asyncio.Task[bool]], seconds: float) -> None:
        """Until no exchange is under way, one of `others` is done, or the time is over."""
        until = time.monotonic() + seconds
        while tasks := [exchange.task for exchange in self._exchanges if exchange.task is not None]:
            left = until - time.monotonic()
            done, _ = await asyncio.wait([*tasks, *others], timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if not done or any(other in done for other in others):
                return

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def new_id(prefix: str) -> str:
    """A new random id, such as `req_…`."""
    return f"{prefix}_{os.urandom(24).hex()}"
