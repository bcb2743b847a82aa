"""What becomes of a request in its trace: outcome, attempts, stages, and never a picture or an unwanted prompt."""

import pytest

from darkroom import errors
from darkroom.gateway.record import Record
from darkroom.ledger.keys import Key
from darkroom.wire.actions import Outcome, Picture
from darkroom.wire.codecs.responses import read_request
from darkroom.wire.stages import Stage, StageClock

KEY = Key(
    id=7, account_id=3, account="acme", name=None, hint="sk-…abcd", test=False, models=None, dialect=None,
    created_at=0, last_used_at=None, revoked_at=None,
)  # fmt: skip
TOOL = {"type": "image_generation", "model": "gpt-image-2", "size": "1024x1024", "partial_images": 0}


@pytest.fixture
def record():
    return Record("req_1", KEY, "POST", "/v1/responses", b"curl/8 \xff", False)


def finished(record, outcome, *stages):
    clock = StageClock(100.0)
    for number, stage in enumerate(stages):
        clock.mark(stage, 100.0 + number)
    return record.finish(outcome, clock, 10, 20)


def test_trace_names_who_asked_for_what(record):
    record.asked(
        read_request({"model": "gpt-5.5", "input": "a secret cat", "stream": True, "tools": [TOOL]}), False
    )
    trace = finished(record, None)
    assert (trace.account, trace.key_id, trace.model, trace.image_model) == (
        "acme",
        7,
        "gpt-5.5",
        "gpt-image-2",
    )
    assert (trace.streamed, trace.image, trace.bytes_in, trace.bytes_out) == (True, True, 10, 20)
    assert trace.requested == {"size": "1024x1024", "partial_images": 0}
    assert trace.prompt is None
    assert trace.user_agent == "curl/8 ÿ"
    assert trace.finished_at >= trace.started_at


def test_prompt_is_kept_only_where_that_is_switched_on(record):
    record.asked(read_request({"model": "gpt-5.5", "input": "a cat"}), True)
    assert finished(record, None).prompt == "a cat"


def test_attempts_have_the_stages_that_were_reached_in_them(record):
    clock = StageClock(100.0)
    clock.mark(Stage.ROUTED, 100.5)
    bad = record.begin("bad", clock, 101.0)
    clock.mark(Stage.CONNECTED, 101.25)
    record.end(bad, "failed", errors.Lost("Gone.", internal="bad: refused"), clock, 102.0)
    good = record.begin("good", clock, 102.0)
    clock.mark(Stage.CONNECTED, 102.5)
    record.end(good, "completed", None, clock, 104.0)
    first, second = record.finish(None, clock, 0, 0).attempts
    assert (first.channel, first.outcome, first.started_us, first.ended_us) == (
        "bad",
        "failed",
        1_000_000,
        2_000_000,
    )
    assert (first.error_code, first.error_message) == ("upstream_connection_lost", "bad: refused")
    assert first.stages == [("connected", 1_250_000, None)]
    assert (second.channel, second.outcome, second.error_code) == ("good", "completed", None)
    assert second.stages == [("connected", 2_500_000, None)]


@pytest.mark.parametrize(
    ("outcome", "error", "left", "stages", "word"),
    [
        (Outcome(status="completed"), None, False, [Stage.DELIVERED], "completed"),
        (Outcome(status="incomplete"), None, False, [Stage.DELIVERED], "incomplete"),
        (Outcome(status="completed"), None, False, [], "left"),
        (Outcome(status="completed"), None, True, [Stage.DELIVERED], "left"),
        (Outcome(), None, False, [Stage.DELIVERED], "failed"),
        (Outcome(status="failed"), errors.Lost("x"), False, [Stage.DELIVERED], "failed"),
        (None, errors.Internal("x"), False, [], "failed"),
        (None, errors.Invalid("x"), False, [], "refused"),
        (None, errors.TooMany("x"), False, [], "refused"),
        (None, None, False, [], "failed"),
    ],
)
def test_outcome_says_how_it_ended_for_the_caller(record, outcome, error, left, stages, word):
    record.error, record.left = error, left
    trace = finished(record, outcome, *stages)
    assert trace.outcome == word
    assert trace.error_code == (error.code if error else None)


def test_delivered_pictures_are_told_by_size_and_format_and_bytes_not_base64(record):
    outcome = Outcome(status="completed", repairs={"frame": 2}, usage={"total_tokens": 7})
    outcome.pictures = [
        Picture("ig_1", format="png", width=1024, height=768, quality="high", bytes=400),
        Picture("ig_2", bytes=8),
    ]
    trace = finished(record, outcome, Stage.DELIVERED)
    assert trace.delivered == [
        {"index": 0, "size": "1024x768", "format": "png", "quality": "high", "bytes": 300},
        {"index": 1, "bytes": 6},
    ]
    assert (trace.repairs, trace.usage) == ({"frame": 2}, {"usage": {"total_tokens": 7}})
