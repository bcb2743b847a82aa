"""Facts: small things that an installation remembers."""

import pytest

from darkroom.store import facts
from darkroom.store.engine import Store


async def test_fact_is_none_before_it_was_put(store: Store) -> None:
    assert await store.read(lambda connection: facts.get(connection, "channel_seen")) is None


async def test_fact_is_found_after_it_was_put(store: Store) -> None:
    await store.write(lambda connection: facts.put(connection, "channel_seen", "1"))
    assert await store.read(lambda connection: facts.get(connection, "channel_seen")) == "1"


async def test_fact_is_replaced_when_put_again(store: Store) -> None:
    await store.write(lambda connection: facts.put(connection, "mood", "bright"))
    await store.write(lambda connection: facts.put(connection, "mood", "暗房"))
    assert await store.read(lambda connection: facts.get(connection, "mood")) == "暗房"


async def test_facts_do_not_touch_each_other(store: Store) -> None:
    await store.write(lambda connection: facts.put(connection, "one", "1"))
    await store.write(lambda connection: facts.put(connection, "two", "2"))
    await store.write(lambda connection: facts.drop(connection, "one"))
    assert await store.read(lambda connection: facts.get(connection, "one")) is None
    assert await store.read(lambda connection: facts.get(connection, "two")) == "2"


@pytest.mark.parametrize("name", ["", "with space", "ÄÖ", "x" * 500])
async def test_fact_may_have_any_name(store: Store, name: str) -> None:
    await store.write(lambda connection: facts.put(connection, name, "yes"))
    assert await store.read(lambda connection: facts.get(connection, name)) == "yes"


async def test_drop_forgives_an_unknown_name(store: Store) -> None:
    await store.write(lambda connection: facts.drop(connection, "never"))
