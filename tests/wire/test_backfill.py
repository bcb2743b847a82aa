"""What a stream would have said of an item that came only as a whole."""

from typing import Any

import pytest

from darkroom.wire.backfill import text_events, texts_of
from darkroom.wire.codecs.responses.events import encode

MESSAGE: dict[str, Any] = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed"}


def told(item: dict[str, Any], index: int = 3) -> list[dict[str, Any]]:
    trees = [encode(event, number) for number, event in enumerate(text_events(index, item))]
    assert all(tree["output_index"] == index for tree in trees)
    return trees


def test_message_is_told_as_openai_streams_it() -> None:
    part = {"type": "output_text", "text": "hi 你好", "annotations": []}
    item = {**MESSAGE, "content": [part]}
    trees = told(item)
    assert [tree["type"].removeprefix("response.") for tree in trees] == [
        "output_item.added", "content_part.added", "output_text.delta", "output_text.done", "content_part.done",
        "output_item.done",
    ]  # fmt: skip
    added, opened, delta, text, closed, done = trees
    assert added["item"] == {**item, "status": "in_progress", "content": []}
    assert opened["part"] == {**part, "text": ""}
    assert (delta["delta"], text["text"], delta["logprobs"]) == ("hi 你好", "hi 你好", [])
    assert closed["part"] == part
    assert done["item"] == item
    assert {(t["item_id"], t["content_index"]) for t in trees[1:-1]} == {("msg_1", 0)}


def test_refusals_and_empty_and_foreign_parts_have_their_own_events() -> None:
    content = [
        {"type": "refusal", "refusal": "no"},
        {"type": "output_text", "text": ""},
        {"type": "later"},
        "?",
    ]
    kinds = [tree["type"].removeprefix("response.") for tree in told({**MESSAGE, "content": content})]
    assert kinds == [
        "output_item.added", "content_part.added", "refusal.delta", "refusal.done", "content_part.done",
        "content_part.added", "output_text.done", "content_part.done", "content_part.added", "content_part.done",
        "output_item.done",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "item", [{"type": "reasoning", "id": "rs", "summary": []}, {**MESSAGE, "content": None}, {}]
)
def test_other_items_are_added_and_done(item: dict[str, Any]) -> None:
    trees = told(item)
    assert [tree["type"] for tree in trees] == ["response.output_item.added", "response.output_item.done"]
    assert all(tree["item"] == item for tree in trees)


def test_texts_are_the_words_of_a_message_alone() -> None:
    content = [{"text": " a "}, {"refusal": "b"}, {"text": ""}, {"text": 7}, None]
    assert list(texts_of({**MESSAGE, "content": content})) == ["a", "b"]
    assert list(texts_of({"type": "reasoning", "content": [{"text": "a"}]})) == []
    assert list(texts_of(None)) == list(texts_of({**MESSAGE, "content": "x"})) == []
