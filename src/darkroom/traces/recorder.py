"""Takes traces from the road of the bytes and writes them behind it.

Law of this file: `put` never waits, whatever the store does; what does not fit is dropped and counted. A trace is in
the store within `FLUSH_S` and the time of a write, so a crash loses at most the last second.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import NoReturn

import structlog
from sqlalchemy import Connection

from darkroom.store.engine import Store
from darkroom.store.faults import Unavailable
from darkroom.store.schema import attempts, traces
from darkroom.store.upsert import insert_new
from darkroom.traces.rows import attempt_rows, trace_row
from darkroom.traces.trace import Trace

FLUSH_S = 0.5
WAITING_MAX = 10_000
"""Traces in memory while the store is away, some 5 KB each."""
BATCH = 200
"""Traces of one transaction."""

_log = structlog.get_logger(__name__)


class Recorder:
    """The way of traces into the store; `run` must be running for them to arrive."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: deque[Trace] = deque()
        self._writing = asyncio.Lock()
        self.dropped = 0
        """Traces lost since the start: no room, or the database would not take them."""

    def put(self, trace: Trace) -> None:
        """Remember `trace`; it must not be changed any more."""
        if len(self._waiting) < WAITING_MAX:
            self._waiting.append(trace)
        else:
            self.dropped += 1

    @property
    def waiting(self) -> int:
        """Traces that are not in the store yet."""
        return len(self._waiting)

    async def flush(self) -> None:
        """Write all that waits. Raises `Unavailable` if the store is away, and then keeps the rest."""
        async with self._writing:
            while self._waiting:
                batch = list(islice(self._waiting, BATCH))
                try:
                    await self._write(batch)
                except Unavailable:
                    raise
                except Exception:  # noqa: BLE001 - one of them is not to be written; the others must not wait for it
                    await self._write_singly(batch)
                for _ in batch:
                    self._waiting.popleft()

    async def run(self) -> NoReturn:
        """Run for ever: write what waits, every half second."""
        while True:
            await asyncio.sleep(FLUSH_S)
            try:
                await self.flush()
            except Unavailable as error:
                _log.warning(
                    "traces_not_written", waiting=self.waiting, dropped=self.dropped, error=error.message
                )

    async def close(self) -> None:
        """Write what waits for the last time; what the store does not take now is lost, and counted."""
        try:
            await self.flush()
        except Unavailable as error:
            self.dropped += len(self._waiting)
            self._waiting.clear()
            _log.warning("traces_lost", dropped=self.dropped, error=error.message)

    async def _write(self, batch: Sequence[Trace]) -> None:
        await self._store.write(lambda connection: _insert(connection, batch))

    async def _write_singly(self, batch: Sequence[Trace]) -> None:
        for trace in batch:
            try:
                await self._write([trace])
            except Unavailable:
                raise
            except Exception as error:  # noqa: BLE001 - whatever is wrong with this one, the next may be right
                self.dropped += 1
                _log.error("trace_not_writable", request_id=trace.request_id, error=str(error))


def _insert(connection: Connection, batch: Sequence[Trace]) -> None:
    """In the store's thread, away from the event loop. A batch whose commit was cut may be written again."""
    insert_new(connection, traces, [trace_row(trace) for trace in batch])
    insert_new(connection, attempts, [row for trace in batch for row in attempt_rows(trace)])
