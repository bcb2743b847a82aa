"""Deadlines count only the seconds in which we wait, and say which of them has passed."""

import math

import pytest

from darkroom.channels.catalog import Channel
from darkroom.gateway.deadlines import Deadlines


def deadlines(streaming=True, total_s=600.0, **fields):
    channel = Channel(
        name="up",
        base_url="http://up.example",
        api_key="",
        **{"first_event_s": 40, "silence_s": 180, **fields},
    )
    return Deadlines(channel, streaming=streaming, total_s=total_s)


def test_first_event_is_due_soon_and_silence_counts_from_the_last_event():
    waits = deadlines()
    assert waits.left() == 40
    waits.waited(30)
    assert waits.left() == 10
    waits.progressed()
    assert waits.left() == 180
    waits.waited(100)
    assert waits.left() == 80
    waits.progressed()
    assert (waits.left(), waits.waited_s) == (180, 130)


def test_time_that_nobody_waits_does_not_count():
    waits = deadlines(total_s=100)
    waits.progressed()
    waits.waited(1)
    assert waits.left() == waits.total_left() == 99


def test_upstream_that_is_not_streaming_has_until_silence_for_its_first_byte():
    assert deadlines(streaming=False).left() == 180


def test_total_ends_even_an_upstream_that_always_says_something():
    waits = deadlines()
    for _ in range(10):
        waits.waited(59)
        waits.progressed()
    assert waits.left() == 10
    waits.waited(10)
    assert waits.left() == 0
    assert "did not finish within 600 seconds" in waits.error().message


def test_time_that_the_upstream_takes_a_large_request_in_is_no_silence_but_counts_in_all():
    waits = deadlines()
    waits.sent(100)
    waits.waited(120)
    assert waits.left() == 20
    assert waits.total_left() == 480


@pytest.mark.parametrize(
    ("began", "fields", "words"),
    [
        (False, {}, "did not begin to answer within 40 seconds"),
        (False, {"first_event_s": 200}, "fell silent for 180 seconds"),
        (False, {"streaming": False}, "fell silent for 180 seconds"),
        (False, {"total_s": 30}, "did not finish within 30 seconds"),
        (True, {}, "fell silent for 180 seconds"),
        (True, {"total_s": 0.5}, "did not finish within 0.5 seconds"),
    ],
)
def test_error_names_the_deadline_that_has_passed(began, fields, words):
    waits = deadlines(**fields)
    if began:
        waits.progressed()
    waits.waited(waits.left())
    error = waits.error()
    assert words in error.message
    assert (error.status, error.retryable, error.blame) == (502, True, "upstream")


def test_first_event_never_adds_to_what_is_left():
    assert deadlines(total_s=-5).left() == -5
    assert math.isfinite(deadlines(streaming=False).left())
