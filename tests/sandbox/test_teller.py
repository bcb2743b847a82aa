"""Scripts played over a real connection: each delay, stall, cut, heartbeat and error at its place."""

import asyncio
import json

import pytest

from darkroom.sandbox.faults import CODES, SHAPES
from darkroom.sandbox.scenario import POINTS
from tests.sandbox.drawing import ASK, events, hear, hear_until_silence, kinds, sandbox

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
PLAIN = {**ASK, "stream": False}
STORY = ["created", "in_progress", "output_item.added", "in_progress", "generating", "partial_image", "completed",
         "output_item.done", "completed"]  # fmt: skip
BEFORE = {"before_headers": None, "before_created": 0, "after_created": 1, "after_in_progress": 2,
"after_generating": 5,
          "in_partial": 5, "after_partial": 6, "in_final": 7, "before_completed": 8, "in_completed": 8}  # fmt: skip
"""How many whole events have been told at each point."""
HOUR = 3_600_000


@pytest.fixture(scope="module")
async def client(anyio_backend):
    async with sandbox() as client:
        yield client


def whole(body):
    """The types of the whole events of a stream that may have been cut."""
    return kinds(events(body[: body.rindex(b"\n\n") + 2])) if b"\n\n" in body else []


async def test_story_is_told_in_order(client):
    body, end = await hear(client, ASK)
    assert (kinds(events(body)), end) == (STORY, "whole")
    assert [tree["sequence_number"] for tree in events(body)] == list(range(len(STORY)))


def test_every_point_is_tried():
    assert list(BEFORE) == list(POINTS)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("how", ["cut", "reset"])
async def test_connection_breaks_at_its_point(client, point, how):
    body, end = await hear(client, ASK, f"{how}={point}")
    # Before a header there is no difference that this client can tell.
    assert end in ({"cut", "reset"} if point == "before_headers" else {how})
    assert whole(body) == STORY[: BEFORE[point] or 0]
    rest = body[body.rindex(b"\n\n") + 2 :] if b"\n\n" in body else body
    assert bool(rest) is point.startswith("in_")


@pytest.mark.parametrize(
    "point", ["before_headers", "before_created", "after_generating", "in_final", "in_completed"]
)
async def test_stall_holds_the_answer_at_its_point(client, point):
    told = BEFORE[point] or 0
    assert whole(await hear_until_silence(client, ASK, f"stall={point}", told)) == STORY[:told]
    body, end = await hear(client, ASK, f"stall={point}, stall_ms=20")
    assert (kinds(events(body)), end) == (STORY, "whole")


@pytest.mark.parametrize(
    "stage, told",
    [
        ("headers", 0),
        ("created", 0),
        ("in_progress", 1),
        ("generating", 4),
        ("partial", 5),
        ("image", 6),
        ("completed", 8),
    ],
)
async def test_delay_comes_before_its_stage(client, stage, told):
    script = f"delay_{stage}_ms={HOUR}"
    assert whole(await hear_until_silence(client, ASK, script, told)) == STORY[:told]
    assert await hear_until_silence(client, PLAIN, script, 0) == b""


async def test_delay_lasts_as_long_as_it_says(client):
    clock = asyncio.get_running_loop().time
    before = clock()
    await hear(client, ASK, "delay_created_ms=60, delay_generating_ms=60, delay_completed_ms=60")
    # Only the lower end: a busy machine may take longer.
    assert clock() - before >= 0.175


async def test_heartbeats_are_heard_while_nothing_else_is(client):
    beats = {"comments": b": keep-alive\n\n", "blank": b"\n", "keepalive": b"event: keepalive\n"}
    for kind, beat in beats.items():
        script = f"heartbeat={kind}, heartbeat_ms=10, stall=after_created, stall_ms=300"
        body, end = await hear(client, ASK, script)
        assert end == "whole"
        created = body.index(b"\n\n") + 2
        assert body[created:].startswith(beat)
        assert body.count(beat) >= 2
    numbers = [tree["sequence_number"] for tree in events((await hear(client, ASK, script))[0])]
    assert numbers == list(range(len(numbers))), "a keepalive takes a number"


async def test_heartbeats_of_a_plain_answer_are_white_space_before_it(client):
    body, end = await hear(client, PLAIN, "heartbeat=comments, heartbeat_ms=10, delay_created_ms=100")
    assert end == "whole"
    assert body.startswith(b"\n\n")
    assert json.loads(body)["status"] == "completed"


@pytest.mark.parametrize("shape", SHAPES)
async def test_error_is_told_in_its_shape_and_ends_the_stream(client, shape):
    body, end = await hear(client, ASK, f"error={shape}, code=slow_down")
    assert end == "whole"
    told = body.split(b"\n\n")
    assert len(told) >= 6
    last = b"\n\n".join(told[5:])
    assert b"output_item.done" not in last
    if shape == "incomplete":
        assert events(last)[0]["response"]["incomplete_details"] == {"reason": "content_filter"}
    else:
        assert CODES["slow_down"].message.encode() in last
    if shape in ("both", "failed"):
        assert events(last)[-1]["response"]["status"] == "failed"


