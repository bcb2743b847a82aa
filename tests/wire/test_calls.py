"""Image calls: every step once and in order, under one id."""

from typing import Any

import pytest

from darkroom.wire.calls import STEPS, Call, Calls, advance, find_call, own_calls
from darkroom.wire.codecs.responses.events import CALL, encode
from tests.wire.recorded import SMALL


def find(calls: Calls, kind: str, tree: dict[str, Any]) -> Call | None:
    return find_call(calls, f"response.{kind}", tree, response_id="resp_own", free=7)


def test_missing_steps_are_told_in_order_and_only_once() -> None:
    call = Call(2, "ig_1")
    trees = [encode(event, 0) for event in advance(call, 4)]
    assert [tree["type"].rpartition(".")[2] for tree in trees] == list(STEPS[:4])
    assert {tree["output_index"] for tree in trees} == {2}
    assert all(tree.get("item_id", tree.get("item", {}).get("id")) == "ig_1" for tree in trees)
    assert list(advance(call, 4)) == list(advance(call, 1)) == []
    half = Call(0, "ig_2", step=2)
    assert [encode(event, 0)["type"].rpartition(".")[2] for event in advance(half, 4)] == list(STEPS[2:4])


@pytest.mark.parametrize(
    "kind, tree",
    [("output_item.done", {"item": {"type": "message"}}), ("output_item.added", {"item": None}), ("completed", {}),
     ("output_text.delta", {"item_id": "msg"}), ("output_item.done", {})],
)  # fmt: skip
def test_other_events_belong_to_no_call(kind: str, tree: dict[str, Any]) -> None:
    calls: Calls = {}
    assert find(calls, kind, tree) is None
    assert calls == {}


def test_call_is_found_by_its_place_or_its_id_or_as_the_last_one() -> None:
    calls: Calls = {}
    first = find(calls, "output_item.added", {"output_index": 1, "item": {"id": "ig_a", "type": CALL}})
    second = find(calls, "output_item.done", {"output_index": 2, "item": {"id": "ig_b", "result": SMALL}})
    assert [call.id for call in calls.values()] == ["ig_a", "ig_b"]
    assert find(calls, f"{CALL}.generating", {"output_index": 1, "item_id": "ig_other"}) is first
    assert find(calls, f"{CALL}.generating", {"item_id": "ig_a"}) is first
    assert find(calls, f"{CALL}.generating", {}) is second
    assert find(calls, f"{CALL}.generating", {"item_id": "ig_a", "output_index": 9}) is first
    assert len(calls) == 2


def test_new_call_gets_the_place_and_the_id_that_it_lacks() -> None:
    calls: Calls = {}
    nameless = find(calls, f"{CALL}.generating", {"item_id": ["no id"]})
    assert nameless == Call(7, "ig_own7")
    placed = find(calls, "output_item.added", {"output_index": 3, "item": {"type": CALL, "id": ""}})
    assert placed == Call(3, "ig_own3")


def test_last_response_names_calls_as_the_caller_knows_them() -> None:
    calls = {0: Call(0, "ig_own"), 2: Call(2, "ig_two")}
    output = [{"id": "ig_x", "type": CALL}, {"id": "msg", "type": "message"}, {"id": "ig_two", "type": CALL}]
    assert [i["id"] for i in own_calls({"output": output}, calls)["output"]] == ["ig_own", "msg", "ig_two"]
    for same in (
        {"output": output[1:]},
        {"output": None},
        {},
        {"output": [{"id": {"a": 1}, "type": "x"}, "?"]},
    ):
        assert own_calls(same, calls) is same
    moved = {"output": [{"id": "ig_x", "type": CALL}, {"id": "ig_own", "type": CALL}]}
    assert own_calls(moved, calls) is moved
