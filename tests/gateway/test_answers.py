"""Errors as bytes: four keys always, retry advice, and whom to ask."""

import json

import pytest

from darkroom import errors
from darkroom.gateway import answers


def test_error_answer_has_all_four_keys_and_its_headers():
    error = errors.TooMany("Slow down.", headers={"retry-after": "5"})
    status, headers, data = answers.error_answer(error)
    assert status == 429
    assert (b"retry-after", b"5") in headers
    assert json.loads(data) == {
        "error": {
            "message": "Slow down.",
            "type": "rate_limit_error",
            "param": None,
            "code": "rate_limit_exceeded",
        }
    }


def test_error_answer_keeps_details_beside_the_four_keys():
    error = errors.Invalid(
        "No.", code="moderation_blocked", details={"moderation_details": {"categories": ["x"]}}
    )
    body = json.loads(answers.error_answer(error)[2])
    assert body["error"]["moderation_details"] == {"categories": ["x"]}
    assert body["error"]["code"] == "moderation_blocked"


@pytest.mark.parametrize(
    ("error", "paid", "forbidden"),
    [
        (errors.Lost("x"), False, False),
        (errors.Lost("x"), True, True),
        (errors.Refused("x", retryable=False), False, True),
        (errors.TooMany("x"), False, False),
        (errors.TooMany("x", retryable=False), False, True),
        (errors.Invalid("x"), False, False),
    ],
)
def test_sdks_are_told_not_to_retry_what_cannot_help_or_may_have_been_paid(error, paid, forbidden):
    headers = answers.error_answer(error, paid)[1]
    assert ((b"x-should-retry", b"false") in headers) is forbidden


def test_server_errors_end_with_the_support_contact_and_the_request_id():
    error = answers.worded(errors.Lost("The upstream ended early."), "req_1", "help@example.org")
    assert error.message.startswith("The upstream ended early.")
    assert error.message.endswith("contact help@example.org and mention request id req_1.")


def test_server_errors_name_the_request_id_once_without_a_contact():
    error = errors.Lost("Gone.")
    answers.worded(answers.worded(error, "req_1", ""), "req_1", "")
    assert error.message == "Gone. (request id req_1)"


def test_caller_errors_are_left_as_they_are():
    assert answers.worded(errors.Invalid("Wrong size."), "req_1", "help@example.org").message == "Wrong size."


def test_headers_keep_proxies_from_buffering_and_changing():
    headers = dict(answers.headers("req_1", answers.EVENT_STREAM))
    assert headers[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert headers[b"cache-control"] == b"no-cache, no-transform"
    assert headers[b"x-accel-buffering"] == b"no"
    assert headers[b"x-request-id"] == b"req_1"
    assert b"x-darkroom-sandbox" not in headers
    assert dict(answers.headers("r", answers.JSON, sandbox=True))[b"x-darkroom-sandbox"] == b"1"
