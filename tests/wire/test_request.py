"""The canonical ask: what can be read off it."""

from typing import Any

import msgspec
import pytest

from darkroom.wire.elide import Long
from darkroom.wire.request import ImageTool, InputPicture, Ref, Request

REFS = (
    Ref(("previous_response_id",), "resp_1", "response"),
    Ref(("input", 0, "id"), "msg_1", "own"),
    Ref(("input", 1, "id"), "ig_1", "name"),
    Ref(("input", 2, "id"), "ig_2", "item"),
    Ref(("input", 3, "id"), "", "name"),
    Ref(("input", 4, "container_id"), "cntr_1", "container"),
    Ref(("input", 5, "content", 0, "annotations", 0, "file_id"), "file_1", "citation"),
)
ASK = Request(
    model="gpt-5.5",
    stream=True,
    image=True,
    forced=False,
    tool=ImageTool(path=("tools", 0)),
    texts=("a cat", Long(("input",), 1, 9000), "on a mat"),
    inputs=(InputPicture(("input", 2, "id"), "item", "ig_2"),),
    refs=REFS,
    tree={"model": "gpt-5.5"},
)


def test_prompt_joins_what_the_user_wrote_and_leaves_out_what_lies_in_a_file() -> None:
    assert ASK.prompt == "a cat\non a mat"


def test_ids_are_all_ids_of_upstream_state_by_their_path() -> None:
    assert ASK.ids == {ref.path: ref.value for ref in REFS if ref.value}
    assert "" not in ASK.ids.values()


def test_pins_are_the_ids_that_choose_the_upstream() -> None:
    assert set(ASK.pins.values()) == {"resp_1", "ig_2", "cntr_1"}
    assert ASK.pins.items() <= ASK.ids.items()


def test_ids_keep_each_place_of_an_id_that_is_named_twice() -> None:
    twice = (Ref(("input", 0, "id"), "ig_1", "item"), Ref(("input", 1, "id"), "ig_1", "name"))
    ask = msgspec.structs.replace(ASK, refs=twice)
    assert ask.ids == {("input", 0, "id"): "ig_1", ("input", 1, "id"): "ig_1"}
    assert ask.pins == {("input", 0, "id"): "ig_1"}


def test_pictures_are_the_inputs_the_mask_and_the_markup() -> None:
    mask, markup = InputPicture(("mask",), "data", "m"), InputPicture(("markup",), "data", "o")
    tool = ImageTool(path=(), input_image_mask=mask)
    assert msgspec.structs.replace(ASK, tool=tool, markup=markup).pictures == (*ASK.inputs, mask, markup)
    assert ASK.pictures == ASK.inputs
    assert msgspec.structs.replace(ASK, tool=None, inputs=()).pictures == ()


def test_an_ask_without_words_or_ids_has_an_empty_prompt_and_no_ids() -> None:
    ask = msgspec.structs.replace(ASK, texts=(), refs=(), inputs=())
    assert (ask.prompt, ask.ids, ask.pins) == ("", {}, {})
    in_a_file = msgspec.structs.replace(ASK, texts=(Long(("input",), 1, 9000),))
    assert in_a_file.prompt == ""


@pytest.mark.parametrize("kind", ["own", "name", "citation"])
def test_an_id_beside_its_content_pins_nothing(kind: Any) -> None:
    ask = msgspec.structs.replace(ASK, refs=(Ref(("input", 0, "id"), "x_1", kind),))
    assert ask.ids == {("input", 0, "id"): "x_1"}
    assert ask.pins == {}


@pytest.mark.parametrize("kind", ["response", "item", "container"])
def test_an_id_that_stands_for_its_content_pins_the_request(kind: Any) -> None:
    ask = msgspec.structs.replace(ASK, refs=(Ref(("input", 0, "id"), "x_1", kind),))
    assert ask.pins == ask.ids == {("input", 0, "id"): "x_1"}


WIRE_FIELDS = """
model action size quality output_format output_compression background moderation input_fidelity input_image_mask
partial_images complexity frame_count frame_duration_ms svg
"""


def test_the_image_tool_has_every_field_of_the_wire_under_its_name() -> None:
    assert set(ImageTool.__struct_fields__) == {"path", *WIRE_FIELDS.split()}


def test_an_image_tool_of_which_nothing_was_said_says_nothing() -> None:
    tool = msgspec.structs.asdict(ImageTool(path=("tools", 1)))
    assert tool.pop("path") == ("tools", 1)
    assert set(tool.values()) == {None}


@pytest.mark.parametrize("value", [ASK, ASK.tool, ASK.inputs[0], ASK.refs[0]])
def test_nothing_of_an_ask_can_be_set(value: object) -> None:
    with pytest.raises(AttributeError):
        setattr(value, value.__match_args__[0], "other")  # type: ignore[attr-defined]


def test_an_ask_has_no_limits_unless_told() -> None:
    assert (ASK.effort, ASK.max_output_tokens, ASK.max_tool_calls) == (None, None, None)
