"""An upstream's complaint, read in whatever shape it comes; the counterpart that tells the customer is `failure`.

Law: never an exception, whatever the tree, and no more than `_DEEPEST` layers are looked through.

Shapes (wire.md 2.2, 2.5, 6, 10.1): an error body, `{"error": "text"}`, `{"detail"}`, `{"message"}`; a flat error
event, a nested one, both in one; `response.failed`, `response.incomplete`, a Response, an item with an error; JSON in
a string, alone or behind a few words; types with a vendor's prefix.
"""

from typing import Any

import msgspec

_DEEPEST = 6
"""Layers of `error` in `error` and of JSON in strings that are looked through."""
_LONGEST_TEXT = 64 * 1024
"""Characters of a string that may be JSON itself."""
_NOT_JSON = (ValueError, msgspec.MsgspecError, RecursionError)
_MESSAGES = ("message", "msg", "error_msg", "error_message", "error_description")

MODERATION_CODES = frozenset(
    (
        "moderation_blocked",
        "content_policy_violation",
        "image_content_policy_violation",
        "content_filter",
        "content_policy",
    )
)
POLICY_CODES = frozenset(
    (
        "invalid_prompt",
        "bio_policy",
        "misalignment_policy_violation",
        "cyber_policy",
    )
)
QUOTA_CODES = frozenset(
    (
        "insufficient_quota",
        "billing_hard_limit_reached",
        "billing_not_active",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
        "usage_limit_reached",
        "usage_not_included",
        "insufficient_user_quota",
        "insufficient_balance",
        "quota_exceeded",
        "pre_consume_token_quota_failed",
    )
)
KEY_CODES = frozenset(
    (
        "invalid_api_key",
        "invalid_authentication",
        "api_key_invalid",
        "account_deactivated",
        "ip_not_authorized",
        "unsupported_country_region_territory",
        "invalid_organization",
        "mismatched_organization",
        "token_expired",
        "token_invalidated",
        "deactivated_workspace",
    )
)
STATE_CODES = frozenset(("previous_response_not_found", "item_not_found"))
PICTURE_CODES = frozenset(
    (
        "invalid_image",
        "invalid_image_format",
        "invalid_base64_image",
        "invalid_image_url",
        "image_too_large",
        "image_too_small",
        "image_parse_error",
        "invalid_image_mode",
        "image_file_too_large",
        "unsupported_image_media_type",
        "empty_image_file",
        "failed_to_download_image",
        "image_file_not_found",
    )
)
_STATUS_BY_CODE = {
    400: MODERATION_CODES | POLICY_CODES | STATE_CODES | PICTURE_CODES | {"max_output_tokens"},
    401: KEY_CODES,
    404: frozenset(("model_not_found",)),
    429: QUOTA_CODES | {"rate_limit_exceeded", "slow_down", "too_many_requests"},
    500: frozenset(("server_error", "internal_server_error")),
    503: frozenset(("server_is_overloaded", "overloaded", "service_unavailable", "engine_overloaded")),
}
_STATUS_BY_TYPE = {
    "invalid_request_error": 400,
    "image_generation_user_error": 400,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "rate_limit_error": 429,
    "insufficient_quota": 429,
    "requests": 429,
    "tokens": 429,
    "server_error": 500,
    "service_unavailable_error": 503,
    "overloaded_error": 503,
}

Fields = dict[str, Any]


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """What an upstream said went wrong, in its own words: not yet fit for a customer.

    `status` is the HTTP status it came with, or the one that its code or type stands for; `details` may hold
    `moderation_details` with `moderation_stage` and `categories`.
    """

    message: str = ""
    code: str | None = None
    type: str | None = None
    param: str | None = None
    status: int | None = None
    details: dict[str, Any] = {}


def read_failure_body(body: bytes, *, status: int) -> Failure:
    """The failure that the body of an error answer tells: JSON, events, or anything else (then only the status)."""
    for text in (body, *(line[5:] for line in body.splitlines() if line.startswith(b"data:"))):
        try:
            tree = msgspec.json.decode(text)
        except _NOT_JSON:
            continue
        failure = read_failure(tree, status=status)
        if failure is not None and (failure.message or failure.code):
            return failure
    return Failure(status=status)


def read_failure(tree: Any, *, status: int | None) -> Failure | None:
    """The failure that a tree tells (an error body, an event, a Response or an item); None if it tells none.

    With an error `status` (400 and up) there is always one, if only with that status.
    """
    if status is not None and status < 400:
        status = None
    fields = _find(tree, 0)
    if fields is None and isinstance(tree, str) and status:
        fields = _text(tree, 0)
    if fields is None:
        return None if status is None else Failure(status=status)
    code, type = fields.get("code"), _type(fields.get("type"))
    return Failure(
        message=fields.get("message", ""),
        code=code,
        type=type,
        param=fields.get("param"),
        status=status or fields.get("status") or _guess(code, type),
        details=fields.get("details", {}),
    )


