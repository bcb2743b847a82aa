import json
from typing import Any

import pytest

from darkroom import errors
from darkroom.client.failures import (
    Blocked,
    Failed,
    Failure,
    Forbidden,
    Limited,
    Rejected,
    TimedOut,
    Unauthorized,
    Unreachable,
    WrongAddress,
    of_error,
    of_page,
    of_status,
)

NOW = 1_800_000_000.0


def told(status: int, body: Any = None, **headers: str) -> Failure:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return of_status(status, {name.replace("_", "-"): value for name, value in headers.items()}, text, NOW)


def body(code: str | None = None, message: str = "No.") -> dict[str, Any]:
    return {"error": {"message": message, "type": "t", "param": "size", "code": code}}


@pytest.mark.parametrize(
    "status, code, kind, retryable",
    [
        (400, "invalid_value", Rejected, False),
        (400, "moderation_blocked", Blocked, False),
        (400, "content_policy_violation", Blocked, False),
        (401, "invalid_api_key", Unauthorized, False),
        (402, None, Rejected, False),
        (403, None, Forbidden, False),
        (404, "model_not_found", WrongAddress, False),
        (408, None, Rejected, True),
        (409, None, Rejected, True),
        (413, "request_too_large", Rejected, False),
        (422, None, Rejected, False),
        (429, "rate_limit_exceeded", Limited, True),
        (429, "insufficient_quota", Limited, False),
        (429, "credit_balance_exhausted", Limited, False),
        (500, None, Failed, True),
        (503, "no_channel", Failed, True),
        (524, None, Failed, True),
        (302, None, WrongAddress, False),
    ],
)
def test_of_status_gives_class_and_retry(
    status: int, code: str | None, kind: type[Failure], retryable: bool
) -> None:
    failure = told(status, body(code))
    assert type(failure) is kind
    assert (failure.retryable, failure.again) == (retryable, retryable)
    assert failure.status == status


def test_of_status_keeps_what_the_relay_said() -> None:
    failure = told(400, body("invalid_value", "The size is wrong."), x_request_id="req_1")
    assert (failure.message, failure.code, failure.type, failure.param) == (
        "The size is wrong.",
        "invalid_value",
        "t",
        "size",
    )
    assert failure.request_id == "req_1"


@pytest.mark.parametrize(
    "advice, expected", [("true", True), ("false", False), ("TRUE ", True), ("perhaps", None)]
)
def test_of_status_obeys_should_retry_first(advice: str, expected: bool | None) -> None:
    for status, usual in ((400, False), (503, True), (429, True)):
        wanted = usual if expected is None else expected
        assert told(status, body(), x_should_retry=advice).retryable is wanted


@pytest.mark.parametrize(
    "headers, seconds",
    [
        ({}, None),
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "0"}, 0.0),
        ({"retry_after": "-3"}, 0.0),
        ({"retry_after": "1.5"}, 1.5),
        ({"retry_after_ms": "250", "retry_after": "9"}, 0.25),
        ({"retry_after": "Fri, 15 Jan 2027 08:00:30 GMT"}, 30.0),
        ({"retry_after": "Fri, 15 Jan 2027 07:00:00 GMT"}, 0.0),
        ({"retry_after": "soon"}, None),
        ({"retry_after": ""}, None),
        ({"retry_after_ms": "x"}, None),
    ],
)
def test_of_status_reads_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert told(503, body(), **headers).retry_after_s == seconds


@pytest.mark.parametrize(
    "text, words",
    [
        (b"", "without saying why"),
        (b"upstream\n  is away", "upstream is away"),
        (b"<html><h1>524</h1>", "web page"),
        (b'{"error": "just text"}', "just text"),
        (b'{"message": "at the top"}', "at the top"),
        (b'{"error": {"code": "x"}}', "503"),
        (b"[1, 2]", "503"),
        (b'{"error": ', "503"),
        (b"\xff\xfe", "503"),
    ],
)
def test_of_status_finds_words_in_any_body(text: bytes, words: str) -> None:
    failure = told(503, text)
    assert words in failure.message
    assert type(failure) is Failed


def test_of_status_does_not_repeat_long_bodies() -> None:
    assert len(told(500, b"x" * 100_000).message) < 400


def test_of_status_takes_codes_that_are_no_text_for_none() -> None:
    failure = told(500, {"error": {"message": ["?"], "code": 7, "type": None, "param": {}}})
    assert (failure.code, failure.param) == ("server_error", None)
    assert failure.message


@pytest.mark.parametrize(
    "code, kind, made",
    [
        ("moderation_blocked", "image_generation_user_error", Blocked),
        ("image_content_policy_violation", "", Blocked),
        ("invalid_api_key", "invalid_request_error", Unauthorized),
        ("rate_limit_exceeded", "rate_limit_error", Limited),
        ("invalid_image", "", Rejected),
        ("image_too_large", "", Rejected),
        (None, "invalid_request_error", Rejected),
        ("server_error", "server_error", Failed),
        ("upstream_connection_lost", "upstream_error", Failed),
        (None, "", Failed),
    ],
)
def test_of_error_finds_the_class_without_a_status(code: str | None, kind: str, made: type[Failure]) -> None:
    failure = of_error("Said.", code, kind, None)
    assert type(failure) is made
    assert failure.message == "Said."
    assert failure.retryable is (made in (Failed, Limited))


def test_of_error_does_not_wait_for_credit() -> None:
    assert of_error("Empty.", "insufficient_quota", "", None).retryable is False


def test_of_page_asks_about_the_base_url() -> None:
    assert isinstance(of_page(), WrongAddress)
    assert "/v1" in of_page().message


def test_failure_is_not_to_be_repeated_once_paid() -> None:
    failure = Unreachable("Gone.")
    assert failure.again
    failure.paid = True
    assert not failure.again
    assert failure.retryable


def test_timeout_is_not_repeated_by_itself() -> None:
    assert not TimedOut("Late.").again


def test_every_failure_is_an_error_of_the_program() -> None:
    for kind in Failure.__subclasses__():
        assert issubclass(kind, errors.Error)
        assert kind.__doc__
