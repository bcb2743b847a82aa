"""One JSON document for the caller, whatever the upstream sent: whole, failed before it began, or cut."""

import json
from typing import Any

import pytest

from darkroom.wire.codecs.responses.events import CALL
from darkroom.wire.elide import LIMIT
from tests.wire.playing import Told, machine, play
from tests.wire.recorded import (
    INSTRUCTIONS,
    LARGE,
    MANY,
    NAMES,
    PLAIN,
    RECORDED,
    RIGHT,
    SMALL,
    TWO,
    begun,
    compact,
    done,
    ended,
    item,
    right,
)

JSON = b"application/json"


def whole(body: bytes, **wishes: Any) -> Told:
    return play([body], stream=False, **wishes)


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs), "a key stands twice"
    return dict(pairs)


def read(told: Told) -> dict[str, Any]:
    assert not told.cut
    tree: dict[str, Any] = json.loads(told.sent, object_pairs_hook=once)
    return tree


@pytest.mark.parametrize("name", RECORDED)
def test_stream_of_any_kind_is_one_document_or_one_failure(name: str) -> None:
    told = whole(RECORDED[name])
    if told.outcome.status == "failed":
        assert told.sent == b"" or told.cut
        assert told.outcome.error is not None
        return
    tree = read(told)
    assert (tree["object"], tree["status"]) == ("response", told.outcome.status)
    assert tree["id"] in ("resp_up", "resp_own", "resp_other")
    pictures = [i["result"] for i in tree.get("output", []) if i.get("type") == CALL and i.get("result")]
    assert len(pictures) == len(told.earned)
    streamed = play([RECORDED[name]])
    assert len(streamed.earned) == len(told.earned) or "complex" in name or "not JSON" in name
    for each in pictures:
        assert each.startswith(("iVBOR", "data:xxx"))


@pytest.mark.parametrize(
    "name", ["document", "small document", "printed document", "two pictures", "incomplete document"]
)
def test_right_document_passes_byte_for_byte(name: str) -> None:
    told = whole(PLAIN[name], content_type=JSON)
    assert told.sent == PLAIN[name].lstrip()
    assert told.outcome.repairs == {}
    assert len(told.earned) == (2 if name == "two pictures" else 1)
    assert all(at < len(told.sent) for _, at in told.earned)


@pytest.mark.parametrize("key", NAMES)
def test_document_is_mended_as_it_passes(key: str) -> None:
    body = compact(ended([item("data:image/png;base64," + LARGE, key)])["response"]).encode()
    told = whole(body, content_type=JSON)
    assert read(told)["output"] == [item()]
    assert told.outcome.repairs == {"data_prefix": 1} | ({"image_field": 1} if key != "result" else {})
    assert told.spool == b""


def test_both_pictures_of_a_document_are_mended() -> None:
    prefixed = [{**each, "result": "data:image/png;base64," + each["result"]} for each in TWO]
    told = whole(compact(ended(prefixed)["response"]).encode(), content_type=JSON)
    assert read(told)["output"] == TWO
    assert [number for number, _ in told.earned] == [0, 1]


def test_pictures_without_ids_are_earned_one_by_one() -> None:
    nameless = [{key: value for key, value in each.items() if key != "id"} for each in TWO]
    told = whole(compact(ended(nameless)["response"]).encode(), content_type=JSON)
    assert [number for number, _ in told.earned] == [0, 1]


@pytest.mark.parametrize("more", [{}, {"instructions": INSTRUCTIONS}])
@pytest.mark.parametrize("output", [[], None, [item(None)]])
def test_picture_that_the_end_leaves_out_comes_from_the_spool(output: Any, more: dict[str, Any]) -> None:
    told = whole(right([*begun(), done(item()), ended(output, **more)]))
    tree = read(told)
    assert tree["output"] == [item()]
    assert tree.get("instructions") == more.get("instructions")
    assert told.replayed >= len(LARGE)
    assert told.spool.startswith(LARGE.encode())
    assert "output" in told.outcome.repairs
    assert told.outcome.pictures[0].format == "png"


def test_clean_end_without_a_last_event_is_completed_from_what_was_delivered() -> None:
    told = whole(right([*begun(), done(item())]))
    tree = read(told)
    assert (tree["id"], tree["status"], tree["output"]) == ("resp_own", "completed", [item()])
    assert told.outcome.repairs == {"added_completed": 1}
    assert whole(right(begun())).outcome.status == "failed"


def test_nothing_is_kept_that_no_document_needs() -> None:
    assert whole(RECORDED["right, large preview"]).spool == b""
    assert whole(PLAIN["two pictures"], content_type=JSON).spool == b""
    relay = machine(stream=False)
    relay.receive(RECORDED["right, large preview"][:17_000], 1.0)
    assert relay.kept <= LIMIT


def test_failure_is_told_by_the_status_until_bytes_of_the_document_are_out() -> None:
    for name in ("failed document", "error document", "no document", "document cut inside its picture"):
        told = whole(PLAIN[name], content_type=JSON)
        assert (told.sent, told.cut, told.outcome.status) == (b"", False, "failed")
    for name in ("cut document", "failed at its end", "too complex document", "line break in its picture"):
        told = whole(PLAIN[name], content_type=JSON)
        assert told.sent
        assert told.cut
        assert told.outcome.status == "failed"
        assert told.earned == []


def test_failure_after_white_space_is_a_failed_response() -> None:
    relay, told = machine(stream=False), Told()
    told.carry_out(relay.tick(45))
    told.carry_out(relay.receive(RECORDED["failed"], 46))
    tree = json.loads(told.sent)
    assert (tree["status"], tree["error"]["code"], tree["output"]) == ("failed", "moderation_blocked", [])
    assert (tree["id"], tree["object"], tree["model"], tree["created_at"]) == (
        "resp_own", "response", "gpt-5.5", 1764000001,
    )  # fmt: skip


def test_last_event_without_its_response_is_made_up_from_what_is_known() -> None:
    tree = read(whole(RECORDED["no response"]))
    assert (tree["status"], tree["output"][0]["result"]) == ("completed", LARGE)


def test_events_too_complex_to_follow_are_not_needed_or_fail() -> None:
    assert read(whole(RECORDED["too complex"]))["output"] == [item()]
    for name in ("too complex after a picture", "too complex before the picture"):
        assert whole(RECORDED[name]).outcome.status == "failed"
    assert whole(right([*begun(), done(item()), ended([{"found": MANY}])])).outcome.status in (
        "failed",
        "completed",
    )


def test_right_stream_and_its_document_tell_the_same() -> None:
    stream, document = play([RIGHT]), whole(RIGHT)
    assert read(document) == stream.events[-1]["response"]
    assert [p.bytes for p in document.outcome.pictures] == [p.bytes for p in stream.outcome.pictures]
    assert read(whole(right([*begun(), *[done(item(SMALL)), ended([])]])))["output"] == [item(SMALL)]
