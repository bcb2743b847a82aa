"""The first step of the part `traces`."""

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import IntegrityError

from darkroom.store.engine import Store
from darkroom.store.migrations.traces import v0001_start as step

TRACE = (
    "INSERT INTO traces (request_id, started_at, finished_at, surface, method, path, streamed, image, sandbox,"
    " outcome, requested, delivered, bytes_in, bytes_out, repairs, lost, stages)"
    " VALUES (:id, 1795000000123456, 0, 's', 'm', 'p', true, true, false, 'failed', '{}', '[]', 0, 0, '{}', '[]', '[]')"
)
ATTEMPT = (
    "INSERT INTO attempts (request_id, number, channel, started_us, outcome, bytes_in, stages)"
    " VALUES (:id, :number, 'main', 0, 'failed', 5000000000, '[]')"
)


async def test_step_makes_its_tables_in_an_empty_database(store: Store) -> None:
    def upgrade(connection: Connection) -> set[str]:
        step.upgrade(Operations(MigrationContext.configure(connection)))
        return set(inspect(connection).get_table_names())

    # The other part has its own tables: they are no hindrance.
    assert {"traces", "attempts"} <= await store.write(upgrade)


async def test_step_is_the_first() -> None:
    assert (step.revision, step.down_revision) == ("traces_0001", None)


async def test_large_numbers_fit(traces_store: Store) -> None:
    def fill(connection: Connection) -> tuple[int, int]:
        connection.execute(text(TRACE), {"id": "req_1"})
        connection.execute(text(ATTEMPT), {"id": "req_1", "number": 0})
        started_at = connection.scalar(text("SELECT started_at FROM traces"))
        return int(started_at or 0), int(connection.scalar(text("SELECT bytes_in FROM attempts")) or 0)

    assert await traces_store.write(fill) == (1_795_000_000_123_456, 5_000_000_000)


async def test_trace_is_there_once(traces_store: Store) -> None:
    await traces_store.write(lambda c: c.execute(text(TRACE), {"id": "req_1"}).close())
    with pytest.raises(IntegrityError):
        await traces_store.write(lambda c: c.execute(text(TRACE), {"id": "req_1"}).close())


async def test_attempt_belongs_to_a_trace_and_goes_with_it(traces_store: Store) -> None:
    with pytest.raises(IntegrityError):
        await traces_store.write(lambda c: c.execute(text(ATTEMPT), {"id": "req_1", "number": 0}).close())

    def fill_and_delete(connection: Connection) -> int:
        connection.execute(text(TRACE), {"id": "req_1"})
        connection.execute(text(ATTEMPT), [{"id": "req_1", "number": number} for number in range(3)])
        connection.execute(text("DELETE FROM traces"))
        return int(connection.scalar(text("SELECT count(*) FROM attempts")) or 0)

    assert await traces_store.write(fill_and_delete) == 0
