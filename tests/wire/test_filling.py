"""What is filled into events, and addresses that stand for pictures."""

from typing import Any

import pytest

from darkroom.wire.codecs.images.events import Remote
from darkroom.wire.codecs.responses.events import PARTIAL
from darkroom.wire.elide import Long
from darkroom.wire.filling import Filling, as_object, done_event, take_addresses


def test_response_gets_the_fields_that_clients_rely_on_and_nothing_else() -> None:
    filling = Filling({"created_at": 7, "model": None})
    repairs: list[str] = []
    right = {
        "type": "response.created",
        "response": {"object": "response", "status": "queued", "created_at": 1},
    }
    assert filling.fill(right, repairs) is right
    assert repairs == []
    for kind, status in (
        ("created", "in_progress"),
        ("completed", "completed"),
        ("incomplete", "incomplete"),
    ):
        bare: dict[str, Any] = {"type": f"response.{kind}", "response": {"id": "x"}}
        filled = filling.fill(bare, repairs)["response"]
        assert filled == {"id": "x", "object": "response", "status": status, "created_at": 7}
    assert repairs == ["response_fields"] * 3


def test_partials_are_numbered_for_each_picture_where_the_upstream_does_not() -> None:
    filling = Filling({})
    repairs: list[str] = []
    events = [{"type": PARTIAL, "output_index": place} for place in (0, 1, 0, 0)]
    numbers = [filling.fill(event, repairs)["partial_image_index"] for event in events]
    assert numbers == [0, 0, 1, 2]
    told = {"type": PARTIAL, "output_index": 0, "partial_image_index": 9}
    assert filling.fill(told, repairs) is told
    assert repairs == ["partial_index"] * 4


def test_addresses_are_taken_out_of_finished_pictures_alone() -> None:
    item = {"result": Remote("https://images.example/a.png")}
    tree: dict[str, Any] = {"response": {"output": [item, {"result": "AAAA"}, {"type": "message"}]}}
    ((address, long),) = take_addresses(tree)
    assert address == "https://images.example/a.png"
    assert type(address) is str
    assert item["result"] is long
    assert isinstance(long, Long)
    assert take_addresses({"item": {"result": "AAAA"}}) == []
    assert take_addresses({"type": "keepalive"}) == []


@pytest.mark.parametrize(
    "value, expected",
    [
        ({"a": 1}, {"a": 1}),
        (' {"a": 1}', {"a": 1}),
        ("{broken", None),
        ("word", None),
        ([1], None),
        (None, None),
    ],
)
def test_object_is_read_even_if_it_was_written_twice(value: Any, expected: Any) -> None:
    assert as_object(value) == expected


def test_item_of_a_whole_answer_is_an_event_of_its_own() -> None:
    tree = {"response": {"output": ["x", "y"]}}
    assert done_event(tree, 1) == {"type": "response.output_item.done", "output_index": 1, "item": "y"}
