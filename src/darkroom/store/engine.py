"""The store: one database, by URL, for any number of coroutines, threads of ours and other processes.

Law: a function given to `read` or `write` gets a synchronous SQLAlchemy connection, runs Core statements and
returns plain values. It may be run again after a deadlock, so it changes nothing but the database. It never
commits. What it raises comes out where it was awaited, and undoes its statements alone.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Self, TypeVar

from sqlalchemy import Connection, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from darkroom import errors
from darkroom.store.migrate import migrate
from darkroom.store.postgres import Postgres
from darkroom.store.schema import Part, Sync
from darkroom.store.sqlite import Sqlite

T = TypeVar("T")


class Store:
    """One part of the state: `await Store.open(url)`, `read`, `write`, `close`. Belongs to one event loop."""

    def __init__(self, engine: Sqlite | Postgres) -> None:
        self._engine = engine

    @classmethod
    async def open(cls, url: str, *, part: Part = "main", sync: Sync = "full") -> Self:
        """Open the database at `url`, made or upgraded first if need be. `sync`: what a power cut may cost.

        `sqlite:///relative`, `sqlite:////absolute` or `postgresql://…`.
        Raises `errors.Invalid` for an address of another kind, `faults.Unavailable` if it cannot be used.
        """
        address = read_url(url)
        await asyncio.to_thread(migrate, address, part)
        if address.get_backend_name() == "sqlite":
            return cls(Sqlite(Path(str(address.database)), sync))
        return cls(Postgres(address.render_as_string(hide_password=False), sync))

    async def read(self, fn: Callable[[Connection], T]) -> T:
        """What `fn` returns, run on one consistent snapshot."""
        return await self._engine.read(fn)

    async def write(self, fn: Callable[[Connection], T]) -> T:
        """What `fn` returns, once its changes are durable."""
        return await self._engine.write(fn)

    async def close(self) -> None:
        """Finish what waits and let go of the database; later calls are refused."""
        await self._engine.close()


def read_url(url: str) -> URL:
    """The address, checked; `postgres://` and `postgresql+driver://` mean `postgresql://`."""
    try:
        address = make_url(url.replace("postgres://", "postgresql://", 1))
    except ArgumentError:
        raise _wrong("is not a URL") from None
    match address.get_backend_name():
        case "sqlite" if address.database in (None, "", ":memory:"):
            raise _wrong("names no file")
        case "sqlite" | "postgresql" as backend:
            return address.set(drivername=backend)
        case backend:
            raise _wrong(f"begins with {backend}://")


def _wrong(problem: str) -> errors.Invalid:
    return errors.Invalid(
        f"The database address {problem}; use sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME.",
        param="database_url",
        code="invalid_database_url",
    )
