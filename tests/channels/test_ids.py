"""Ids belong to the account that received them here: known at once, elsewhere within a second, for thirty days."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from sqlalchemy import func, select

from darkroom.channels import ids as module
from darkroom.channels.ids import Ids, Place
from darkroom.store.engine import Store
from darkroom.store.faults import Unavailable
from darkroom.store.schema import upstream_ids

DAY_US = 86_400_000_000


@pytest.fixture
def ids(store: Store) -> Ids:
    return Ids(store)


@pytest.fixture
async def elsewhere(store_url: str) -> AsyncIterator[Ids]:
    """The same database as another process sees it."""
    store = await Store.open(store_url)
    yield Ids(store)
    await store.close()


async def count(store: Store) -> int:
    query = select(func.count()).select_from(upstream_ids)
    return int(await store.read(lambda connection: connection.scalar(query)) or 0)


async def test_id_is_known_at_once_in_this_process(ids: Ids, store: Store) -> None:
    ids.record(1, "main", ["resp_1", "ig_1"])
    assert await ids.owners(1, ["resp_1", "ig_1", "resp_2"]) == {"resp_1": "main", "ig_1": "main"}
    assert await count(store) == 0


async def test_id_of_another_account_is_unknown(ids: Ids, elsewhere: Ids) -> None:
    ids.record(1, "main", ["resp_1"])
    assert await ids.owners(2, ["resp_1"]) == {}
    await ids.flush()
    assert await ids.owners(2, ["resp_1"]) == {}
    assert await elsewhere.owners(2, ["resp_1"]) == {}


async def test_two_accounts_may_hold_the_same_id(ids: Ids, elsewhere: Ids) -> None:
    ids.record(1, "odd", ["resp_same"])
    ids.record(2, "main", ["resp_same"])
    await ids.flush()
    for each in (ids, elsewhere):
        assert await each.owners(1, ["resp_same"]) == {"resp_same": "odd"}
        assert await each.owners(2, ["resp_same"]) == {"resp_same": "main"}


async def test_id_is_known_elsewhere_within_a_second(ids: Ids, elsewhere: Ids) -> None:
    task = asyncio.create_task(ids.run())
    start = time.monotonic()
    ids.record(1, "main", ["resp_1"])
    while not await elsewhere.owners(1, ["resp_1"]):
        assert time.monotonic() - start < 1
        await asyncio.sleep(0.02)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_id_is_translated_to_its_name_at_the_upstream(ids: Ids, elsewhere: Ids) -> None:
    ids.record(1, "backup", {"resp_given": "resp_real"})
    await ids.flush()
    for each in (ids, elsewhere):
        assert await each.places(1, ["resp_given"]) == {"resp_given": Place("backup", "resp_real")}
        assert await each.owners(1, ["resp_real"]) == {}


async def test_id_given_again_moves_to_its_new_channel(ids: Ids, elsewhere: Ids) -> None:
    ids.record(1, "main", ["resp_1"])
    await ids.flush()
    ids.record(1, "backup", ["resp_1"])
    assert await ids.owners(1, ["resp_1"]) == {"resp_1": "backup"}
    await ids.flush()
    assert await elsewhere.owners(1, ["resp_1"]) == {"resp_1": "backup"}


async def test_id_given_twice_is_written_once(ids: Ids, store: Store) -> None:
    for _ in range(3):
        ids.record(1, "main", ["resp_1"])
    await ids.flush()
    assert await count(store) == 1
    ids.record(1, "main", ["resp_1"])
    assert not ids._waiting


async def test_ids_are_asked_for_in_any_number(ids: Ids, elsewhere: Ids) -> None:
    given = [f"item_{number}" for number in range(2500)]
    ids.record(1, "main", given)
    await ids.flush()
    assert await elsewhere.owners(1, [*given, "item_x", *given]) == dict.fromkeys(given, "main")
    assert await elsewhere.owners(1, []) == {}


async def test_memory_is_bounded_and_the_store_remembers(ids: Ids, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED_MAX", 10)
    given = [f"item_{number}" for number in range(100)]
    ids.record(1, "main", given)
    assert len(ids._remembered) == 10
    assert await ids.owners(1, given) == dict.fromkeys(given, "main")  # from what waits to be written
    await ids.flush()
    assert await ids.owners(1, given) == dict.fromkeys(given, "main")  # from the store
    assert len(ids._remembered) == 10


async def test_unknown_ids_leave_nothing_in_memory(ids: Ids) -> None:
    await ids.owners(1, [f"nonsense_{number}" for number in range(1000)])
    assert not ids._remembered
    assert not ids._waiting


@pytest.mark.parametrize("odd", ["x" * 513, "nul\x00", "half\ud800", "line\nbreak"])
async def test_odd_id_is_neither_recorded_nor_found(ids: Ids, store: Store, odd: str) -> None:
    ids.record(1, "main", [odd, "resp_1"])
    ids.record(1, "main", {"resp_2": odd})
    await ids.flush()
    assert await count(store) == 1
    assert await ids.owners(1, [odd, "resp_1", "resp_2"]) == {"resp_1": "main"}


async def test_ids_wait_while_the_store_is_away(ids: Ids, store: Store, store_url: str) -> None:
    await store.close()
    ids.record(1, "main", ["resp_1"])
    with pytest.raises(Unavailable):
        await ids.flush()
    assert await ids.owners(1, ["resp_1"]) == {"resp_1": "main"}
    ids._store = again = await Store.open(store_url)
    await ids.flush()
    assert await count(again) == 1
    await again.close()


async def test_ids_that_wait_are_bounded_and_losses_counted(
    ids: Ids, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING_MAX", 5)
    ids.record(1, "main", [f"item_{number}" for number in range(12)])
    assert len(ids._waiting) == 5
    assert ids.lost == 7


async def test_run_goes_on_after_a_failure(
    ids: Ids, store: Store, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FLUSH_S", 0.02)
    await store.close()
    ids.record(1, "main", ["resp_1"])
    task = asyncio.create_task(ids.run())
    await asyncio.sleep(0.1)
    ids._store = again = await Store.open(store_url)
    await asyncio.sleep(0.3)
    assert await count(again) == 1
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await again.close()


async def test_id_recorded_during_a_flush_is_not_lost(ids: Ids, elsewhere: Ids) -> None:
    ids.record(1, "main", [f"item_{number}" for number in range(500)])
    flushing = asyncio.gather(ids.flush(), ids.flush())
    await asyncio.sleep(0)
    ids.record(1, "backup", ["item_0", "item_new"])
    await flushing
    await ids.flush()
    assert await elsewhere.owners(1, ["item_0", "item_1", "item_new"]) == {
        "item_0": "backup",
        "item_1": "main",
        "item_new": "backup",
    }


async def test_concurrent_processes_write_the_same_ids_without_deadlock(ids: Ids, elsewhere: Ids) -> None:
    names = [f"item_{number}" for number in range(300)]
    ids.record(1, "main", names)
    elsewhere.record(1, "main", reversed(names))
    await asyncio.gather(ids.flush(), elsewhere.flush())
    assert len(await Ids(ids._store).owners(1, names)) == 300


async def test_ids_are_purged_after_thirty_days(
    ids: Ids, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PURGE_ROWS", 2)
    ids.record(1, "main", [f"old_{number}" for number in range(5)])
    await ids.flush()
    now = time.time_ns() // 1000
    assert await ids.purge(now + 29 * DAY_US) == 0
    assert await ids.purge(now + 31 * DAY_US) == 5
    assert await count(store) == 0
    assert await Ids(store).owners(1, ["old_0"]) == {}


async def test_close_writes_what_is_new(ids: Ids, store: Store) -> None:
    ids.record(1, "main", ["resp_1"])
    await ids.close()
    assert await count(store) == 1
    assert ids.lost == 0


async def test_close_counts_what_the_store_did_not_take(ids: Ids, store: Store) -> None:
    ids.record(1, "main", ["resp_1", "resp_2"])
    await store.close()
    await ids.close()
    assert ids.lost == 2