def _find(tree: Any, depth: int) -> Fields | None:
    """The fields of the failure that a tree tells, or None."""
    if depth > _DEEPEST:
        return None
    if isinstance(tree, str):
        return _embedded(tree, depth)
    if isinstance(tree, list):
        return next((found for part in tree[:20] if (found := _find(part, depth + 1)) is not None), None)
    if not isinstance(tree, dict):
        return None
    kind = tree.get("type")
    kind = kind if isinstance(kind, str) else ""
    response, item = tree.get("response"), tree.get("item")
    if kind in ("response.failed", "response.incomplete"):
        found = _response(response if isinstance(response, dict) else {}, depth)
        return {**_flat(tree, depth), **(found or {})}
    if tree.get("object") == "response":
        return _response(tree, depth)
    if isinstance(item, dict):
        return _item(item, depth)
    if kind == "image_generation_call":
        return _item(tree, depth)
    if tree.get("error"):
        outer = {} if kind.startswith("response.") else _flat(tree, depth)
        return {**outer, **_error(tree["error"], depth + 1)}
    if kind == "error" or kind.endswith("_error"):
        return _flat(tree, depth)
    if kind or "object" in tree or "output" in tree or "data" in tree:
        return None
    if any(tree.get(key) for key in ("detail", "errors", *_MESSAGES)):
        return _flat(tree, depth)
    return None


def _response(response: Fields, depth: int) -> Fields | None:
    if response.get("error"):
        return _error(response["error"], depth + 1)
    reason = response.get("incomplete_details")
    if isinstance(reason, dict) and isinstance(reason.get("reason"), str):
        return {"code": reason["reason"]}
    return {} if response.get("status") in ("failed", "incomplete", "cancelled") else None


def _item(item: Fields, depth: int) -> Fields | None:
    if item.get("error"):
        return _error(item["error"], depth + 1)
    return {} if item.get("status") == "failed" else None


def _error(error: Any, depth: int) -> Fields:
    """The fields of an `error` value: an object, a text, or objects in objects."""
    if depth > _DEEPEST:
        return {}
    if isinstance(error, str):
        return _text(error, depth)
    if isinstance(error, list):
        return _error(error[0], depth + 1) if error else {}
    if not isinstance(error, dict):
        return {}
    fields = _flat(error, depth)
    return {**fields, **_error(error["error"], depth + 1)} if error.get("error") else fields


def _flat(tree: Fields, depth: int) -> Fields:
    """The fields that stand in this object itself; a message that is JSON again is opened."""
    fields: Fields = {}
    kind, code, param, details = (tree.get(key) for key in ("type", "code", "param", "moderation_details"))
    if isinstance(kind, str) and kind != "error" and not kind.startswith("response."):
        fields["type"] = kind
    if isinstance(code, str) and code and not code.isdigit():
        fields["code"] = code
    if isinstance(param, str) and param:
        fields["param"] = param
    for key in ("status", "status_code", "statusCode", "http_status", "code"):
        number = tree.get(key)
        if isinstance(number, str) and len(number) == 3 and number.isascii() and number.isdigit():
            number = int(number)
        if isinstance(number, int) and 400 <= number <= 599:
            fields["status"] = int(number)
            break
    if isinstance(details, dict):
        fields["details"] = {"moderation_details": _moderation(details)}
    for key in (*_MESSAGES, "detail", "errors"):
        value = tree.get(key)
        if isinstance(value, str) and value:
            return {**fields, **_text(value, depth + 1)}
        if isinstance(value, dict | list) and value:
            return {**fields, **_complaint(value, depth + 1)}
    return fields


def _complaint(value: Any, depth: int) -> Fields:
    """The fields of `detail` or `errors` where they are not a text: an object, or a list of complaints with places."""
    first = value[0] if isinstance(value, list) else value
    if not isinstance(first, dict):
        return _error(first, depth)
    fields = _error(first, depth)
    place = first.get("loc")
    if isinstance(place, list):
        words = [str(part) for part in place if isinstance(part, str | int) and part != "body"]
        fields.setdefault("param", ".".join(words))
    return fields


def _text(text: str, depth: int) -> Fields:
    return _embedded(text, depth) or {"message": text}


def _embedded(text: str, depth: int) -> Fields | None:
    """The failure that a text tells as JSON, alone or behind a few words."""
    begin, end = text.find("{"), text.rfind("}")
    if depth > _DEEPEST or not 0 <= begin < end or len(text) > _LONGEST_TEXT:
        return None
    for part in (text, text[begin : end + 1]):
        try:
            return _find(msgspec.json.decode(part), depth + 1)
        except _NOT_JSON:
            continue
    return None


def _moderation(details: Fields) -> Fields:
    """`moderation_stage` and `categories`, and nothing that an upstream may have put beside them."""
    stage, categories = details.get("moderation_stage"), details.get("categories")
    listed = categories if isinstance(categories, list) else []
    return {
        "moderation_stage": stage if isinstance(stage, str) and stage.isidentifier() else "unknown",
        "categories": [word[:64] for word in listed[:32] if isinstance(word, str)],
    }


def _type(value: str | None) -> str | None:
    """The type without a vendor's prefix (`packy_image_generation_user_error`)."""
    if value is None or value in _STATUS_BY_TYPE:
        return value
    return next((known for known in _STATUS_BY_TYPE if value.endswith("_" + known)), value)


def _guess(code: str | None, type: str | None) -> int | None:
    """The HTTP status that a code or a type stands for."""
    for status, codes in _STATUS_BY_CODE.items():
        if code in codes:
            return status
    return _STATUS_BY_TYPE.get(type or "")
