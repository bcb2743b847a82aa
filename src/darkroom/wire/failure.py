"""An upstream's failure, told to the customer: who is to blame, which status, and in what words.

Law: what the customer is told blames the right side: his request (400, 404, 413, 429), this installation's
credentials or account with the upstream (502, 503), or the upstream (502, 503). The upstream's own words pass only
where he can act upon them, and then scrubbed; web pages and empty bodies never do. Every message says what to do.

Mapping: wire.md 6, DESIGN section 4. The counterpart that reads failures is `complaint`.
"""

import re
from collections.abc import Mapping
from math import ceil

from darkroom import errors
from darkroom.wire.complaint import (
    KEY_CODES,
    MODERATION_CODES,
    PICTURE_CODES,
    POLICY_CODES,
    QUOTA_CODES,
    STATE_CODES,
    Failure,
    read_failure,
    read_failure_body,
)
from darkroom.wire.scrub import REMOVED, scrub

__all__ = ["Failure", "error_for_customer", "read_failure", "read_failure_body", "retry_after_s", "scrub"]

_USER_TYPES = ("invalid_request_error", "image_generation_user_error")

_SAFETY_TEXT = re.compile(r"safety[ _]system|safety_violations|moderation_blocked", re.IGNORECASE)
_POLICY_TEXT = re.compile(
    r"content[ _](?:policy|safety)|usage polic(?:y|ies)|内容政策|内容安全|敏感词", re.IGNORECASE
)
_QUOTA_TEXT = re.compile(
    r"current quota|insufficient[ _](?:\w+[ _])?(?:quota|balance|credit|funds)|billing hard limit|credit balance|"
    r"usage limit has been reached|(?:额度|余额|配额)(?:\w{0,4})不足|额度已用尽|欠费",
    re.IGNORECASE,
)
_AGAIN = re.compile(
    r"(?:try again|retry|retrying) (?:in|after)\s+"
    r"(?:(\d{1,6})\s?h\w*\s?)?(?:(\d{1,6})\s?m(?!s|illi)\w*\s?)?(?:(\d{1,6}(?:\.\d{1,6})?)\s?(ms|milli|s|\b))?",
    re.IGNORECASE,
)
_WORD = re.compile(r"[\w.:-]{1,64}", re.ASCII)
_FIELD = re.compile(r"[\w.\[\]-]{1,128}", re.ASCII)


def error_for_customer(
    failure: Failure,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    secrets: tuple[str, ...] = (),
) -> errors.Error:
    """What the customer is told about an upstream's failure: the error with its status, code, words and headers.

    `status` and `headers` are those of the upstream's answer; `secrets` (its key, its host) never pass. The error's
    `internal` holds the upstream's words for the operator.
    """
    status = status if status is not None and status >= 400 else failure.status
    error = _judge(failure, status, headers or {}, secrets)
    error.internal = _for_the_operator(failure, status, secrets)
    return error


def _judge(
    failure: Failure, status: int | None, headers: Mapping[str, str], secrets: tuple[str, ...]
) -> errors.Error:
    code, message = failure.code or "", failure.message
    if _is_moderation(failure, status):
        return _refusal(failure, secrets)
    if status == 402 or QUOTA_CODES & {code, failure.type} or _QUOTA_TEXT.search(message):
        return errors.Busy(
            "The relay's account with the upstream is used up. Retrying does not help until it is refilled: "
            "please tell the operator.",
            code="upstream_quota_exhausted",
            retryable=False,
        )
    if status in (401, 403) or code in KEY_CODES:
        return errors.Refused(
            "The upstream refused the relay's own credentials. Your API key is not at fault: please retry later, "
            "and tell the operator if it persists."
        )
    if status is None or status >= 500:
        status = 400 if _is_users(failure) else status
    if code in STATE_CODES and status is not None and status < 500:
        return _invalid(failure, secrets, 400)
    if code == "model_not_found" and status in (400, 404):
        return _no_model(failure, secrets)
    if status in (404, 405):
        return errors.Refused(
            "The upstream does not know this path or model. Please retry later or with another model, and tell the "
            "operator if it persists."
        )
    if status == 413:
        return errors.TooLarge("The request is too large for the upstream. Send fewer or smaller pictures.")
    if status in (400, 422) and (message or code):
        return _invalid(failure, secrets, 400)
    return _upstream(failure, status, headers)


def _for_the_operator(failure: Failure, status: int | None, secrets: tuple[str, ...]) -> str:
    """The upstream's status, code and words, without the secrets, on one line."""
    words = [f"HTTP {status}" if status else "", failure.code or failure.type or "", failure.message]
    text = ": ".join(filter(None, words))
    for secret in filter(None, secrets):
        text = text.replace(secret, REMOVED)
    return "".join(letter if letter.isprintable() else " " for letter in text[:500])


