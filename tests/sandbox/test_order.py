"""Requests are read as the real API reads them,
and refused with the field named; never anything but a 400 or a 404."""

from random import Random

import pytest
from PIL import Image

from darkroom.errors import Error, Invalid
from darkroom.sandbox.order import DEFAULT_IMAGE_MODEL, decode_picture, read_order, read_wish, take_picture
from darkroom.sandbox.painter import STAND_IN
from tests.sandbox.drawing import ASK, file, text_of

PNG = file(Image.new("RGB", (1024, 768)))
TOOL = ASK["tools"][0]
FUNCTION = {"type": "function", "name": "weather", "parameters": {"type": "object"}}


def read(**fields):
    return read_order({**ASK, **fields})


def asked(**tool):
    return read(tools=[{**TOOL, **tool}])


def said(*parts, role="user"):
    return {"role": role, "content": list(parts)}


def text(words):
    return {"type": "input_text", "text": words}


def image(content=PNG):
    return {"type": "input_image", "image_url": f"data:image/png;base64,{text_of(content)}"}


def refusal(**fields):
    with pytest.raises(Error) as refused:
        read(**fields)
    return refused.value.status, refused.value.code, refused.value.param


def test_request_of_the_contract_is_read():
    order = read(
        input=[{"type": "message", **said(text("银色智能音箱"))}], store=False, reasoning={"effort": "xhigh"}
    )
    wish = order.wish
    assert (order.stream, order.prompt, order.function) == (True, "银色智能音箱", None)
    assert (wish.model, wish.size, wish.quality, wish.format, wish.partials) == (
        "gpt-image-2",
        "1024x1024",
        "medium",
        "png",
        1,
    )
    assert (wish.action, wish.transparent, wish.compression) == ("generate", False, 100)


def test_bare_tool_has_the_documented_defaults():
    wish = read(tools=[{"type": "image_generation"}]).wish
    assert (wish.model, wish.size, wish.quality, wish.format) == (
        DEFAULT_IMAGE_MODEL,
        "1024x1024",
        "medium",
        "png",
    )
    assert (wish.partials, wish.compression, wish.transparent, wish.action) == (0, 100, False, "generate")


@pytest.mark.parametrize(
    "given", ["x", {"content": "x", "role": "user"}, said(text("x")), said({"type": "text", "text": "x"})]
)
def test_prompt_comes_in_every_form(given):
    assert read(input=given if isinstance(given, str) else [given]).prompt == "x"


def test_prompt_is_what_the_user_said_last_and_text_is_everything():
    order = read(
        input=[
            said(text("a")),
            said({"type": "output_text", "text": "b"}, role="assistant"),
            said(text("c"), text("d")),
        ]
    )
    assert order.prompt == "c\nd"
    assert order.text == "a\nb\nc\nd"


@pytest.mark.parametrize(
    "tools, choice, drawn, called",
    [
        ([], "auto", False, False),
        (None, None, False, False),
        ([TOOL], "auto", True, False),
        ([TOOL], "required", True, False),
        ([TOOL], "none", False, False),
        ([TOOL, FUNCTION], {"type": "function", "name": "weather"}, False, True),
        ([FUNCTION, TOOL], {"type": "image_generation"}, True, False),
        ([FUNCTION, TOOL], "auto", True, False),
        ([FUNCTION], "auto", False, True),
        (
            [FUNCTION, TOOL],
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function"}]},
            False,
            True,
        ),
        ([TOOL], {"type": "allowed_tools", "tools": []}, False, False),
        ([{"type": "web_search"}], "auto", False, False),
    ],
)
def test_tool_that_is_chosen(tools, choice, drawn, called):
    order = read(tools=tools, tool_choice=choice)
    assert (order.wish is not None, order.function is not None) == (drawn, called)


