"""Any client surface over any upstream surface: the Images API, edits, and both bridges, with OpenAI's own client."""

import base64
import contextlib
import io
import json
from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai import AsyncOpenAI
from PIL import Image

from darkroom.channels.catalog import Channel
from darkroom.sandbox import make_app as make_sandbox
from darkroom.web.server import serving
from tests.relaying import Relaying, relaying

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("images")]
SPEAKS = {"responses": ("responses",), "images": ("images",), "both": ("responses", "images")}
TOOL = {"type": "image_generation", "model": "gpt-image-2", "size": "1024x1024", "quality": "low"}


def png(width: int = 64, height: int = 64, mode: str = "RGBA") -> bytes:
    """A picture with a transparent corner, where the mode has one."""
    out = io.BytesIO()
    image = Image.new(mode, (width, height), "red")
    if mode == "RGBA":
        image.paste((0, 0, 0, 0), (0, 0, width // 2, height // 2))
    image.save(out, "png")
    return out.getvalue()


def opened(encoded: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(encoded)))


@contextlib.asynccontextmanager
async def running(folder: Path, **fields: Any) -> AsyncIterator[tuple[Relaying, AsyncOpenAI]]:
    """A relay in front of a drawing upstream, and OpenAI's client."""
    scenario = fields.pop("scenario", "fast")
    settings = fields.pop("settings", {})
    async with serving(make_sandbox(scenario), "127.0.0.1", 0) as upstream:
        base = {"name": "up", "base_url": f"http://127.0.0.1:{upstream.port}/v1", "api_key": "sk-up"}
        async with relaying(folder, Channel(**{**base, **fields}), **settings) as relay:
            async with AsyncOpenAI(base_url=relay.url + "/v1", api_key=relay.secret, max_retries=0) as client:
                yield relay, client


async def finished(client: AsyncOpenAI, surface: str, stream: bool) -> tuple[list[str], int]:
    """The finished pictures of a request, and how many partial ones came before."""
    partials, done = 0, []
    if surface == "responses":
        tools: Any = [{**TOOL, "partial_images": 1}] if stream else [TOOL]
        asked: Any = {
            "model": "gpt-5.5",
            "input": "a boat",
            "tools": tools,
            "tool_choice": {"type": TOOL["type"]},
        }
        if not stream:
            whole = await client.responses.create(**asked)
            return [item.result for item in whole.output if item.type == "image_generation_call"], 0
        async with client.responses.stream(**asked) as told:
            async for event in told:
                partials += event.type == "response.image_generation_call.partial_image"
            last = await told.get_final_response()
        return [item.result for item in last.output if item.type == "image_generation_call"], partials
    asked = {"model": "gpt-image-2", "prompt": "a boat", "size": "1024x1024", "quality": "low"}
    make: Any = client.images.generate
    if surface == "edits":
        make, asked["image"], asked["mask"] = client.images.edit, [("a.png", png()), ("b.png", png())], png()
    if not stream:
        whole = await make(**asked)
        assert whole.usage.output_tokens > 0
        return [entry.b64_json for entry in whole.data], 0
    prefix = "image_edit" if surface == "edits" else "image_generation"
    async for event in await make(**asked, stream=True, partial_images=1):
        if event.type == f"{prefix}.partial_image":
            partials += 1
        else:
            assert event.type == f"{prefix}.completed"
            assert event.usage.output_tokens > 0
            done.append(event.b64_json)
    return done, partials


@pytest.mark.parametrize("speaks", SPEAKS)
async def test_every_surface_works_over_every_upstream(tmp_path: Path, speaks: str) -> None:
    async with running(tmp_path, speaks=SPEAKS[speaks], streams=SPEAKS[speaks]) as (relay, client):
        for surface, stream in product(("generations", "edits", "responses"), (True, False)):
            pictures, partials = await finished(client, surface, stream)
            assert [opened(picture).size for picture in pictures] == [(1024, 1024)], (surface, stream)
            assert partials == (1 if stream else 0), (surface, stream)
        await relay.idle()
        traces = await relay.traces()
        assert {trace.outcome for trace in traces} == {"completed"}
        assert all(len(trace.attempts) == 1 and trace.repairs == {} for trace in traces)
        assert all(trace.delivered[0]["size"] == "1024x1024" for trace in traces)


@pytest.mark.parametrize("speaks", ["responses", "images"])
async def test_upstream_that_never_streams_serves_streams_all_the_same(tmp_path: Path, speaks: str) -> None:
    async with running(tmp_path, speaks=SPEAKS[speaks], streams=()) as (_, client):
        for surface in ("generations", "edits", "responses"):
            pictures, partials = await finished(client, surface, True)
            assert [opened(picture).size for picture in pictures] == [(1024, 1024)]
            assert partials == 0


@pytest.mark.parametrize("speaks, calls", [("responses", 3), ("images", 1)])
async def test_several_pictures_are_several_calls_only_where_they_must_be(
    tmp_path: Path, speaks: str, calls: int
) -> None:
    async with running(tmp_path, speaks=SPEAKS[speaks], streams=SPEAKS[speaks]) as (relay, client):
        asked: Any = {
            "model": "gpt-image-2",
            "prompt": "boats",
            "n": 3,
            "size": "1024x1024",
            "quality": "low",
        }
        whole = await client.images.generate(**asked)
        assert [opened(entry.b64_json or "").size for entry in whole.data or ()] == [(1024, 1024)] * 3
        events = [
            event async for event in await client.images.generate(**asked, stream=True, partial_images=1)
        ]
        kinds = [event.type for event in events]
        assert kinds.count("image_generation.completed") == 3
        assert kinds.count("image_generation.partial_image") == 3
        one = await client.images.generate(**{**asked, "n": 1})
        assert whole.usage
        assert one.usage
        assert whole.usage.output_tokens == 3 * one.usage.output_tokens
        await relay.idle()
        traces = await relay.traces()
        assert [len(trace.attempts) for trace in traces] == [1, calls, calls]
        assert [len(trace.delivered) for trace in traces] == [1, 3, 3]


async def test_some_of_several_is_a_success_that_says_how_many_failed(tmp_path: Path) -> None:
    broken = Channel(name="bad", base_url="http://127.0.0.1:9/v1", api_key="sk-x", speaks=("responses",))
    assert broken.speaks == ("responses",)
    async with running(tmp_path, speaks=("responses",), streams=("responses",)) as (relay, _):
        body = {"model": "gpt-image-2", "prompt": "boats [scenario: fast]", "n": 2, "quality": "low"}
        async with httpx2.AsyncClient(timeout=30) as caller:
            answer = await caller.post(
                relay.url + "/v1/images/generations", headers=relay.headers, content=json.dumps(body)
            )
            failed = await caller.post(
                relay.url + "/v1/images/generations",
                headers=relay.headers,
                content=json.dumps({**body, "prompt": "boats [scenario: fast, status=429]"}),
            )
        assert answer.status_code == 200
        assert len(answer.json()["data"]) == 2
        assert failed.status_code == 429
        assert failed.json()["error"]["code"]


async def test_bridge_lists_what_it_cannot_carry(tmp_path: Path) -> None:
    async with running(tmp_path, speaks=("images",), streams=("images",)) as (relay, _):
        body = {
            "model": "gpt-5.5", "input": "a boat", "tools": [TOOL], "tool_choice": {"type": "image_generation"},
            "reasoning": {"effort": "high"}, "text": {"format": {"type": "json_object"}},
        }  # fmt: skip
        async with httpx2.AsyncClient(timeout=30) as caller:
            answer = await caller.post(
                relay.url + "/v1/responses", headers=relay.headers, content=json.dumps(body)
            )
        assert answer.status_code == 200
        assert "text" in answer.headers["x-darkroom-lost"]
        await relay.idle()
        (trace,) = await relay.traces()
        assert trace.lost
        assert ", ".join(trace.lost) == answer.headers["x-darkroom-lost"]


@pytest.mark.parametrize(
    "files, param, word",
    [
        ({"image": ("a.png", png(64, 64)), "mask": ("m.png", png(32, 64))}, "mask", "32x64"),
        ({"image": ("a.png", png(64, 64)), "mask": ("m.png", png(64, 64, "RGB"))}, "mask", "alpha"),
        ({"image": ("a.png", png()[:60])}, "image", "a.png"),
        ({"image": ("a.png", b"")}, "image", "empty"),
        ({"image": ("a.txt", b"hello, this is no picture at all")}, "image", "a.txt"),
        ({"picture": ("a.png", png())}, "picture", "image"),
    ],
)
async def test_wrong_edit_is_told_which_file_and_why_before_any_upstream_is_asked(
    tmp_path: Path, files: dict[str, Any], param: str, word: str
) -> None:
    async with running(tmp_path) as (relay, _):
        async with httpx2.AsyncClient(timeout=30) as caller:
            answer = await caller.post(
                relay.url + "/v1/images/edits",
                headers={"authorization": f"Bearer {relay.secret}"},
                data={"model": "gpt-image-2", "prompt": "x"},
                files=files,
            )
        assert answer.status_code == 400, answer.text
        error = answer.json()["error"]
        assert error["param"].startswith(param)
        assert word in error["message"]
        await relay.idle()
        assert [trace.attempts for trace in await relay.traces()] == [[]]


async def test_variations_say_what_to_use_instead(tmp_path: Path) -> None:
    async with running(tmp_path) as (relay, _), httpx2.AsyncClient() as caller:
        answer = await caller.post(relay.url + "/v1/images/variations", headers=relay.headers, content=b"")
        assert answer.status_code == 404
        assert "/v1/images/edits" in answer.json()["error"]["message"]
