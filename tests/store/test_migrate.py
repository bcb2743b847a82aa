"""Any number of programs may open a database at once; it is upgraded once, in place, and never downgraded."""

import asyncio
import fcntl
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, make_url, text

from darkroom import errors
from darkroom.store import facts, migrate
from darkroom.store.engine import Store
from darkroom.store.faults import Unavailable
from darkroom.store.schema import HEADS, PARTS, Part

OPENS = """
import asyncio, sys
from darkroom.store.engine import Store

async def main():
    sys.stdin.readline()
    for part in ("main", "traces"):
        store = await Store.open(sys.argv[1], part=part)
        await store.close()
    print("opened")

asyncio.run(main())
"""


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


async def execute(store: Store, *statements: str) -> None:
    def run(connection: Connection) -> None:
        for statement in statements:
            connection.execute(text(statement))

    await store.write(run)


@pytest.mark.parametrize("part", ["main", "traces"])
async def test_empty_database_is_made_ready(store_url: str, part: Part) -> None:
    store = await Store.open(store_url, part=part)
    assert await store.read(tables) == {*PARTS[part].tables, f"alembic_version_{part}"}
    assert await store.read(lambda connection: migrate.version(connection, part)) == HEADS[part]
    await store.close()


async def test_database_without_a_version_has_none(store_url: str) -> None:
    store = await Store.open(store_url)
    assert await store.read(lambda connection: migrate.version(connection, "traces")) is None
    await store.close()


async def test_second_start_changes_nothing(store_url: str) -> None:
    store = await Store.open(store_url)
    await store.write(lambda connection: facts.put(connection, "kept", "yes"))
    await store.close()
    for _ in range(2):
        store = await Store.open(store_url)
        assert await store.read(lambda connection: facts.get(connection, "kept")) == "yes"
        await store.close()


async def test_processes_that_start_together_all_succeed(store_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPENS, store_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    await asyncio.sleep(1)  # until each of them waits for its word
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        out, err = process.communicate(timeout=30)
        assert (out, err, process.returncode) == ("opened\n", "", 0)


async def test_coroutines_that_open_together_all_succeed(store_url: str) -> None:
    parts: list[Part] = ["main", "traces"] * 5
    stores = await asyncio.gather(*(Store.open(store_url, part=part) for part in parts))
    for store in stores:
        await store.close()


async def test_newer_database_is_refused_and_left_alone(store_url: str) -> None:
    store = await Store.open(store_url)
    await execute(store, "UPDATE alembic_version_main SET version_num = 'main_9999'")
    with pytest.raises(errors.Internal, match="written by a newer Darkroom: it is at main_9999") as caught:
        await Store.open(store_url)
    assert caught.value.code == "store_too_new"
    assert not caught.value.retryable
    assert await store.read(lambda connection: migrate.version(connection, "main")) == "main_9999"
    await (await Store.open(store_url, part="traces")).close()  # each part has its own version
    await store.close()


async def test_broken_migration_leaves_the_database_as_it_was(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await (await Store.open(store_url)).close()
    steps = tmp_path / "steps" / "main"
    steps.mkdir(parents=True)
    for step in (migrate._STEPS / "main").glob("v*.py"):
        (steps / step.name).write_text(step.read_text())
    (steps / "v9999_next.py").write_text(
        f'import sqlalchemy as sa\nrevision = "main_9999"\ndown_revision = "{HEADS["main"]}"\n'
        "def upgrade(op):\n"
        '    op.create_table("half", sa.Column("id", sa.Integer, primary_key=True))\n'
        "    if BROKEN: raise ValueError('broken step')\n"
    )
    monkeypatch.setattr(migrate, "_STEPS", steps.parent)
    monkeypatch.setitem(HEADS, "main", "main_9999")
    text = (steps / "v9999_next.py").read_text()
    (steps / "v9999_next.py").write_text("BROKEN = True\n" + text)
    with pytest.raises(ValueError, match="broken step"):
        await Store.open(store_url)
    (steps / "v9999_next.py").write_text("BROKEN = False\n# mended, so of another size\n" + text)
    store = await Store.open(store_url)  # had the first try left its table behind, this would fail
    assert "half" in await store.read(tables)
    assert await store.read(lambda connection: migrate.version(connection, "main")) == "main_9999"
    await store.close()


async def test_upgrade_waits_for_the_one_under_way(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    lock = path.with_name("store.db.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    opening = asyncio.create_task(Store.open(f"sqlite:///{path}"))
    await asyncio.sleep(0.3)
    assert not opening.done()
    lock.close()
    await (await opening).close()


async def test_upgrade_that_never_ends_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "LOCK_S", 0.2)
    path = tmp_path / "store.db"
    with path.with_name("store.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Unavailable, match="another process has been upgrading it"):
            await Store.open(f"sqlite:///{path}")


async def test_loop_goes_on_during_an_upgrade(store_url: str) -> None:
    opening = asyncio.create_task(Store.open(store_url))
    ticks = 0
    while not opening.done():
        await asyncio.sleep(0.005)
        ticks += 1
    assert ticks > 3
    await (await opening).close()


async def test_up_to_date_database_is_opened_without_the_lock_and_without_alembic(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    await (await Store.open(f"sqlite:///{path}")).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    before = time.monotonic()
    migrate.migrate(make_url(f"sqlite:///{path}"), "main")
    assert time.monotonic() - before < 1
    other.close()
    code = (
        "import asyncio, sys; from darkroom.store.engine import Store\n"
        f"asyncio.run(Store.open('sqlite:///{path}'))\n"
        "assert not [name for name in sys.modules if name.startswith('alembic.')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


async def test_unreachable_server_is_told_without_its_password() -> None:
    with pytest.raises(Unavailable, match="cannot be reached") as caught:
        await Store.open("postgresql://someone:hunter2@127.0.0.1:1/darkroom")
    assert "hunter2" not in str(caught.value)