def test_function_that_was_answered_is_not_called_again():
    answer = {"type": "function_call_output", "call_id": "call_1", "output": "sun"}
    assert read(tools=[FUNCTION], tool_choice="auto", input=[said(text("x")), answer]).function is None
    assert (
        read(tools=[FUNCTION], tool_choice="required", input=[said(text("x")), answer]).function == FUNCTION
    )


def test_picture_in_the_last_message_is_edited_and_one_made_before_too():
    assert read(input=[said(text("x"), image())]).wish.images == (PNG,)
    made = {"type": "image_generation_call", "id": "ig_1", "result": text_of(PNG)}
    order = read(input=[said(text("draw")), made, said(text("now at night"))])
    assert (order.wish.action, order.wish.images, order.prompt) == ("edit", (PNG,), "now at night")
    by_id = read(
        input=[said(text("draw")), {"type": "image_generation_call", "id": "ig_1"}, said(text("again"))]
    )
    assert by_id.wish.images == (STAND_IN + b"ig_1",)


def test_action_generate_leaves_the_pictures_aside():
    wish = read(input=[said(text("x"), image())], tools=[{**TOOL, "action": "generate"}]).wish
    assert (wish.action, wish.images, wish.mask) == ("generate", (), None)
    assert refusal(tools=[{**TOOL, "action": "edit"}])[2] == "tools[0].action"


def test_auto_size_of_an_edit_is_the_pictures_own_if_the_model_makes_it():
    shown = [said(text("x"), image())]
    assert (
        read(input=shown, tools=[{"type": "image_generation", "model": "gpt-image-2"}]).wish.size
        == "1024x768"
    )
    assert (
        read(input=shown, tools=[{"type": "image_generation", "model": "gpt-image-1.5"}]).wish.size
        == "1024x1024"
    )


def test_picture_may_be_elsewhere():
    for part, name in (({"image_url": "https://a/b.png"}, b"https://a/b.png"), ({"file_id": "file_1"}, b"file_1"),
                       ({"image_url": {"url": "http://a"}}, b"http://a")):  # fmt: skip
        assert take_picture(part, "image") == STAND_IN + name


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,", "data:,"])
def test_base64_is_taken_bare_or_as_a_data_url(prefix):
    assert decode_picture(prefix + text_of(PNG), "image") == PNG


@pytest.mark.parametrize(
    "text, code",
    [("%%%", "invalid_base64_image"), ("猫", "invalid_base64_image"), ("QUJ", "invalid_base64_image"),
    ("", "invalid_image_format"),
     ("aGVsbG8=", "invalid_image_format"), (text_of(file(Image.new("P", (8, 8)), "GIF")), "invalid_image_format")],
)  # fmt: skip
def test_text_that_is_no_picture_is_refused(text, code):
    with pytest.raises(Invalid) as refused:
        decode_picture(text, "input[0].content[1].image_url")
    assert (refused.value.code, refused.value.param) == (code, "input[0].content[1].image_url")


def test_mask_belongs_to_an_edit():
    tool = {**TOOL, "input_image_mask": {"image_url": text_of(PNG)}}
    assert read(input=[said(text("x"), image())], tools=[tool]).wish.mask == PNG
    assert read(tools=[tool]).wish.mask is None


