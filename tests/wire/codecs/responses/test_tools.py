"""The image tool and tool_choice: each field, each form, and what is left to the upstream."""

from typing import Any

import pytest

from darkroom.errors import Invalid
from darkroom.wire.codecs.responses.tools import read_choice, read_tools
from darkroom.wire.elide import Long
from darkroom.wire.request import ImageTool, InputPicture

FULL = {
    "type": "image_generation",
    "model": "gpt-image-2.6-sunburst",
    "action": "edit",
    "size": "1536x1024",
    "quality": "xhigh",
    "output_format": "webp",
    "output_compression": 80,
    "background": "transparent",
    "moderation": "low",
    "input_fidelity": "high",
    "input_image_mask": {"image_url": "data:image/png;base64,AAAA"},
    "partial_images": 3,
    "complexity": "low",
    "frame_count": 9,
    "frame_duration_ms": 200,
    "svg": {"model": "gpt-5.5"},
}
IMAGE = {"type": "image_generation"}
FUNCTION = {"type": "function", "name": "f", "parameters": {"properties": {"file_id": {"const": "x"}}}}


def image_tool(**fields: Any) -> dict[str, Any]:
    return {"tools": [{**IMAGE, **fields}]}


def test_every_field_of_the_image_tool_is_read() -> None:
    tool, types = read_tools({"tools": [FUNCTION, FULL]})
    assert types == ["function", "image_generation"]
    mask = InputPicture(("tools", 1, "input_image_mask", "image_url"), "data", "data:image/png;base64,AAAA")
    fields = {key: value for key, value in FULL.items() if key not in ("type", "input_image_mask")}
    assert tool == ImageTool(path=("tools", 1), input_image_mask=mask, **fields)


def test_a_mask_that_lies_in_a_file_is_read() -> None:
    long = Long(("tools", 0, "input_image_mask", "image_url"), 5, 9000)
    tool, _ = read_tools(image_tool(input_image_mask={"image_url": long}))
    assert tool is not None
    assert tool.input_image_mask == InputPicture(long.path, "data", long)


def test_a_mask_may_be_the_id_of_a_file_if_its_tool_is_the_one_that_counts() -> None:
    filed = {**IMAGE, "input_image_mask": {"file_id": "file-1"}}
    tool, _ = read_tools({"tools": [FUNCTION, filed]})
    assert tool is not None
    assert tool.input_image_mask == InputPicture(
        ("tools", 1, "input_image_mask", "file_id"), "file", "file-1"
    )
    with pytest.raises(Invalid) as caught:
        read_tools({"tools": [IMAGE, filed]})
    assert (caught.value.code, caught.value.param) == (
        "unsupported_parameter",
        "tools[1].input_image_mask.file_id",
    )


@pytest.mark.parametrize("tree", [{}, {"tools": None}, {"tools": []}])
def test_no_tools_are_no_image_tool(tree: dict[str, Any]) -> None:
    assert read_tools(tree) == (None, [])


def test_null_fields_say_nothing_and_the_first_image_tool_counts() -> None:
    tool, types = read_tools({"tools": [dict.fromkeys(FULL, None) | IMAGE, FULL]})
    assert tool == ImageTool(path=("tools", 0))
    assert types == ["image_generation"] * 2


@pytest.mark.parametrize(
    "fields",
    [
        {"quality": "ultra"},
        {"output_format": "avif"},
        {"model": "somebody-elses"},
        {"n": 2, "style": "vivid", "unknown": {"a": []}},
        {"size": "auto"},
        {"size": "1x1"},
        {"model": "seedream-5", "size": "2K"},
        {"model": "gpt-image-2.6-flare", "size": "512x512", "output_format": "gif"},
        {"partial_images": 0},
        {"output_compression": 0},
        {"output_compression": 100},
        {"frame_count": 500},
        {"input_image_mask": {}},
        {"svg": {}},
    ],
)
def test_values_that_nobody_here_knows_are_the_upstreams_to_judge(fields: dict[str, Any]) -> None:
    tool, _ = read_tools(image_tool(**fields))
    assert tool is not None


