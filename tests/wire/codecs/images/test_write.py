"""Requests to Images upstreams: JSON and forms, what the relay decides, and both roads over the bridge and back."""

import copy
from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.errors import Internal, Invalid
from darkroom.wire.codecs.images.bridge import to_responses
from darkroom.wire.codecs.images.request import ESCAPED, LONGEST_PROMPT, read_edit, read_form, read_generation
from darkroom.wire.codecs.images.write import Written, bridgeable, long_texts, write_request
from darkroom.wire.codecs.responses import read_request
from darkroom.wire.elide import Long, Path, Upload, render
from darkroom.wire.request import Request
from tests.wire.codecs.images.samples import DATA, EDITS, FIELDS, GENERATIONS, junk, responses

CONTRACT: dict[str, Any] = {
    "model": "gpt-image-2",
    "prompt": "a cup",
    "size": "1024x1024",
    "quality": "medium",
    "stream": True,
    "partial_images": 1,
}
TOOL = {"type": "image_generation", "model": "gpt-image-2", "partial_images": 2}
IMAGE, MASK = (Upload((name,), 0, 9, "image/png", f"{name}.png") for name in ("image", "mask"))


def files(request: Request) -> Mapping[Path, Upload]:
    """A file for each picture; its name says which picture it is."""
    return {
        picture.path: Upload(picture.path, 0, 9, "image/png", str(picture.value))
        for picture in request.pictures
    }


def written(request: Request, *, stream: bool = False, n: int = 1, **more: Any) -> Written:
    return write_request(request, stream=stream, n=n, pictures=files(request), **more)


def test_the_contracts_generation_goes_as_it_came() -> None:
    before = copy.deepcopy(CONTRACT)
    sent = written(read_generation(CONTRACT), stream=True)
    assert sent == Written("/images/generations", before, None, ())
    assert before == CONTRACT


@pytest.mark.parametrize(
    "asked, stream, n, wanted, lost",
    [
        ({}, False, 1, {}, ()),
        ({"n": 4}, False, 1, {"n": 1}, ()),
        ({"n": 4}, False, 4, {"n": 4}, ()),
        ({"n": None}, False, 2, {"n": 2}, ()),
        ({"stream": False}, True, 1, {"stream": True}, ()),
        ({"stream": True, "partial_images": 2}, False, 1, {}, ("partial_images",)),
        ({"stream": True, "partial_images": 0}, False, 1, {}, ()),
        ({"stream": True, "partial_images": 2}, True, 1, {"stream": True, "partial_images": 2}, ()),
        ({"partial_images": 2}, True, 1, {"stream": True}, ()),
        ({"response_format": "url"}, False, 1, {}, ()),
        ({"future": [None, {"a": 1}], "style": "vivid"}, False, 1, {"future": [None, {"a": 1}], "style": "vivid"}, ()),
    ],
)  # fmt: skip
def test_the_relay_decides_count_and_stream_and_the_customer_all_else(
    asked: Any, stream: bool, n: int, wanted: Any, lost: Any
) -> None:
    sent = written(read_generation({"prompt": "a cup", **asked}), stream=stream, n=n)
    assert sent.tree == {"model": "gpt-image-2", "prompt": "a cup", **wanted}
    assert sent.lost == lost


@pytest.mark.parametrize(
    "model, asks", [("gpt-image-2", False), ("chatgpt-image-latest", False), ("dall-e-3", True), ("x", True)]
)
def test_base64_is_asked_for_where_an_upstream_might_give_addresses(model: str, asks: bool) -> None:
    sent = written(read_generation({"prompt": "a cup", "model": model, "response_format": "url"}))
    assert sent.tree is not None
    assert sent.tree.get("response_format") == ("b64_json" if asks else None)


def test_an_edit_goes_as_a_form() -> None:
    form = [
        ("prompt", "at night"),
        ("image[]", IMAGE),
        ("image[]", IMAGE),
        ("mask", MASK),
        ("stream", "true"),
        ("n", "2"),
        ("svg[reasoning][effort]", "low"),
        ("tags[]", "a"),
        ("tags[]", "b"),
        ("response_format", "url"),
    ]
    request = read_form(form)
    sent = write_request(request, stream=True, n=2, pictures={})
    assert (sent.path, sent.tree, sent.lost) == ("/images/edits", None, ())
    assert sent.form == (
        ("model", "gpt-image-2"),
        ("prompt", "at night"),
        ("svg[reasoning][effort]", "low"),
        ("tags[]", "a"),
        ("tags[]", "b"),
        ("stream", "true"),
        ("n", "2"),
        ("image[]", IMAGE),
        ("image[]", IMAGE),
        ("mask", MASK),
    )


