"""Images requests, JSON and form: every field read, wrong ones named, and no input that raises anything else."""

import copy
import json
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.errors import Invalid
from darkroom.wire.codecs import responses
from darkroom.wire.codecs.images.request import (
    ESCAPED,
    LONGEST_PROMPT,
    MODEL,
    MOST_IMAGES,
    read_edit,
    read_form,
    read_generation,
)
from darkroom.wire.elide import DEEPEST, Elider, Long, Upload
from darkroom.wire.request import ImageTool, InputPicture, Request
from tests.wire.codecs.images.samples import DATA, EDITS, GENERATIONS, URL, junk, junk_parts

CONTRACT: dict[str, Any] = {
    "model": "gpt-image-2",
    "prompt": "一只白色陶瓷杯放在木桌上，自然光，真实摄影风格",
    "size": "1024x1024",
    "quality": "medium",
    "output_format": "png",
    "stream": True,
    "partial_images": 1,
}
EDIT: dict[str, Any] = {"prompt": "at night", "images": [{"image_url": DATA}, {"file_id": "file-1"}]}
FILE = Upload(("image",), 0, 9, "image/png", "input.png")
FORM = [
    ("model", "gpt-image-2"),
    ("image[]", FILE),
    ("prompt", "at night"),
    ("size", "1024x1024"),
    ("n", "2"),
]


def picture(kind: Any, value: Any, *path: str | int) -> InputPicture:
    return InputPicture(path, kind, value)


def test_the_contracts_generation_reads_to_its_values() -> None:
    asked = copy.deepcopy(CONTRACT)
    request = read_generation(asked)
    fields = {name: value for name, value in CONTRACT.items() if name not in ("prompt", "stream")}
    assert request == Request(
        surface="generations",
        model="gpt-image-2",
        stream=True,
        image=True,
        forced=True,
        tool=ImageTool(path=(), **fields),
        texts=(CONTRACT["prompt"],),
        inputs=(),
        refs=(),
        tree=CONTRACT,
    )
    assert request.tree is asked


def test_every_other_field_is_read() -> None:
    more = {
        "n": 10,
        "output_compression": 0,
        "background": "transparent",
        "moderation": "low",
        "input_fidelity": "high",
        "complexity": "low",
        "frame_count": 9,
        "frame_duration_ms": 200,
        "svg": {"model": "gpt-5.5"},
        "response_format": "url",
        "metadata": {"scenario": "stall", "file_id": "the customer's own"},
        "style": "vivid",
    }
    request = read_generation(CONTRACT | more)
    assert (request.n, request.response_format) == (10, "url")
    assert request.tool is not None
    tool = msgspec.structs.asdict(request.tool)
    assert {name: tool[name] for name in more if name in tool} == {
        name: value for name, value in more.items() if name in tool
    }


@pytest.mark.parametrize("model", [{}, {"model": None}, {"model": ""}])
def test_a_request_that_names_no_model_means_the_contracts(model: dict[str, Any]) -> None:
    request = read_generation({"prompt": "a cat", **model})
    assert request.tool is not None
    assert (request.model, request.tool.model, MODEL) == (MODEL, MODEL, "gpt-image-2")
    assert (request.n, request.stream, request.response_format) == (1, False, None)


@pytest.mark.parametrize(
    "fields, wanted",
    [
        (
            {"images": [{"image_url": DATA}, {"image_url": URL}, {"file_id": "file-1"}]},
            [
                picture("data", DATA, "images", 0, "image_url"),
                picture("url", URL, "images", 1, "image_url"),
                picture("file", "file-1", "images", 2, "file_id"),
            ],
        ),
        ({"images": [DATA]}, [picture("data", DATA, "images", 0)]),
        ({"image": DATA}, [picture("data", DATA, "image")]),
        ({"image": [URL, DATA]}, [picture("url", URL, "image", 0), picture("data", DATA, "image", 1)]),
        ({"image": {"image_url": URL}, "images": None}, [picture("url", URL, "image", "image_url")]),
    ],
)
def test_pictures_of_a_json_edit_are_read_in_every_form(fields: Any, wanted: Any) -> None:
    request = read_edit({"prompt": "at night", **fields})
    assert list(request.inputs) == wanted
    assert (request.surface, request.forced, request.refs) == ("edits", True, ())


