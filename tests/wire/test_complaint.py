"""Every shape of an error that upstreams were seen to send, and that no tree breaks the reader."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.wire.complaint import Failure, read_failure, read_failure_body

FIELDS = {
    "type": "invalid_request_error",
    "code": "invalid_value",
    "message": "Invalid size.",
    "param": "size",
}
WANTED = Failure(
    message="Invalid size.", code="invalid_value", type="invalid_request_error", param="size", status=400
)
FLAT = {key: FIELDS[key] for key in ("code", "message", "param")}

FULL: dict[str, Any] = {
    "error body": {"error": FIELDS},
    "nested event": {"type": "error", "sequence_number": 3, "error": FIELDS},
    "nested and flat event": {"type": "error", "sequence_number": 3, **FLAT, "error": FIELDS},
    "flat copies complete a thin error": {**FLAT, "error": {"type": "invalid_request_error"}},
    "bare error": FIELDS,
    "error in error": {"error": {"message": "wrapped", "error": FIELDS}},
    "error in a list": [{"error": FIELDS}],
    "errors in a list": {"errors": [FIELDS]},
    "error list": {"error": [FIELDS]},
    "detail object": {"detail": FIELDS},
    "detail with error": {"detail": {"error": FIELDS}},
    "double-encoded error": {"error": json.dumps(FIELDS)},
    "double-encoded body": json.dumps({"error": FIELDS}),
    "triple-encoded body": json.dumps(json.dumps({"error": FIELDS})),
    "double-encoded message": {"error": {"message": json.dumps({"error": FIELDS}), "type": "upstream_error"}},
    "JSON behind words": {"message": "status_code=400, body: " + json.dumps({"error": FIELDS}) + " (relay)"},
    "vendor's prefix": {"error": {**FIELDS, "type": "packy_invalid_request_error"}},
    "event: upstream_error": {"type": "upstream_error", "error": FIELDS},
    "response.failed": {"type": "response.failed", "response": {"status": "failed", "error": FIELDS}},
    "response.failed beside the response": {
        "type": "response.failed",
        "error": FIELDS,
        **FLAT,
        "response": None,
    }
    | {"response": {"error": FIELDS}},
    "Response": {"object": "response", "status": "failed", "error": FIELDS, "output": []},
    "item": {"type": "response.output_item.done", "item": {"status": "failed", "error": FIELDS}},
    "bare item": {"type": "image_generation_call", "status": "failed", "error": FIELDS},
}


@pytest.mark.parametrize("shape", FULL)
@pytest.mark.parametrize("status", [None, 200, 400])
def test_read_failure_reads_every_shape_in_full(shape: str, status: int | None) -> None:
    assert read_failure(FULL[shape], status=status) == WANTED


@pytest.mark.parametrize("shape", FULL)
def test_read_failure_puts_the_status_of_the_answer_first(shape: str) -> None:
    failure = read_failure(FULL[shape], status=503)
    assert failure is not None
    assert (failure.status, failure.message) == (503, "Invalid size.")


THIN: list[tuple[Any, dict[str, Any]]] = [
    ({"type": "error", **FLAT}, {"message": "Invalid size.", "code": "invalid_value", "param": "size"}),
    ({"type": "error", "message": "no more", "code": None, "param": None}, {"message": "no more"}),
    ({"error": "something broke"}, {"message": "something broke"}),
    ({"detail": "Not Found"}, {"message": "Not Found"}),
    ({"detail": [{"loc": ["body", "size"], "msg": "too big"}]}, {"message": "too big", "param": "size"}),
    ({"message": "busy", "code": 503}, {"message": "busy", "status": 503}),
    ({"msg": "busy", "code": "503"}, {"message": "busy", "status": 503}),
    ({"success": False, "error_msg": "busy"}, {"message": "busy"}),
    ({"error": {"message": "quota", "status": 429}}, {"message": "quota", "status": 429}),
    ({"error": {"code": 400, "message": "bad", "status": "INVALID_ARGUMENT"}}, {"message": "bad", "status": 400}),
    ({"error": True}, {}),
    ({"error": {"message": None, "code": "server_error"}}, {"code": "server_error", "status": 500}),
    ({"type": "response.failed", "response": {"status": "failed", "error": None}}, {}),
    ({"type": "response.failed"}, {}),
    ({"type": "response.failed", "response": {"error": {"code": "rate_limit_exceeded", "message": "slow"}}},
     {"code": "rate_limit_exceeded", "message": "slow", "status": 429}),
    ({"type": "response.incomplete", "response": {"incomplete_details": {"reason": "content_filter"}}},
     {"code": "content_filter", "status": 400}),
    ({"object": "response", "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
     {"code": "max_output_tokens", "status": 400}),
    ({"type": "response.output_item.done", "item": {"type": "image_generation_call", "status": "failed"}}, {}),
    ({"error": {"type": "packy_image_generation_user_error", "message": "no"}},
     {"type": "image_generation_user_error", "message": "no", "status": 400}),
    ({"error": {"type": "relay_trouble", "message": "no"}}, {"type": "relay_trouble", "message": "no"}),
    ({"error": {"type": "insufficient_quota", "message": "no"}},
     {"type": "insufficient_quota", "message": "no", "status": 429}),
    ({"error": "costs {more} than this"}, {"message": "costs {more} than this"}),
]  # fmt: skip


@pytest.mark.parametrize("tree, wanted", THIN)
def test_read_failure_reads_what_thin_shapes_hold(tree: Any, wanted: dict[str, Any]) -> None:
    assert read_failure(tree, status=None) == Failure(**wanted)


@pytest.mark.parametrize(
    "tree",
    [
        None,
        {},
        [],
        "",
        "text",
        7,
        {"type": "response.created", "response": {"status": "in_progress", "error": None}},
        {
            "type": "response.completed",
            "response": {"object": "response", "status": "completed", "error": None},
        },
        {"object": "response", "status": "completed", "error": None, "output": []},
        {"type": "response.output_item.done", "item": {"type": "message", "status": "completed"}},
        {
            "type": "response.output_item.added",
            "item": {"type": "image_generation_call", "status": "in_progress"},
        },
        {"type": "image_generation_call", "status": "completed", "result": "iVBORw0KGgo=", "error": None},
        {"type": "response.output_text.delta", "delta": "an error"},
        {"type": "image_generation.completed", "b64_json": "iVBORw0KGgo="},
        {"type": "ping", "message": "hello"},
        {"created": 1, "data": [{"b64_json": "x"}], "message": "ok"},
        {"error": None},
        {"error": ""},
        {"error": {}},
    ],
)
def test_read_failure_finds_none_where_there_is_none(tree: Any) -> None:
    assert read_failure(tree, status=None) is None
    assert read_failure(tree, status=200) is None


@pytest.mark.parametrize("tree", [None, {}, [], {"error": {}}, 7])
def test_an_error_status_is_a_failure_by_itself(tree: Any) -> None:
    assert read_failure(tree, status=502) == Failure(status=502)


def test_read_failure_keeps_the_moderation_details_and_nothing_beside_them() -> None:
    error = {
        "type": "image_generation_user_error",
        "code": "moderation_blocked",
        "message": "no",
        "moderation_details": {
            "moderation_stage": "input",
            "categories": ["violence", "x" * 500, 7],
            "account": "org-1",
        },
    }
    failure = read_failure({"type": "error", "error": error}, status=None)
    assert failure is not None
    assert failure.details == {
        "moderation_details": {"moderation_stage": "input", "categories": ["violence", "x" * 64]}
    }
    strange = read_failure(
        {"error": {**error, "moderation_details": {"moderation_stage": "<b>"}}}, status=400
    )
    assert strange is not None
    assert strange.details == {"moderation_details": {"moderation_stage": "unknown", "categories": []}}


BODIES: list[tuple[bytes, Failure]] = [
    (json.dumps({"error": FIELDS}).encode(), Failure(**{**FIELDS, "status": 422})),
    (
        b'event: error\ndata: {"error":{"message":"no","code":"x"}}\n\n',
        Failure(message="no", code="x", status=422),
    ),
    (b'"no more"', Failure(message="no more", status=422)),
    (b"<html><body>502 Bad Gateway</body></html>", Failure(status=422)),
    (b"upstream connect error", Failure(status=422)),
    (b"", Failure(status=422)),
    (b"\xff\xfe\x00", Failure(status=422)),
    (b"[" * 200_000, Failure(status=422)),
    (b"{}", Failure(status=422)),
]


@pytest.mark.parametrize("body, wanted", BODIES)
def test_read_failure_body_reads_json_and_events_and_nothing_else(body: bytes, wanted: Failure) -> None:
    assert read_failure_body(body, status=422) == wanted


NAMES = """
error message detail type code param status response item errors incomplete_details reason object loc msg
moderation_details categories
"""
KEYS = st.sampled_from(NAMES.split())
VALUES = st.sampled_from(
    [
        "error",
        "response.failed",
        "response.incomplete",
        "image_generation_call",
        "failed",
        "{",
        '{"error":{"code":1}}',
    ]
)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=1000)
@given(TREES, st.sampled_from([None, 200, 400, 500]))
def test_read_failure_answers_plain_values_for_any_tree(tree: Any, status: int | None) -> None:
    failure = read_failure(tree, status=status)
    if failure is None:
        assert status in (None, 200)
        return
    assert isinstance(failure.message, str)
    assert all(
        value is None or isinstance(value, str) for value in (failure.code, failure.type, failure.param)
    )
    assert failure.status is None or 400 <= failure.status <= 599


def test_read_failure_gives_up_on_endless_nesting() -> None:
    tree: Any = {"message": "deep"}
    for _ in range(5000):
        tree = {"error": tree}
    assert read_failure(tree, status=None) == Failure()
    text = json.dumps({"error": FIELDS})
    for _ in range(8):
        text = json.dumps({"error": text})
    failure = read_failure(text, status=500)
    assert failure is not None
    assert (failure.status, failure.code) == (500, None)


@given(st.binary(max_size=80))
def test_read_failure_body_takes_any_bytes(body: bytes) -> None:
    assert read_failure_body(body, status=500).status == 500
