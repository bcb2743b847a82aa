"""Pictures with an address, pictures named by id in later turns, files, and what was asked against what came."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image

from tests.relaying import Heard, channel, relaying, upstream
from tests.web.test_images import SPEAKS, TOOL, opened, png, running

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("images")]


@pytest.mark.parametrize("speaks", ["responses", "images"])
@pytest.mark.parametrize("n", [1, 2])
async def test_address_is_given_and_opens_the_picture_on_every_route(
    tmp_path: Path, speaks: str, n: int
) -> None:
    async with running(tmp_path, speaks=SPEAKS[speaks], streams=SPEAKS[speaks]) as (_, client):
        asked: Any = {
            "model": "gpt-image-2",
            "prompt": "boats",
            "n": n,
            "size": "1024x1024",
            "quality": "low",
        }
        asked["response_format"] = "url"
        whole = await client.images.generate(**asked)
        edited = await client.images.edit(**asked, image=("a.png", png()))
        stream = await client.images.generate(**asked, stream=True, extra_body={"partial_images": 1})
        events = [event async for event in stream]
        links = [entry.url for made in (whole, edited) for entry in made.data or ()]
        links += [event.url for event in events if event.type == "image_generation.completed"]  # type: ignore[union-attr]
        assert len(links) == len(set(links)) == 3 * n
        assert all(entry.b64_json is None for made in (whole, edited) for entry in made.data or ())
        async with httpx2.AsyncClient() as anyone:
            for link in links:
                got = await anyone.get(str(link))
                assert (got.status_code, got.headers["content-type"]) == (200, "image/png")
                assert Image.open(io.BytesIO(got.content)).size == (1024, 1024)
            forged = await anyone.get(str(links[0]).replace("signature=", "signature=A"))
            assert forged.status_code == 403


async def test_addresses_are_refused_where_nothing_is_stored(tmp_path: Path) -> None:
    async with running(tmp_path, settings={"store_pictures": "never"}) as (relay, _):
        body = {"model": "gpt-image-2", "prompt": "x", "response_format": "url"}
        async with httpx2.AsyncClient() as caller:
            answer = await caller.post(
                relay.url + "/v1/images/generations", headers=relay.headers, content=json.dumps(body)
            )
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "response_format"


async def test_key_has_its_own_say_whether_its_pictures_have_addresses(tmp_path: Path) -> None:
    async with running(tmp_path, settings={"store_pictures": "never"}) as (relay, _):
        body = {"model": "gpt-image-2", "prompt": "x", "response_format": "url"}
        secrets = [(await relay.gateway.keys.create("admin", store=s))[1] for s in ("always", "never")]  # type: ignore[arg-type]
        async with httpx2.AsyncClient(timeout=30) as caller:
            kept, refused = [
                await caller.post(
                    relay.url + "/v1/images/generations",
                    headers={**relay.headers, "authorization": f"Bearer {secret}"},
                    content=json.dumps(body),
                )
                for secret in secrets
            ]
            assert (await caller.get(kept.json()["data"][0]["url"])).status_code == 200
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "response_format")


@pytest.mark.parametrize("speaks", ["responses", "images"])
async def test_later_turn_names_a_picture_by_its_id_alone(tmp_path: Path, speaks: str) -> None:
    async with running(tmp_path, speaks=SPEAKS[speaks], streams=SPEAKS[speaks]) as (relay, client):
        asked: Any = {"model": "gpt-5.5", "tools": [TOOL], "tool_choice": {"type": "image_generation"}}
        first = await client.responses.create(**asked, input="a boat", store=speaks == "responses" or None)
        call = next(item for item in first.output if item.type == "image_generation_call")
        await relay.idle()
        # As if another relay had made it: no channel here knows the id.
        relay.gateway.ids._remembered.clear()
        relay.gateway.ids._waiting.clear()
        turn: Any = [
            {"type": "image_generation_call", "id": call.id},
            {"role": "user", "content": "at night"},
        ]
        second = await client.responses.create(**asked, input=turn)
        made = next(item for item in second.output if item.type == "image_generation_call")
        assert opened(made.result or "").size == (1024, 1024)
        secret = (await relay.gateway.keys.create("admin"))[1]
        assert secret
        with pytest.raises(Exception, match="not found"):
            await client.responses.create(**asked, input=[{**turn[0], "id": "ig_nobody"}, turn[1]])


@pytest.mark.parametrize("speaks", ["responses", "images"])
async def test_file_is_uploaded_once_and_named_by_its_id(tmp_path: Path, speaks: str) -> None:
    async with running(tmp_path, speaks=SPEAKS[speaks], streams=SPEAKS[speaks]) as (_, client):
        file = await client.files.create(file=("a.png", png()), purpose="vision")
        content: Any = [
            {"type": "input_text", "text": "frame it"},
            {"type": "input_image", "file_id": file.id},
        ]
        answer = await client.responses.create(
            model="gpt-5.5",
            input=[{"role": "user", "content": content}],
            tools=[TOOL],  # type: ignore[list-item]
            tool_choice={"type": "image_generation"},
        )
        made = next(item for item in answer.output if item.type == "image_generation_call")
        assert opened(made.result or "").size == (1024, 1024)
        await client.files.delete(file.id)
        with pytest.raises(Exception, match="upload it again"):
            await client.responses.create(
                model="gpt-5.5",
                input=[{"role": "user", "content": content}],
                tools=[TOOL],  # type: ignore[list-item]
                tool_choice={"type": "image_generation"},
            )


async def test_pictures_by_address_are_fetched_through_the_guard(tmp_path: Path) -> None:
    async with running(tmp_path, speaks=("images",), streams=("images",)) as (_, client):
        content: Any = [
            {"type": "input_text", "text": "frame it"},
            {"type": "input_image", "image_url": "http://127.0.0.1:9/a.png"},
        ]
        with pytest.raises(Exception, match="not on the public internet") as refused:
            await client.responses.create(
                model="gpt-5.5",
                input=[{"role": "user", "content": content}],
                tools=[TOOL],  # type: ignore[list-item]
                tool_choice={"type": "image_generation"},
            )
        assert refused.value.status_code == 400  # type: ignore[attr-defined]


async def test_asked_against_delivered_is_in_a_header_the_trace_and_the_metrics(tmp_path: Path) -> None:
    async with running(tmp_path) as (relay, _), httpx2.AsyncClient(timeout=30) as caller:
        body: dict[str, Any] = {
            "model": "gpt-image-2",
            "prompt": "a boat",
            "size": "1024x1024",
            "quality": "low",
        }
        path = relay.url + "/v1/images/generations"
        right = await caller.post(path, headers=relay.headers, content=json.dumps(body))
        assert right.headers["x-darkroom-fidelity"] == "exact"
        wrong = {**body, "prompt": "a boat [scenario: fast, deliver_size=1024x1536]"}
        answer = await caller.post(path, headers=relay.headers, content=json.dumps(wrong))
        assert answer.headers["x-darkroom-fidelity"] == "size: asked 1024x1024, got 1024x1536"
        await relay.idle()
        metrics = await caller.get(relay.url + "/metrics")
        assert metrics.status_code == 200
        assert (
            'darkroom_requests_total{code="",outcome="completed",status="200",surface="images"} 2.0'
            in metrics.text
        )


@pytest.mark.parametrize("surface", ["generations", "responses"])
@pytest.mark.parametrize("stream", [True, False])
async def test_upstream_that_gives_addresses_gives_the_caller_pictures(
    tmp_path: Path, surface: str, stream: bool
) -> None:
    async def host(heard: Heard) -> None:
        await heard.whole("200 OK", "image/png", png(128, 128))

    async with upstream(host) as images:

        async def play(heard: Heard) -> None:
            entry = {"url": f"http://127.0.0.1:{images.port}/1.png", "b64_json": None}
            answer = {"created": 5, "data": [entry], "usage": {"total_tokens": 3}}
            await heard.whole("200 OK", "application/json", json.dumps(answer).encode())

        async with (
            upstream(play) as up,
            relaying(tmp_path, channel(up, speaks=("images",)), fetch_private=True) as relay,
            httpx2.AsyncClient(timeout=20) as caller,
        ):
            body: dict[str, Any] = {"model": "gpt-image-2", "prompt": "x", "stream": stream}
            if surface == "responses":
                body = {"model": "gpt-5.5", "input": "x", "tools": [TOOL], "stream": stream}
            path = "/v1/responses" if surface == "responses" else "/v1/images/generations"
            answer = await caller.post(relay.url + path, headers=relay.headers, content=json.dumps(body))
            assert answer.status_code == 200, answer.text
            assert base64.b64encode(png(128, 128)).decode() in answer.text
            await relay.idle()
            (trace,) = await relay.traces()
            assert trace.delivered[0]["size"] == "128x128"
            assert trace.repairs["url"] == 1


async def test_upstreams_picture_that_cannot_be_fetched_is_an_upstream_error(tmp_path: Path) -> None:
    async def play(heard: Heard) -> None:
        answer = {"created": 5, "data": [{"url": "http://127.0.0.1:9/1.png"}]}
        await heard.whole("200 OK", "application/json", json.dumps(answer).encode())

    async with upstream(play) as up, relaying(tmp_path, channel(up, speaks=("images",))) as relay:
        async with httpx2.AsyncClient(timeout=20) as caller:
            body = {"model": "gpt-image-2", "prompt": "x"}
            answer = await caller.post(
                relay.url + "/v1/images/generations", headers=relay.headers, content=json.dumps(body)
            )
        assert answer.status_code == 502
        assert "could not be fetched" in answer.json()["error"]["message"]
        assert answer.headers["x-should-retry"] == "false"
