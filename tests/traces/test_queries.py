"""What is asked of the traces: pages, one by its id, and the end of the old."""

import time

import pytest

from darkroom import errors
from darkroom.store.engine import Store
from darkroom.traces import queries
from darkroom.traces.queries import Page, find, newest, purge
from darkroom.traces.recorder import Recorder
from darkroom.traces.trace import Trace
from tests.traces.samples import STARTED_AT, full, simple

DAY_US = 86_400_000_000


async def keep(store: Store, *traces: Trace) -> None:
    recorder = Recorder(store)
    for trace in traces:
        recorder.put(trace)
    await recorder.flush()


def ids(page: Page) -> list[str]:
    return [trace.request_id for trace in page.traces]


async def test_traces_are_listed_newest_first(traces_store: Store) -> None:
    await keep(traces_store, *(simple(f"req_{n}", started_at=STARTED_AT + n) for n in (2, 0, 3, 1)))
    page = await traces_store.read(newest)
    assert ids(page) == ["req_3", "req_2", "req_1", "req_0"]
    assert page.next is None


async def test_list_is_empty_before_anything_happened(traces_store: Store) -> None:
    assert await traces_store.read(newest) == Page((), None)


async def test_list_leaves_attempts_out(traces_store: Store) -> None:
    await keep(traces_store, full())
    page = await traces_store.read(newest)
    assert page.traces[0].attempts == []
    assert page.traces[0].stages == full().stages


async def test_pages_follow_each_other_without_gap_or_repetition(traces_store: Store) -> None:
    # Three traces in the same microsecond: the border of a page falls between them.
    await keep(traces_store, *(simple(f"req_{n:02}", started_at=STARTED_AT + n // 3) for n in range(20)))
    seen: list[str] = []
    before = None
    while True:
        page = await traces_store.read(lambda c, before=before: newest(c, limit=4, before=before))
        assert len(page.traces) <= 4
        seen += ids(page)
        if (before := page.next) is None:
            break
    assert seen == [f"req_{n:02}" for n in reversed(range(20))]


async def test_page_stays_put_when_new_traces_arrive(traces_store: Store) -> None:
    await keep(traces_store, *(simple(f"req_{n}", started_at=STARTED_AT + n) for n in range(4)))
    page = await traces_store.read(lambda connection: newest(connection, limit=2))
    await keep(traces_store, simple("req_9", started_at=STARTED_AT + 9))
    assert ids(await traces_store.read(lambda c: newest(c, limit=2, before=page.next))) == ["req_1", "req_0"]


async def test_list_is_of_one_account_or_outcome(traces_store: Store) -> None:
    await keep(
        traces_store,
        simple("req_1", account="amy", outcome="failed", started_at=STARTED_AT + 1),
        simple("req_2", account="bob", outcome="failed", started_at=STARTED_AT + 2),
        simple("req_3", account="amy", outcome="completed", started_at=STARTED_AT + 3),
        simple("req_4", account=None, outcome="refused", started_at=STARTED_AT + 4),
    )
    assert ids(await traces_store.read(lambda c: newest(c, account="amy"))) == ["req_3", "req_1"]
    assert ids(await traces_store.read(lambda c: newest(c, outcome="failed"))) == ["req_2", "req_1"]
    assert ids(await traces_store.read(lambda c: newest(c, account="amy", outcome="failed"))) == ["req_1"]
    assert ids(await traces_store.read(lambda c: newest(c, account="nobody"))) == []


@pytest.mark.parametrize(("limit", "length"), [(-5, 1), (0, 1), (3, 3), (100_000, 5)])
async def test_limit_is_kept_within_reason(traces_store: Store, limit: int, length: int) -> None:
    await keep(traces_store, *(simple(f"req_{n}") for n in range(5)))
    assert len((await traces_store.read(lambda c: newest(c, limit=limit))).traces) == length


async def test_trace_is_found_with_its_attempts(traces_store: Store) -> None:
    await keep(traces_store, full(), simple("req_other"))
    assert await traces_store.read(lambda connection: find(connection, "req_full")) == full()


async def test_trace_is_found_by_the_beginning_of_its_id(traces_store: Store) -> None:
    await keep(traces_store, simple("req_Abc"), simple("req_abd"), simple("req_b%"), simple("zz"))
    for prefix, found in [("req_A", "req_Abc"), ("req_abd", "req_abd"), ("req_b", "req_b%"), ("z", "zz")]:
        assert (await traces_store.read(lambda c, p=prefix: find(c, p))).request_id == found


async def test_whole_id_is_found_though_others_begin_so(traces_store: Store) -> None:
    await keep(traces_store, simple("req_1"), simple("req_10"), simple("req_11"))
    assert (await traces_store.read(lambda c: find(c, "req_1"))).request_id == "req_1"


async def test_beginning_of_several_ids_is_refused(traces_store: Store) -> None:
    await keep(traces_store, simple("req_10"), simple("req_11"))
    with pytest.raises(errors.Invalid, match="More than one request id begins with 'req_1'") as caught:
        await traces_store.read(lambda connection: find(connection, "req_1"))
    assert caught.value.code == "ambiguous_request_id"


@pytest.mark.parametrize("request_id", ["", "req_2", "%", "_", "REQ_1", "a\x00", "\ud800", "'", "x" * 5000])
async def test_unknown_trace_is_not_found(traces_store: Store, request_id: str) -> None:
    await keep(traces_store, simple("req_1"))
    with pytest.raises(errors.NotFound) as caught:
        await traces_store.read(lambda connection: find(connection, request_id))
    assert caught.value.code == "trace_not_found"


async def test_old_traces_are_purged_with_their_attempts(
    traces_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "PURGE_ROWS", 3)
    now = time.time_ns() // 1000
    await keep(
        traces_store,
        *(full(f"req_old_{n}", started_at=now - 31 * DAY_US) for n in range(7)),
        full("req_new", started_at=now - 29 * DAY_US),
    )
    assert await purge(traces_store, 30) == 7
    assert ids(await traces_store.read(newest)) == ["req_new"]
    assert len((await traces_store.read(lambda c: find(c, "req_new"))).attempts) == 2
    left = await traces_store.read(lambda c: c.exec_driver_sql("SELECT count(*) FROM attempts").scalar())
    assert left == 2
    assert await purge(traces_store, 30) == 0
