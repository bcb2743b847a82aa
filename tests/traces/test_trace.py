"""A trace: what it holds before anything happened, and how long it took."""

import msgspec

from darkroom.traces.trace import Attempt, Trace


def test_trace_begins_empty() -> None:
    trace = Trace(request_id="req_1", started_at=5)
    assert trace.stages == []
    assert trace.attempts == []
    assert trace.requested == {}
    assert trace.delivered == []
    assert trace.repairs == {}
    assert trace.prompt is None  # kept only if somebody puts it there


def test_traces_share_nothing() -> None:
    one, two = Trace(request_id="1", started_at=1), Trace(request_id="2", started_at=1)
    one.stages.append(("accepted", 0, None))
    one.attempts.append(Attempt(channel="main", started_us=1))
    one.attempts[0].stages.append(("connected", 2, None))
    assert two.stages == []
    assert two.attempts == []
    assert Attempt(channel="main", started_us=1).stages == []


def test_trace_took_from_its_start_to_its_end() -> None:
    assert Trace(request_id="1", started_at=1_000, finished_at=4_500).took_us == 3_500


def test_trace_never_took_less_than_nothing() -> None:
    assert Trace(request_id="1", started_at=1_000).took_us == 0
    assert Trace(request_id="1", started_at=1_000, finished_at=900).took_us == 0  # the clock was set back


def test_trace_survives_json() -> None:
    trace = Trace(
        request_id="req_1",
        started_at=1,
        stages=[("partial", 5, "0")],
        attempts=[Attempt(channel="main", started_us=2, stages=[("connected", 3, None)])],
    )
    assert msgspec.json.decode(msgspec.json.encode(trace), type=Trace) == trace
