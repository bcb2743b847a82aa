"""PostgreSQL: deadlocks, lost connections, and a server that is away for a while."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from darkroom.store import facts
from darkroom.store import postgres as module
from darkroom.store.engine import Store
from darkroom.store.faults import Unavailable
from darkroom.store.schema import Sync
from tests import databases

ME = text("SELECT pg_backend_pid()")


@pytest.fixture(name="url")
def new_url(postgres: databases.Postgres) -> str:
    return postgres.new()


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = await Store.open(url)
    yield opened
    await opened.close()


def put(connection: Connection, name: str, value: str) -> None:
    facts.put(connection, name, value)


async def test_deadlock_is_met_by_running_the_function_again(store: Store) -> None:
    await store.write(lambda c: (put(c, "a", "0"), put(c, "b", "0")))
    runs = 0

    def cross(connection: Connection, first: str, second: str) -> None:
        nonlocal runs
        runs += 1
        put(connection, first, first + second)
        connection.execute(text("SELECT pg_sleep(0.2)"))
        put(connection, second, first + second)

    await asyncio.gather(store.write(lambda c: cross(c, "a", "b")), store.write(lambda c: cross(c, "b", "a")))
    assert runs >= 3
    a, b = await store.read(lambda c: (facts.get(c, "a"), facts.get(c, "b")))
    assert a == b  # one after the other, never a mixture


async def test_lost_idle_connections_are_replaced_unnoticed(
    store: Store, postgres: databases.Postgres
) -> None:
    async def one() -> int:
        return int(
            await store.write(lambda c: (c.scalar(ME), c.execute(text("SELECT pg_sleep(0.05)")))[0]) or 0
        )

    for pid in set(await asyncio.gather(*(one() for _ in range(5)))):
        await asyncio.to_thread(postgres.execute, f"SELECT pg_terminate_backend({pid})")
    await asyncio.gather(*(store.write(lambda c, n=n: put(c, str(n), "x")) for n in range(5)))
    assert await store.read(lambda c: facts.get(c, "4")) == "x"


async def test_connection_lost_in_the_middle_is_met_by_running_again(
    store: Store, postgres: databases.Postgres
) -> None:
    pids: list[int] = []

    def slow(connection: Connection) -> None:
        pids.append(int(connection.scalar(ME) or 0))
        put(connection, "n", str(len(pids)))
        if len(pids) == 1:
            connection.execute(text("SELECT pg_sleep(5)"))

    writing = asyncio.create_task(store.write(slow))
    while not pids:
        await asyncio.sleep(0.01)
    await asyncio.to_thread(postgres.execute, f"SELECT pg_terminate_backend({pids[0]})")
    await writing
    assert len(pids) == 2
    assert await store.read(lambda c: facts.get(c, "n")) == "2"


async def test_store_refuses_while_the_server_is_away_and_recovers(
    postgres: databases.Postgres, url: str
) -> None:
    await (await Store.open(url)).close()
    role = url.partition("search_path=")[2]

    async def command(statement: str) -> None:
        await asyncio.to_thread(postgres.execute, statement)

    await command(f"CREATE ROLE {role} LOGIN SUPERUSER")
    store = await Store.open(url.replace("//postgres:@", f"//{role}@"))
    await store.write(lambda c: put(c, "n", "1"))
    await command(f"ALTER ROLE {role} NOLOGIN")
    await command(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'")
    for verb in (store.read, store.write):
        with pytest.raises(Unavailable) as caught:
            await verb(lambda c: facts.get(c, "n"))
        assert caught.value.status == 503
    await command(f"ALTER ROLE {role} LOGIN")
    await store.write(lambda c: put(c, "n", "2"))
    assert await store.read(lambda c: facts.get(c, "n")) == "2"
    await store.close()


async def test_operations_beyond_the_connections_wait_and_are_refused_in_the_end(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CONNECTIONS", 1)
    monkeypatch.setattr(module, "WAIT_S", 0.3)
    store = await Store.open(url)
    sleep = text("SELECT pg_sleep(0.6)")
    before = time.monotonic()
    answers = await asyncio.gather(
        *(store.write(lambda c: c.execute(sleep).close()) for _ in range(3)), return_exceptions=True
    )
    assert [type(answer) for answer in answers].count(Unavailable) == 1
    assert time.monotonic() - before < 3
    await store.write(lambda c: put(c, "n", "1"))
    await store.close()


async def test_cancelled_operation_gives_its_connection_back(store: Store) -> None:
    sleep = text("SELECT pg_sleep(30)")
    for _ in range(2 * module.CONNECTIONS + 2):
        task = asyncio.create_task(store.write(lambda c: c.execute(sleep).close()))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with asyncio.timeout(5):
        await store.write(lambda c: put(c, "n", "1"))


async def test_close_waits_for_what_has_begun(url: str) -> None:
    store = await Store.open(url)
    writing = asyncio.create_task(
        store.write(lambda c: (c.execute(text("SELECT pg_sleep(0.3)")), put(c, "n", "1"))[1])
    )
    await asyncio.sleep(0.1)
    await store.close()
    assert writing.done()
    await writing
    again = await Store.open(url)
    assert await again.read(lambda c: facts.get(c, "n")) == "1"
    await again.close()


@pytest.mark.parametrize(("sync", "level"), [("full", "on"), ("relaxed", "off")])
async def test_sync_decides_what_a_power_cut_may_cost(url: str, sync: Sync, level: str) -> None:
    store = await Store.open(url, sync=sync)
    assert await store.write(lambda c: c.scalar(text("SHOW synchronous_commit"))) == level
    assert await store.write(lambda c: c.scalar(text("SHOW application_name"))) == "darkroom"
    await store.close()


async def test_mistake_in_a_text_is_not_taken_for_an_outage(store: Store) -> None:
    with pytest.raises(DBAPIError):
        await store.write(lambda c: put(c, "nul", "\x00"))
    await store.write(lambda c: put(c, "n", "1"))