def test_a_json_edit_goes_as_the_same_form() -> None:
    asked = {
        "prompt": "at night",
        "images": [{"file_id": "file-1"}],
        "markup": DATA,
        "n": 1,
        "future": {"a": [1.5, None, True]},
    }
    request = read_edit(asked)
    sent = written(request)
    assert sent.form is not None
    assert [(name, value if isinstance(value, str) else value.filename) for name, value in sent.form] == [
        ("model", "gpt-image-2"),
        ("prompt", "at night"),
        ("future[a][]", "1.5"),
        ("future[a][]", "true"),
        ("n", "1"),
        ("image", "file-1"),
        ("markup", DATA),
    ]  # fmt: skip


def test_a_picture_that_nobody_brought_is_the_callers_or_our_own_fault() -> None:
    for images, kind in (([{"file_id": "file-1"}], Invalid), ([DATA], Internal)):
        with pytest.raises(kind):
            write_request(read_edit({"prompt": "x", "images": images}), stream=False, n=1, pictures={})
    item = {"type": "image_generation_call", "id": "ig_1"}
    asked = read_request({"model": "m", "input": [item, {"role": "user", "content": "x"}], "tools": [TOOL]})
    with pytest.raises(Invalid) as caught:
        write_request(asked, stream=False, n=1, pictures={})
    assert (caught.value.code, caught.value.param) == ("item_not_found", "input[0].id")
    sent = written(asked)
    assert sent.form is not None
    assert sent.form[-1][0] == "image"


def test_a_long_prompt_is_sent_from_its_file_in_json_and_in_words_in_a_form() -> None:
    long = Long(("prompt",), 10, 20_000)
    request = read_generation({"prompt": long})
    assert long_texts(request) == ()
    sent = written(request)
    assert sent.tree is not None
    assert sent.tree["prompt"] is long
    edit = read_edit({"prompt": long, "images": [Long(("images", 0), 30_000, 9_000_000)]})
    assert long_texts(edit) == (long,)
    with pytest.raises(Internal):
        written(edit)
    form = written(edit, texts={long.path: "a cup"}).form
    assert form is not None
    assert ("prompt", "a cup") in form


def test_texts_too_long_for_memory_are_refused_before_they_are_read() -> None:
    huge = Long(("future",), 0, LONGEST_PROMPT * ESCAPED + 1)
    with pytest.raises(Invalid) as caught:
        long_texts(read_edit({"prompt": "x", "images": [DATA], "future": huge}))
    assert caught.value.param == "future"


def test_only_the_words_of_a_bridged_request_are_read_from_files() -> None:
    said, file = (
        Long(("input", 0, "content", 0, "text"), 0, 900),
        Long(("input", 0, "content", 1, "file_data"), 1, 10**7),
    )
    parts = [{"type": "input_text", "text": said}, {"type": "input_file", "file_data": file}]
    request = read_request({"model": "m", "input": [{"role": "user", "content": parts}], "tools": [TOOL]})
    assert long_texts(request) == (said,)
    plain = read_request({"model": "m", "input": "x"})
    assert long_texts(plain) == ()


def test_partials_of_a_bridged_request_are_sent_if_both_sides_stream() -> None:
    for asked, stream, sent_, lost in (
        (True, True, 2, ()),
        (True, False, None, ("tools[0].partial_images",)),
        (False, True, None, ()),
    ):
        request = read_request({"model": "m", "input": "x", "tools": [TOOL], "stream": asked})
        sent = written(request, stream=stream)
        assert sent.tree is not None
        assert (sent.tree.get("partial_images"), sent.lost) == (sent_, lost)
        assert sent.tree.get("stream", False) is stream


