"""Errors as bytes: the one place where a failure becomes a status, headers and a body for the caller."""

import msgspec

from darkroom.errors import Error

Headers = list[tuple[bytes, bytes]]
JSON = b"application/json"
EVENT_STREAM = b"text/event-stream; charset=utf-8"
_RETRIED = (408, 409, 429)
"""Statuses below 500 that the OpenAI SDKs retry by themselves (wire.md section 6)."""


def headers(request_id: str, content_type: bytes, sandbox: bool = False) -> Headers:
    """What every answer carries; streams must pass proxies unbuffered and unchanged."""
    out = [
        (b"content-type", content_type),
        (b"cache-control", b"no-cache, no-transform"),
        (b"x-accel-buffering", b"no"),
        (b"x-request-id", request_id.encode()),
    ]
    if sandbox:
        out.append((b"x-darkroom-sandbox", b"1"))
    return out


def error_answer(error: Error, paid: bool = False) -> tuple[int, Headers, bytes]:
    """Status, extra headers and body. After the paid mark SDKs are told not to buy the picture again."""
    extra = [(name.encode(), value.encode("latin-1", "replace")) for name, value in error.headers.items()]
    if (error.status >= 500 or error.status in _RETRIED) and (paid or not error.retryable):
        extra.append((b"x-should-retry", b"false"))
    return error.status, extra, msgspec.json.encode(error.body())


def worded(error: Error, request_id: str, support: str) -> Error:
    """The error as the customer reads it: a 5xx ends with whom to ask and the request id."""
    if error.status >= 500 and request_id not in error.message:
        if support:
            error.message += f" If it happens again, contact {support} and mention request id {request_id}."
        else:
            error.message += f" (request id {request_id})"
    return error