def _is_moderation(failure: Failure, status: int | None) -> bool:
    if failure.code in MODERATION_CODES | POLICY_CODES or "moderation_details" in failure.details:
        return True
    # Relays tell refusals under any status and without the code. But an account that was closed for its policies,
    # or a limit, is none.
    if status in (401, 402, 403, 404, 405, 429):
        return False
    return bool(_SAFETY_TEXT.search(failure.message) or _POLICY_TEXT.search(failure.message))


def _is_users(failure: Failure) -> bool:
    return failure.type == "image_generation_user_error" or failure.code in PICTURE_CODES


def _refusal(failure: Failure, secrets: tuple[str, ...]) -> errors.Error:
    """A refusal by the safety system: the customer sees the real text, and that the same request will not pass."""
    code = failure.code
    if code not in MODERATION_CODES | POLICY_CODES:
        code = "content_policy_violation" if _POLICY_TEXT.search(failure.message) else "moderation_blocked"
    return errors.Invalid(
        scrub(failure.message, secrets)
        or "The upstream's safety system refused this request. Change the prompt or the input pictures.",
        code=code,
        type="invalid_request_error" if code in POLICY_CODES else "image_generation_user_error",
        param=_param(failure),
        details=failure.details,
        retryable=False,
    )


def _invalid(failure: Failure, secrets: tuple[str, ...], status: int) -> errors.Error:
    code = failure.code if failure.code and _WORD.fullmatch(failure.code) else None
    if code == "max_output_tokens":
        return errors.Invalid(
            "The answer reached its limit of tokens before it was finished. Raise `max_output_tokens`.",
            code=code,
            param="max_output_tokens",
        )
    return errors.Invalid(
        scrub(failure.message, secrets)
        or "The upstream refused the request. Check `model`, `input`, `tools`, `tool_choice` and `size`.",
        code=code if code and scrub(code, secrets) == code else None,
        type=failure.type if failure.type in _USER_TYPES else "invalid_request_error",
        param=_param(failure),
        status=status,
        details=failure.details,
    )


def _no_model(failure: Failure, secrets: tuple[str, ...]) -> errors.Error:
    text = scrub(failure.message, secrets) or "The upstream does not have this model."
    advice = "GET /v1/models lists the models of your key."
    return errors.NotFound(f"{text} {advice}", code="model_not_found", param=_param(failure) or "model")


def _upstream(failure: Failure, status: int | None, headers: Mapping[str, str]) -> errors.Error:
    """The upstream's own troubles, in our words: its texts may name its machines and accounts."""
    if status == 429:
        wait = retry_after_s(headers, failure.message)
        return errors.TooMany(
            f"The upstream's rate limit is reached. Please try again in {wait} s, with fewer requests at a time.",
            code="slow_down" if failure.code == "slow_down" else None,
            headers={"retry-after": str(wait)},
        )
    if status in (503, 529):
        wait = retry_after_s(headers, failure.message)
        return errors.Busy(
            f"The upstream is overloaded. Please try again in {wait} s.", headers={"retry-after": str(wait)}
        )
    if status in (408, 504, 522, 524):
        return errors.TimedOut("The upstream did not finish in time. Please send the request again.")
    if status is not None and status < 500:
        return errors.UpstreamError(
            "The upstream refused the request without a reason. Please send it again, and tell the operator if it "
            "persists."
        )
    return errors.UpstreamError("The upstream failed. Please send the request again.")


def retry_after_s(headers: Mapping[str, str], text: str = "") -> int:
    """Seconds to wait, 1 to 60: from `retry-after-ms`, `retry-after`, or "try again in 1m3s"; else 10.

    Above 60 s the OpenAI SDKs and the AI SDK fall back to their own back-off or give up (wire.md 6).
    """
    wait: float | None = None
    for name, value in headers.items():
        scale = {"retry-after-ms": 0.001, "retry-after": 1.0}.get(name.lower())
        if scale and re.fullmatch(r"\s*\d{1,12}(?:\.\d{1,6})?\s*", value, re.ASCII):
            wait = float(value) * scale
            if scale < 1:
                break
    match = _AGAIN.search(text) if wait is None else None
    if match and any(match.groups()):
        hours, minutes, seconds, unit = match.groups()
        small = float(seconds or 0) * (0.001 if (unit or "").lower().startswith("m") else 1)
        wait = int(hours or 0) * 3600 + int(minutes or 0) * 60 + small
    return 10 if wait is None else min(60, max(1, ceil(wait)))


def _param(failure: Failure) -> str | None:
    return failure.param if failure.param and _FIELD.fullmatch(failure.param) else None
