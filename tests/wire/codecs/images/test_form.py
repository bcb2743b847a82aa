"""A form's parts to a tree: names of pictures in every spelling, typed texts, nesting, and what is refused how."""

from typing import Any

import pytest

from darkroom.errors import Invalid
from darkroom.wire.codecs.images.form import read_fields
from darkroom.wire.elide import Upload

A, B, C = (Upload((name,), start, start + 9, "image/png", f"{name}.png") for start, name in enumerate("abc"))
NOT_CHOSEN = Upload(("x",), 5, 5)
DATA = "data:image/png;base64,AAAA"


@pytest.mark.parametrize(
    "fields, wanted",
    [
        ([("image", A)], {"image": A}),
        ([("image[]", A)], {"image": A}),
        ([("image[]", A), ("image[]", B)], {"image": [A, B]}),
        ([("image", A), ("image", B)], {"image": [A, B]}),
        ([("image", A), ("image[]", B)], {"image": [A, B]}),
        ([("image[1]", B), ("image[0]", A), ("image[10]", C)], {"image": [A, B, C]}),
        ([("image[1]", B), ("image", A)], {"image": [B, A]}),
        ([("images[]", A), ("images[]", B)], {"images": [A, B]}),
        ([("images", A)], {"images": A}),
        ([("image", DATA), ("image", "https://a.b/c.png")], {"image": [DATA, "https://a.b/c.png"]}),
        ([("image[]", A), ("mask", B)], {"image": A, "mask": B}),
        ([("markup", B), ("image[]", A)], {"markup": B, "image": A}),
        ([("image[]", A), ("image[]", NOT_CHOSEN), ("mask", NOT_CHOSEN), ("markup", "")], {"image": A}),
        ([("image", NOT_CHOSEN)], {"image": None}),
    ],
)
def test_pictures_are_found_under_every_spelling_in_their_order(fields: Any, wanted: Any) -> None:
    assert read_fields(fields) == wanted


@pytest.mark.parametrize(
    "name, text, value",
    [
        ("prompt", " a cat\n", " a cat\n"),
        ("prompt", "", ""),
        ("model", "gpt-image-2", "gpt-image-2"),
        ("size", "", None),
        ("n", "2", 2),
        ("n", " 10 ", 10),
        ("output_compression", "-1", -1),
        ("partial_images", "", None),
        ("stream", "true", True),
        ("stream", "True", True),
        ("stream", "false", False),
        ("style", "", ""),
        ("seed", "42", "42"),
        ("tags[]", "x", "x"),
        ("image_prompt", "5", "5"),
    ],
)
def test_texts_get_the_type_of_their_field_and_unknown_ones_stay_texts(
    name: str, text: str, value: Any
) -> None:
    tree = read_fields([(name, text)])
    assert tree == {name: value}
    assert type(tree[name]) is type(value)


def test_objects_are_put_together_from_their_fields() -> None:
    fields = [
        ("svg[model]", "gpt-5.5"),
        ("svg[reasoning][effort]", "low"),
        ("metadata[darkroom_scenario]", "ok"),
    ]
    assert read_fields(fields) == {
        "svg": {"model": "gpt-5.5", "reasoning": {"effort": "low"}},
        "metadata": {"darkroom_scenario": "ok"},
    }
    assert read_fields([("tags[]", "a"), ("tags[]", "b"), ("tags[]", "c")]) == {"tags[]": ["a", "b", "c"]}


@pytest.mark.parametrize(
    "fields, code, param, advice",
    [
        ([("image[]", "input.png")], "invalid_type", "image[]", "with curl write an @"),
        ([("image", "AAAA")], "invalid_type", "image", "with curl write an @"),
        ([("images", '[{"image_url": "https://a.b"}]')], "invalid_type", "images", "Send the file itself"),
        ([("mask", "mask.png")], "invalid_type", "mask", "with curl write an @"),
        ([("mask", A), ("mask", B)], "invalid_value", "mask", "twice"),
        ([("mask[]", A)], "invalid_value", "mask[]", "only one"),
        ([("image[front]", A)], "invalid_value", "image[front]", "named `image`"),
        ([("image[99999]", A)], "invalid_value", "image[99999]", "named `image`"),
        ([("file", A)], "unknown_parameter", "file", "named `image`"),
        ([("picture", A)], "unknown_parameter", "picture", "a.png"),
        ([("prompt", A)], "invalid_type", "prompt", "without a file name"),
        ([("prompt", "a"), ("prompt", "b")], "invalid_value", "prompt", "twice"),
        ([("n", "two")], "invalid_type", "n", "an integer"),
        ([("n", "1.0")], "invalid_type", "n", "an integer"),
        ([("n", "9" * 5000)], "invalid_type", "n", "an integer"),
        ([("n", "٣")], "invalid_type", "n", "an integer"),
        ([("stream", "yes")], "invalid_type", "stream", "true or false"),
        ([("svg", '{"model": "x"}')], "invalid_type", "svg", "svg[model]"),
        ([("svg[model]", "a"), ("svg[model]", "b")], "invalid_value", "svg[model]", "twice"),
        (
            [("svg[model]", "a"), ("svg[model][x]", "b")],
            "invalid_value",
            "svg[model][x]",
            "a value of its own",
        ),
        ([("svg", ""), ("svg[model]", "b")], "invalid_value", "svg[model]", "a value of its own"),
        ([("metadata[a]", "b"), ("metadata", "x")], "invalid_value", "metadata", "a value of its own"),
        ([("svg[model]", A)], "unknown_parameter", "svg[model]", "named `image`"),
    ],
)
def test_a_wrong_part_is_named_with_what_to_send_instead(
    fields: Any, code: str, param: str, advice: str
) -> None:
    with pytest.raises(Invalid) as caught:
        read_fields(fields)
    assert (caught.value.status, caught.value.code, caught.value.param) == (400, code, param)
    assert advice in caught.value.message
