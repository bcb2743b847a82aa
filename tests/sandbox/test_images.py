"""The Images API over loopback, as wire.md sections 4 and 5 say: JSON and streams, generations and edits."""

import base64

import pytest
from PIL import Image

from darkroom.errors import Invalid
from darkroom.sandbox.forms import Part
from darkroom.sandbox.images import read_batch, read_edit_form
from tests.sandbox.drawing import events, far, file, hear, picture_of, sandbox, text_of

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
RED = file(Image.new("RGB", (96, 64), (200, 40, 40)))
BLUE = file(Image.new("RGB", (96, 64), (30, 60, 200)), "WEBP")
ASK = {"model": "gpt-image-2", "prompt": "一只白色陶瓷杯放在木桌上", "size": "1024x1024", "quality": "medium"}
SHAPE = {"size": "96x64", "quality": "medium", "background": "opaque", "output_format": "png"}
TRUE = "deliver_size=1024x1024"


@pytest.fixture(scope="module")
async def client(anyio_backend):
    async with sandbox() as client:
        yield client


async def plain(client, body, path="/images/generations", scenario=""):
    answer = await client.post(path, json=body, headers={"x-darkroom-scenario": scenario})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def streamed(client, body, path="/images/generations", scenario=""):
    heard, end = await hear(client, {**body, "stream": True}, scenario, path)
    assert end == "whole"
    return events(heard)


async def edited(client, files, mask=None, **fields):
    parts = [(name, ("a", content, kind)) for name, content, kind in files]
    parts += [("mask", ("m", mask, "image/png"))] if mask is not None else []
    return await client.post("/images/edits", data={**ASK, **fields}, files=parts)


async def test_answer_in_json_has_the_keys_of_the_wire(client):
    whole = await plain(client, ASK)
    assert set(whole) == {"created", "data", "background", "output_format", "quality", "size", "usage"}
    assert {key: whole[key] for key in SHAPE} == SHAPE
    assert [set(entry) for entry in whole["data"]] == [{"b64_json"}]
    assert picture_of(whole["data"][0]["b64_json"]).size == (96, 64)


@pytest.mark.parametrize("count", [1, 2, 10])
async def test_batch_holds_that_many_different_pictures(client, count):
    whole = await plain(client, {**ASK, "n": count})
    pictures = {entry["b64_json"] for entry in whole["data"]}
    assert len(pictures) == len(whole["data"]) == count
    one = await plain(client, ASK)
    assert one["data"][0]["b64_json"] == whole["data"][0]["b64_json"]
    assert whole["usage"]["output_tokens"] == count * one["usage"]["output_tokens"]


async def test_usage_follows_the_published_formula(client):
    usage = (await plain(client, {**ASK, "quality": "low", "prompt": "a" * 40}, scenario=TRUE))["usage"]
    assert usage == {
        "input_tokens": 26, "input_tokens_details": {"image_tokens": 0, "text_tokens": 26}, "output_tokens": 196,
        "output_tokens_details": {"image_tokens": 196, "text_tokens": 0}, "total_tokens": 222,
    }  # fmt: skip
    trees = await streamed(
        client, {**ASK, "quality": "low", "prompt": "a" * 40, "partial_images": 3}, scenario=TRUE
    )
    assert trees[-1]["usage"]["output_tokens"] == 196 + 300


@pytest.mark.parametrize("count", [1, 3])
async def test_stream_tells_partials_and_one_completed_for_each_picture(client, count):
    trees = await streamed(client, {**ASK, "n": count, "partial_images": 2})
    story = ["image_generation.partial_image"] * 2 + ["image_generation.completed"]
    assert [tree["type"] for tree in trees] == story * count
    for at in range(count):
        first, second, done = trees[3 * at : 3 * at + 3]
        assert (first["partial_image_index"], second["partial_image_index"]) == (0, 1)
        for tree in (first, second):
            assert set(tree) == {"type", "b64_json", "partial_image_index", "created_at", *SHAPE}
        assert set(done) == {"type", "b64_json", "created_at", "usage", *SHAPE}
        pictures = [picture_of(tree["b64_json"]) for tree in (first, second, done)]
        assert far(pictures[0], pictures[2]) > far(pictures[1], pictures[2]) > 0
    assert len({tree["b64_json"] for tree in trees}) == 3 * count
    whole = await plain(client, {**ASK, "n": count})
    assert [tree["b64_json"] for tree in trees[2::3]] == [entry["b64_json"] for entry in whole["data"]]