@pytest.mark.parametrize(
    "fields, code, param",
    [
        ({"partial_images": 4}, "invalid_value", "partial_images"),
        ({"partial_images": -1}, "invalid_value", "partial_images"),
        ({"partial_images": True}, "invalid_type", "partial_images"),
        ({"partial_images": 1.0}, "invalid_type", "partial_images"),
        ({"partial_images": "1"}, "invalid_type", "partial_images"),
        ({"output_compression": 101}, "invalid_value", "output_compression"),
        ({"output_compression": -1}, "invalid_value", "output_compression"),
        ({"output_compression": "80"}, "invalid_type", "output_compression"),
        ({"size": "large"}, "invalid_value", "size"),
        ({"size": "1024*1024"}, "invalid_value", "size"),
        ({"size": "1024X1024"}, "invalid_value", "size"),
        ({"size": ""}, "invalid_value", "size"),
        ({"size": 1024}, "invalid_type", "size"),
        ({"size": [1024, 1024]}, "invalid_type", "size"),
        ({"size": Long(("x",), 0, 9000)}, "invalid_value", "size"),
        ({"model": 2}, "invalid_type", "model"),
        ({"model": Long(("x",), 0, 9000)}, "invalid_value", "model"),
        ({"quality": 2}, "invalid_type", "quality"),
        ({"output_format": ["png"]}, "invalid_type", "output_format"),
        ({"frame_count": "9"}, "invalid_type", "frame_count"),
        ({"svg": "gpt-5.5"}, "invalid_type", "svg"),
        ({"input_image_mask": "data:image/png;base64,AAAA"}, "invalid_type", "input_image_mask"),
        ({"input_image_mask": {"image_url": "mask.png"}}, "invalid_value", "input_image_mask.image_url"),
        ({"input_image_mask": {"file_id": ""}}, "invalid_value", "input_image_mask.file_id"),
        ({"input_image_mask": {"file_id": "f", "image_url": "https://a.b"}}, "invalid_value",
         "input_image_mask.file_id"),
        ({"model": "gpt-image-2", "size": "512x512"}, "invalid_value", "size"),
        ({"model": "gpt-image-1.5", "size": "2048x1152"}, "invalid_value", "size"),
        ({"reference": {"file_id": "file-1"}}, "unsupported_parameter", "reference.file_id"),
    ],
)  # fmt: skip
def test_wrong_fields_of_the_image_tool_are_named(fields: dict[str, Any], code: str, param: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_tools(image_tool(**fields))
    assert (caught.value.code, caught.value.param) == (code, f"tools[0].{param}")


@pytest.mark.parametrize(
    "tools, code, param",
    [
        ({}, "invalid_type", "tools"),
        ("image_generation", "invalid_type", "tools"),
        (["image_generation"], "invalid_type", "tools[0]"),
        ([IMAGE, None], "invalid_type", "tools[1]"),
        ([{}], "missing_required_parameter", "tools[0].type"),
        ([{"type": ""}], "missing_required_parameter", "tools[0].type"),
        ([{"type": 5}], "invalid_type", "tools[0].type"),
        (
            [{"type": "file_search", "vector_store_ids": ["vs_1"]}],
            "unsupported_parameter",
            "tools[0].vector_store_ids",
        ),
        (
            [{"type": "code_interpreter", "container": "cntr_1"}],
            "unsupported_parameter",
            "tools[0].container",
        ),
        (
            [{"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["file-1"]}}],
            "unsupported_parameter",
            "tools[0].container.file_ids",
        ),
    ],
)
def test_wrong_tools_are_named(tools: Any, code: str, param: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_tools({"tools": tools})
    assert (caught.value.code, caught.value.param) == (code, param)


@pytest.mark.parametrize(
    "tool",
    [
        FUNCTION,
        {"type": "code_interpreter", "container": {"type": "auto"}},
        {
            "type": "mcp",
            "server_label": "x",
            "server_url": "https://x.example",
            "headers": {"container": "c"},
        },
        {"type": "web_search", "filters": {"allowed_domains": ["a.b"]}},
        {"type": "vendor:thing", "option": 1},
    ],
)
def test_other_tools_pass(tool: dict[str, Any]) -> None:
    assert read_tools({"tools": [tool]}) == (None, [tool["type"]])


ONE = ["image_generation"]
BOTH = ["function", "image_generation"]
OFF, MAY, MUST = (False, False), (True, False), (True, True)


def allowed(mode: str, *types: str) -> dict[str, Any]:
    return {"type": "allowed_tools", "mode": mode, "tools": [{"type": type} for type in types]}


@pytest.mark.parametrize(
    "choice, types, wanted",
    [
        (None, ONE, MAY),
        (None, [], OFF),
        (None, ["function"], OFF),
        ("auto", BOTH, MAY),
        ("none", ONE, OFF),
        ("required", ONE, MUST),
        ("required", ONE * 2, MUST),
        ("required", BOTH, MAY),
        ("required", ["function"], OFF),
        ("some-future-word", ONE, MAY),
        (IMAGE, ONE, MUST),
        (IMAGE, BOTH, MUST),
        (allowed("auto", "image_generation"), BOTH, MAY),
        (allowed("required", "image_generation"), BOTH, MUST),
        (allowed("required", "image_generation", "function"), BOTH, MAY),
        (allowed("required", "function"), BOTH, OFF),
        (allowed("required", "image_generation"), ["function"], OFF),
        (allowed("required"), BOTH, OFF),
        ({"type": "function", "name": "f"}, BOTH, OFF),
        ({"type": "custom", "name": "f"}, BOTH, OFF),
        ({"type": "mcp", "server_label": "x"}, BOTH, OFF),
        ({"type": "web_search_preview"}, BOTH, OFF),
        ({"type": "some-future-form"}, BOTH, MAY),
        ({}, BOTH, MAY),
    ],
)
def test_tool_choice_says_whether_a_picture_may_or_must_come(
    choice: Any, types: list[str], wanted: Any
) -> None:
    assert read_choice({"tool_choice": choice}, types) == wanted


@pytest.mark.parametrize(
    "choice, types, code, param",
    [
        (IMAGE, [], "invalid_value", "tool_choice"),
        (IMAGE, ["function"], "invalid_value", "tool_choice"),
        (5, ONE, "invalid_type", "tool_choice"),
        ([IMAGE], ONE, "invalid_type", "tool_choice"),
        (Long(("x",), 0, 9000), ONE, "invalid_type", "tool_choice"),
        ({"type": 5}, ONE, "invalid_type", "tool_choice.type"),
        ({"type": "allowed_tools", "mode": "auto"}, ONE, "invalid_type", "tool_choice.tools"),
    ],
)
def test_a_choice_that_cannot_be_met_is_named(choice: Any, types: list[str], code: str, param: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_choice({"tool_choice": choice}, types)
    assert (caught.value.code, caught.value.param) == (code, param)
