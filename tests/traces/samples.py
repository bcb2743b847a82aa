"""Traces for tests."""

from typing import Any

from darkroom.traces.trace import Attempt, Trace

MS = 1000
STARTED_AT = 1_795_000_000_123_456  # 2026-11-18 11:06:40.123456 UTC
ASKED = {"size": "1024x1024", "quality": "medium", "output_format": "png", "partial_images": 1}
FIRST = [("connected", 5 * MS, None), ("sent", 6 * MS, None), ("failed", 10 * MS, None)]
SECOND = [
    ("connected", 12 * MS, None),
    ("headers", 40 * MS, None),
    ("created", 41 * MS, None),
    ("in_progress", 44 * MS, None),
    ("generating", 2_100 * MS, None),
    ("partial", 6_000 * MS, "0"),
    ("image", 12_600 * MS, "0"),
    ("completed", 12_610 * MS, None),
]


def simple(request_id: str = "req_1", **fields: Any) -> Trace:
    """A trace with the least in it."""
    given: dict[str, Any] = {"started_at": STARTED_AT, "outcome": "completed", **fields}
    return Trace(request_id=request_id, **given)


def full(request_id: str = "req_full", **fields: Any) -> Trace:
    """A streamed picture at the second attempt, with everything in it."""
    given: dict[str, Any] = {
        "account_id": 7,
        "account": "工作室",
        "key_id": 3,
        "started_at": STARTED_AT,
        "finished_at": STARTED_AT + 12_840 * MS,
        "surface": "responses",
        "method": "POST",
        "path": "/v1/responses",
        "model": "gpt-5.5",
        "image_model": "gpt-image-2",
        "streamed": True,
        "image": True,
        "sandbox": True,
        "status": 200,
        "outcome": "completed",
        "requested": dict(ASKED),
        "delivered": [{"index": 0, "size": "1024x1024", "format": "png", "bytes": 1_812_334}],
        "bytes_in": 812,
        "bytes_out": 4_567_890,
        "lost": ["text"],
        "repairs": {"field_name": 2},
        "usage": {"usage": {"input_tokens": 20}},
        "user_agent": "curl/8.5.0",
        "prompt": "a silver speaker 银色音箱",
        "stages": [
            ("accepted", 0, None),
            ("routed", MS, None),
            *FIRST,
            *SECOND,
            ("delivered", 12_840 * MS, None),
        ],
        "attempts": [
            Attempt(
                channel="main",
                started_us=2 * MS,
                ended_us=10 * MS,
                outcome="failed",
                error_code="upstream_connection_lost",
                error_message="The connection was reset.",
                stages=FIRST,
            ),
            Attempt(
                channel="backup",
                started_us=11 * MS,
                ended_us=12_610 * MS,
                status=200,
                outcome="completed",
                upstream_request_id="req_upstream_9",
                bytes_in=4_500_000,
                stages=SECOND,
            ),
        ],
    }
    return Trace(request_id=request_id, **{**given, **fields})
