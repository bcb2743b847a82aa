"""The sandbox as a server: keys, paths, scenarios from every place they may stand, and bodies that are no requests."""

import json
import struct
import zlib
from random import Random

import pytest
from PIL import Image

from darkroom.errors import Invalid
from darkroom.sandbox import make_app
from tests.sandbox.drawing import ASK, SMALL, events, file, hear, sandbox, text_of

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
PATHS = ["/responses", "/images/generations", "/images/edits"]
RED = file(Image.new("RGB", (96, 64), (200, 40, 40)))


@pytest.fixture(scope="module")
async def client(anyio_backend):
    async with sandbox() as client:
        yield client


def bomb():
    """A PNG of a few kilobytes that says it has nine hundred megapixels."""
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(10**6))),
        (b"IEND", b""),
    ]
    chunks = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


async def test_key_that_is_set_is_the_only_one_let_in():
    async with sandbox(key="sk-right") as client:
        for headers, status in (
            ({}, 401),
            ({"authorization": "Bearer sk-wrong"}, 401),
            ({"authorization": "Bearer sk-right"}, 200),
        ):
            assert (await client.post("/responses", json=ASK, headers=headers)).status_code == status
            assert (await client.get("/models", headers=headers)).status_code == status
            assert (await client.get("/models/gpt-5.5", headers=headers)).status_code == status
        answer = await client.post("/images/generations", json={"prompt": "x"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")


async def test_without_a_key_anybody_is_let_in(client):
    assert (await client.get("/models")).status_code == 200


async def test_models_are_listed_and_found(client):
    listed = (await client.get("/models")).json()["data"]
    for entry in listed:
        assert (await client.get(f"/models/{entry['id']}")).json() == entry
    missing = await client.get("/models/gpt/9")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "model_not_found")


async def test_path_that_is_unknown_is_a_404_with_a_body(client):
    answer = await client.post("/responses/resp_1", json={})
    assert answer.status_code == 404
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert "/v1/responses/resp_1" in answer.json()["error"]["message"]


async def test_every_refusal_carries_a_request_id(client):
    for answer in (
        await client.post("/responses", json={}),
        await client.get("/nothing"),
        await client.get("/models/x"),
    ):
        assert answer.headers["x-request-id"].startswith("req_")


async def test_scenario_is_taken_from_every_place_and_later_ones_win():
    async def status(body, header=""):
        return (
            await client.post("/responses", json=body, headers={"x-darkroom-scenario": header})
        ).status_code

    async with sandbox(f"{SMALL}, status=500") as client:
        tagged = {**ASK, "input": "a cat [scenario: status=429]"}
        assert await status(ASK) == 500
        assert await status(ASK, "status=502") == 502
        assert await status({**ASK, "metadata": {"scenario": "status=503"}}, "status=502") == 503
        assert await status({**tagged, "metadata": {"scenario": "status=503"}}, "status=502") == 429
        assert await status(ASK, f"none, {SMALL}") == 200
        images = await client.post("/images/generations", json={"prompt": "一只猫【scenario:status=418】"})
        assert images.status_code == 418


async def test_tag_is_not_drawn(client):
    async def drawn(prompt):
        return events((await hear(client, {**ASK, "input": prompt}))[0])[-2]["item"]

    tagged, plain = await drawn("[scenario: partials=0] a cat"), await drawn("a cat")
    assert tagged["result"] == plain["result"]
    assert "scenario" not in tagged["revised_prompt"]


@pytest.mark.parametrize("place", ["header", "metadata", "tag"])
async def test_word_that_is_unknown_is_a_400_that_names_the_known(client, place):
    body = {**ASK, "metadata": {"scenario": "crash"} if place == "metadata" else None}
    body["input"] = "a cat [scenario: crash]" if place == "tag" else "a cat"
    headers = {"x-darkroom-scenario": "crash"} if place == "header" else {}
    answer = await client.post("/responses", json=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unknown_scenario")
    assert "delay_headers_ms" in answer.json()["error"]["message"]


async def test_metadata_that_is_strange_is_no_scenario(client):
    for metadata in (5, [], {"scenario": 5}, {"scenario": None}, {"scenario": ""}):
        assert (await client.post("/responses", json={**ASK, "metadata": metadata})).status_code == 200


def test_usual_scenario_that_is_wrong_is_told_at_the_start():
    with pytest.raises(Invalid):
        make_app("crash")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"null", b"[]", b"5", b'"x"', b"{}", b"\xff\xfe", b'{"prompt": "\xff"}', b"[" * 100_000,
    b'{"a":1e999}', b'{"prompt":"\\ud800"}',
     b"not json", b"a=b&c=d"],
)  # fmt: skip
async def test_body_that_is_no_request_is_a_400(client, path, content):
    answer = await client.post(path, content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        'multipart/mixed; boundary="',
        "text/plain",
        "",
    ],
)
async def test_form_that_is_none_is_a_400(client, kind):
    for path in PATHS:
        assert (
            await client.post(path, content=b"--y\r\n\r\n", headers={"content-type": kind})
        ).status_code == 400


