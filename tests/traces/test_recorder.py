"""The recorder never makes a request wait, and loses nothing that the store would take."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from sqlalchemy import func, select

from darkroom.store.engine import Store
from darkroom.store.schema import attempts, traces
from darkroom.traces import recorder as module
from darkroom.traces.queries import find
from darkroom.traces.recorder import Recorder
from tests.traces.samples import full, simple

RECORDS_FOREVER = """
import asyncio, sys, time
from darkroom.store.engine import Store
from darkroom.traces.recorder import Recorder
from darkroom.traces.trace import Trace

async def main():
    recorder = Recorder(await Store.open(sys.argv[1], part="traces", sync="relaxed"))
    task = asyncio.create_task(recorder.run())
    for number in range(1_000_000):
        recorder.put(Trace(request_id=f"req_{number}", started_at=time.time_ns() // 1000))
        print(number, time.time(), flush=True)
        await asyncio.sleep(0.005)

asyncio.run(main())
"""


@pytest.fixture
def recorder(traces_store: Store) -> Recorder:
    return Recorder(traces_store)


async def count(store: Store) -> int:
    query = select(func.count()).select_from(traces)
    return int(await store.read(lambda connection: connection.scalar(query)) or 0)


async def test_trace_is_in_the_store_after_a_flush(recorder: Recorder, traces_store: Store) -> None:
    recorder.put(full())
    assert await count(traces_store) == 0
    await recorder.flush()
    assert await traces_store.read(lambda connection: find(connection, "req_full")) == full()
    assert recorder.waiting == 0


async def test_run_writes_within_a_second(recorder: Recorder, traces_store: Store) -> None:
    task = asyncio.create_task(recorder.run())
    start = time.monotonic()
    recorder.put(simple())
    while await count(traces_store) == 0:
        assert time.monotonic() - start < 1
        await asyncio.sleep(0.02)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_close_writes_what_waits(recorder: Recorder, traces_store: Store) -> None:
    for number in range(3 * module.BATCH + 1):
        recorder.put(simple(f"req_{number}"))
    await recorder.close()
    assert await count(traces_store) == 3 * module.BATCH + 1
    assert recorder.dropped == 0


async def test_recorder_drops_and_counts_what_does_not_fit(
    recorder: Recorder, traces_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING_MAX", 10)
    for number in range(25):
        recorder.put(simple(f"req_{number}"))
    assert (recorder.waiting, recorder.dropped) == (10, 15)
    await recorder.flush()
    assert await count(traces_store) == 10
    recorder.put(simple("req_later"))
    assert recorder.waiting == 1


async def test_recorder_keeps_traces_while_the_store_is_away(
    recorder: Recorder, traces_store: Store, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FLUSH_S", 0.02)
    await traces_store.close()
    task = asyncio.create_task(recorder.run())
    for number in range(30):
        recorder.put(simple(f"req_{number}"))
        await asyncio.sleep(0.005)
    assert (recorder.waiting, recorder.dropped) == (30, 0)
    recorder._store = again = await Store.open(store_url, part="traces")
    await asyncio.sleep(0.3)
    assert (recorder.waiting, recorder.dropped) == (0, 0)
    assert await count(again) == 30
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await again.close()


async def test_close_counts_what_could_not_be_written(recorder: Recorder, traces_store: Store) -> None:
    recorder.put(simple("req_1"))
    recorder.put(simple("req_2"))
    await traces_store.close()
    await recorder.close()
    assert (recorder.waiting, recorder.dropped) == (0, 2)


async def test_trace_that_cannot_be_written_does_not_hold_up_the_others(
    recorder: Recorder, traces_store: Store
) -> None:
    recorder.put(simple("req_1"))
    recorder.put(simple("req_bad", status=10**30))
    recorder.put(simple("req_worse", requested={"size": object()}))
    recorder.put(simple("req_2"))
    await recorder.flush()
    assert await count(traces_store) == 2
    assert recorder.dropped == 2
    assert recorder.waiting == 0


async def test_trace_written_twice_is_kept_once(recorder: Recorder, traces_store: Store) -> None:
    recorder.put(full())
    recorder.put(full())
    await recorder.flush()
    recorder.put(full(outcome="failed"))
    await recorder.flush()
    assert await count(traces_store) == 1
    kept = await traces_store.read(lambda c: c.scalar(select(func.count()).select_from(attempts)))
    assert kept == 2
    assert recorder.dropped == 0


async def test_traces_put_during_a_flush_are_written(recorder: Recorder, traces_store: Store) -> None:
    async def put(worker: int) -> None:
        for number in range(50):
            recorder.put(simple(f"req_{worker}_{number}"))
            await asyncio.sleep(0)

    await asyncio.gather(*(put(worker) for worker in range(4)), *(recorder.flush() for _ in range(5)))
    await recorder.flush()
    assert await count(traces_store) == 200


async def test_put_costs_the_loop_next_to_nothing(recorder: Recorder) -> None:
    trace = full()
    start = time.perf_counter()
    for _ in range(module.WAITING_MAX):
        recorder.put(trace)
    assert (time.perf_counter() - start) / module.WAITING_MAX < 20e-6


async def test_killed_process_loses_at_most_the_last_second(store_url: str) -> None:
    await (await Store.open(store_url, part="traces")).close()
    with subprocess.Popen(
        [sys.executable, "-c", RECORDS_FOREVER, store_url], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(1.8)
        killed = time.time()
        os.kill(process.pid, signal.SIGKILL)
        lines = process.stdout.read().split("\n")[:-1]
    put = [int(number) for number, at in map(str.split, lines) if float(at) < killed - 1]
    store = await Store.open(store_url, part="traces")
    kept = set(await store.read(lambda connection: list(connection.scalars(select(traces.c.request_id)))))
    await store.close()
    assert len(put) > 10
    assert {f"req_{number}" for number in put} <= kept
