"""SQLite: group commit, a file that others use too, and what goes wrong with files."""

import asyncio
import sqlite3
import stat
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text

from darkroom import errors
from darkroom.store import facts, sqlite
from darkroom.store.engine import Store
from darkroom.store.faults import Unavailable
from darkroom.store.schema import Sync


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(f"sqlite:///{path}")
    yield opened
    await opened.close()


def put(name: str, value: str = "1") -> Callable[[Connection], None]:
    return lambda connection: facts.put(connection, name, value)


def count(connection: Connection) -> int:
    return int(connection.scalar(text("SELECT count(*) FROM facts")) or 0)


def count_commits(store: Store) -> list[int]:
    commits: list[int] = []
    engine = store._engine
    assert isinstance(engine, sqlite.Sqlite)
    event.listen(engine._engine, "commit", lambda _: commits.append(1))
    return commits


async def test_writer_commits_all_that_waited_together(store: Store) -> None:
    commits = count_commits(store)
    gate = threading.Event()
    first = asyncio.create_task(store.write(lambda _: gate.wait(5)))
    await asyncio.sleep(0.05)
    rest = [asyncio.create_task(store.write(put(f"n{number}"))) for number in range(50)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(first, *rest)
    assert len(commits) == 2
    assert await store.read(count) == 50


async def test_writer_bounds_what_one_commit_takes(store: Store) -> None:
    commits = count_commits(store)
    gate = threading.Event()
    first = asyncio.create_task(store.write(lambda _: gate.wait(5)))
    await asyncio.sleep(0.05)
    rest = [asyncio.create_task(store.write(put(f"n{n}"))) for n in range(2 * sqlite.BATCH_MAX)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(first, *rest)
    assert len(commits) == 3


async def test_write_is_dropped_if_cancelled_before_it_began(store: Store) -> None:
    gate = threading.Event()
    first = asyncio.create_task(store.write(lambda _: gate.wait(5)))
    await asyncio.sleep(0.05)
    dropped = asyncio.create_task(store.write(put("dropped")))
    await asyncio.sleep(0)
    dropped.cancel()
    await asyncio.sleep(0)
    gate.set()
    await first
    assert await store.read(count) == 0


async def test_loop_goes_on_while_the_writer_works(store: Store) -> None:
    writing = asyncio.create_task(store.write(lambda _: time.sleep(0.3)))
    longest = 0.0
    while not writing.done():
        before = time.monotonic()
        await asyncio.sleep(0.005)
        longest = max(longest, time.monotonic() - before)
    assert longest < 0.2


async def test_write_waits_while_another_process_holds_the_lock_for_two_seconds(
    store: Store, path: Path
) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    asyncio.get_running_loop().call_later(2, other.execute, "COMMIT")
    before = time.monotonic()
    await asyncio.gather(*(store.write(put(f"n{number}")) for number in range(20)))
    assert 1.5 < time.monotonic() - before < 4
    assert await store.read(count) == 20
    other.close()


async def test_read_does_not_wait_while_another_process_holds_the_lock(store: Store, path: Path) -> None:
    await store.write(put("n"))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with asyncio.timeout(1):
        assert await store.read(count) == 1
        again = await Store.open(f"sqlite:///{path}")  # nor does a second program that starts now
        assert await again.read(count) == 1
    await again.close()
    other.close()


async def test_all_that_waited_are_refused_when_the_lock_is_not_to_be_had(path: Path) -> None:
    await (await Store.open(f"sqlite:///{path}")).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store = await Store.open(f"sqlite:///{path}")
    engine = store._engine
    assert isinstance(engine, sqlite.Sqlite)
    event.listen(engine._engine, "connect", lambda dbapi, _: dbapi.execute("PRAGMA busy_timeout = 200"))
    answers = await asyncio.gather(*(store.write(put(f"n{n}")) for n in range(5)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {Unavailable}
    assert "locked by another process" in str(answers[0])
    other.execute("COMMIT")
    await store.write(put("later"))
    assert await store.read(count) == 1
    await store.close()
    other.close()


async def test_full_disk_is_told_and_the_next_write_works(store: Store) -> None:
    def fill(connection: Connection) -> None:
        for number in range(1000):
            facts.put(connection, f"fill{number}", "x" * 4000)

    pages = await store.write(lambda connection: connection.scalar(text("PRAGMA page_count")))
    await store.write(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count = {pages + 20}").fetchall())
    answers = await asyncio.gather(
        store.write(put("before")), store.write(fill), store.write(put("after")), return_exceptions=True
    )
    assert isinstance(answers[1], Unavailable)
    assert "the disk is full" in answers[1].message
    assert answers[1].status == 503
    kept = [name for name, answer in zip(["before", "after"], answers[::2], strict=True) if answer is None]
    assert await store.read(count) == len(kept)  # whoever was answered was kept, whoever was not was not
    await store.write(put("next"))


async def test_operation_that_leaves_the_transaction_fails_for_all_without_harm(store: Store) -> None:
    answers = await asyncio.gather(
        store.write(put("one")),
        store.write(lambda connection: connection.exec_driver_sql("ROLLBACK")),
        return_exceptions=True,
    )
    assert any(isinstance(answer, Exception) for answer in answers)
    await store.write(put("next"))


async def test_file_is_for_its_owner_alone(store: Store, path: Path) -> None:
    await store.write(put("n"))
    for name in ("store.db", "store.db-wal", "store.db-shm"):
        assert stat.S_IMODE((path.parent / name).stat().st_mode) == 0o600


async def test_folder_is_made(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/a/b/store.db")
    await store.close()
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


async def test_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(errors.Internal, match=r"file/store\.db cannot be opened"):
        await Store.open(f"sqlite:///{tmp_path}/file/store.db")


async def test_file_that_is_no_database_is_told(path: Path) -> None:
    path.write_bytes(b"GIF89a" * 1000)
    with pytest.raises(Unavailable, match="not a database"):
        await Store.open(f"sqlite:///{path}")


@pytest.mark.parametrize(("sync", "level"), [("full", 2), ("relaxed", 1)])
async def test_sync_decides_what_a_power_cut_may_cost(path: Path, sync: Sync, level: int) -> None:
    store = await Store.open(f"sqlite:///{path}", sync=sync)
    assert await store.write(lambda c: c.scalar(text("PRAGMA synchronous"))) == level
    assert await store.write(lambda c: c.scalar(text("PRAGMA journal_mode"))) == "wal"
    assert await store.write(lambda c: c.scalar(text("PRAGMA foreign_keys"))) == 1
    await store.close()


def test_writer_outlives_a_closed_loop(path: Path) -> None:
    opened: list[Store] = []

    async def leave() -> None:
        opened.append(await Store.open(f"sqlite:///{path}"))
        asyncio.get_running_loop().create_task(opened[0].write(lambda _: time.sleep(0.1)))
        await asyncio.sleep(0.01)

    asyncio.run(leave())
    engine = opened[0]._engine
    assert isinstance(engine, sqlite.Sqlite)
    engine._jobs.put(None)
    engine._thread.join(5)
    assert not engine._thread.is_alive()
    engine._engine.dispose()