async def test_no_partials_come_unasked(client):
    assert [tree["type"] for tree in await streamed(client, ASK)] == ["image_generation.completed"]


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
async def test_format_and_size_are_what_was_asked_for(format):
    async with sandbox("fast") as client:
        whole = await plain(client, {**ASK, "size": "1024x640", "quality": "low", "output_format": format})
    image = picture_of(whole["data"][0]["b64_json"])
    assert (image.format, image.size, whole["size"], whole["output_format"]) == (
        format.upper(),
        (1024, 640),
        "1024x640",
        format,
    )


async def test_transparent_background_is_transparent(client):
    whole = await plain(client, {**ASK, "background": "transparent", "output_format": "webp"})
    assert whole["background"] == "transparent"
    assert picture_of(whole["data"][0]["b64_json"]).mode == "RGBA"


async def test_nothing_but_a_prompt_is_enough(client):
    assert len((await plain(client, {"prompt": "x"}))["data"]) == 1
    assert (
        len(
            (
                await plain(
                    client,
                    {"prompt": "x", "model": None, "n": None, "response_format": "b64_json", "user": "me"},
                )
            )["data"]
        )
        == 1
    )


@pytest.mark.parametrize("name", ["image", "image[]", "image[0]"])
async def test_form_of_an_edit_takes_its_pictures_under_every_name(client, name):
    answer = await edited(
        client, [(name, RED, "image/png"), (name, BLUE, "image/webp")], n="2", output_format="jpeg"
    )
    whole = answer.json()
    assert answer.status_code == 200
    assert [picture_of(entry["b64_json"]).format for entry in whole["data"]] == ["JPEG", "JPEG"]
    assert whole["usage"]["input_tokens_details"]["image_tokens"] == 2 * 2 * 32 * 22


async def test_edit_in_json_is_the_edit_of_the_form(client):
    form = (await edited(client, [("image", RED, "image/png"), ("image", BLUE, "image/webp")])).json()
    references = [{"image_url": f"data:image/png;base64,{text_of(RED)}"}, {"image_url": text_of(BLUE)}]
    json = await plain(client, {**ASK, "images": references, "moderation": "low"}, "/images/edits")
    assert json["data"] == form["data"]
    assert json["usage"] == form["usage"]


async def test_edit_changes_the_picture_and_keeps_what_is_outside_the_mask(client):
    mask = Image.new("RGBA", (96, 64), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (48, 0, 96, 64))
    whole = (await edited(client, [("image[]", RED, "image/png")], file(mask))).json()
    image = picture_of(whole["data"][0]["b64_json"])
    assert image.crop((0, 0, 48, 64)).getcolors() == [(48 * 64, (200, 40, 40))]
    free = (await edited(client, [("image[]", RED, "image/png")])).json()
    assert free["data"] != whole["data"]


async def test_stream_of_an_edit_has_its_own_names(client):
    heard = (await edited(client, [("image", RED, "image/png")], stream="true", partial_images="1")).content
    assert [tree["type"] for tree in events(heard)] == ["image_edit.partial_image", "image_edit.completed"]
    body = {**ASK, "images": [{"image_url": text_of(RED)}], "partial_images": 1}
    trees = await streamed(client, body, "/images/edits", "dialect=generation_names")
    assert [tree["type"] for tree in trees] == [
        "image_generation.partial_image",
        "image_generation.completed",
    ]


async def test_edit_by_address_is_drawn_without_the_network(client):
    body = {
        **ASK,
        "images": [{"image_url": "https://nowhere.example/a.png"}, {"file_id": "file_1"}],
        "mask": {"file_id": "file_2"},
    }
    assert len((await plain(client, body, "/images/edits"))["data"]) == 1


async def test_words_of_the_scenario_do_as_they_say(client):
    assert len((await plain(client, {**ASK, "n": 4}, scenario="deliver_n=2"))["data"]) == 2
    assert len((await plain(client, ASK, scenario="deliver_n=3"))["data"]) == 1, (
        "never more than was asked for"
    )
    assert (await plain(client, ASK, scenario="deliver_n=0"))["data"] == []
    assert await hear(client, {**ASK, "stream": True}, "deliver_n=0", "/images/generations") == (b"", "whole")
    assert (await plain(client, ASK, scenario="answer=no_image"))["data"] == []
    assert (await plain(client, ASK, scenario="answer=no_result"))["data"] == [{"b64_json": None}]
    only = await streamed(client, ASK, scenario="answer=partial_only")
    assert [tree["type"] for tree in only] == ["image_generation.partial_image"]
    assert only[0]["b64_json"] == (await plain(client, ASK))["data"][0]["b64_json"]
    padded = await plain(client, ASK, scenario="image_bytes=123456")
    assert len(base64.b64decode(padded["data"][0]["b64_json"])) == 123_456
    renamed = await plain(client, ASK, scenario="dialect=final_as_url")
    assert renamed["data"][0]["url"].startswith("data:image/png;base64,")


