"""The step that brings pictures and files."""

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from darkroom.store.engine import Store
from darkroom.store.migrations.main import v0001_start as before
from darkroom.store.migrations.main import v0002_pictures as step

PICTURE = "INSERT INTO pictures (id, account_id, request_id, number, format, created_at, expires_at) VALUES "


async def test_step_follows_the_first_and_keeps_what_is_there(store_url: str) -> None:
    def upgrade(connection: Connection) -> list[tuple[object, ...]]:
        op = Operations(MigrationContext.configure(connection))
        before.upgrade(op)
        connection.execute(text("INSERT INTO facts VALUES ('kept', 'yes')"))
        step.upgrade(op)
        connection.execute(text(PICTURE + "('pic_1', 1, 'req_1', 0, 'png', 1795000000123456, 2)"))
        query = "SELECT value, pictures.id, pictures.created_at, bytes FROM facts, pictures"
        return [tuple(row) for row in connection.execute(text(query))]

    assert step.down_revision == before.revision
    store = await Store.open(store_url, part="traces")  # the other part: none of these tables is there yet
    assert await store.write(upgrade) == [("yes", "pic_1", 1_795_000_000_123_456, None)]
    await store.close()


@pytest.mark.parametrize(
    "rows",
    [
        "('pic_1', 1, 'req_1', 0, 'png', 1, 2), ('pic_1', 1, 'req_2', 0, 'png', 1, 2)",
        "('pic_1', 1, 'req_1', 0, 'png', 1, 2), ('pic_2', 1, 'req_1', 0, 'png', 1, 2)",
        "('pic_1', NULL, 'req_1', 0, 'png', 1, 2)",
        "('pic_1', 1, 'req_1', 0, 'png', 1, NULL)",
    ],
)
async def test_pictures_refuse_the_same_id_or_number_twice_and_rows_without_owner_or_end(
    store: Store, rows: str
) -> None:
    with pytest.raises(IntegrityError):
        await store.write(lambda connection: connection.execute(text(PICTURE + rows)).close())
