"""The tables in the code are the tables that the migrations make."""

import re

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, inspect

from darkroom.store import migrate
from darkroom.store.engine import Store
from darkroom.store.schema import HEADS, PARTS, Part, main, traces_part

STEPS = migrate._STEPS


def differences(connection: Connection, metadata: MetaData, part: Part) -> list[object]:
    ours = set(metadata.tables)
    context = MigrationContext.configure(
        connection,
        opts={
            "version_table": f"alembic_version_{part}",
            "include_name": lambda name, kind, _: kind != "table" or name in ours,
        },
    )
    return list(compare_metadata(context, metadata))


@pytest.mark.parametrize("part", ["main", "traces"])
async def test_migrations_make_the_tables_of_the_code(store_url: str, part: Part) -> None:
    store = await Store.open(store_url, part=part)
    assert await store.write(lambda connection: differences(connection, PARTS[part], part)) == []
    await store.close()


@pytest.mark.parametrize("part", ["main", "traces"])
async def test_migrations_make_the_indexes_of_the_code(store_url: str, part: Part) -> None:
    def indexes(connection: Connection) -> set[str | None]:
        inspector = inspect(connection)
        return {each["name"] for name in PARTS[part].tables for each in inspector.get_indexes(name)}

    store = await Store.open(store_url, part=part)
    found = {name for name in await store.read(indexes) if name and not name.endswith("_key")}
    await store.close()
    named = {index.name for table in PARTS[part].tables.values() for index in table.indexes}
    assert found == {str(name) for name in named}


@pytest.mark.parametrize("part", ["main", "traces"])
def test_newest_migration_is_the_one_that_the_code_names(part: Part) -> None:
    script = ScriptDirectory(str(STEPS), version_locations=[str(STEPS / part)])
    assert script.get_heads() == [HEADS[part]]


def test_migrations_of_a_part_form_one_line() -> None:
    for part in PARTS:
        script = ScriptDirectory(str(STEPS), version_locations=[str(STEPS / part)])
        steps = list(script.walk_revisions())
        assert len([step for step in steps if step.down_revision is None]) == 1
        assert not any(step.is_branch_point or step.is_merge_point for step in steps)


def test_no_table_is_in_both_parts() -> None:
    assert not set(main.tables) & set(traces_part.tables)


def test_names_are_plain_in_both_dialects() -> None:
    for metadata in PARTS.values():
        for table in metadata.tables.values():
            for name in (table.name, *table.columns.keys()):
                assert re.fullmatch(r"[a-z][a-z_]*", name)


async def test_names_are_compared_byte_by_byte_on_both_engines(store: Store) -> None:
    query = "SELECT name FROM facts ORDER BY name"

    def fill(connection: Connection) -> list[str]:
        for name in ("b", "B", "a", "_", "é", "Z", "😀"):
            connection.execute(main.tables["facts"].insert().values(name=name, value=""))
        return [row[0] for row in connection.exec_driver_sql(query)]

    names = await store.write(fill)
    assert names == sorted(names, key=str.encode)
