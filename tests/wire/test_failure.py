"""What a customer is told: each row of the table of wire.md section 6, and that nothing else ever reaches him."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom import errors
from darkroom.wire.failure import (
    Failure,
    error_for_customer,
    read_failure,
    read_failure_body,
    retry_after_s,
)

SECRET = "sk-upstream-1234567890"
HOST = "api.upstream.example"


def tell(
    error: dict[str, Any] | str | None,
    status: int | None,
    headers: dict[str, str] | None = None,
) -> errors.Error:
    failure = read_failure(None if error is None else {"error": error}, status=status)
    assert failure is not None
    return error_for_customer(failure, status=status, headers=headers, secrets=(SECRET, HOST))


def said(
    message: str, code: str | None = None, type: str = "invalid_request_error", **more: Any
) -> dict[str, Any]:
    return {"message": message, "code": code, "type": type, "param": None, **more}


USER_CODES = [
    "invalid_value",
    "unknown_parameter",
    "missing_required_parameter",
    "invalid_type",
    "unsupported_file_mimetype",
    "invalid_image_file",
    "invalid_input_fidelity_model",
    "invalid_image_url",
]


@pytest.mark.parametrize("code", USER_CODES)
@pytest.mark.parametrize("status", [400, 422, None])
def test_a_refused_parameter_is_the_callers_with_the_real_words(code: str, status: int | None) -> None:
    error = tell(said("Invalid size '512x512'.", code, param="tools[0].size"), status)
    assert isinstance(error, errors.Invalid)
    assert (error.status, error.code, error.param) == (400, code, "tools[0].size")
    assert (error.type, error.message) == ("invalid_request_error", "Invalid size '512x512'.")
    assert not error.retryable


def test_a_user_error_of_the_image_tool_keeps_its_type() -> None:
    words = "Streaming must have non-zero partial images"
    error = tell(said(words, type="image_generation_user_error", param="tools"), 400)
    assert (error.status, error.type, error.param) == (400, "image_generation_user_error", "tools")
    wrapped = tell(said(words, type="packy_image_generation_user_error"), 500)
    assert (wrapped.status, wrapped.type) == (400, "image_generation_user_error")


@pytest.mark.parametrize("status", [400, 403, 422, 500, 502, None])
@pytest.mark.parametrize(
    "code", ["moderation_blocked", "content_policy_violation", "image_content_policy_violation"]
)
def test_a_safety_refusal_keeps_its_words_under_any_status(code: str, status: int | None) -> None:
    details = {"moderation_stage": "output", "categories": ["sexual"]}
    words = "Your request was rejected by the safety system. safety_violations=[sexual]."
    error = tell(said(words, code, "image_generation_user_error", moderation_details=details), status)
    assert isinstance(error, errors.Invalid)
    assert (error.status, error.code, error.type) == (400, code, "image_generation_user_error")
    assert error.message == words
    assert not error.retryable
    assert error.body()["error"]["moderation_details"] == details


@pytest.mark.parametrize("status", [400, 500, 502, None])
@pytest.mark.parametrize(
    "words, code",
    [
        ("Your request was rejected as a result of our safety system.", "moderation_blocked"),
        ("This prompt violates our content policy.", "content_policy_violation"),
        ("提示词包含敏感词", "content_policy_violation"),
    ],
)
def test_a_safety_refusal_is_known_by_its_words(words: str, code: str, status: int | None) -> None:
    error = tell(said(words, type="upstream_error"), status)
    assert (error.status, error.code, error.message, error.retryable) == (400, code, words, False)


def test_a_safety_refusal_without_words_gets_some() -> None:
    error = tell({"code": "moderation_blocked"}, 400)
    assert "Change the prompt" in error.message


def test_a_prompt_refused_by_policy_is_an_invalid_request() -> None:
    error = tell(said("Invalid prompt: flagged.", "invalid_prompt", "server_error"), None)
    assert (error.status, error.code, error.type) == (400, "invalid_prompt", "invalid_request_error")


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    "upstream",
    [
        said(f"Incorrect API key provided: {SECRET}.", "invalid_api_key"),
        said("Your organization must be verified to use the model `gpt-image-2`."),
        said("account closed: it violated our usage policies"),
        None,
    ],
)
def test_a_refusal_of_the_relays_credentials_says_nothing_of_them(
    status: int, upstream: dict[str, Any] | None
) -> None:
    error = tell(upstream, status)
    assert isinstance(error, errors.Refused)
    assert error.status == 502
    assert "not at fault" in error.message
    assert SECRET not in error.message
    assert "verified" not in error.message


def test_a_key_refused_in_the_stream_or_as_400_is_the_relays_too() -> None:
    for status in (None, 400):
        error = tell(said("Incorrect API key provided", "invalid_api_key"), status)
        assert isinstance(error, errors.Refused)


@pytest.mark.parametrize("status", [404, 400, None])
def test_an_unknown_model_is_not_found(status: int | None) -> None:
    words = "The model `gpt-9` does not exist or you do not have access to it."
    error = tell(said(words, "model_not_found"), status)
    assert isinstance(error, errors.NotFound)
    assert (error.status, error.code, error.param) == (404, "model_not_found", "model")
    assert error.message == f"{words} GET /v1/models lists the models of your key."


@pytest.mark.parametrize("status", [404, 405])
def test_an_unknown_path_is_the_relays_fault(status: int) -> None:
    error = tell(said("Invalid URL (POST /v1/responses)"), status)
    assert isinstance(error, errors.Refused)
    assert error.status == 502
    assert "URL" not in error.message


@pytest.mark.parametrize("code, status", [("previous_response_not_found", 400), ("item_not_found", 404)])
def test_an_unknown_state_is_the_callers(code: str, status: int) -> None:
    error = tell(
        said("Previous response with id 'resp_1' not found.", code, param="previous_response_id"), status
    )
    assert isinstance(error, errors.Invalid)
    assert (error.status, error.code, error.param) == (400, code, "previous_response_id")


def test_a_body_too_large_for_the_upstream_is_413() -> None:
    assert tell(None, 413).status == 413
    assert isinstance(tell(said("Maximum content size limit exceeded", "x"), 413), errors.TooLarge)


@pytest.mark.parametrize("type", ["requests", "tokens", "rate_limit_error", "input-images"])
def test_a_rate_limit_passes_with_a_wait_in_our_words(type: str) -> None:
    words = (
        "Rate limit reached for gpt-image-2 in organization org-abc123 on input-images per min: Limit 5, Used 5. "
        "Please try again in 12s. Visit https://platform.upstream.example to raise it."
    )
    error = tell(said(words, "rate_limit_exceeded", type), 429)
    assert isinstance(error, errors.TooMany)
    assert (error.status, error.code, error.type) == (429, "rate_limit_exceeded", "rate_limit_error")
    assert error.headers == {"retry-after": "12"}
    assert error.retryable
    assert "org-" not in error.message
    assert "12 s" in error.message


def test_a_rate_limit_in_the_stream_is_known_by_its_code_and_slow_down_keeps_it() -> None:
    assert tell(said("slow", "rate_limit_exceeded", "server_error"), None).status == 429
    error = tell(said("slow", "slow_down", "rate_limit_error"), 429, {"Retry-After": "7"})
    assert (error.code, error.headers) == ("slow_down", {"retry-after": "7"})


QUOTA_CODES = [
    "insufficient_quota",
    "billing_hard_limit_reached",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "insufficient_user_quota",
]


@pytest.mark.parametrize("status", [429, 400, 402, 403, None])
@pytest.mark.parametrize("code", QUOTA_CODES)
def test_a_used_up_upstream_account_is_503_and_no_retry_helps(code: str, status: int | None) -> None:
    error = tell(
        said("You exceeded your current quota, please check your plan.", code, "insufficient_quota"), status
    )
    assert isinstance(error, errors.Busy)
    assert (error.status, error.code, error.retryable) == (503, "upstream_quota_exhausted", False)
    assert "your plan" not in error.message
    assert "operator" in error.message


@pytest.mark.parametrize(
    "words",
    [
        "You exceeded your current quota",
        "insufficient user quota",
        "Your credit balance is too low",
        "用户额度不足",
        "账户余额不足，请充值",
    ],
)
@pytest.mark.parametrize("status", [400, 403, 429, 500])
def test_a_used_up_upstream_account_is_known_by_its_words(words: str, status: int) -> None:
    assert tell(said(words), status).code == "upstream_quota_exhausted"


@pytest.mark.parametrize(
    "status, kind, answered",
    [
        (500, errors.UpstreamError, 502),
        (501, errors.UpstreamError, 502),
        (502, errors.UpstreamError, 502),
        (504, errors.TimedOut, 502),
        (520, errors.UpstreamError, 502),
        (522, errors.TimedOut, 502),
        (524, errors.TimedOut, 502),
        (408, errors.TimedOut, 502),
        (409, errors.UpstreamError, 502),
        (503, errors.Busy, 503),
        (529, errors.Busy, 503),
    ],
)
@pytest.mark.parametrize(
    "upstream", [None, said("relay01 crashed at main.go:17", "server_error", "server_error")]
)
def test_an_upstreams_own_trouble_is_told_in_our_words(
    upstream: dict[str, Any] | None, status: int, kind: type[errors.Error], answered: int
) -> None:
    error = tell(upstream, status)
    assert isinstance(error, kind)
    assert (error.status, error.retryable, error.blame) == (answered, True, "upstream")
    assert "relay01" not in error.message
    assert "again" in error.message


@pytest.mark.parametrize(
    "upstream, status",
    [
        (said("overloaded", "server_is_overloaded", "service_unavailable_error"), 503),
        (said("overloaded", "server_is_overloaded", "server_error"), 503),
        (said("broken", "server_error", "server_error"), 502),
        (said("who knows"), 400),
        (said("who knows", None, "strange"), 502),
        ("who knows", 502),
    ],
)
def test_a_failure_in_the_stream_is_judged_by_code_and_type(
    upstream: dict[str, Any] | str, status: int
) -> None:
    assert tell(upstream, None).status == status


def test_an_overloaded_upstream_says_how_long_to_wait() -> None:
    assert tell(None, 503, {"retry-after": "3"}).headers == {"retry-after": "3"}
    assert tell(None, 503).headers == {"retry-after": "10"}


@pytest.mark.parametrize("status", [400, 422, 500, 502, 503, 403, 404, 429])
@pytest.mark.parametrize(
    "body", [b"<html><h1>502 from relay01</h1></html>", b"", b"relay01: no", b"\xff\x00", b"{}"]
)
def test_bodies_that_are_no_json_error_never_reach_the_customer(body: bytes, status: int) -> None:
    error = error_for_customer(read_failure_body(body, status=status))
    assert "relay01" not in error.message
    assert "<" not in error.message
    assert error.status in (429, 502, 503)


def test_a_page_inside_a_json_error_never_reaches_the_customer() -> None:
    error = tell(said("<html><body>relay01</body></html>", "bad"), 400)
    assert error.status == 400
    assert "relay01" not in error.message
    assert "Check `model`" in error.message


def test_the_words_of_a_refused_parameter_are_scrubbed() -> None:
    error = tell(said(f"Bad value {SECRET} at https://{HOST}/v1, ask {HOST}", f"{SECRET}"), 400)
    assert SECRET not in str(error.body())
    assert HOST not in str(error.body())
    assert error.code == "invalid_value"


def test_the_operator_reads_the_upstreams_words_without_its_secrets() -> None:
    error = tell(said(f"Incorrect key {SECRET}\nfor org-abc123", "invalid_api_key"), 401)
    assert error.internal == "HTTP 401: invalid_api_key: Incorrect key [removed] for org-abc123"
    assert "org-abc123" not in str(error.body())
    assert tell(None, 502).internal == "HTTP 502"
    assert len(tell(said("x" * 9000), 500).internal) == 500


def test_odd_codes_types_and_params_are_not_passed_on() -> None:
    error = tell(said("Bad value", "a code with spaces", "relay01_error", param="<b>"), 400)
    assert (error.code, error.type, error.param) == ("invalid_value", "invalid_request_error", None)


def test_an_answer_cut_by_its_limit_says_which_limit_to_raise() -> None:
    tree = {
        "object": "response",
        "status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"},
    }
    failure = read_failure(tree, status=None)
    assert failure is not None
    error = error_for_customer(failure)
    assert (error.status, error.param) == (400, "max_output_tokens")
    assert "Raise" in error.message


@pytest.mark.parametrize(
    "headers, text, wanted",
    [
        ({}, "", 10),
        ({"retry-after": "5"}, "", 5),
        ({"Retry-After": "5.2"}, "", 6),
        ({"retry-after": "3600"}, "", 60),
        ({"retry-after": "0"}, "", 1),
        ({"retry-after": "-5"}, "", 10),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, "", 10),
        ({"retry-after": "9" * 400}, "", 10),
        ({"retry-after-ms": "1500", "retry-after": "9"}, "", 2),
        ({"retry-after": "9", "retry-after-ms": "1500"}, "", 2),
        ({"retry-after": "9"}, "Please try again in 12s", 9),
        ({}, "Please try again in 12s. Visit us.", 12),
        ({}, "Please try again in 120ms.", 1),
        ({}, "Please try again in 6.5s.", 7),
        ({}, "Please try again in 1m3s.", 60),
        ({}, "please retry after 30 seconds", 30),
        ({}, "please retry after 2 minutes", 60),
        ({}, "please retry after 7", 7),
        ({}, "try again in 1h", 60),
        ({}, "Please try again in a while", 10),
    ],
)
def test_retry_after_is_between_one_and_sixty_seconds(
    headers: dict[str, str], text: str, wanted: int
) -> None:
    assert retry_after_s(headers, text) == wanted


@given(
    st.builds(
        Failure,
        message=st.text(max_size=50),
        code=st.none() | st.text(max_size=20) | st.sampled_from(QUOTA_CODES + USER_CODES),
        type=st.none() | st.text(max_size=20),
        param=st.none() | st.text(max_size=20),
        status=st.none() | st.integers(400, 599),
    ),
    st.none() | st.integers(100, 999),
)
def test_any_failure_is_told_with_words_and_a_status_of_the_contract(
    failure: Failure, status: int | None
) -> None:
    error = error_for_customer(failure, status=status)
    assert error.status in (400, 404, 413, 429, 502, 503)
    assert error.message
    assert set(error.fields()) == {"message", "type", "param", "code"}
    str(error.body()).encode()
