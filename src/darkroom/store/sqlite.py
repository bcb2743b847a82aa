"""SQLite: one writer thread that commits everything waiting together, and a few threads that read.

Law of this file: the one connection that writes lives in one thread, and an answer is given after the commit
that made it true. Counterpart: `postgres`, with the same three verbs.
"""

import asyncio
import os
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from darkroom import errors
from darkroom.store import faults
from darkroom.store.schema import Sync

T = TypeVar("T")

BUSY_S = 5.0
"""How long a writer waits for another process that holds the lock."""
BATCH_MAX = 256
"""Operations of one commit."""
READERS = 4


class _Job:
    """One waiting operation; `error` or `result` is set by the writer, read by the loop after the commit."""

    __slots__ = ("error", "fn", "future", "result")

    def __init__(self, fn: Callable[[Connection], Any], future: asyncio.Future[Any]) -> None:
        self.fn = fn
        self.future = future
        self.result: Any = None
        self.error: BaseException | None = None


class Sqlite:
    """One SQLite file, as this process uses it."""

    def __init__(self, path: Path, sync: Sync) -> None:
        self._loop = asyncio.get_running_loop()
        self._engine = connect(path, sync)
        self._reads = connect(path, sync, readers=READERS)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix=f"{path.name} reader")
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        # A daemon, so that a program that dies without `close()` is not held back by its own writer.
        self._thread = threading.Thread(target=self._write_forever, name=f"{path.name} writer", daemon=True)
        self._thread.start()

    async def read(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` on one snapshot; whatever it tries to change is refused."""
        if self._closed:
            raise faults.unavailable("it is closed")
        return await self._loop.run_in_executor(self._readers, self._read, fn)

    async def write(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` in the writer thread and answer after the commit.

        Cancelled before it began, it is dropped; cancelled later, it is finished all the same.
        """
        if self._closed:
            raise faults.unavailable("it is closed")
        job = _Job(fn, self._loop.create_future())
        self._jobs.put(job)
        result: T = await job.future
        return result

    async def close(self) -> None:
        """Finish what waits, then let go of the file."""
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(self._readers.shutdown)
        self._reads.dispose()
        self._engine.dispose()

    # in the reader threads

    def _read(self, fn: Callable[[Connection], T]) -> T:
        try:
            with self._reads.connect() as connection:
                return fn(connection)
        except Exception as error:
            if unavailable := faults.translate(error):
                raise unavailable from error
            raise

    # in the writer thread

    def _write_forever(self) -> None:
        while (job := self._jobs.get()) is not None:
            batch = [job]
            last = self._write_batch(batch)
            self._answer(batch)
            if last:
                break

    def _write_batch(self, batch: list[_Job]) -> bool:
        """Run `batch[0]` and all that wait behind it in one transaction; True once the queue has ended."""
        last = False
        try:
            with self._engine.connect() as connection, connection.begin():
                # Only now, with the lock in hand: whatever came while we waited for it rides along.
                last = self._gather(batch)
                for job in batch:
                    _run(connection, job)
        except BaseException as error:  # noqa: BLE001 - every caller must get an answer, the thread must live on
            last = self._gather(batch) or last
            for job in batch:
                job.error = faults.translate(error) or error
        return last

    def _gather(self, batch: list[_Job]) -> bool:
        while len(batch) < BATCH_MAX:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return False
            if job is None:
                return True
            batch.append(job)
        return False

    def _answer(self, batch: Sequence[_Job]) -> None:
        try:
            self._loop.call_soon_threadsafe(_resolve, batch)
        except RuntimeError:
            pass  # the loop is closed: nobody is left to be told


def _run(connection: Connection, job: _Job) -> None:
    """One operation in its own savepoint, so that its failure is its own."""
    if job.future.cancelled():
        return
    # Straight to the driver: SQLAlchemy's own savepoints cost as much as the statements inside (measured).
    driver: Any = connection.connection.dbapi_connection
    driver.execute("SAVEPOINT operation")
    try:
        job.result = job.fn(connection)
    except BaseException as error:
        # A full disk or a read error makes SQLite undo the whole transaction, earlier operations included.
        if not driver.in_transaction:
            raise
        driver.execute("ROLLBACK TO operation")
        job.error = faults.translate(error) or error
    driver.execute("RELEASE operation")


def _resolve(batch: Sequence[_Job]) -> None:
    for job in batch:
        if job.future.done():
            continue
        if job.error is None:
            job.future.set_result(job.result)
        else:
            job.future.set_exception(job.error)


def connect(path: Path, sync: Sync = "full", readers: int = 0) -> Engine:
    """An engine on the file at `path`, made with mode 0600 if missing: for one writer, or for `readers`."""
    _create(path)
    engine = create_engine(
        f"sqlite+pysqlite:///{path}",
        connect_args={"timeout": BUSY_S, "check_same_thread": False, "cached_statements": 256},
        poolclass=QueuePool,
        pool_size=readers or 1,
        max_overflow=0,
    )

    @event.listens_for(engine, "connect")
    def settle(dbapi: Any, _: Any) -> None:
        # The driver's own idea of when to begin comes too late; SQLAlchemy's `begin` event below decides.
        dbapi.isolation_level = None
        dbapi.execute("PRAGMA foreign_keys = ON")
        dbapi.execute(f"PRAGMA synchronous = {'FULL' if sync == 'full' else 'NORMAL'}")
        if readers:
            dbapi.execute("PRAGMA query_only = ON")
        elif dbapi.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            dbapi.execute("PRAGMA journal_mode = WAL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer that begins as a reader can fail in the middle, when another process wrote in between.
        connection.exec_driver_sql("BEGIN" if readers else "BEGIN IMMEDIATE")

    return engine


def _create(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise errors.Internal(
            f"The database file {path} cannot be opened: {error.strerror}.",
            code="store_unavailable",
            status=503,
        ) from error