def flat(fields: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Fields of JSON as a form spells them."""
    return {
        (name, str(value).lower() if isinstance(value, bool) else str(value))
        for name, value in fields.items()
        if not isinstance(value, dict)
    }


def carried(sent: Written) -> tuple[set[tuple[str, str]], list[tuple[str, str]]]:
    """The texts and the pictures (field, name) of what is sent."""
    if sent.tree is not None:
        return flat(sent.tree), []
    assert sent.form is not None
    texts = {(name, value) for name, value in sent.form if isinstance(value, str) and "[" not in name}
    return texts, [(name, value.filename) for name, value in sent.form if isinstance(value, Upload)]


KEPT = ("prompt", "model", "user", "safety_identifier", *FIELDS)


@pytest.mark.slow
@given(st.one_of(GENERATIONS, EDITS), st.booleans(), st.integers(1, 10))
def test_a_road_from_images_over_responses_back_to_images_loses_nothing(
    tree: dict[str, Any], stream: bool, n: int
) -> None:
    edit = "images" in tree
    request = (read_edit if edit else read_generation)(tree)
    bridged, first = to_responses(request, model="gpt-5.5", stream=request.stream)
    again = read_request(bridged)
    assert again.forced
    assert bridgeable(again)
    sent, direct = (
        write_request(each, stream=stream, n=n, pictures=files(each)) for each in (again, request)
    )
    assert first == ()
    assert set(sent.lost) <= ({"tools[0].partial_images"} if request.stream and not stream else set())
    texts, pictures = carried(sent)
    told = {("n", str(n))} if n != 1 or "n" in tree else set()
    assert texts | told == carried(direct)[0] | told
    assert flat({name: tree[name] for name in KEPT if name in tree and name != "partial_images"}) <= texts
    assert pictures == carried(direct)[1]
    assert [name for _, name in pictures] == [
        shown["image_url"] for shown in (*tree.get("images", ()), *([tree["mask"]] if "mask" in tree else ()))
    ]


@pytest.mark.slow
@given(responses(), st.booleans())
def test_a_road_from_responses_over_images_and_on_keeps_what_was_asked(
    tree: dict[str, Any], stream: bool
) -> None:
    request = read_request(tree)
    sent = written(request, stream=stream)
    if sent.tree is not None:
        again = read_generation(sent.tree)
    else:
        assert sent.form is not None
        again = read_form(sent.form)
    assert request.tool is not None
    assert again.tool is not None
    assert again.prompt == request.prompt
    for name in FIELDS:
        kept = name != "partial_images" or (stream and request.stream)
        assert getattr(again.tool, name) == (getattr(request.tool, name) if kept else None)
    assert [picture.value for picture in again.inputs] == [
        value for name, value in sent.form or () if name.startswith("image")
    ]
    assert len(again.pictures) == len(request.pictures)
    bridged, lost = to_responses(again, model="gpt-5.5", stream=request.stream)
    assert (read_request(bridged).prompt, lost) == (request.prompt, ())


@pytest.mark.slow
def test_whatever_can_be_read_can_be_written_or_is_refused_in_words() -> None:
    random, found = Random(4), Counter[Any]()
    bases = (
        (read_generation, {"prompt": "x"}),
        (read_edit, {"prompt": "x", "images": [DATA]}),
        (read_request, {"model": "m", "input": "x", "tools": [TOOL]}),
        (read_request, {"model": "m", "input": [{"role": "user", "content": "x"}], "tools": [TOOL]}),
    )
    for _ in range(10_000):
        read, base = random.choice(bases)
        more = junk(random)
        asked = {**base, **more} if isinstance(more, dict) else base
        if read is read_request and isinstance(more, dict):
            asked = {**base, "tools": [TOOL | {k: v for k, v in more.items() if k != "model"}]}
            asked |= random.choice(({}, more))
        try:
            request = read(asked)
        except Invalid:
            continue
        texts = {("x",): "words"}
        before = repr(asked)
        try:
            long_texts(request)
            write_request(request, stream=True, n=2, pictures=files(request), texts=texts)
            # Half a surrogate pair, which the readers must survive, cannot come out of real JSON.
            if request.surface != "responses" and "\\ud800" not in before:
                render(to_responses(request, model="m", stream=True, pictures=files(request))[0])
            found[request.surface, "written"] += 1
        except Invalid as error:
            assert error.status == 400
            found[request.surface, "refused"] += 1
        assert repr(asked) == before
    assert all(found[surface, "written"] > 100 for surface in ("generations", "edits", "responses"))
