"""The first step of the part `main`."""

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import IntegrityError

from darkroom.store.engine import Store
from darkroom.store.migrations.main import v0001_start as step


async def test_step_makes_its_tables_in_an_empty_database(store_url: str) -> None:
    def upgrade(connection: Connection) -> set[str]:
        step.upgrade(Operations(MigrationContext.configure(connection)))
        return set(inspect(connection).get_table_names())

    # The other part has its own tables: they are no hindrance.
    store = await Store.open(store_url, part="traces")
    made = await store.write(upgrade)
    assert {"accounts", "keys", "upstream_ids", "facts", "revisions"} <= made
    await store.close()


async def test_revision_of_keys_is_there_from_the_start(store: Store) -> None:
    rows = await store.read(lambda c: [tuple(row) for row in c.execute(text("SELECT * FROM revisions"))])
    assert rows == [("keys", 0)]


async def test_step_is_the_first(store: Store) -> None:
    assert (step.revision, step.down_revision) == ("main_0001", None)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO accounts (name, state, created_at) VALUES ('a', 'active', 1), ('a', 'active', 2)",
        "INSERT INTO accounts (name, state, created_at) VALUES (NULL, 'active', 1)",
        "INSERT INTO keys (account_id, hash, hint, test, created_at) VALUES (5, 'h', 'sk-', true, 1)",
        "INSERT INTO upstream_ids VALUES (1, 'a', 'c', 'u', 1), (1, 'a', 'd', 'v', 2)",
        "INSERT INTO facts (name, value) VALUES ('a', NULL)",
    ],
)
async def test_tables_refuse(store: Store, statement: str) -> None:
    with pytest.raises(IntegrityError):
        await store.write(lambda connection: connection.execute(text(statement)).close())


async def test_numbers_of_accounts_grow(store: Store) -> None:
    add = text("INSERT INTO accounts (name, state, created_at) VALUES (:name, 'active', 1) RETURNING id")
    numbers = [await store.write(lambda c, n=n: c.scalar(add, {"name": n})) for n in "abc"]
    assert numbers == sorted(set(numbers))


async def test_times_hold_microseconds(store: Store) -> None:
    now = 1_795_000_000_123_456
    await store.write(
        lambda c: c.execute(
            text("INSERT INTO accounts (name, state, created_at) VALUES ('a', 'active', :now)"), {"now": now}
        ).close()
    )
    assert await store.read(lambda c: c.scalar(text("SELECT created_at FROM accounts"))) == now
