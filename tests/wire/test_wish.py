"""Every upstream, of either API and streamed or plain, gives every caller the form that he asked for."""

import json
from itertools import product
from typing import Any

import pytest

from darkroom.errors import Lost
from darkroom.wire.actions import Outcome
from darkroom.wire.image_stream import ImageStream
from darkroom.wire.image_whole import ImageWhole
from darkroom.wire.stream import Stream
from darkroom.wire.whole import Whole
from darkroom.wire.wish import Wish, make_down, naming
from tests.wire.imaging import (
    USAGE,
    Ran,
    images_events,
    images_plain,
    picture,
    response,
    responses_events,
)

UPSTREAMS = {
    "images stream": ("images", "text/event-stream", images_events([picture(1)])),
    "images plain": ("images", "application/json", images_plain([picture(1)])),
    "responses stream": ("responses", "text/event-stream", responses_events([picture(1)])),
    "responses plain": ("responses", "application/json", json.dumps(response([picture(1)])).encode()),
}
CELLS = list(product(UPSTREAMS, ("responses", "images"), (True, False)))


def got(ran: Ran, surface: str, stream: bool) -> tuple[list[str], dict[str, Any] | None]:
    """The finished pictures that a caller finds, and the usage of the image model that he is told."""
    if surface == "images":
        if not stream:
            document = json.loads(ran.body)
            return [entry["b64_json"] for entry in document["data"]], document["usage"]
        last = [event for event in ran.events if event["type"].endswith(".completed")]
        return [event["b64_json"] for event in last], last[-1]["usage"]
    whole = ran.events[-1]["response"] if stream else json.loads(ran.body)
    if stream:
        done = [e["item"]["result"] for e in ran.events if e["type"] == "response.output_item.done"]
        assert done == [item["result"] for item in whole["output"]]
    return [item["result"] for item in whole["output"]], whole["tool_usage"]["image_gen"]


@pytest.mark.parametrize("upstream, surface, stream", CELLS)
def test_caller_gets_the_picture_in_his_own_form_from_every_upstream(
    upstream: str, surface: str, stream: bool
) -> None:
    spoken, kind, data = UPSTREAMS[upstream]
    bodies = set()
    for step in (1, 977, 16_384, len(data)):
        if step == 1 and len(data) > 100_000:
            step = 7
        ran = Ran(surface=surface, stream=stream).read(data, kind, spoken, step=step)
        assert ran.relay.outcome.status == "completed"
        assert got(ran, surface, stream) == ([picture(1)], USAGE)
        assert [(p.width, p.height, p.format) for p in ran.relay.outcome.pictures] == [(64, 48, "png")]
        assert ran.order.count("Earn") == 1
        bodies.add(ran.body)
    assert len(bodies) == 1


@pytest.mark.parametrize("upstream, surface, stream", CELLS)
def test_picture_begins_to_leave_when_it_begins_to_arrive(upstream: str, surface: str, stream: bool) -> None:
    spoken, kind, data = UPSTREAMS[upstream]
    ran = Ran(surface=surface, stream=stream).read(data, kind, spoken, step=4096)
    first = data.find(b"iVBORw0KGgo")
    if not stream:  # partial pictures are of no use to him
        first = data.find(b"iVBORw0KGgo", first + 100) if "stream" in upstream else first
        if upstream == "responses stream" and surface == "responses":
            first = data.rfind(b"iVBORw0KGgo")
    assert ran.began_after is not None
    assert ran.began_after <= first + 24_000


@pytest.mark.parametrize("upstream, surface, stream", CELLS)
def test_right_answers_of_the_callers_own_api_pass_byte_for_byte(
    upstream: str, surface: str, stream: bool
) -> None:
    spoken, kind, data = UPSTREAMS[upstream]
    ran = Ran(surface=surface, stream=stream, response_id="resp_up").read(data, kind, spoken)
    if spoken == surface and ("stream" in upstream) == stream:
        # The recorded Responses stream is written with spaces that a right frame may have; nothing of it is changed.
        assert ran.body == data
        assert ran.relay.outcome.repairs == {}


@pytest.mark.parametrize("upstream, surface, stream", CELLS)
def test_cut_answer_ends_well_formed_and_without_a_picture(upstream: str, surface: str, stream: bool) -> None:
    spoken, kind, data = UPSTREAMS[upstream]
    at = data.rfind(b"iVBORw0KGgo") + 40_000 if spoken == "images" else data.find(b"iVBORw0KGgo") + 40_000
    ran = Ran(surface=surface, stream=stream).read(data[:at], kind, spoken, error=Lost("The line broke."))
    outcome = ran.relay.outcome
    assert outcome.status == "failed"
    assert outcome.pictures == []
    if not stream:
        assert ran.cut or not ran.body
    elif ran.body:
        assert any(event.get("error", {}).get("message") == "The line broke." for event in ran.events)


def test_form_of_the_answer_follows_the_wish() -> None:
    base: dict[str, Any] = {"image": True, "response_id": "resp_1", "created_at": 1}
    forms = {
        (surface, stream): type(make_down(Wish(surface=surface, stream=stream, **base), Outcome()))
        for surface in ("responses", "images")
        for stream in (True, False)
    }
    assert forms == {
        ("responses", True): Stream,
        ("responses", False): Whole,
        ("images", True): ImageStream,
        ("images", False): ImageWhole,
    }


def test_naming_repeats_the_requests_fields_and_numbers_the_calls() -> None:
    wish = Wish(
        stream=True, image=True, response_id="resp_ab", created_at=3, model="m", echo={"store": False}
    )
    named = naming(wish)
    assert named.ids(2) == "ig_ab2"
    assert named.base == {
        "id": "resp_ab",
        "object": "response",
        "created_at": 3,
        "model": "m",
        "error": None,
        "incomplete_details": None,
        "store": False,
    }
