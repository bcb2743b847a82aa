"""The stories of /v1/responses over loopback: a real picture, a few words, or a call."""

import json

import pytest
from PIL import Image

from darkroom.sandbox.dialects import DIALECTS
from darkroom.sandbox.responses import reply
from darkroom.wire.tokens import text_tokens
from tests.sandbox.drawing import ASK, events, far, file, hear, kinds, picture_of, sandbox, text_of

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
TOOL = ASK["tools"][0]
RED = file(Image.new("RGB", (96, 64), (200, 40, 40)))


@pytest.fixture(scope="module")
async def client(anyio_backend):
    async with sandbox() as client:
        yield client


def asked(prompt="a lighthouse", stream=True, pictures=(), **tool):
    parts = [{"type": "input_text", "text": prompt}]
    parts += [
        {"type": "input_image", "image_url": f"data:image/png;base64,{text_of(one)}"} for one in pictures
    ]
    tools = [{**TOOL, **tool}]
    return {**ASK, "stream": stream, "input": [{"role": "user", "content": parts}], "tools": tools}


async def streamed(client, body, scenario=""):
    heard, end = await hear(client, body, scenario)
    assert end == "whole"
    return events(heard)


async def plain(client, body, scenario=""):
    answer = await client.post(
        "/responses", json={**body, "stream": False}, headers={"x-darkroom-scenario": scenario}
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def result(response):
    return next(item["result"] for item in response["output"] if item["type"] == "image_generation_call")


def images(trees):
    """Partial pictures and the final one."""
    partials = [tree["partial_image_b64"] for tree in trees if "partial_image_b64" in tree]
    done = next(tree["item"] for tree in trees if tree["type"].endswith("item.done"))
    return [picture_of(text) for text in partials], picture_of(done["result"])


async def test_stream_keeps_ids_and_ends_with_the_whole_response(client):
    trees = await streamed(client, asked())
    done, completed = trees[-2], trees[-1]["response"]
    assert completed["output"] == [done["item"]]
    assert {tree["response"]["id"] for tree in trees if "response" in tree} == {completed["id"]}
    assert {tree["item_id"] for tree in trees if "item_id" in tree} == {done["item"]["id"]}
    assert (completed["status"], completed["model"]) == ("completed", "gpt-5.5")
    assert trees[0]["response"]["tool_usage"]["image_gen"]["total_tokens"] == 0


async def test_plain_answer_says_the_same_as_the_stream(client):
    whole = await plain(client, asked())
    trees = await streamed(client, asked())
    assert result(whole) == result(trees[-1]["response"])
    assert set(whole) == set(trees[-1]["response"])


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("count", [0, 1, 3])
async def test_partials_are_real_pictures_from_coarse_to_fine(client, format, count):
    trees = await streamed(client, asked(output_format=format, partial_images=count))
    partials, final = images(trees)
    assert len(partials) == count
    for image in (*partials, final):
        assert (image.format, image.size) == (format.upper(), (96, 64))
    distances = [far(image, final) for image in partials]
    assert distances == sorted(distances, reverse=True)
    assert all(distances)
    events_of = [tree for tree in trees if "partial_image_b64" in tree]
    assert [tree["partial_image_index"] for tree in events_of] == list(range(count))
    assert all((tree["size"], tree["output_format"]) == ("96x64", format) for tree in events_of)


async def test_size_that_is_asked_for_is_the_size_that_comes():
    async with sandbox("fast") as client:
        response = await plain(
            client, asked(size="1152x576", quality="low", output_format="jpeg", partial_images=0)
        )
    item = response["output"][0]
    assert (item["size"], item["quality"], item["output_format"]) == ("1152x576", "low", "jpeg")
    assert picture_of(item["result"]).size == (1152, 576)


@pytest.mark.parametrize("format", ["png", "webp"])
async def test_transparent_background_is_transparent(client, format):
    trees = await streamed(client, asked("a rose", background="transparent", output_format=format))
    partials, final = images(trees)
    assert trees[-2]["item"]["background"] == "transparent"
    assert {image.mode for image in (*partials, final)} == {"RGBA"}
    assert final.getchannel("A").getextrema() == (0, 255)


async def test_picture_follows_from_the_prompt(client):
    same, again, other = [
        result(await plain(client, asked(prompt))) for prompt in ("a cat", "a cat", "a dog")
    ]
    assert same == again != other
    seeded = result(await plain(client, asked("a cat"), "seed=1"))
    marked = result(await plain(client, asked("a cat"), "mark"))
    assert len({same, seeded, marked}) == 3


async def test_compression_makes_the_file_smaller(client):
    sizes = [
        len(result(await plain(client, asked(output_format="jpeg", output_compression=level))))
        for level in (10, 90)
    ]
    assert sizes[0] < sizes[1]


async def test_usage_counts_words_patches_and_streamed_partials(client):
    body = asked("a" * 40, pictures=(RED,), size="1024x1024", partial_images=2)
    # The delivered size counts: ask for what is wanted.
    script = "deliver_size=1024x1024"
    stream, whole = (await streamed(client, body, script))[-1]["response"], await plain(client, body, script)
    for response, made in ((stream, 1756 + 200), (whole, 1756)):
        image = response["tool_usage"]["image_gen"]
        assert image["input_tokens_details"] == {"image_tokens": 32 * 22, "text_tokens": 10 + 16}
        assert image["output_tokens"] == made
        assert image["total_tokens"] == 32 * 22 + 26 + made
        assert response["usage"]["input_tokens"] == 10 + 8


async def test_edit_changes_the_picture_that_was_sent(client):
    trees = await streamed(client, asked("at night", pictures=(RED,)))
    assert trees[-2]["item"]["action"] == "edit"
    red, _, blue = images(trees)[1].resize((1, 1)).getpixel((0, 0))
    assert red > blue
    made = {"type": "image_generation_call", "id": "ig_1", "result": trees[-2]["item"]["result"]}
    again = {**ASK, "input": [{"role": "user", "content": "x"}, made, {"role": "user", "content": "at dawn"}]}
    assert (await plain(client, again))["output"][0]["action"] == "edit"


async def test_nothing_outside_the_mask_changes(client):
    mask = Image.new("RGBA", (96, 64), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (48, 0, 96, 64))
    image = picture_of(
        result(
            await plain(
                client,
                asked("a forest", pictures=(RED,), input_image_mask={"image_url": text_of(file(mask))}),
            )
        )
    )
    assert image.crop((0, 0, 48, 64)).getcolors() == [(48 * 64, (200, 40, 40))]
    assert len(image.crop((48, 0, 96, 64)).getcolors(1 << 16)) > 100


@pytest.mark.parametrize("prompt", ["Tell me a story", "讲个故事"])
async def test_words_without_the_tool_get_words(client, prompt):
    body = {"model": "gpt-5.5", "input": prompt, "stream": True}
    trees = await streamed(client, body)
    assert kinds(trees)[:4] == ["created", "in_progress", "output_item.added", "content_part.added"]
    deltas = [tree["delta"] for tree in trees if tree["type"].endswith("text.delta")]
    assert len(deltas) > 3 or prompt == "讲个故事"
    message = trees[-1]["response"]["output"][0]
    text = message["content"][0]["text"]
    assert "".join(deltas) == text == reply(prompt)
    assert prompt in text
    assert trees[-1]["response"]["usage"]["output_tokens"] == text_tokens(text)
    assert trees[-1]["response"]["tool_usage"]["image_gen"]["total_tokens"] == 0
    assert (await plain(client, body))["output"][0]["content"] == message["content"]


async def test_function_is_called(client):
    tool = {
        "type": "function",
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
    trees = await streamed(client, {"model": "gpt-5.5", "input": "x", "stream": True, "tools": [tool]})
    call = trees[-1]["response"]["output"][0]
    assert (call["type"], call["name"], json.loads(call["arguments"])) == (
        "function_call",
        "weather",
        {"city": "sandbox"},
    )
    assert "function_call_arguments.delta" in kinds(trees)


def test_long_words_are_said_back_in_short():
    assert len(reply("x" * 5000)) < 400


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
async def test_files_are_padded_to_the_bytes_that_are_asked_for(client, format):
    trees = await streamed(client, asked(output_format=format), "image_bytes=300000, partial_bytes=200000")
    partial = next(tree["partial_image_b64"] for tree in trees if "partial_image_b64" in tree)
    assert (len(partial), len(trees[-2]["item"]["result"])) == (200_000 // 3 * 4 + 4, 400_000)
    assert images(trees)[1].size == (96, 64)


async def test_upstream_may_do_as_it_likes(client):
    trees = await streamed(client, asked(), "deliver_size=125x77, deliver_format=webp, partials=5")
    partials, final = images(trees)
    assert len(partials) == 5
    assert (final.size, final.format) == ((125, 77), "WEBP")
    assert (trees[-2]["item"]["size"], trees[-2]["item"]["output_format"]) == ("125x77", "webp")


async def test_jpeg_that_comes_in_place_of_a_transparent_picture_says_that_it_is_opaque(client):
    body = asked("a rose", background="transparent")
    item = (await plain(client, body, "deliver_format=jpeg"))["output"][0]
    assert (item["output_format"], item["background"]) == ("jpeg", "opaque")
    assert picture_of(item["result"]).format == "JPEG"


async def test_answers_without_a_picture(client):
    refusal = await plain(client, asked(), "answer=refusal")
    assert [item["type"] for item in refusal["output"]] == ["message"]
    assert refusal["tool_usage"]["image_gen"]["total_tokens"] == 0
    assert (await plain(client, asked(), "answer=no_image"))["output"] == []
    failed = (await plain(client, asked(), "answer=no_result"))["output"][0]
    assert (failed["status"], failed["result"], failed["error"]["code"]) == ("failed", None, "server_error")
    trees = await streamed(client, asked(), "answer=partial_only")
    assert trees[-1]["response"]["output"] == []
    assert [tree["partial_image_index"] for tree in trees if "partial_image_b64" in tree] == [0, 1]
    whole = result(await plain(client, asked()))
    assert [tree["partial_image_b64"] for tree in trees if "partial_image_b64" in tree][1] == whole


async def test_reasoning_and_message_stand_around_the_picture(client):
    trees = await streamed(client, asked(), "dialect=reasoning+message")
    assert [item["type"] for item in trees[-1]["response"]["output"]] == [
        "reasoning",
        "image_generation_call",
        "message",
    ]
    done = [tree["output_index"] for tree in trees if tree["type"].endswith("item.done")]
    assert done == [0, 1, 2]


@pytest.mark.parametrize("broken", [RED[:-30], RED[:50], b"hello"])
@pytest.mark.parametrize("stream", [True, False])
async def test_broken_picture_is_a_400_before_the_stream_begins(client, broken, stream):
    answer = await client.post("/responses", json=asked(stream=stream, pictures=(RED, broken)))
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in ("invalid_image_file", "invalid_image_format")


def unescaped(body):
    for escape, sign in ((b"\\/", b"/"), (b"\\u002f", b"/"), (b"\\u003d", b"="), (b"\\u002b", b"+")):
        body = body.replace(escape, sign)
    return body


async def test_every_dialect_holds_the_finished_picture_in_stream_and_plain(client):
    final = result(await plain(client, asked())).encode()
    usual = kinds(await streamed(client, asked()))
    for name in DIALECTS:
        for stream in (True, False):
            body, end = await hear(client, asked(stream=stream), f"dialect={name}")
            assert end == "whole", name
            assert final in unescaped(body), name
    assert kinds(await streamed(client, asked(), "dialect=type_plain")) == usual


@pytest.mark.parametrize(
    "name, kind",
    [("type_plain", "text/plain"), ("type_octets", "application/octet-stream"), ("type_json", "application/json"),
     ("type_bare", "text/event-stream"), ("no_type", None), ("crlf", "text/event-stream; charset=utf-8")],
)  # fmt: skip
async def test_stream_is_sent_as_the_dialect_says(client, name, kind):
    answer = await client.post("/responses", json=asked(), headers={"x-darkroom-scenario": f"dialect={name}"})
    assert answer.headers.get("content-type") == kind
    assert answer.headers["cache-control"] == "no-cache"


async def test_swapped_answer_is_json_for_a_stream_and_a_stream_for_json(client):
    body, _ = await hear(client, asked(stream=True), "dialect=swap")
    assert json.loads(body)["status"] == "completed"
    assert kinds(events((await hear(client, asked(stream=False), "dialect=swap"))[0]))[-1] == "completed"


async def test_stream_opens_and_closes_as_the_dialects_say(client):
    body, _ = await hear(client, asked(), "dialect=bom+retry_line+done_mark+no_last_blank")
    assert body.startswith(b"\xef\xbb\xbfretry: 3000\n\n")
    assert body.endswith(b"\n\ndata: [DONE]\n")