def test_mask_and_markup_are_read() -> None:
    masked = read_edit(EDIT | {"mask": {"file_id": "file-2"}})
    assert masked.tool is not None
    assert masked.tool.input_image_mask == picture("file", "file-2", "mask", "file_id")
    marked = read_edit(EDIT | {"markup": DATA})
    assert marked.markup == picture("data", DATA, "markup")
    assert [len(each.pictures) for each in (masked, marked)] == [3, 3]


def test_the_contracts_form_reads_to_its_values() -> None:
    request = read_form([*FORM, ("stream", "true"), ("mask", FILE), ("seed", "42")])
    assert (request.surface, request.model, request.prompt) == ("edits", "gpt-image-2", "at night")
    assert (request.n, request.stream) == (2, True)
    assert request.tool == ImageTool(
        path=(), model="gpt-image-2", size="1024x1024", input_image_mask=picture("upload", FILE, "mask")
    )
    assert request.inputs == (picture("upload", FILE, "image"),)
    assert request.tree == {
        "model": "gpt-image-2",
        "image": FILE,
        "prompt": "at night",
        "size": "1024x1024",
        "n": 2,
        "stream": True,
        "mask": FILE,
        "seed": "42",
    }


def test_strings_of_a_large_body_may_lie_in_a_file() -> None:
    body = {"images": [{"image_url": "data:image/png;base64," + "A" * 40_000}], "prompt": "猫" * 6000}
    elider = Elider()
    elider.feed(json.dumps(body).encode())
    request = read_edit(elider.finish())
    (shown,) = request.inputs
    assert (shown.kind, shown.path) == ("data", ("images", 0, "image_url"))
    assert isinstance(shown.value, Long)
    assert isinstance(request.texts[0], Long)
    with pytest.raises(Invalid, match="32000 characters"):
        read_generation({"prompt": Long(("prompt",), 0, LONGEST_PROMPT * ESCAPED + 1)})


def refused(read: Callable[[Any], Request], asked: Any) -> tuple[str | None, str | None, str]:
    with pytest.raises(Invalid) as caught:
        read(asked)
    assert (caught.value.status, caught.value.type) == (400, "invalid_request_error")
    return caught.value.code, caught.value.param, caught.value.message


@pytest.mark.parametrize("read, asked", [(read_generation, CONTRACT), (read_edit, EDIT)])
@pytest.mark.parametrize(
    "fields, code, param",
    [
        ({"prompt": None}, "missing_required_parameter", "prompt"),
        ({"prompt": ""}, "invalid_value", "prompt"),
        ({"prompt": "x" * (LONGEST_PROMPT + 1)}, "invalid_value", "prompt"),
        ({"prompt": ["a cat"]}, "invalid_type", "prompt"),
        ({"prompt": FILE}, "invalid_type", "prompt"),
        ({"model": 5}, "invalid_type", "model"),
        ({"n": 0}, "invalid_value", "n"),
        ({"n": 11}, "invalid_value", "n"),
        ({"n": "2"}, "invalid_type", "n"),
        ({"n": True}, "invalid_type", "n"),
        ({"stream": "true"}, "invalid_type", "stream"),
        ({"size": "512x512"}, "invalid_value", "size"),
        ({"size": 1024}, "invalid_type", "size"),
        ({"quality": 1}, "invalid_type", "quality"),
        ({"partial_images": 4}, "invalid_value", "partial_images"),
        ({"output_compression": 101}, "invalid_value", "output_compression"),
        ({"response_format": "png"}, "invalid_value", "response_format"),
        ({"response_format": {"type": "url"}}, "invalid_type", "response_format"),
        ({"svg": "gpt-5.5"}, "invalid_type", "svg"),
        ({"reference": {"file_id": "file-1"}}, "unsupported_parameter", "reference.file_id"),
        ({"container_id": "cntr_1"}, "unsupported_parameter", "container_id"),
    ],
)
def test_wrong_fields_are_named(read: Any, asked: Any, fields: Any, code: str, param: str) -> None:
    assert refused(read, asked | fields)[:2] == (code, param)


