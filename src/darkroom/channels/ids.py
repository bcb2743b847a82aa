"""Ids that upstreams gave out (responses, items, files, …): whose they are, and where they live.

Law of this file: an id is known only to the account that received it here. Upstream accounts are shared by all
customers, so an id that this relay did not give to the same account must never reach an upstream. An id is
known at once in this process, within a second in every other, and for `KEPT_DAYS`.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from functools import partial
from itertools import islice
from typing import Any, NoReturn

import msgspec
import structlog
from sqlalchemy import Connection, bindparam, delete, select

from darkroom.store.engine import Store
from darkroom.store.faults import Unavailable
from darkroom.store.schema import upstream_ids
from darkroom.store.upsert import upsert

FLUSH_S = 0.5
"""How often `run` writes what is new."""
KEPT_DAYS = 30
PURGE_S = 3600.0
"""How often `run` deletes what is older than that, `PURGE_ROWS` in one transaction."""
PURGE_ROWS = 2000
REMEMBERED_MAX = 20_000
"""Ids in memory, some 300 bytes each; the one unused for longest goes first, for it is in the store."""
WAITING_MAX = 50_000
"""Ids not yet written while the store is away; the oldest are given up beyond that, and counted in `lost`."""
ID_MAX = 512
"""Letters; a longer id is not recorded, so it will not be accepted later."""
_ASK_ROWS = 500
_WRITE_ROWS = 2000

_log = structlog.get_logger(__name__)
_Name = tuple[int, str]


class Place(msgspec.Struct, frozen=True):
    """Where an id lives: the channel's name, and what its upstream calls it."""

    channel: str
    upstream_id: str


class Ids:
    """The ids that this relay has given out, as one process sees them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._remembered: OrderedDict[_Name, Place] = OrderedDict()
        self._waiting: OrderedDict[_Name, tuple[Place, int]] = OrderedDict()
        self._writing = asyncio.Lock()
        self.lost = 0
        """Ids given up because the store was away for too long."""

    def record(self, account_id: int, channel: str, ids: Iterable[str] | Mapping[str, str]) -> None:
        """These ids were just given to the account; a mapping tells each one's name at the upstream."""
        now = time.time_ns() // 1000
        names = ids if isinstance(ids, Mapping) else {each: each for each in ids}
        for given, upstream_id in names.items():
            if len(given) > ID_MAX or len(upstream_id) > ID_MAX or not _plain(given + upstream_id):
                continue
            name, place = (account_id, given), Place(channel, upstream_id)
            if self._remembered.get(name) != place:
                self._waiting[name] = (place, now)
            self._remember(name, place)
        while len(self._waiting) > WAITING_MAX:
            self._waiting.popitem(last=False)
            self.lost += 1

    async def owners(self, account_id: int, ids: Collection[str]) -> dict[str, str]:
        """Each known id with the name of its channel; ids of other accounts and unknown ones are left out."""
        return {each: place.channel for each, place in (await self.places(account_id, ids)).items()}

    async def places(self, account_id: int, ids: Collection[str]) -> dict[str, Place]:
        """Each known id with where it lives; ids of other accounts and unknown ones are left out."""
        found: dict[str, Place] = {}
        asked: list[str] = []
        for each in dict.fromkeys(ids):
            name = (account_id, each)
            place = self._remembered.get(name)
            if place is None and (waiting := self._waiting.get(name)):
                place = waiting[0]
            if place is not None:
                found[each] = place
            elif len(each) <= ID_MAX and _plain(each):
                asked.append(each)
        if asked:
            for each, place in (await self._store.read(lambda c: _read(c, account_id, asked))).items():
                self._remember((account_id, each), place)
                found[each] = place
        return found

    async def flush(self) -> None:
        """Write what is new. What could not be written waits for the next time."""
        async with self._writing:
            while self._waiting:
                batch = dict(islice(self._waiting.items(), _WRITE_ROWS))
                # In one order everywhere, so that two processes never wait for each other.
                rows = [_row(name, *batch[name]) for name in sorted(batch)]
                await self._store.write(partial(upsert, table=upstream_ids, rows=rows))
                for name, written in batch.items():
                    if self._waiting.get(name) is written:
                        del self._waiting[name]

    async def purge(self, now_us: int | None = None) -> int:
        """Delete ids older than `KEPT_DAYS`, in small transactions; how many."""
        before = (now_us or time.time_ns() // 1000) - KEPT_DAYS * 86_400_000_000
        total = 0
        while gone := await self._store.write(lambda connection: _purge(connection, before)):
            total += gone
        return total

    async def run(self) -> NoReturn:
        """Run for ever: write what is new, and delete what is old now and then."""
        purge_at = 0.0
        while True:
            await asyncio.sleep(FLUSH_S)
            try:
                await self.flush()
                if time.monotonic() >= purge_at:
                    purge_at = time.monotonic() + PURGE_S
                    await self.purge()
            except Exception as error:  # noqa: BLE001 - what waits is kept; the next time may succeed
                _log.warning("ids_not_written", waiting=len(self._waiting), lost=self.lost, error=str(error))

    async def close(self) -> None:
        """Write what is new for the last time; what the store does not take now is lost, and counted."""
        try:
            await self.flush()
        except Unavailable as error:
            self.lost += len(self._waiting)
            self._waiting.clear()
            _log.warning("ids_lost", lost=self.lost, error=error.message)

    def _remember(self, name: _Name, place: Place) -> None:
        self._remembered[name] = place
        self._remembered.move_to_end(name)
        if len(self._remembered) > REMEMBERED_MAX:
            self._remembered.popitem(last=False)


def _plain(text: str) -> bool:
    """Whether a database can keep it: PostgreSQL takes no NUL, and nobody takes half a surrogate pair."""
    return text.isprintable()


def _row(name: _Name, place: Place, created_at: int) -> dict[str, Any]:
    account_id, given = name
    return {
        "account_id": account_id,
        "id": given,
        "channel": place.channel,
        "upstream_id": place.upstream_id,
        "created_at": created_at,
    }


_ASK = select(upstream_ids.c.id, upstream_ids.c.channel, upstream_ids.c.upstream_id).where(
    upstream_ids.c.account_id == bindparam("account_id"),
    upstream_ids.c.id.in_(bindparam("ids", expanding=True)),
)


def _read(connection: Connection, account_id: int, ids: list[str]) -> dict[str, Place]:
    found: dict[str, Place] = {}
    for start in range(0, len(ids), _ASK_ROWS):
        asked = {"account_id": account_id, "ids": ids[start : start + _ASK_ROWS]}
        found.update({row.id: Place(row.channel, row.upstream_id) for row in connection.execute(_ASK, asked)})
    return found


def _purge(connection: Connection, before: int) -> int:
    key = (upstream_ids.c.account_id, upstream_ids.c.id)
    old = select(*key).where(upstream_ids.c.created_at < before).limit(PURGE_ROWS)
    rows = [tuple(row) for row in connection.execute(old)]
    if rows:
        one = delete(upstream_ids).where(key[0] == bindparam("old_account"), key[1] == bindparam("old_id"))
        connection.execute(one, [{"old_account": account, "old_id": each} for account, each in rows])
    return len(rows)