@pytest.mark.parametrize(
    "content",
    [bomb(), RED[:-30], file(Image.new("P", (8, 8)), "GIF")[:20], b"\x89PNG\r\n\x1a\n" + b"\0" * 90],
)
async def test_picture_that_is_broken_or_a_bomb_is_a_400_on_every_path(client, content):
    text = text_of(content)
    shown = [
        {
            "role": "user",
            "content": [{"type": "input_text", "text": "x"}, {"type": "input_image", "image_url": text}],
        }
    ]
    answers = [
        await client.post("/responses", json={**ASK, "input": shown}),
        await client.post("/responses", json={**ASK, "input": shown, "stream": False}),
        await client.post(
            "/images/edits", json={"prompt": "x", "images": [{"image_url": text}], "stream": True}
        ),
        await client.post(
            "/images/edits", data={"prompt": "x"}, files={"image": ("a", content, "image/png")}
        ),
        await client.post(
            "/images/edits",
            data={"prompt": "x"},
            files={"image": ("a", RED, "image/png"), "mask": ("m", content, "image/png")},
        ),
    ]
    for answer in answers:
        assert answer.status_code == 400
        assert answer.json()["error"]["code"].startswith(("invalid_image", "image_too_large"))


async def test_any_value_in_any_place_is_never_a_500(client):
    rng = Random(7)
    values = [
        None,
        5,
        1.5,
        "",
        "x",
        True,
        [],
        [[]],
        {},
        {"type": {}},
        10**40,
        -1,
        [5],
        {"scenario": 5},
        {"a": [{}]},
        "\u0000",
    ]
    request = {**ASK, "instructions": "x", "temperature": 1, "metadata": {}, "text": {}, "reasoning": {}, "include": [],
               "tools": [{"type": "function", "name": "f", "parameters": {"type": "object",
               "properties": {"a": {"type": "string"}}}},
                         ASK["tools"][0]]}  # fmt: skip
    batch = {
        "prompt": "x",
        "n": 1,
        "size": "auto",
        "quality": "low",
        "stream": True,
        "model": "gpt-image-2",
        "images": [{"image_url": text_of(RED)}],
    }

    def spoiled(tree, depth):
        if depth == 0 or not isinstance(tree, dict | list) or not tree:
            return rng.choice(values)
        at = rng.choice(list(tree) if isinstance(tree, dict) else range(len(tree)))
        copy = tree.copy()
        copy[at] = spoiled(tree[at], depth - 1)
        return copy

    for _ in range(50):
        for path, body in zip(PATHS, (request, batch, batch), strict=True):
            sent = json.dumps(spoiled(body, rng.randint(1, 4)))
            answer = await client.post(path, content=sent, headers={"content-type": "application/json"})
            assert answer.status_code in (200, 400, 404), sent
