"""The store's promises, the same on SQLite and on PostgreSQL."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time

import pytest
from sqlalchemy import Connection, insert, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from darkroom import errors
from darkroom.store import facts
from darkroom.store.engine import Store, read_url
from darkroom.store.faults import Unavailable
from darkroom.store.schema import accounts
from darkroom.store.schema import facts as table

WRITES_FOREVER = """
import asyncio, sys
from darkroom.store import facts
from darkroom.store.engine import Store

async def write(store, worker):
    for number in range(1_000_000):
        name = f"{worker}-{number}"
        await store.write(lambda c: (facts.put(c, name, "a"), facts.put(c, name, "b")))
        print(name, flush=True)

async def main():
    store = await Store.open(sys.argv[1])
    await asyncio.gather(*(write(store, worker) for worker in range(8)))

asyncio.run(main())
"""


def add(connection: Connection, name: str) -> None:
    connection.execute(insert(accounts).values(name=name, state="active", created_at=1))


def names(connection: Connection) -> set[str]:
    return set(connection.scalars(select(accounts.c.name)))


async def test_store_answers_what_the_function_returns(store: Store) -> None:
    assert await store.write(lambda connection: connection.scalar(select(1))) == 1
    assert await store.read(lambda connection: connection.scalar(select(2))) == 2


async def test_write_is_seen_by_reads_once_it_was_answered(store: Store) -> None:
    for number in range(20):
        await store.write(lambda connection, number=number: facts.put(connection, "n", str(number)))
        assert await store.read(lambda connection: facts.get(connection, "n")) == str(number)


async def test_fifty_concurrent_writes_are_all_kept(store: Store) -> None:
    await asyncio.gather(*(store.write(lambda c, n=n: add(c, f"account {n}")) for n in range(50)))
    assert await store.read(names) == {f"account {n}" for n in range(50)}


async def test_fifty_concurrent_increments_lose_none(store: Store) -> None:
    await store.write(lambda connection: facts.put(connection, "balance", "0"))
    grow = update(table).where(table.c.name == "balance")

    def increment(connection: Connection) -> int:
        value = text("CAST(CAST(value AS INTEGER) + 1 AS TEXT)")
        return int(connection.scalar(grow.values(value=value).returning(table.c.value)) or 0)

    seen = await asyncio.gather(*(store.write(increment) for _ in range(50)))
    assert sorted(seen) == list(range(1, 51))


async def test_failed_write_undoes_its_own_statements_alone(store: Store) -> None:
    def half(connection: Connection) -> None:
        add(connection, "half")
        raise errors.Invalid("no")

    answers = await asyncio.gather(
        store.write(lambda connection: add(connection, "before")),
        store.write(half),
        store.write(lambda connection: add(connection, "after")),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [type(None), errors.Invalid, type(None)]
    assert await store.read(names) == {"before", "after"}


async def test_store_passes_on_a_broken_constraint_as_it_is(store: Store) -> None:
    await store.write(lambda connection: add(connection, "one"))
    with pytest.raises(IntegrityError):
        await store.write(lambda connection: add(connection, "one"))
    await store.write(lambda connection: add(connection, "two"))


async def test_store_keeps_references(store: Store) -> None:
    statement = text(
        "INSERT INTO keys (account_id, hash, hint, test, created_at) VALUES (99, :hash, 'sk-…', :test, 1)"
    )
    with pytest.raises(IntegrityError):
        await store.write(lambda connection: connection.execute(statement, {"hash": b"1", "test": False}))


async def test_mistake_in_a_statement_is_not_taken_for_an_outage(store: Store) -> None:
    for verb in (store.read, store.write):
        with pytest.raises((OperationalError, ProgrammingError)):
            await verb(lambda connection: connection.execute(text("SELECT * FROM nowhere")))


async def test_read_cannot_change_anything(store: Store) -> None:
    with pytest.raises(Unavailable, match="may not be written"):
        await store.read(lambda connection: add(connection, "sneaky"))
    assert await store.read(names) == set()


async def test_read_sees_one_snapshot_while_others_write(store: Store) -> None:
    await store.write(lambda connection: facts.put(connection, "n", "old"))

    def twice(connection: Connection) -> tuple[str | None, str | None]:
        first = facts.get(connection, "n")
        if connection.dialect.name == "sqlite":
            time.sleep(0.3)  # in a thread
        else:
            connection.execute(text("SELECT pg_sleep(0.3)"))
        return first, facts.get(connection, "n")

    reading = asyncio.create_task(store.read(twice))
    await asyncio.sleep(0.1)
    await store.write(lambda connection: facts.put(connection, "n", "new"))
    assert await reading == ("old", "old")
    assert await store.read(lambda connection: facts.get(connection, "n")) == "new"


async def test_cancelled_write_leaves_the_store_usable(store: Store) -> None:
    tasks = [asyncio.create_task(store.write(lambda c, n=n: add(c, f"a{n}"))) for n in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await store.write(lambda connection: add(connection, "last"))
    kept = await store.read(names)
    assert {f"a{n}" for n in range(1, 20, 2)} | {"last"} <= kept


async def test_closed_store_refuses(store_url: str) -> None:
    store = await Store.open(store_url)
    await store.close()
    await store.close()
    with pytest.raises(Unavailable, match="closed"):
        await store.write(names)
    with pytest.raises(Unavailable, match="closed"):
        await store.read(names)


async def test_close_finishes_what_waits(store_url: str) -> None:
    store = await Store.open(store_url)
    tasks = [asyncio.create_task(store.write(lambda c, n=n: add(c, f"a{n}"))) for n in range(30)]
    await asyncio.sleep(0)
    await store.close()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    again = await Store.open(store_url)
    kept = await again.read(names)
    await again.close()
    assert kept == {f"a{n}" for n, answer in enumerate(answers) if answer is None}


async def test_store_is_shared_by_two_openers(store: Store, store_url: str) -> None:
    other = await Store.open(store_url)
    await asyncio.gather(
        *(opened.write(lambda c, n=n: add(c, f"a{n}")) for n, opened in enumerate([store, other] * 20))
    )
    assert await other.read(names) == await store.read(names) == {f"a{n}" for n in range(40)}
    await other.close()


async def test_both_parts_fit_into_one_database(store_url: str) -> None:
    main, traces = await asyncio.gather(
        Store.open(store_url), Store.open(store_url, part="traces", sync="relaxed")
    )
    await main.write(lambda connection: facts.put(connection, "a", "1"))
    assert await traces.read(lambda c: c.scalar(text("SELECT count(*) FROM traces"))) == 0
    await main.close()
    await traces.close()


async def test_store_keeps_every_answered_write_when_the_process_is_killed(store_url: str) -> None:
    await (await Store.open(store_url)).close()
    for seed in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", WRITES_FOREVER, store_url], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            first = process.stdout.readline().strip()
            time.sleep(random.Random(seed).uniform(0.05, 0.3))
            os.kill(process.pid, signal.SIGKILL)
            # The last line may have been cut in the middle of its name.
            answered = {first, *process.stdout.read().split("\n")[:-1]}
        store = await Store.open(store_url)
        kept = await store.read(lambda c: dict(c.execute(select(table.c.name, table.c.value)).all()))
        if store_url.startswith("sqlite"):
            check = await store.read(lambda c: c.scalar(text("PRAGMA integrity_check")))
            assert check == "ok"
        await store.close()
        assert len(answered) > 1
        assert answered <= kept.keys()
        assert set(kept.values()) == {"b"}  # never half of an operation


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("sqlite:///data/darkroom.db", "sqlite:///data/darkroom.db"),
        ("sqlite:////var/lib/x.db", "sqlite:////var/lib/x.db"),
        ("postgres://u:p%40ss@h:5433/d?sslmode=require", "postgresql://u:p%40ss@h:5433/d?sslmode=require"),
        ("postgresql+psycopg://h/d", "postgresql://h/d"),
        ("postgresql://u@/d?host=/run/pg", "postgresql://u@/d?host=%2Frun%2Fpg"),
    ],
)
def test_address_is_read(given: str, read: str) -> None:
    assert read_url(given).render_as_string(hide_password=False) == read


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("", "is not a URL"),
        ("data/darkroom.db", "is not a URL"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("mysql://u:secret@h/d", "begins with mysql"),
    ],
)
def test_address_of_another_kind_is_refused(given: str, problem: str) -> None:
    with pytest.raises(errors.Invalid, match=problem) as caught:
        read_url(given)
    assert "secret" not in caught.value.message
    assert caught.value.param == "database_url"
