"""OpenAI's Python SDK, unmodified, gets pictures and errors from the relay as it would from OpenAI."""

import base64
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from darkroom.sandbox.dialects import DIALECTS
from darkroom.sandbox.faults import SECRETS, SHAPES
from tests.e2e.clients import digest_of, digest_of_text
from tests.e2e.serving import BIN, Target

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("e2e")]

TOOL = {
    "type": "image_generation",
    "model": "gpt-image-2",
    "size": "1024x1024",
    "quality": "low",
    "output_format": "png",
    "partial_images": 1,
}
ASK: dict[str, Any] = {
    "model": "gpt-5",
    "input": "A lighthouse at dawn",
    "tools": [TOOL],
    "tool_choice": {"type": "image_generation"},
}
SMALL = {**ASK, "tools": [{**TOOL, "output_format": "jpeg"}]}
"""The same picture in a tenth of the bytes, where there is much to ask."""


@pytest.fixture
def client(target: Target) -> Iterator[OpenAI]:
    with OpenAI(base_url=target.url, api_key=target.key, max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def upstreamed(through: Target) -> Iterator[OpenAI]:
    """A client of the relay with an upstream; one for all dialects, as a customer keeps one."""
    with OpenAI(base_url=through.url, api_key=through.key, max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def lighthouse(built_in: Target) -> str:
    """The digest of the picture that everybody here asks for."""
    return picture_of(built_in, ASK, "PNG")


@pytest.fixture(scope="module")
def small(built_in: Target) -> str:
    """The digest of the small picture."""
    return picture_of(built_in, SMALL, "JPEG")


def picture_of(target: Target, ask: dict[str, Any], format: str) -> str:
    """The digest of the picture that a relay answers with."""
    with OpenAI(base_url=target.url, api_key=target.key) as client:
        [call] = calls(client.responses.create(**ask, **playing("fast")))
    return digest_of(base64.b64decode(call.result), format)


def playing(scenario: str) -> dict[str, Any]:
    """What asks for a scenario: the built-in sandbox reads the header, an upstream only the body."""
    return {"extra_headers": {"x-darkroom-scenario": scenario}, "metadata": {"scenario": scenario}}


def calls(response: Any) -> list[Any]:
    """The image calls of a response."""
    return [item for item in response.output if item.type == "image_generation_call"]


# pictures


def test_create_answers_with_the_picture(client: OpenAI, lighthouse: str) -> None:
    response = client.responses.create(**ASK)
    assert response.status == "completed"
    assert response.usage is not None
    [call] = calls(response)
    assert (call.status, digest_of_text(call.result)) == ("completed", lighthouse)


def test_create_streams_every_stage(client: OpenAI, lighthouse: str) -> None:
    told = list(client.responses.create(**ASK, stream=True))
    assert [event.sequence_number for event in told] == list(range(9))
    [partial] = [event for event in told if event.type.endswith("partial_image")]
    assert partial.partial_image_index == 0
    digest_of(base64.b64decode(partial.partial_image_b64))
    [done] = [event for event in told if event.type == "response.output_item.done"]
    assert done.item.id == partial.item_id
    assert digest_of_text(done.item.result) == lighthouse
    assert told[-1].type == "response.completed"


def test_stream_ends_with_the_final_response(client: OpenAI, lighthouse: str) -> None:
    with client.responses.stream(**ASK) as stream:
        told = [event.type for event in stream]
        final = stream.get_final_response()
    assert told[0] == "response.created"
    [call] = calls(final)
    assert digest_of_text(call.result) == lighthouse


async def test_async_client_streams_the_picture(target: Target, lighthouse: str) -> None:
    async with AsyncOpenAI(base_url=target.url, api_key=target.key, max_retries=0) as client:
        stream = await client.responses.create(**ASK, stream=True)
        last = [event async for event in stream][-1]
    [call] = calls(last.response)
    assert digest_of_text(call.result) == lighthouse


def test_text_is_answered_with_text(client: OpenAI) -> None:
    response = client.responses.create(model="gpt-5", input="Who are you?")
    assert "Who are you?" in response.output_text


def test_models_are_listed(client: OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert {"gpt-5", "gpt-image-2"} <= set(names)
    assert client.models.retrieve("gpt-image-2").id == "gpt-image-2"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_sdk_gets_the_same_picture_in_dialect(dialect: str, upstreamed: OpenAI, small: str) -> None:
    ask = {**SMALL, **playing(f"fast,dialect={dialect}")}
    [plain] = calls(upstreamed.responses.create(**ask))
    told = list(upstreamed.responses.create(**ask, stream=True))
    done = [event.item for event in told if event.type == "response.output_item.done"]
    [streamed] = [item for item in done if item.type == "image_generation_call"]
    with upstreamed.responses.stream(**ask) as stream:
        [final] = calls(stream.get_final_response())
    assert {digest_of_text(call.result) for call in (plain, streamed, final)} == {small}
    assert {call.status for call in (plain, streamed, final)} == {"completed"}
    [call] = calls(told[-1].response)
    assert call == streamed
    partials = [event for event in told if event.type.endswith("partial_image")]
    assert [event.partial_image_index for event in partials] == ([] if dialect == "swap" else [0])


# headers


def test_raw_answer_has_the_headers(client: OpenAI, target: Target, built_in: Target) -> None:
    raw = client.responses.with_raw_response.create(**ASK)
    assert raw.headers["content-type"] == "application/json"
    assert raw.request_id == raw.headers["x-request-id"]
    assert raw.headers.get("x-darkroom-sandbox") == ("1" if target is built_in else None)
    assert raw.parse()._request_id == raw.request_id


def test_raw_stream_has_the_headers(client: OpenAI) -> None:
    with client.responses.with_streaming_response.create(**ASK, stream=True) as raw:
        headers = raw.headers
        assert list(raw.iter_lines())[-2].startswith("data: ")
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["x-accel-buffering"] == "no"
    assert headers["cache-control"] == "no-cache, no-transform"
    assert headers["x-request-id"].startswith("req_")
    assert "content-encoding" not in headers


# errors


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize(
    "scenario, raised, status, code",
    [
        ("status=400", openai.BadRequestError, 400, "invalid_value"),
        ("code=moderation_blocked", openai.BadRequestError, 400, "moderation_blocked"),
        ("status=401", openai.InternalServerError, 502, "upstream_refused"),
        ("status=403", openai.InternalServerError, 502, "upstream_refused"),
        ("status=404", openai.NotFoundError, 404, "model_not_found"),
        ("status=413", openai.APIStatusError, 413, "request_too_large"),
        ("status=429", openai.RateLimitError, 429, "rate_limit_exceeded"),
        ("code=insufficient_quota", openai.InternalServerError, 503, "upstream_quota_exhausted"),
        ("status=500", openai.InternalServerError, 502, "upstream_error"),
        ("status=502,body=html", openai.InternalServerError, 502, "upstream_error"),
        ("status=503,body=secret", openai.InternalServerError, 503, "upstream_busy"),
    ],
)
def test_upstream_refusal_raises_the_right_class(
    client: OpenAI, scenario: str, raised: type[openai.APIStatusError], status: int, code: str, stream: bool
) -> None:
    with pytest.raises(raised) as caught:
        client.responses.create(**ASK, **playing(scenario), stream=stream)
    error = caught.value
    assert (error.status_code, error.code) == (status, code)
    assert isinstance(error.body, dict)
    assert error.body.keys() >= {"message", "type", "param", "code"}
    assert error.request_id == error.response.headers["x-request-id"]
    if status >= 500:
        assert str(error.request_id) in error.message
    assert not any(secret in error.response.text for secret in SECRETS)
    assert "sk-for-the-upstream" not in error.response.text


def test_rate_limit_says_when_to_come_back(client: OpenAI) -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        client.responses.create(**ASK, **playing("status=429"))
    assert caught.value.response.headers["retry-after"] == "12"


def test_wrong_key_raises_authentication_error(target: Target) -> None:
    for key in ("sk-" + "x" * 43, "nonsense", target.key[:-1]):
        with OpenAI(base_url=target.url, api_key=key, max_retries=0) as client:
            with pytest.raises(openai.AuthenticationError) as caught:
                client.responses.create(**ASK)
            assert caught.value.code == "invalid_api_key"


def test_key_without_the_model_raises_permission_denied(target: Target) -> None:
    command = [BIN / "darkroom", "key", "create", "--account", "admin", "--model", "gpt-4.1"]
    made = subprocess.run(
        [*command, "--data", target.data], capture_output=True, text=True, check=True, cwd=Path(target.data)
    )
    with OpenAI(base_url=target.url, api_key=made.stdout.strip(), max_retries=0) as client:
        with pytest.raises(openai.PermissionDeniedError):
            client.responses.create(**ASK)


@pytest.mark.parametrize("ending", ["/v1", "/v1/openai", "/.."])
def test_wrong_base_url_raises_not_found_and_names_the_right_one(target: Target, ending: str) -> None:
    with OpenAI(base_url=target.url + ending, api_key=target.key, max_retries=0) as client:
        with pytest.raises(openai.NotFoundError) as caught:
            client.responses.create(**ASK)
    assert target.url + "/responses" in caught.value.message


@pytest.mark.parametrize(
    "wrong, param",
    [
        ({"background": True}, "background"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"model": 7}, "model"),
        ({"tools": [{**TOOL, "size": 7}]}, "tools[0].size"),
        ({"previous_response_id": "resp_elsewhere"}, "previous_response_id"),
    ],
)
def test_wrong_field_raises_bad_request_and_is_named(
    client: OpenAI, wrong: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(**{**ASK, **wrong})
    assert caught.value.param == param


BROKEN = [f"error={shape}" for shape in SHAPES if shape != "incomplete"]
BROKEN += ["cut=after_partial", "reset=in_partial", "cut=in_final", "cut=in_completed"]
BROKEN += ["answer=no_image", "answer=partial_only"]


@pytest.mark.parametrize("way", ["create", "stream"])
@pytest.mark.parametrize("scenario", BROKEN)
def test_failure_inside_a_stream_raises_once_and_shows_no_broken_picture(
    upstreamed: OpenAI, scenario: str, way: str
) -> None:
    told: list[Any] = []

    def read() -> None:
        ask = {**SMALL, **playing(f"fast,{scenario}")}
        if way == "create":
            told.extend(upstreamed.responses.create(**ask, stream=True))
        else:
            with upstreamed.responses.stream(**ask) as stream:
                told.extend(stream)

    with pytest.raises(openai.APIError) as caught:
        read()
    assert caught.value.code is not None
    assert "req_" in caught.value.message
    for event in told:
        if event.type == "response.output_item.done":
            digest_of(base64.b64decode(event.item.result), "JPEG")


@pytest.mark.parametrize("scenario", ["error=nested", "cut=after_partial", "cut=in_final"])
def test_failure_after_the_paid_mark_is_not_sent_again(through: Target, scenario: str) -> None:
    with OpenAI(base_url=through.url, api_key=through.key, max_retries=2) as client:
        with pytest.raises(openai.InternalServerError) as caught:
            client.responses.create(**ASK, **playing(f"fast,{scenario}"))
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert caught.value.response.request.headers["x-stainless-retry-count"] == "0"


@pytest.mark.parametrize("scenario", ["status=500", "cut=after_created"])
def test_failure_before_the_paid_mark_is_sent_again(through: Target, scenario: str) -> None:
    with OpenAI(base_url=through.url, api_key=through.key, max_retries=1) as client:
        with pytest.raises(openai.InternalServerError) as caught:
            client.responses.create(**ASK, **playing(f"fast,{scenario}"))
    assert caught.value.response.request.headers["x-stainless-retry-count"] == "1"