@pytest.mark.parametrize(
    "point, told", [("after_generating", 0), ("after_partial", 1), ("in_final", 1), ("before_completed", 2)]
)
async def test_stream_breaks_off_at_its_point(client, point, told):
    body, end = await hear(
        client, {**ASK, "stream": True, "partial_images": 1}, f"cut={point}", "/images/generations"
    )
    assert end == "cut"
    assert body.count(b"\n\n") == told


@pytest.mark.parametrize("stream", ["true", "false"])
@pytest.mark.parametrize("broken", [RED[:-30], b"hello", b"", RED[:40]])
async def test_broken_picture_is_a_400_and_never_a_stream(client, broken, stream):
    answer = await edited(
        client, [("image[]", RED, "image/png"), ("image[]", broken, "image/png")], stream=stream
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_image_file")
    assert answer.json()["error"]["param"] == "image"


@pytest.mark.parametrize("mask", [RED, file(Image.new("RGBA", (95, 64))), b"hello"])
async def test_mask_that_does_not_fit_is_a_400(client, mask):
    answer = await edited(client, [("image[]", RED, "image/png")], mask)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "mask")


@pytest.mark.parametrize(
    "body, param",
    [
        ({"prompt": None}, "prompt"), ({"prompt": 5}, "prompt"), ({"prompt": " "}, "prompt"),
        ({"prompt": "x" * 32_001}, "prompt"),
        ({"n": 0}, "n"), ({"n": 11}, "n"), ({"n": "2"}, "n"), ({"n": True}, "n"), ({"stream": "true"}, "stream"),
        ({"size": "512x512"}, "size"), ({"quality": "max"}, "quality"), ({"partial_images": 4}, "partial_images"),
        ({"output_format": "gif"}, "output_format"), ({"background": "transparent",
        "output_format": "jpeg"}, "background"),
    ],
)  # fmt: skip
def test_field_that_is_wrong_is_named(body, param):
    with pytest.raises(Invalid) as refused:
        read_batch({**ASK, **body}, False)
    assert refused.value.param == param


@pytest.mark.parametrize("body", [None, [], "x", 5])
def test_body_that_is_no_object_is_refused(body):
    with pytest.raises(Invalid):
        read_batch(body, False)


@pytest.mark.parametrize(
    "fields, param",
    [({}, "images"), ({"images": []}, "images"), ({"images": "x"}, "images"), ({"images": ["x"]}, "images"),
    ({"images": [{}]}, "images[0]"),
     ({"images": [{"image_url": text_of(RED)}] * 17}, "images"), ({"images": [{"image_url": text_of(RED)}],
     "mask": "x"}, "images"),
     ({"images": [{"image_url": "%"}]}, "images[0]")],
)  # fmt: skip
def test_references_of_an_edit_that_are_wrong_are_named(fields, param):
    with pytest.raises(Invalid) as refused:
        read_batch({**ASK, **fields}, True)
    assert refused.value.param == param


def part(name, content=b"x", type="text/plain"):
    return Part(name, content, None, type)


def test_form_is_read_with_its_numbers_and_its_stream():
    parts = [part("prompt", b"x"), part("n", b"3"), part("partial_images", b"2"), part("output_compression", b"50"),
             part("stream", b"true"), part("image", RED, "image/png"), part("future", b"?")]  # fmt: skip
    batch = read_edit_form(parts)
    assert (batch.n, batch.stream, batch.edit, batch.wish.partials, batch.wish.compression) == (
        3,
        True,
        True,
        2,
        50,
    )
    assert batch.wish.images == (RED,)


@pytest.mark.parametrize(
    "parts, code",
    [
        ([part("prompt")], "missing_required_parameter"),
        ([part("image", RED, "image/png")], "missing_required_parameter"),
        ([part("prompt"), part("image", RED, "application/octet-stream")], "unsupported_file_mimetype"),
        (
            [part("prompt"), part("image", RED, "image/png"), part("mask", RED, "image/gif")],
            "unsupported_file_mimetype",
        ),
        ([part("prompt"), *[part("image[]", RED, "image/png")] * 17], "invalid_value"),
        ([part("prompt"), part("image", RED, "image/png"), part("n", b"two")], "invalid_type"),
        ([part("prompt"), part("image", RED, "image/png"), part("n", b"9" * 5000)], "invalid_type"),
        ([part("prompt"), part("image", RED, "image/png"), part("n", b"0")], "invalid_value"),
    ],
)
def test_form_that_is_wrong_is_refused(parts, code):
    with pytest.raises(Invalid) as refused:
        read_edit_form(parts)
    assert refused.value.code == code
