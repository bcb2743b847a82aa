"""An Images request as a Responses request: its tree, its pictures, and what it cannot say."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.errors import Invalid
from darkroom.wire.codecs.images.bridge import to_responses
from darkroom.wire.codecs.images.request import read_edit, read_form, read_generation
from darkroom.wire.codecs.responses import read_request
from darkroom.wire.elide import Long, Upload, render
from tests.wire.codecs.images.samples import DATA, EDITS, FIELDS, GENERATIONS, URL

CONTRACT: dict[str, Any] = {
    "model": "gpt-image-2",
    "prompt": "a cup",
    "size": "1024x1024",
    "quality": "medium",
    "output_format": "png",
    "stream": True,
    "partial_images": 1,
    "n": 3,
    "response_format": "url",
    "user": "u",
}
FILE = Upload(("image",), 100, 109, "image/png", "input.png")


def test_the_contracts_generation_becomes_one_forced_tool_call() -> None:
    before = copy.deepcopy(CONTRACT)
    tree, lost = to_responses(read_generation(CONTRACT), model="gpt-5.5", stream=True)
    assert tree == {
        "model": "gpt-5.5",
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a cup"}]}],
        "tools": [
            {
                "type": "image_generation",
                "model": "gpt-image-2",
                "size": "1024x1024",
                "quality": "medium",
                "output_format": "png",
                "partial_images": 1,
            }
        ],
        "tool_choice": {"type": "image_generation"},
        "stream": True,
        "store": False,
        "user": "u",
    }
    assert lost == ()
    assert before == CONTRACT


@pytest.mark.parametrize(
    "asked, stream, sent, lost",
    [
        ({"stream": True, "partial_images": 2}, True, 2, ()),
        ({"stream": True, "partial_images": 2}, False, None, ("partial_images",)),
        ({"stream": True, "partial_images": 0}, False, None, ()),
        ({"partial_images": 2}, True, None, ()),
    ],
)
def test_previews_are_asked_for_if_both_sides_stream(asked: Any, stream: bool, sent: Any, lost: Any) -> None:
    tree, missed = to_responses(read_generation({"prompt": "a cup", **asked}), model="m", stream=stream)
    assert (tree["tools"][0].get("partial_images"), tree["stream"], missed) == (sent, stream, lost)


def test_an_edit_shows_its_pictures_and_its_mask() -> None:
    asked = {"prompt": "at night", "images": [{"image_url": URL}, {"file_id": "file-1"}], "mask": DATA}
    found = {("images", 1, "file_id"): FILE}
    tree, lost = to_responses(read_edit(asked), model="gpt-5.5", stream=False, pictures=found)
    assert tree["input"][0]["content"] == [
        {"type": "input_text", "text": "at night"},
        {"type": "input_image", "image_url": URL},
        {"type": "input_image", "image_url": FILE},
    ]
    assert tree["tools"][0]["input_image_mask"] == {"image_url": DATA}
    assert tree["tools"][0]["action"] == "edit"
    assert lost == ()
    with pytest.raises(Invalid) as caught:
        to_responses(read_edit(asked), model="gpt-5.5", stream=False)
    assert (caught.value.code, caught.value.param) == ("image_file_not_found", "images[1].file_id")


def test_an_upload_is_rendered_as_a_string_of_its_own() -> None:
    request = read_form([("prompt", "at night"), ("image", FILE), ("mask", FILE)])
    tree, _ = to_responses(request, model="gpt-5.5", stream=False)
    parts = render(tree)
    assert [part for part in parts if isinstance(part, Long)] == [FILE, FILE]
    assert isinstance(parts[0], bytes)
    assert isinstance(parts[2], bytes)
    assert parts[0].endswith(b'"image_url":"')
    assert parts[2].startswith(b'"')


def test_a_prompt_that_lies_in_a_file_stays_there() -> None:
    long = Long(("prompt",), 10, 20_000)
    tree, _ = to_responses(read_generation({"prompt": long}), model="m", stream=False)
    assert tree["input"][0]["content"][0]["text"] is long


@pytest.mark.parametrize(
    "fields, lost",
    [
        ({"markup": DATA}, ("markup",)),
        ({"style": "vivid", "seed": 5, "nothing": None}, ("style", "seed")),
        ({"input_fidelity": "high", "moderation": "low", "safety_identifier": "s"}, ()),
        ({"metadata": {"a": 5}}, ("metadata",)),
        ({"metadata": {"a": "b"}}, ()),
    ],
)
def test_what_responses_cannot_say_is_told(fields: Any, lost: Any) -> None:
    tree, missed = to_responses(
        read_edit({"prompt": "x", "images": [DATA], **fields}), model="gpt-5.5", stream=False
    )
    assert missed == lost
    assert tree.get("metadata") == (None if lost else fields.get("metadata"))


def test_pictures_on_a_generation_are_unknown_there_and_told() -> None:
    request = read_generation({"prompt": "x", "image": [DATA]})
    assert to_responses(request, model="m", stream=False)[1] == ("image",)


@given(st.one_of(GENERATIONS, EDITS), st.booleans())
def test_what_was_asked_reads_the_same_on_the_other_side(tree: dict[str, Any], stream: bool) -> None:
    request = (read_edit if "images" in tree else read_generation)(tree)
    bridged, lost = to_responses(request, model="gpt-5.5", stream=stream)
    read = read_request(bridged)
    assert (read.surface, read.model, read.forced, read.stream, read.effort) == (
        "responses",
        "gpt-5.5",
        True,
        stream,
        None,
    )
    assert read.prompt == request.prompt
    assert request.tool is not None
    assert read.tool is not None
    for name in ("model", "input_fidelity", *FIELDS):
        if name != "partial_images":
            assert getattr(read.tool, name) == getattr(request.tool, name)
    assert [(p.kind, p.value) for p in read.pictures] == [(p.kind, p.value) for p in request.pictures]
    assert set(lost) <= {"partial_images"}