@pytest.mark.parametrize(
    "fields, code, param, advice",
    [
        ({"images": None}, "missing_required_parameter", "image", "image_url"),
        (
            {"images": None, "picture": DATA},
            "missing_required_parameter",
            "image",
            "not looked for in `picture`",
        ),
        ({"images": None, "image_url": URL}, "missing_required_parameter", "image", "in `image_url`"),
        ({"images": []}, "invalid_value", "images", "1 to 16"),
        ({"images": [DATA] * (MOST_IMAGES + 1)}, "invalid_value", "images", "got 17"),
        ({"image": DATA}, "invalid_value", "image", "not in both"),
        ({"images": [{}]}, "missing_required_parameter", "images[0].image_url", "data URL"),
        ({"images": [DATA, 5]}, "invalid_type", "images[1]", "a string"),
        ({"images": [DATA, None]}, "invalid_type", "images[1]", "a string"),
        ({"images": "iVBORw0KGgo="}, "invalid_value", "images", "data URL"),
        ({"images": [{"image_url": URL, "file_id": "f"}]}, "invalid_value", "images[0].file_id", "not both"),
        ({"images": [{"image_url": {"url": URL}}]}, "invalid_type", "images[0].image_url", "not an object"),
        ({"mask": {}}, "missing_required_parameter", "mask.image_url", "data URL"),
        ({"mask": "mask.png"}, "invalid_value", "mask", "data URL"),
        ({"mask": DATA, "markup": DATA}, "invalid_value", "markup", "not both"),
    ],
)
def test_wrong_pictures_are_named_with_what_to_do(fields: Any, code: str, param: str, advice: str) -> None:
    found = refused(read_edit, EDIT | fields)
    assert found[:2] == (code, param)
    assert advice in found[2]


@pytest.mark.parametrize("name", ["input", "messages"])
def test_a_prompt_under_the_name_of_another_api_gets_advice(name: str) -> None:
    code, param, words = refused(read_generation, {name: "a cat"})
    assert (code, param) == ("missing_required_parameter", "prompt")
    assert f"`{name}`" in words


def test_wrong_parts_of_a_form_are_named() -> None:
    texts = [field for field in FORM if isinstance(field[1], str)]
    assert refused(read_form, texts)[:2] == ("missing_required_parameter", "image")
    assert "`file`" in refused(read_form, [*texts, ("file", "x.png")])[2]
    assert refused(read_form, [*texts, ("picture", FILE)])[:2] == ("unknown_parameter", "picture")
    assert refused(read_form, [*FORM, *[("image", FILE)] * 16])[:2] == ("invalid_value", "image")
    assert refused(read_form, [*FORM, ("file_id", "file-1")])[:2] == ("unsupported_parameter", "file_id")
    assert refused(read_form, [*FORM, ("svg" + "[a]" * DEEPEST, "x")])[0] == "invalid_value"


@pytest.mark.parametrize("read", [read_generation, read_edit])
@pytest.mark.parametrize("body", [None, [], "x", 5, [CONTRACT]])
def test_a_body_that_is_no_object_is_refused(read: Any, body: Any) -> None:
    assert "must be a JSON object" in refused(read, body)[2]


@given(st.one_of(GENERATIONS, EDITS))
def test_reading_leaves_the_tree_as_it_came(tree: dict[str, Any]) -> None:
    before = copy.deepcopy(tree)
    request = (read_edit if "images" in tree else read_generation)(tree)
    assert request.tree is tree
    assert tree == before
    assert (request.prompt, request.n) == (tree["prompt"], tree.get("n", 1))


def tried(read: Callable[[Any], Request], asked: Any) -> bool:
    """Whether it can be read; an error must be one that can be sent."""
    try:
        request = read(asked)
    except Invalid as error:
        json.dumps(error.body(), ensure_ascii=False).encode()
        return False
    assert isinstance(request, Request)
    return True


@pytest.mark.slow
def test_rubbish_raises_nothing_but_invalid() -> None:
    random, found = Random(3), Counter[Any]()
    chat = {"model": "gpt-5.5", "input": "a cat", "tools": [{"type": "image_generation"}]}
    readers = ((read_generation, CONTRACT), (read_edit, EDIT), (responses.read_request, chat))
    for number in range(20_000):
        tree, parts = junk(random), junk_parts(random)
        whole = number % 2
        for read, base in readers:
            asked = base | tree if whole and isinstance(tree, dict) else tree
            found[read.__name__] += tried(read, asked)
        found["read_form"] += tried(read_form, [*FORM, *parts] if whole else parts)
    assert len(found) == 4
    assert min(found.values()) > 100
