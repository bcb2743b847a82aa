"""Refusals: the error answers that real upstreams were seen to give, from proper OpenAI bodies to pages of HTML.

`CODES` holds the known failures, `BODIES` the ways to write one as an HTTP answer, `SHAPES` the ways to say one
inside a stream (wire.md sections 2.5, 6 and 10).
"""

import json
from collections.abc import Callable
from typing import Any

import msgspec

SECRET_KEY = "sk-upstream-0123456789abcdefghijklmnopqrstuvwxyzABCD"
SECRET_HOST = "relay-7.internal.upstream.example"
SECRET_ADDRESS = "10.20.30.40:8443"
SECRETS = (SECRET_KEY, SECRET_HOST, SECRET_ADDRESS)
"""Made-up secrets that the body `secret` holds: none of them may reach a customer."""


class Fault(msgspec.Struct, frozen=True):
    """A failure as OpenAI would tell it."""

    status: int
    type: str
    message: str
    param: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    details: bool = False
    """Whether the object carries moderation_details."""

    def fields(self, code: str | None) -> dict[str, Any]:
        """The error object."""
        tree: dict[str, Any] = {"message": self.message, "type": self.type, "param": self.param, "code": code}
        if self.details:
            tree["moderation_details"] = {"moderation_stage": "input", "categories": ["sexual"]}
        return tree


_QUOTA = (("x-should-retry", "false"),)
_INVALID, _USER = "invalid_request_error", "image_generation_user_error"
CODES: dict[str, Fault] = {
    "invalid_value": Fault(400, _INVALID, "Invalid size '512x512'. Width and height are too small.", "size"),
    "unknown_parameter": Fault(400, _INVALID, "Unknown parameter: 'tools[0].n'.", "tools[0].n"),
    "moderation_blocked": Fault(
        400,
        _USER,
        "Your request was rejected by the safety system. If you believe this is an error, contact us and include"
        " the request ID. safety_violations=[sexual].",
        details=True,
    ),
    "content_policy_violation": Fault(400, _USER, "Your request was rejected by our safety system."),
    "billing_hard_limit_reached": Fault(
        400, "insufficient_quota", "Billing hard limit has been reached.", headers=_QUOTA
    ),
    "invalid_api_key": Fault(
        401,
        _INVALID,
        "Incorrect API key provided: sk-upst**************ABCD. You can find your API key in your account.",
    ),
    "unsupported_country_region_territory": Fault(
        403, _INVALID, "Country, region, or territory not supported."
    ),
    "model_not_found": Fault(
        404, _INVALID, "The model `gpt-5.5` does not exist or you do not have access to it.", "model"
    ),
    "request_too_large": Fault(413, _INVALID, "Request body is too large."),
    "rate_limit_exceeded": Fault(
        429,
        "rate_limit_error",
        "Rate limit reached for gpt-image-2 on input-images per min: Limit 5, Used 5, Requested 1."
        " Please try again in 12s.",
        headers=(("retry-after", "12"),),
    ),
    "slow_down": Fault(429, "rate_limit_error", "Slow down: the request rate rises too steeply."),
    "insufficient_quota": Fault(
        429,
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
        headers=_QUOTA,
    ),
    "credit_balance_exhausted": Fault(
        429, "insufficient_quota", "Your credit balance is exhausted.", headers=_QUOTA
    ),
    "server_error": Fault(
        500, "server_error", "The server had an error while processing your request. Sorry!"
    ),
    "bad_gateway": Fault(502, "server_error", "Bad gateway."),
    "server_is_overloaded": Fault(
        503, "service_unavailable_error", "The server is currently overloaded. Please try again later."
    ),
    "gateway_timeout": Fault(504, "server_error", "The upstream did not answer in time."),
}
USUAL = {
    400: "invalid_value",
    401: "invalid_api_key",
    403: "unsupported_country_region_territory",
    404: "model_not_found",
    413: "request_too_large",
    429: "rate_limit_exceeded",
    500: "server_error",
    502: "bad_gateway",
    503: "server_is_overloaded",
    504: "gateway_timeout",
}
"""The failure that a bare status stands for."""


