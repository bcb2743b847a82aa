"""What can go wrong for a customer: one class a kind of remedy, made from a status and a body or from a stream.

    Failure
    ├── Unreachable    no connection, or it was lost               look at the address and the network; try again
    ├── TimedOut       nothing came in time                        allow more time
    ├── Unauthorized   401                                         look at the key
    ├── Forbidden      403                                         ask the operator
    ├── WrongAddress   404, redirects, web pages                   look at the base URL and the model
    ├── Blocked        refused by a content policy                 change the prompt or the picture
    ├── Rejected       400 and the other 4xx                       change the request
    ├── Limited        429                                         wait, unless the credit is used up
    ├── Failed         5xx, or an error inside the answer          try again
    └── Damaged        an answer without a whole picture           tell the operator

`retryable` says whether the very same request can help, `paid` whether it could cost a second time.
"""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from darkroom import errors
from darkroom.wire.stages import Mark

_BLOCKED = frozenset({"moderation_blocked", "content_policy_violation", "image_content_policy_violation"})
_USED_UP = frozenset(
    {
        "insufficient_quota",
        "billing_hard_limit_reached",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
    }
)
"""Codes of a 429 that waiting does not cure (wire.md section 6)."""
_CALLERS = ("invalid_", "unknown_", "missing_", "unsupported_", "image_too_", "image_parse_", "empty_image_")
"""How codes begin that blame the request, where no status says it."""
TEXT_LIMIT = 300


class Failure(errors.Error):
    """The picture could not be had."""

    type = "client_error"
    request_id: str | None = None
    """The relay's id of the request, for questions to its operator."""
    retry_after_s: float | None = None
    """How long the relay asked to wait."""
    paid: bool = False
    """The picture may have been paid for before this happened."""
    stages: tuple[Mark, ...] = ()
    """The stages that were reached until then."""

    @property
    def again(self) -> bool:
        """Sending the same request once more can help and cannot cost twice."""
        return self.retryable and not self.paid


class Unreachable(Failure):
    """No connection could be made, or it was lost."""

    code = "connection_lost"
    retryable = True


class TimedOut(Failure):
    """Nothing came in time. The picture may still be in the making, so this is not tried again by itself."""

    code = "timeout"


class Unauthorized(Failure):
    """The API key is missing, unknown or revoked."""

    status = 401


class Forbidden(Failure):
    """The key may not do this, or its account is restricted."""

    status = 403


class WrongAddress(Failure):
    """There is no such API, path or model at this address."""

    status = 404


class Blocked(Failure):
    """A content policy refused the prompt or the picture."""

    status = 400


class Rejected(Failure):
    """The request is wrong; `param` names the field if the relay said so."""

    status = 400


class Limited(Failure):
    """Too many requests, or the credit is used up."""

    status = 429
    retryable = True


class Failed(Failure):
    """The relay or its upstream failed."""

    retryable = True


class Damaged(Failure):
    """The answer ended, and no whole picture was in it."""

    code = "no_image"


def of_status(status: int, headers: Mapping[str, str], body: bytes, now: float) -> Failure:
    """The failure that an answer other than 200 means; `now` is in seconds since 1970, for dates in Retry-After."""
    fields = _fields(body)
    code = _text(fields.get("code"))
    message = _text(fields.get("message")) or _bare(status, headers, body)
    failure = _class_of(status, code)(
        message, code=code, status=status, type=_text(fields.get("type")), param=_text(fields.get("param"))
    )
    if status in (408, 409):
        failure.retryable = True
    if code in _USED_UP:
        failure.retryable = False
    advice = headers.get("x-should-retry", "").strip().lower()
    if advice in ("true", "false"):
        failure.retryable = advice == "true"
    failure.request_id = headers.get("x-request-id")
    failure.retry_after_s = _retry_after(headers, now)
    return failure


def of_page() -> Failure:
    """The failure that a web page means, where an answer was expected."""
    return WrongAddress(
        "The address answered with a web page; is the base URL right? It ends in /v1.", status=200
    )


def of_error(message: str, code: str | None, kind: str, param: str | None) -> Failure:
    """The failure that an error inside a stream means, where no status says whose it is."""
    made: type[Failure] = Failed
    if code in _BLOCKED:
        made = Blocked
    elif code in ("invalid_api_key", "key_revoked"):
        made = Unauthorized
    elif code == "rate_limit_exceeded" or code in _USED_UP:
        made = Limited
    elif kind in ("invalid_request_error", "image_generation_user_error") or (code or "").startswith(
        _CALLERS
    ):
        made = Rejected
    retryable = False if code in _USED_UP else None
    return made(message, code=code, type=kind, param=param, retryable=retryable)


def _class_of(status: int, code: str | None) -> type[Failure]:
    if code in _BLOCKED:
        return Blocked
    if 300 <= status < 400:
        return WrongAddress
    if status >= 500:
        return Failed
    return {401: Unauthorized, 403: Forbidden, 404: WrongAddress, 429: Limited}.get(status, Rejected)


def _fields(body: bytes) -> dict[str, Any]:
    """The error object of a body, in the shapes that relays are known to answer with."""
    try:
        tree = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    if not isinstance(tree, dict):
        return {}
    inner = tree.get("error")
    if isinstance(inner, dict):
        return inner
    if isinstance(inner, str):
        return {"message": inner}
    return tree


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _bare(status: int, headers: Mapping[str, str], body: bytes) -> str:
    """What can be said of an answer that explains nothing; a web page is not repeated."""
    if 300 <= status < 400:
        there = headers.get("location", "nowhere")
        return f"The address answered {status} and points to {there}; is the base URL right? It ends in /v1."
    start = body[:TEXT_LIMIT].decode("utf-8", "replace").strip()
    if not start:
        return f"The relay answered {status} without saying why."
    if start.startswith("<"):
        return f"The address answered {status} with a web page; is the base URL right? It ends in /v1."
    return f"The relay answered {status}: {' '.join(start.split())}"


def _retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait, from `retry-after-ms` or `Retry-After` (seconds or a date); None if there is no such wish."""
    try:
        if (exact := headers.get("retry-after-ms")) is not None:
            return max(float(exact) / 1000, 0.0)
        if (wish := headers.get("retry-after")) is None:
            return None
        try:
            return max(float(wish), 0.0)
        except ValueError:
            return max(parsedate_to_datetime(wish).timestamp() - now, 0.0)
    except (ValueError, TypeError, OverflowError):
        return None
