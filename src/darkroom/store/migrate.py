"""Brings a database up to date before anything uses it, in place, whoever else starts at the same moment.

Law: one transaction under one lock (a locked file beside an SQLite database, an advisory lock on PostgreSQL),
so that a database is at one version or the next, never between. A newer database is refused.
Counterpart: `migrations/`, whose steps are run here by Alembic.
"""

import asyncio
import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, column, inspect, select, table, text
from sqlalchemy.engine import URL

from darkroom import errors
from darkroom.store import faults, postgres, sqlite
from darkroom.store.schema import HEADS, Part

LOCK_S = 60.0
"""How long a start waits for another process that migrates the same database."""
_ADVISORY_LOCK = 0x6461726B726F6F6D  # "darkroom"; the same for both parts, which may share a database
_STEPS = Path(__file__).parent / "migrations"


def migrate(url: URL, part: Part) -> None:
    """Bring `part` of the database at `url` to this program's version. Blocks; call it in a thread."""
    try:
        if url.get_backend_name() == "sqlite":
            _migrate_sqlite(Path(str(url.database)), part)
        else:
            # An event loop of its own: the caller's goes on while statements wait for the lock.
            asyncio.run(_migrate_postgres(url.render_as_string(hide_password=False), part))
    except errors.Error:
        raise
    except Exception as error:
        if unavailable := faults.translate(error):
            raise unavailable from error
        raise


def version(connection: Connection, part: Part) -> str | None:
    """The version that the database says it has, None before the first migration."""
    name = _version_table(part)
    if not inspect(connection).has_table(name):
        return None
    found: str | None = connection.scalar(select(table(name, column("version_num")).c.version_num))
    return found


def _version_table(part: Part) -> str:
    return f"alembic_version_{part}"


def _migrate_sqlite(path: Path, part: Part) -> None:
    # A look first: an up-to-date database opens beside a program that holds its lock.
    look, engine = sqlite.connect(path, readers=1), sqlite.connect(path)
    try:
        with look.connect() as connection:
            if version(connection, part) == HEADS[part]:
                return
        with _locked(path.with_name(path.name + ".lock")), engine.begin() as connection:
            _upgrade(connection, part)
    finally:
        look.dispose()
        engine.dispose()


async def _migrate_postgres(url: str, part: Part) -> None:
    engine = postgres.connect(url, pooled=False)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade_locked, part)
    finally:
        await engine.dispose()


def _upgrade_locked(connection: Connection, part: Part) -> None:
    if version(connection, part) != HEADS[part]:
        connection.execute(text(f"SET LOCAL lock_timeout = {int(LOCK_S * 1000)}"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
        _upgrade(connection, part)


def _upgrade(connection: Connection, part: Part) -> None:
    """Every step that is missing, in the transaction that `connection` is in."""
    if version(connection, part) == HEADS[part]:
        return
    # Only here: a start on an up-to-date database does without a quarter of a second of imports.
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext, RevisionStep
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(_STEPS), version_locations=[str(_STEPS / part)])

    def steps(heads: Any, _: MigrationContext) -> list[RevisionStep]:
        missing = list(script.iterate_revisions("head", heads or "base"))
        return [RevisionStep.upgrade_from_script(script.revision_map, step) for step in reversed(missing)]

    opts = {"version_table": _version_table(part), "fn": steps}
    context = MigrationContext.configure(connection, opts=opts)
    known = {step.revision for step in script.walk_revisions()}
    if unknown := set(context.get_current_heads()) - known:
        raise errors.Internal(
            f"This database was written by a newer Darkroom: it is at {', '.join(sorted(unknown))}, this"
            f" program knows {HEADS[part]}. Start that version, or restore a backup from before it.",
            code="store_too_new",
            retryable=False,
        )
    context.run_migrations(op=Operations(context))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the file at `path` locked; the lock dies with this process."""
    path.touch(0o600)
    with path.open() as file:
        deadline = time.monotonic() + LOCK_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise faults.unavailable("another process has been upgrading it for a minute") from None
                time.sleep(0.05)
        yield
