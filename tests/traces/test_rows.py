"""Traces become rows and come back the same, whatever callers and upstreams put into them."""

from typing import Any

import pytest
from sqlalchemy import select

from darkroom.store.engine import Store
from darkroom.store.schema import attempts, traces
from darkroom.store.upsert import insert_new
from darkroom.traces.rows import (
    JSON_MAX,
    PROMPT_MAX,
    STAGES_MAX,
    TEXT_MAX,
    attempt_rows,
    read_attempt,
    read_trace,
    trace_row,
)
from darkroom.traces.trace import Attempt, Trace
from tests.traces.samples import full, simple


async def around(store: Store, trace: Trace) -> Trace:
    """The trace as the database gives it back."""

    def write_and_read(connection: Any) -> Trace:
        insert_new(connection, traces, [trace_row(trace)])
        insert_new(connection, attempts, attempt_rows(trace))
        back = read_trace(connection.execute(select(traces)).one())
        back.attempts = [read_attempt(row) for row in connection.execute(select(attempts).order_by("number"))]
        return back

    return await store.write(write_and_read)


def test_rows_name_every_column_and_no_other() -> None:
    assert set(trace_row(full())) == set(traces.c.keys())
    assert all(set(row) == set(attempts.c.keys()) for row in attempt_rows(full()))


def test_attempts_are_numbered_in_their_order() -> None:
    assert [(row["number"], row["channel"]) for row in attempt_rows(full())] == [(0, "main"), (1, "backup")]


async def test_full_trace_comes_back_the_same(traces_store: Store) -> None:
    assert await around(traces_store, full()) == full()


async def test_empty_trace_comes_back_the_same(traces_store: Store) -> None:
    assert await around(traces_store, simple()) == simple()


@pytest.mark.parametrize(
    "bad", ["nul \x00 inside", "half \ud800 pair", "\x1b[31mred", "🎨 暗房 é", "\\ud83d \\u0000"]
)
async def test_any_string_can_be_written(traces_store: Store, bad: str) -> None:
    trace = simple(
        model=bad,
        error_message=bad,
        user_agent=bad,
        prompt=bad,
        requested={"size": bad},
        delivered=[{"format": bad}],
        repairs={bad: 1},
        usage={bad: bad},
        stages=[("partial", 1, bad)],
        attempts=[Attempt(channel=bad, started_us=1, upstream_request_id=bad)],
    )
    back = await around(traces_store, trace)
    if bad.isprintable():
        assert back == trace
    assert back.model is not None
    assert back.model[:3] == bad[:3].replace("\ud800", "?")
    assert back.stages[0][:2] == ("partial", 1)


def test_long_strings_are_cut() -> None:
    row = trace_row(simple(error_message="e" * 10_000, prompt="p" * 100_000, user_agent="u" * TEXT_MAX))
    assert row["error_message"] == "e" * (TEXT_MAX - 1) + "…"
    assert len(row["prompt"]) == PROMPT_MAX
    assert row["user_agent"] == "u" * TEXT_MAX


def test_long_strings_inside_objects_are_cut() -> None:
    row = trace_row(simple(requested={"size": "9" * 1_000_000, "quality": "high"}))
    assert len(row["requested"]) < 1000
    assert '"quality":"high"' in row["requested"]
    assert len(trace_row(simple(usage={"text": "x" * (JSON_MAX - 100)}))["usage"]) > JSON_MAX - 100


def test_stages_are_bounded() -> None:
    endless = [("partial", number, str(number)) for number in range(5000)]
    row = trace_row(simple(stages=endless))
    assert row["stages"].count("partial") == STAGES_MAX