@pytest.mark.parametrize(
    "fields, expected",
    [
        ({"model": None}, (400, "missing_required_parameter", "model")),
        ({"model": 5}, (400, "invalid_type", "model")),
        ({"model": "gpt-9"}, (404, "model_not_found", "model")),
        ({"model": "gpt-image-2"}, (400, "invalid_value", "model")),
        ({"input": None}, (400, "missing_required_parameter", "input")),
        ({"input": 5}, (400, "invalid_type", "input")),
        ({"input": [5]}, (400, "invalid_type", "input[0]")),
        ({"input": [{"role": "user", "content": 5}]}, (400, "invalid_type", "input[0].content")),
        ({"input": [{"role": "user", "content": ["x"]}]}, (400, "invalid_type", "input[0].content[0]")),
        (
            {"input": [said({"type": "input_text", "text": 5})]},
            (400, "invalid_type", "input[0].content[0].text"),
        ),
        (
            {"input": [said({"type": "input_image"})]},
            (400, "missing_required_parameter", "input[0].content[0].image_url"),
        ),
        (
            {"input": [said({"type": "input_image", "image_url": 5})]},
            (400, "invalid_type", "input[0].content[0].image_url"),
        ),
        ({"stream": "yes"}, (400, "invalid_type", "stream")),
        ({"tools": "x"}, (400, "invalid_type", "tools")),
        ({"tools": ["x"]}, (400, "invalid_type", "tools")),
        ({"tool_choice": {"type": "function", "name": "other"}}, (400, "invalid_value", "tool_choice")),
        ({"tool_choice": {"type": "allowed_tools", "tools": 5}}, (400, "invalid_type", "tool_choice.tools")),
    ],
)
def test_field_that_is_wrong_is_named(fields, expected):
    assert refusal(**fields) == expected


@pytest.mark.parametrize(
    "key, value, status",
    [
        ("model", "gpt-image-9", 404), ("model", 5, 400), ("model", "gpt-5.5", 404), ("size", "512x512", 400),
        ("size", 5, 400),
        ("quality", "ultra", 400), ("quality", "max", 400), ("quality", ["low"], 400), ("output_format", "bmp", 400),
        ("background", "pink", 400), ("moderation", "off", 400), ("action", "erase", 400),
        ("output_compression", 101, 400),
        ("output_compression", "80", 400), ("partial_images", 4, 400), ("partial_images", -1, 400),
        ("partial_images", 1.5, 400), ("partial_images", True, 400), ("partial_images", 10**30, 400),
        ("input_image_mask", "x", 400), ("input_image_mask", {}, 400),
    ],
)  # fmt: skip
def test_field_of_the_tool_that_is_wrong_is_named_with_its_place(key, value, status):
    got, _, param = refusal(tools=[{"type": "web_search"}, {**TOOL, key: value}])
    assert (got, param) == (status, f"tools[1].{key}")


def test_jpeg_has_no_transparent_background():
    assert (
        refusal(tools=[{**TOOL, "background": "transparent", "output_format": "jpeg"}])[2]
        == "tools[0].background"
    )
    assert asked(background="transparent", output_format="webp").wish.transparent


@pytest.mark.parametrize("body", [None, 5, "x", [], [{}], True])
def test_body_that_is_no_object_is_refused(body):
    with pytest.raises(Invalid):
        read_order(body)


def test_fields_that_nobody_knows_are_let_through():
    assert asked(complexity="low", future=[1]).wish == asked().wish
    assert read(future={"a": 1}, prompt_cache_key="x").prompt == "a lighthouse at night"


def test_wish_of_the_images_api_names_its_fields_bare():
    with pytest.raises(Invalid) as refused:
        read_wish({"model": "gpt-image-2", "size": "1x1"}, (), None)
    assert refused.value.param == "size"


def test_any_value_in_any_place_is_read_or_refused():
    rng = Random(11)
    values = [None, 5, -1, 1.5, "", "x", "auto", True, [], [[]], {}, {"type": {}},
    {"type": "image_generation"}, [5], ["x"], [{}],
              {"type": "allowed_tools", "tools": [5]}, {"url": 5}, "data:,", 10**40, "none", "required"]  # fmt: skip
    base = {
        **ASK,
        "input": [said(text("x"), image()), {"type": "image_generation_call", "result": text_of(PNG)}],
    }

    def spoil(tree, depth):
        if depth == 0 or not isinstance(tree, dict | list) or not tree:
            return rng.choice(values)
        keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
        at = rng.choice(keys)
        copy = tree.copy()
        copy[at] = spoil(tree[at], depth - 1)
        return copy

    refused = 0
    for _ in range(1500):
        try:
            read_order(spoil(base, rng.randint(1, 5)))
        except Error as error:
            assert error.status in (400, 404)
            refused += 1
    assert 200 < refused < 1500
