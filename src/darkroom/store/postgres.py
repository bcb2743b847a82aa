"""PostgreSQL: asyncpg under SQLAlchemy's async engine, running the same functions as SQLite does.

Law of this file: a transaction whose commit had not begun may be run again; one whose commit was cut may not.
Counterpart: `sqlite`, with the same three verbs.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from darkroom.store import faults
from darkroom.store.schema import Sync

T = TypeVar("T")

CONNECTIONS = 10
"""Of one store; twice as many under pressure."""
CONNECT_S = 10.0
WAIT_S = 10.0
"""How long an operation waits for a free connection."""
STATEMENT_S = 60.0
TRIES = 5


class Postgres:
    """One PostgreSQL database, as this process uses it."""

    def __init__(self, url: str, sync: Sync) -> None:
        self._engine = connect(url, sync)
        # Both are the same pool; a read sees one snapshot from its first statement to its last.
        self._reads = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._closed = False
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def read(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` on one snapshot; whatever it tries to change is refused."""
        return await self._counted(self._reads, fn)

    async def write(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` in a transaction and answer after the commit. After a deadlock it is run again."""
        return await self._counted(self._engine, fn)

    async def close(self) -> None:
        """Finish what has begun, then close every connection."""
        self._closed = True
        await self._idle.wait()
        await self._engine.dispose()

    async def _counted(self, engine: AsyncEngine, fn: Callable[[Connection], T]) -> T:
        if self._closed:
            raise faults.unavailable("it is closed")
        self._running += 1
        self._idle.clear()
        try:
            return await _patiently(engine, fn)
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()


async def _patiently(engine: AsyncEngine, fn: Callable[[Connection], T]) -> T:
    left = TRIES
    while True:
        left -= 1
        committing = False
        try:
            async with engine.connect() as connection, connection.begin():
                result = await connection.run_sync(fn)
                committing = True
            return result
        except Exception as error:
            if left and not committing and faults.may_repeat(error):
                continue
            if unavailable := faults.translate(error):
                raise unavailable from error
            raise


def connect(url: str, sync: Sync = "full", *, pooled: bool = True) -> AsyncEngine:
    """An engine for a `postgresql://` address, read as libpq reads it (`sslmode`, `host=/socket`, …)."""
    settings = {"application_name": "darkroom"}
    if sync == "relaxed":
        settings["synchronous_commit"] = "off"

    async def dial() -> Any:
        return await asyncpg.connect(
            url, timeout=CONNECT_S, command_timeout=STATEMENT_S, server_settings=settings
        )

    if not pooled:
        return create_async_engine("postgresql+asyncpg://", async_creator=dial, poolclass=NullPool)
    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=dial,
        pool_size=CONNECTIONS,
        max_overflow=CONNECTIONS,
        pool_timeout=WAIT_S,
        pool_recycle=1800,
    )