@pytest.mark.parametrize("point", [point for point in POINTS if not point.startswith("in_")][1:])
async def test_error_comes_at_its_point(client, point):
    body, _ = await hear(client, ASK, f"error=nested, error_at={point}")
    told = events(body)
    assert kinds(told[:-1]) == STORY[: BEFORE[point]]
    assert told[-1]["error"]["code"] == "server_error"


@pytest.mark.parametrize("shape", SHAPES)
async def test_error_of_a_plain_answer_is_its_body(client, shape):
    answer = await client.post(
        "/responses", json=PLAIN, headers={"x-darkroom-scenario": f"error={shape}, code=slow_down"}
    )
    tree = answer.json()
    assert answer.status_code == 200
    if shape in ("failed", "incomplete"):
        assert tree["status"] == shape
    else:
        assert CODES["slow_down"].message in json.dumps(tree)


async def test_images_stream_has_no_response_to_end_with(client):
    asked = {"model": "gpt-image-2", "prompt": "a cat", "stream": True}
    for shape in ("both", "failed", "incomplete", "nested"):
        body, end = await hear(client, asked, f"error={shape}", "/images/generations")
        assert [tree["type"] for tree in events(body)] == ["error"]
        assert events(body)[0]["error"]["code"] == "server_error"
        assert end == "whole"


@pytest.mark.parametrize("code", CODES)
async def test_refusal_has_its_status_body_and_headers(client, code):
    for body, path in ((ASK, "/responses"), ({"prompt": "x"}, "/images/generations")):
        answer = await client.post(path, json=body, headers={"x-darkroom-scenario": f"code={code}"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (CODES[code].status, code)
        assert answer.headers["x-request-id"].startswith("req_")
        assert {name: answer.headers[name] for name, _ in CODES[code].headers} == dict(CODES[code].headers)


@pytest.mark.parametrize(
    "script, status, kind, start",
    [
        ("status=503", 503, "application/json", b'{"error":'),
        ("status=418", 418, "application/json", b'{"error":'),
        ("body=html", 502, "text/html; charset=UTF-8", b"<!DOCTYPE html>"),
        ("body=html, status=200", 200, "text/html; charset=UTF-8", b"<!DOCTYPE html>"),
        ("body=empty, status=500", 500, None, b""),
        ("body=text, status=503", 503, "text/plain; charset=utf-8", b"upstream connect error"),
        ("body=broken, code=slow_down", 429, "application/json", b'{"error":'),
        ("status=503, encoding=gzip", 503, "application/json", b'{"error":'),
        ("status=503, chunks=bytes", 503, "application/json", b'{"error":'),
    ],
)
async def test_refusal_is_written_as_asked(client, script, status, kind, start):
    answer = await client.post("/responses", json=ASK, headers={"x-darkroom-scenario": script})
    assert (answer.status_code, answer.headers.get("content-type")) == (status, kind)
    assert answer.content.startswith(start)


async def test_refusal_says_when_to_come_back(client):
    headers = {"x-darkroom-scenario": "code=rate_limit_exceeded, retry_after=3"}
    assert (await client.post("/responses", json=ASK, headers=headers)).headers["retry-after"] == "3"


async def test_refusal_too_waits_stalls_and_breaks_off(client):
    for script in (
        f"status=503, delay_headers_ms={HOUR}",
        "status=503, heartbeat=blank, stall=before_headers",
    ):
        assert await hear_until_silence(client, ASK, script, 0) == b""
    assert (await hear(client, ASK, "status=503, cut=before_headers"))[1] in ("cut", "reset")
    body, end = await hear(client, ASK, "status=503, cut=in_final")
    assert (body[:9], end) == (b'{"error":', "cut")


@pytest.mark.parametrize("point, share", [("in_final", 0.5), ("in_completed", 0.99)])
async def test_plain_answer_is_cut_in_its_body(client, point, share):
    size = len((await hear(client, PLAIN))[0])
    body, end = await hear(client, PLAIN, f"cut={point}")
    assert end == "cut"
    assert share * size - 100 <= len(body) < size


async def test_server_stops_though_an_answer_is_stalled():
    async with sandbox() as client:
        assert len(await hear_until_silence(client, ASK, "stall=in_final", 7)) > 1000


async def test_pieces_and_encodings_change_nothing_of_what_is_said(client):
    for script in (
        "chunks=tiny",
        "chunks=bytes",
        "chunks=huge",
        "chunk_bytes=1000",
        "encoding=gzip",
        "rate_bytes_s=1000000",
    ):
        body, end = await hear(client, ASK, script)
        assert (kinds(events(body)), end) == (STORY, "whole"), script