def fault_of(status: int | None, code: str | None) -> tuple[int, str | None, Fault]:
    """Status, code and failure of what a scenario names: either of the two finds the other."""
    if code is not None:
        return status or CODES[code].status, code, CODES[code]
    if status is None:
        return 502, "bad_gateway", CODES["bad_gateway"]
    if status in USUAL:
        return status, USUAL[status], CODES[USUAL[status]]
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return status, None, Fault(status, kind, f"The upstream answered with status {status}.")


_HTML = """<!DOCTYPE html>
<html><head><title>{status} | upstream.example</title></head>
<body><center><h1>{status}</h1></center><hr><center>cloudflare</center>
<p>Ray ID: 8f3c2a1b0d9e &bull; Your IP: 10.20.30.40</p></body></html>
"""
JSON_TYPE = "application/json"
Written = tuple[str | None, bytes]


def _json(tree: Any) -> Written:
    return JSON_TYPE, msgspec.json.encode(tree)


def _secret(status: int, fields: dict[str, Any]) -> Written:
    message = (
        f"POST https://{SECRET_HOST}/v1/responses failed with status {status}: Incorrect API key provided: {SECRET_KEY}"
        f" (dial tcp {SECRET_ADDRESS}: connect: connection refused), file /srv/relay/channels.py line 12"
    )
    return _json({"error": {**fields, "message": message}, "key": SECRET_KEY, "upstream": SECRET_ADDRESS})


BODIES: dict[str, Callable[[int, dict[str, Any]], Written]] = {
    "openai": lambda status, fields: _json({"error": fields}),
    "html": lambda status, fields: (
        "text/html; charset=UTF-8",
        _HTML.replace("{status}", str(status)).encode(),
    ),
    "empty": lambda status, fields: (None, b""),
    "text": lambda status, fields: (
        "text/plain; charset=utf-8",
        b"upstream connect error or disconnect/reset before headers",
    ),
    "broken": lambda status, fields: (JSON_TYPE, msgspec.json.encode({"error": fields})[:-9]),
    "string": lambda status, fields: _json({"error": fields["message"]}),
    "detail": lambda status, fields: _json({"detail": fields["message"]}),
    "wrapped": lambda status, fields: _json({"error": {**fields, "message": json.dumps({"error": fields})}}),
    "secret": _secret,
}
"""Ways to write a refusal as an HTTP body: (status, error object) to content type and bytes."""


class Said(msgspec.Struct, frozen=True):
    """A failure as bytes of a stream: an event name (None: no event line), and JSON text or a tree to number."""

    event: str | None
    tree: Any
    raw: bool = False
    """Whether it stands in the stream as a bare line of JSON, without `data:`."""


def _nested(fields: dict[str, Any]) -> list[Said]:
    return [Said("error", {"type": "error", "sequence_number": 0, "error": fields})]


def _flat(fields: dict[str, Any]) -> list[Said]:
    flat = {key: fields[key] for key in ("code", "message", "param")}
    return [Said("error", {"type": "error", "sequence_number": 0, **flat})]


def _both(fields: dict[str, Any]) -> list[Said]:
    flat = {key: fields[key] for key in ("code", "message", "param")}
    tree = {"type": "error", "sequence_number": 0, "error": fields, **flat}
    return [Said("error", tree), Said("response.failed", None)]


SHAPES: dict[str, Callable[[dict[str, Any]], list[Said]]] = {
    "nested": _nested,
    "flat": _flat,
    "both": _both,
    "bare": lambda fields: [Said(None, {"error": fields})],
    "upstream_error": lambda fields: [Said("upstream_error", {"error": fields})],
    "string": lambda fields: [Said("error", json.dumps({"error": fields}))],
    "string_inside": lambda fields: [Said("error", {"type": "error", "error": json.dumps(fields)})],
    "vendor_type": lambda fields: [
        Said("error", {"type": "error", "error": {**fields, "type": f"packy_{fields['type']}"}})
    ],
    "raw_json": lambda fields: [Said(None, {"error": fields}, raw=True)],
    "failed": lambda fields: [Said("response.failed", None)],
    "incomplete": lambda fields: [Said("response.incomplete", None)],
}
"""Ways to say a failure in a stream; a tree of None is the response itself, failed or incomplete."""
