"""Responses events: every event comes back from its tree, and every dialect becomes the one canonical tree."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.wire import events
from darkroom.wire.codecs.responses.events import (
    CALL,
    IMAGE_KEYS,
    PARTIAL,
    decode,
    encode,
    find_image,
    is_error,
    mend_item,
    normalise,
    rename,
)
from darkroom.wire.elide import Long, parse
from darkroom.wire.sse import write_frame
from tests.wire.recorded import NAMES, SMALL, done, ended, item, partial

WORDS = st.text(min_size=1, max_size=12)
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20)
OBJECTS = st.dictionaries(
    st.sampled_from(["metadata", "usage", "x", "text", "größe", "n"]),
    st.recursive(
        SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3)
    ),
    max_size=4,
)
IMAGES = st.from_regex(r"[A-Za-z0-9+/]{4,40}", fullmatch=True)
INDEXES = st.integers(0, 20)
ITEMS = OBJECTS.map(lambda more: {**more, "id": "x_1"}) | st.builds(
    lambda image, more: {**more, "id": "ig", "type": CALL, "status": "completed", "result": image},
    IMAGES,
    OBJECTS,
)
RESPONSES = st.builds(
    lambda more, output: {**more, "id": "resp_1", "object": "response", "output": output},
    OBJECTS,
    st.lists(ITEMS, max_size=2),
)
AT = {"output_index": INDEXES, "item_id": WORDS}
OPTIONAL = st.none() | WORDS
EVENTS = st.one_of(
    *(st.builds(kind, response=RESPONSES) for kind in (
        events.Created, events.Queued, events.InProgress, events.Completed, events.Failed, events.Incomplete)),
    *(st.builds(kind, output_index=INDEXES, item=ITEMS.filter(lambda i: i.get("type", "") is not None))
      for kind in (events.ItemAdded, events.ItemDone)),
    *(st.builds(kind, **AT) for kind in (events.ImageInProgress, events.ImageGenerating, events.ImageCompleted)),
    st.builds(events.PartialImage, **AT, index=INDEXES, image=IMAGES, size=OPTIONAL, quality=OPTIONAL,
              background=OPTIONAL, output_format=OPTIONAL),
    st.builds(events.Error, message=WORDS, code=OPTIONAL, param=OPTIONAL, type=WORDS.filter(lambda w: w != "error")),
    st.just(events.KeepAlive()),
    st.from_regex(r"response\.[a-z]{3,9}\.[a-z]{3,9}", fullmatch=True).flatmap(
        lambda kind: OBJECTS.map(
            lambda more: events.Other(type=kind, tree={"type": kind, "sequence_number": 7, **more}))),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(EVENTS, st.just(7))
def test_event_comes_back_from_its_tree_and_from_its_bytes(event: events.Event, number: int) -> None:
    tree = encode(event, number)
    assert (tree["type"], tree["sequence_number"]) == (tree["type"], number)
    assert list(tree)[:2] == ["type", "sequence_number"]
    assert decode(tree) == event
    frame = write_frame(tree)
    assert decode(parse(frame.partition(b"data: ")[2])) == event


@settings(max_examples=50, deadline=None)
@given(EVENTS, st.booleans())
def test_canonical_tree_is_left_alone(event: events.Event, whole: bool) -> None:
    tree = encode(event, 7)
    again, repairs = normalise(tree, tree["type"], whole)
    assert repairs == []
    assert again is tree


LEAVES = SCALARS | st.sampled_from(
    ["data:image/png;base64,AAAA", "completed", "error", PARTIAL, "response.completed", CALL]
)
KEYS = st.sampled_from(
    [*IMAGE_KEYS, "type", "item", "response", "output", "error", "status", "object", "index", "url"]
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(KEYS, ANYTHING, max_size=6),
    st.sampled_from(["", "message", PARTIAL, "a b\nc"]),
    st.booleans(),
)
def test_no_tree_is_too_strange_to_be_made_canonical(tree: dict[str, Any], name: str, whole: bool) -> None:
    mended, _ = normalise(tree, name, whole)
    assert isinstance(mended["type"], str)
    assert "\n" not in mended["type"]
    again, more = normalise(mended, name, whole)
    assert (again, more) == (mended, []) or set(more) <= {"image_field", "data_prefix", "item_status"}
    assert isinstance(decode(tree, name), events.Event)


@pytest.mark.parametrize("key", [*NAMES, *IMAGE_KEYS])
def test_picture_is_found_under_every_known_name_and_takes_its_place(key: str) -> None:
    for value in (SMALL, "data:image/png;base64," + SMALL, Long((key,), 5, 99)):
        want = SMALL if isinstance(value, str) else value
        tree = done({"id": "ig", "type": CALL, "status": "completed", key: value, "last": 1})
        mended, repairs = normalise(tree)
        assert list(mended["item"]) == ["id", "type", "status", "result", "last"]
        assert mended["item"]["result"] == want
        assert ("image_field" in repairs) == (key != "result")
        preview, _ = normalise(partial(value, key))
        assert preview["partial_image_b64"] == want
        assert list(preview)[4] == "partial_image_b64"


def test_picture_nested_under_data_or_beside_its_item_is_taken_in() -> None:
    nested, _ = normalise(done({"id": "ig", "type": CALL, "data": [{"b64_json": SMALL}]}))
    beside, _ = normalise({**done({"id": "ig", "type": CALL}), "b64_json": SMALL})
    inline, _ = normalise(done({"id": "ig", "type": CALL, "url": "data:image/png;base64," + SMALL}))
    assert nested["item"]["result"] == beside["item"]["result"] == inline["item"]["result"] == SMALL
    address = done({"id": "ig", "type": CALL, "url": "https://x.example/1.png", "b64_json": None})
    assert normalise(address) == (address, [])
    assert find_image([{}, {"image": {"data": "x"}}]) == "x"


def test_prefix_goes_only_with_its_comma() -> None:
    assert normalise(done(item("data:image/png;base64,AAAA")))[0]["item"]["result"] == "AAAA"
    assert normalise(done(item("data:AAAA")))[0]["item"]["result"] == "data:AAAA"


@pytest.mark.parametrize("status", ["generating", "in_progress", None, "failed"])
def test_item_with_a_picture_is_completed(status: str | None) -> None:
    repairs: list[str] = []
    assert mend_item(item(status=status), repairs)["status"] == "completed"
    assert repairs == ["item_status"]


def test_item_that_is_still_arriving_gets_nothing_that_may_still_come() -> None:
    begun = {"id": "ig", "result": SMALL}
    assert mend_item(begun, [], whole=False) is begun
    assert mend_item(begun, []) == {**begun, "status": "completed", "type": CALL}
    other = {"type": "message", "image": "x"}
    assert mend_item(other, []) is other
    tree = {"response": ended([])["response"]}
    assert normalise(tree, "", False)[0]["type"] == "message"
    assert normalise(tree, "")[0]["type"] == "response.completed"


@pytest.mark.parametrize(
    "tree, name, kind",
    [
        ({"response": {"status": "in_progress"}}, "", "response.in_progress"),
        ({"response": {"status": "failed\n\n"}}, "", "response.completed"),
        ({"response": {"status": {"a": 1}}}, "", "response.completed"),
        ({"object": "response", "status": "incomplete"}, "", "response.incomplete"),
        ({"object": "response"}, "response.failed", "response.completed"),
        ({"error": {"message": "no"}}, "", "error"),
        ({"message": "no"}, "upstream_error", "upstream_error"),
        ({"x": 1}, "", "message"),
        ({"x": 1}, "message", "message"),
        ({"type": 7, "x": 1}, "response.created", "response.created"),
        ({"type": "a\nevent: b"}, "c\nd", "message"),
        ({"type": ""}, "x.y", "x.y"),
    ],
)
def test_type_that_is_missing_comes_from_what_there_is(tree: dict[str, Any], name: str, kind: str) -> None:
    assert normalise(tree, name)[0]["type"] == kind


def test_index_of_a_preview_may_be_called_index() -> None:
    mended, repairs = normalise({"type": PARTIAL, "index": 2, "b64_json": SMALL})
    assert mended == {"type": PARTIAL, "partial_image_index": 2, "partial_image_b64": SMALL}
    assert repairs == ["image_field", "partial_index"]


@pytest.mark.parametrize(
    "tree, error",
    [
        ({"type": "error", "code": "c", "message": "m", "param": "p"}, ("m", "c", "server_error", "p")),
        ({"type": "error", "error": {"type": "t", "code": "c", "message": "m"}}, ("m", "c", "t", None)),
        ({"error": "m"}, ("m", None, "server_error", None)),
        ({"type": "error", "error": {"code": 429, "message": {"x": 1}}}, ("{'x': 1}", "429", "server_error", None)),
        ({"type": "packy_image_generation_user_error", "message": "m"},
         ("m", None, "packy_image_generation_user_error", None)),
    ],
)  # fmt: skip
def test_error_is_read_in_any_shape(tree: dict[str, Any], error: tuple[Any, ...]) -> None:
    found = decode(tree)
    assert isinstance(found, events.Error)
    assert (found.message, found.code, found.type, found.param) == error


def test_only_what_stands_outside_a_response_is_an_error() -> None:
    assert is_error({"type": "error"})
    assert is_error({"type": "upstream_error"})
    assert is_error({"type": "anything", "error": {"message": "no"}})
    assert not is_error({"type": "response.failed", "error": {"message": "no"}})
    assert not is_error({"type": "keepalive", "error": None})


def test_rename_keeps_the_place_and_drops_an_older_namesake() -> None:
    assert list(rename({"a": 1, "new": 0, "b": 2}, "b", "new").items()) == [("a", 1), ("new", 2)]
    assert rename({"a": 1}, "a", "b", 9) == {"b": 9}
