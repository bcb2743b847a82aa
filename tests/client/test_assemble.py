import json
import tracemalloc
from typing import Any

import pytest

from darkroom.client.assemble import Assembler
from darkroom.wire import events
from darkroom.wire.elide import Long
from tests.client.playing import completed, created, done, frames, partial, picture, story

LARGE = picture(size=(200, 200), noise=True)
SSE = "text/event-stream"


def read(text: bytes, size: int, media_type: str = SSE) -> list[events.Event]:
    assembler = Assembler(media_type)
    out: list[events.Event] = []
    for at in range(0, len(text), size):
        out += assembler.feed(text[at : at + size])
    return out + assembler.finish()


def result(event: events.Event) -> Any:
    assert isinstance(event, events.ItemDone)
    return event.item["result"]


def has_long(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(has_long, value.values()))
    return any(map(has_long, value)) if isinstance(value, list) else isinstance(value, Long)


@pytest.mark.parametrize("size", [3, 100, 4096, 65_536, 10_000_000])
def test_assembler_gives_whole_strings_whatever_the_chunks(size: int) -> None:
    text = frames(*story(LARGE, partials=1))
    got = read(text, size)
    assert got == read(text, len(text))
    assert [result(event) for event in got if isinstance(event, events.ItemDone)] == [
        done(LARGE)["item"]["result"]
    ]


def test_assembler_puts_several_long_strings_each_in_its_place() -> None:
    items = [
        {**done(LARGE)["item"], "id": f"ig_{n}", "result": letter * 300_000} for n, letter in enumerate("ABC")
    ]
    (event,) = read(frames(completed(items)), 10_000)
    assert isinstance(event, events.Completed)
    assert [item["result"] for item in event.response["output"]] == [letter * 300_000 for letter in "ABC"]


def test_assembler_undoes_escapes_in_long_strings() -> None:
    words = '一张 "图" \\ \n 😀 /' * 4000
    tree = {"type": "response.output_text.done", "text": words}
    for text in (
        json.dumps(tree),
        json.dumps(tree, ensure_ascii=False),
        json.dumps(tree).replace("/", "\\/"),
    ):
        (event,) = read(b"data: " + text.encode() + b"\n\n", 1000)
        assert isinstance(event, events.Other)
        assert event.tree["text"] == words


def test_assembler_reads_one_json_value_where_that_was_sent() -> None:
    response = completed([done(LARGE)["item"]])["response"]
    (event,) = read(b"  \n" + json.dumps(response).encode(), 5000, "application/json; charset=utf-8")
    assert isinstance(event, events.Completed)
    assert event.response["output"][0]["result"] == done(LARGE)["item"]["result"]


def test_assembler_reads_an_error_under_200() -> None:
    (event,) = read(b'{"error": {"message": "No.", "code": "x", "type": "y"}}', 7, "application/json")
    assert event == events.Error(message="No.", code="x", type="y", param=None)


def test_assembler_keeps_no_copy_once_it_has_enough() -> None:
    last = completed([done(LARGE)["item"]])
    assembler = Assembler(SSE)
    assembler.enough = True
    (event,) = assembler.feed(frames(last))
    assert isinstance(event, events.Completed)
    assert event.response["output"][0]["result"] == ""
    assert event.response["tool_usage"] == last["response"]["tool_usage"]


def test_assembler_still_keeps_previews_once_it_has_enough() -> None:
    assembler = Assembler(SSE)
    assembler.enough = True
    (event,) = assembler.feed(frames(partial(0, LARGE)))
    assert isinstance(event, events.PartialImage)
    assert event.image == done(LARGE)["item"]["result"]


def test_assembler_leaves_no_place_holders() -> None:
    for event in read(frames(*story(LARGE, partials=2)), 9000):
        tree = getattr(event, "response", None) or getattr(event, "item", None) or {}
        assert not has_long(tree)


def test_assembler_tells_of_a_broken_frame_and_goes_on() -> None:
    got = read(b"event: x\ndata: {nonsense\n\n" + frames(created()), 8)
    assert isinstance(got[0], events.Other)
    assert got[0].type == "broken"
    assert isinstance(got[1], events.Created)


def test_assembler_drops_what_a_broken_frame_had_begun() -> None:
    cut = frames(done(LARGE))[:100_000]
    got = read(cut + b"\n\n" + frames(done(picture())), 4096)
    assert result(got[-1]) == done(picture())["item"]["result"]


def test_assembler_ignores_json_that_is_no_object() -> None:
    assert read(b"data: [1]\n\ndata: 7\n\ndata: [DONE]\n\n", 5) == []


def test_assembler_holds_little_more_than_one_picture() -> None:
    size = 8_000_000
    text = b"A" * size
    opening = b'event: x\ndata: {"type":"response.output_item.done","item":{"type":"image_generation_call","result":"'
    tracemalloc.start()
    assembler = Assembler(SSE)
    assembler.feed(opening)
    for at in range(0, size, 65_536):
        assembler.feed(text[at : at + 65_536])
    (event,) = assembler.feed(b'"}}\n\n')
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(result(event)) == size
    assert peak < 3.2 * size
