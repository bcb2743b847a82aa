"""Rows with an object each, as pictures and files are kept: made, read and forgotten together.

Law of this file: the row comes first and goes last, so no object is ever without the row that will end it; until its
object is whole a row's `bytes` are null, and nobody sees it. What has expired is invisible before it is deleted.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Connection, Row, Select, Table, and_, delete, select, update

from darkroom.store.bucket import Away, Bucket
from darkroom.store.engine import Store
from darkroom.store.faults import Unavailable

PURGE_ROWS = 200
"""Objects deleted between two transactions, `PURGE_AT_ONCE` at the same time."""
PURGE_AT_ONCE = 16
HOUR_US = 3_600_000_000
_log = structlog.get_logger(__name__)


def now_us() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


class Shelf:
    """One table and where its objects lie."""

    def __init__(self, store: Store, bucket: Bucket, table: Table) -> None:
        self.store = store
        self.bucket = bucket
        self._table = table

    def visible(self, now: int) -> ColumnElement[bool]:
        """Whole, and not expired."""
        return and_(self._table.c.bytes.is_not(None), self._table.c.expires_at > now)

    def select(self, now: int | None, *where: ColumnElement[bool]) -> Select[Any]:
        """A query for visible rows."""
        return select(self._table).where(self.visible(now_us() if now is None else now), *where)

    async def put(self, claim: Callable[[Connection], Row[Any]], source: Iterable[bytes]) -> Row[Any]:
        """Write the object of the row that `claim` makes or finds; one that is whole already stays as it is.

        What `source` raises comes out, and the row goes with it. Raises Away, Unavailable.
        """
        row = await self.store.write(claim)
        if row.bytes is not None:
            return row
        try:
            size = await self.bucket.write(self._name(row.id), source)
        except Exception:
            with suppress(Unavailable):  # what stays will expire like any other
                await self.store.write(lambda c: _drop(c, self._table, row.id))
            raise
        found = await self.store.write(lambda c: _finish(c, self._table, row.id, size))
        if found is None:  # deleted meanwhile
            await self.bucket.delete(self._name(row.id))
            raise Away(
                "The picture could not be stored.", internal=f"{row.id} was deleted while it was written"
            )
        return found

    def open(self, id: str, start: int, stop: int) -> AsyncIterator[bytes]:
        """The bytes `start` to `stop` of an object. Raises NotFound, Away."""
        return self.bucket.read(self._name(id), start, stop)

    async def delete(self, id: str, *where: ColumnElement[bool]) -> bool:
        """Make a visible row invisible, then end it; whether there was one."""
        table = self._table
        query = update(table).where(table.c.id == id, self.visible(now_us()), *where).values(expires_at=0)
        if not await self.store.write(lambda c: c.execute(query).rowcount):
            return False
        try:
            await self._end([id])
        except Away:
            _log.warning("object_waits_for_purge", id=id)
        return True

    async def purge(self, now: int | None = None) -> int:
        """End what has expired, in small transactions; how many."""
        table, total = self._table, 0
        query = select(table.c.id).where(table.c.expires_at <= (now_us() if now is None else now))
        query = query.order_by(table.c.expires_at).limit(PURGE_ROWS)
        while ids := await self.store.read(lambda c: list(c.scalars(query))):
            await self._end(ids)
            total += len(ids)
        return total

    async def _end(self, ids: list[str]) -> None:
        for at in range(0, len(ids), PURGE_AT_ONCE):
            names = map(self._name, ids[at : at + PURGE_AT_ONCE])
            await asyncio.gather(*map(self.bucket.delete, names))
        query = delete(self._table).where(self._table.c.id.in_(ids))
        await self.store.write(lambda c: c.execute(query).close())

    def _name(self, id: str) -> str:
        return f"{self._table.name}/{id}"


def _drop(connection: Connection, table: Table, id: str) -> None:
    connection.execute(delete(table).where(table.c.id == id, table.c.bytes.is_(None)))


def _finish(connection: Connection, table: Table, id: str, size: int) -> Row[Any] | None:
    # Where two writers of the same object meet, the first has said how large it is.
    connection.execute(update(table).where(table.c.id == id, table.c.bytes.is_(None)).values(bytes=size))
    return connection.execute(select(table).where(table.c.id == id)).first()
