"""Images streams: events begin at once, wait for their usage, and end well-formed."""

import json

from darkroom.errors import Lost
from tests.wire.imaging import USAGE, Ran, images_events, picture, response, responses_events, sse


def test_edit_is_named_an_edit_even_if_the_upstream_says_generation() -> None:
    ran = Ran(surface="images", stream=True, edit=True)
    ran.read(images_events([picture()]), "text/event-stream", "images")
    assert [e["type"] for e in ran.events] == ["image_edit.partial_image", "image_edit.completed"]
    assert ran.relay.outcome.repairs == {"frame": 2}


def test_several_pictures_of_one_upstream_pass_untouched() -> None:
    data = images_events([picture(1), picture(2), picture(3)], partials=2)
    ran = Ran(surface="images", stream=True, n=3).read(data, "text/event-stream", "images")
    assert ran.body == data
    assert len(ran.relay.outcome.pictures) == 3
    assert ran.relay.outcome.tool_usage == {"image_gen": {key: 3 * value for key, value in USAGE.items()}}


def test_usage_comes_last_and_the_picture_before_it_is_not_held_back() -> None:
    ran = Ran(surface="images", stream=True, asked={"size": "64x48", "quality": "low"})
    data = responses_events([picture(1)], partials=0)
    ran.relay.begin(b"text/event-stream", "responses")
    end = data.find(b"event: response.completed")
    ran.play(ran.relay.receive(data[:end], 1))
    assert picture(1).encode() in ran.body
    assert not ran.body.endswith(b"\n\n")
    ran.play(ran.relay.receive(data[end:], 1))
    (event,) = ran.events
    assert list(event)[-1] == "usage"
    assert (event["usage"], event["quality"]) == (USAGE, "low")


def test_usage_that_does_not_come_is_given_up_at_the_next_keep_alive() -> None:
    ran = Ran(surface="images", stream=True)
    data = responses_events([picture(1)], partials=0)
    ran.relay.begin(b"text/event-stream", "responses")
    ran.play(ran.relay.receive(data[: data.find(b"event: response.completed")], 1))
    ran.play(ran.relay.tick(ran.relay.due))
    (event,) = ran.events
    assert event["b64_json"] == picture(1)
    assert "usage" not in event
    ran.play(ran.relay.close(Lost("gone"), 99))
    assert ran.relay.outcome.status == "completed"
    assert len(ran.events) == 1


def test_upstream_lost_after_the_picture_costs_the_caller_nothing() -> None:
    data = responses_events([picture(1)], partials=0)
    cut = data[: data.find(b"event: response.completed") + 9000]
    ran = Ran(surface="images", stream=True).read(cut, "text/event-stream", "responses", error=Lost("gone"))
    assert ran.relay.outcome.status == "completed"
    assert [event["b64_json"] for event in ran.events] == [picture(1)]


def test_upstream_lost_before_the_last_of_several_is_an_error_after_the_others() -> None:
    data = images_events([picture(1)], partials=0)
    ran = Ran(surface="images", stream=True, n=2)
    ran.read(data, "text/event-stream", "images", error=Lost("gone"))
    assert ran.relay.outcome.status == "failed"
    assert [event["type"] for event in ran.events] == ["image_generation.completed", "error"]


def test_keep_alives_stand_between_events_alone() -> None:
    data = images_events([picture(1)], partials=0)
    ran = Ran(surface="images", stream=True)
    ran.relay.begin(b"text/event-stream", "images")
    ran.play(ran.relay.tick(ran.relay.due))
    assert ran.body == b": keep-alive\n\n"
    ran.play(ran.relay.receive(data[:30_000], 50))
    ran.play(ran.relay.tick(ran.relay.due))
    ran.play(ran.relay.receive(data[30_000:], 99))
    ran.play(ran.relay.close(None, 99))
    assert ran.body == b": keep-alive\n\n" + data


def test_picture_that_comes_only_with_the_end_is_an_event_all_the_same() -> None:
    whole = response([picture(1)])
    data = sse({"type": "response.completed", "sequence_number": 0, "response": whole})
    ran = Ran(surface="images", stream=True).read(data, "text/event-stream", "responses")
    assert [(e["type"], e["b64_json"]) for e in ran.events] == [("image_generation.completed", picture(1))]


def test_small_pictures_come_in_whole_frames() -> None:
    small = picture(1, 300)
    for data, spoken in (
        (images_events([small]), "images"),
        (responses_events([small]), "responses"),
    ):
        ran = Ran(surface="images", stream=True).read(data, "text/event-stream", spoken)
        assert [e["b64_json"] for e in ran.events] == [small, small]
        assert ran.events[-1]["usage"] == USAGE


def test_words_instead_of_a_picture_are_the_refusal_that_they_are() -> None:
    said = {"type": "output_text", "text": "I cannot draw that.", "annotations": []}
    message = {"id": "msg", "type": "message", "role": "assistant", "status": "completed", "content": [said]}
    whole = {**response([]), "output": [message]}
    for stream in (True, False):
        ran = Ran(surface="images", stream=stream)
        ran.read(json.dumps(whole).encode(), "application/json", "responses")
        error = ran.relay.outcome.error
        assert error is not None
        assert (error.status, error.code) == (400, "content_policy_violation")
        assert "I cannot draw that." in error.message
        assert ran.body == b""
