"""Rows that may be there already."""

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from darkroom.store.engine import Store
from darkroom.store.schema import accounts, facts, upstream_ids
from darkroom.store.upsert import insert_new, upsert


def kept(connection: Connection) -> dict[str, str]:
    return dict(connection.execute(select(facts.c.name, facts.c.value)).all())  # type: ignore[arg-type]


def rows(**values: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]


async def test_upsert_inserts_and_replaces(store: Store) -> None:
    await store.write(lambda c: upsert(c, facts, rows(a="1", b="2")))
    await store.write(lambda c: upsert(c, facts, rows(b="3", c="4")))
    assert await store.read(kept) == {"a": "1", "b": "3", "c": "4"}


async def test_insert_new_inserts_and_keeps(store: Store) -> None:
    await store.write(lambda c: insert_new(c, facts, rows(a="1", b="2")))
    await store.write(lambda c: insert_new(c, facts, rows(b="3", c="4")))
    assert await store.read(kept) == {"a": "1", "b": "2", "c": "4"}


async def test_nothing_is_inserted_from_no_rows(store: Store) -> None:
    await store.write(lambda c: upsert(c, facts, []))
    await store.write(lambda c: insert_new(c, facts, []))
    assert await store.read(kept) == {}


async def test_same_row_twice_in_one_call_is_kept_once(store: Store) -> None:
    await store.write(lambda c: insert_new(c, facts, rows(a="1") + rows(a="2")))
    assert await store.read(kept) == {"a": "1"}
    await store.write(lambda c: upsert(c, facts, rows(a="3") + rows(a="4")))
    assert await store.read(kept) == {"a": "4"}


async def test_upsert_tells_rows_apart_by_the_whole_key(store: Store) -> None:
    def row(account_id: int, channel: str) -> dict[str, object]:
        return {
            "account_id": account_id,
            "id": "resp_1",
            "channel": channel,
            "upstream_id": "resp_1",
            "created_at": 1,
        }

    await store.write(lambda c: upsert(c, upstream_ids, [row(1, "one"), row(2, "two")]))
    await store.write(lambda c: upsert(c, upstream_ids, [row(1, "three")]))
    query = select(upstream_ids.c.channel).order_by(upstream_ids.c.account_id)
    assert await store.read(lambda c: list(c.scalars(query))) == ["three", "two"]


async def test_other_constraints_still_hold_in_an_upsert(store: Store) -> None:
    row = {"name": "studio", "state": "active", "created_at": 1}
    await store.write(lambda c: upsert(c, accounts, [{"id": 1, **row}]))
    with pytest.raises(IntegrityError):
        await store.write(lambda c: upsert(c, accounts, [{"id": 2, **row}]))
