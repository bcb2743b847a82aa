"""OpenAI's SDK for Node, and the AI SDK with its OpenAI provider, get pictures and errors from the relay."""

import base64
from typing import Any

import pytest
from openai import OpenAI

from darkroom.sandbox.dialects import DIALECTS
from tests.e2e.clients import Node, digest_of
from tests.e2e.serving import Target

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("e2e"), pytest.mark.timeout(300)]

CLIENTS = {"openai-6": 18, "openai-7": 22, "ai-6": 18, "ai-7": 22}
"""The clients of `node/sdk.mjs`, and the first Node that each of them is made for."""
SDKS = ("openai-6", "openai-7")
REFUSALS = {
    "status=400": ("BadRequestError", 400, "invalid_value"),
    "code=moderation_blocked": ("BadRequestError", 400, "moderation_blocked"),
    "status=404": ("NotFoundError", 404, "model_not_found"),
    "status=429": ("RateLimitError", 429, "rate_limit_exceeded"),
    "status=500": ("InternalServerError", 502, "upstream_error"),
    "status=503": ("InternalServerError", 503, "upstream_busy"),
}
THROWN = {("fast,dialect=unknown_events", "helper")}
"""The SDK's helper throws at events that it does not know; what OpenAI adds tomorrow is passed on all the same."""
FAILURES = ["fast,error=flat", "fast,error=failed", "fast,cut=after_partial", "fast,cut=in_final"]
FAILURES += ["fast,answer=no_image", "fast,answer=partial_only"]


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest, node: Node) -> str:
    """Each of the clients that this Node can run."""
    name: str = request.param
    if node.major < CLIENTS[name]:
        pytest.skip(f"{name} is made for Node {CLIENTS[name]} and later, and this is Node {node.major}")
    return name


@pytest.fixture(scope="module")
def lighthouse(built_in: Target) -> dict[str, str]:
    """The digests, by format, of the picture that everybody here asks for, as OpenAI's Python SDK gets it."""
    return {format: picture_of(built_in, format) for format in ("png", "jpeg")}


def picture_of(target: Target, format: str) -> str:
    """The digest of the picture in a format."""
    tool: Any = {"type": "image_generation", "model": "gpt-image-2", "size": "1024x1024", "quality": "low"}
    with OpenAI(base_url=target.url, api_key=target.key) as client:
        response = client.responses.create(
            model="gpt-5",
            input="A lighthouse at dawn",
            tools=[{**tool, "output_format": format, "partial_images": 1}],
            tool_choice={"type": "image_generation"},
        )
    [call] = [item for item in response.output if item.type == "image_generation_call"]
    return digest_of(base64.b64decode(call.result or ""), format.upper())


def ask(node: Node, client: str, target: Target, *scenarios: str, key: str = "", format: str = "jpeg") -> Any:
    """What a client got, by scenario and way. JPEG has a tenth of the bytes."""
    return node.ask(client, baseURL=target.url, key=key or target.key, format=format, scenarios=scenarios)


def test_client_gets_the_picture(client: str, node: Node, target: Target, lighthouse: dict[str, str]) -> None:
    ways = ask(node, client, target, "none", format="png")["none"]
    wanted = [lighthouse["png"]]
    assert {way: got.get("pictures", got) for way, got in ways.items()} == dict.fromkeys(ways, wanted)
    told = ways["stream"]["told"]
    if client in SDKS:
        assert ways["plain"]["requestId"].startswith("req_")
        assert (told[0], told[-1], len(told)) == ("response.created", "response.completed", 9)
    else:
        assert told.count("tool-result") == 2, "a preliminary picture, and the picture"
        assert told[-1] == "finish"


def test_client_gets_the_same_picture_in_every_dialect(
    client: str, node: Node, through: Target, lighthouse: dict[str, str]
) -> None:
    found = ask(node, client, through, *(f"fast,dialect={name}" for name in DIALECTS))
    wrong = {
        (scenario, way): got
        for scenario, ways in found.items()
        for way, got in ways.items()
        if got.get("pictures") != [lighthouse["jpeg"]] and (scenario, way) not in THROWN
    }
    assert wrong == {}
    assert len(found) == len(DIALECTS)


def test_client_throws_the_right_error_for_a_refusal(client: str, node: Node, target: Target) -> None:
    found = ask(node, client, target, *REFUSALS)
    for scenario, (name, status, code) in REFUSALS.items():
        wanted = (name if client in SDKS else "APICallError", status, code)
        for way, got in found[scenario].items():
            assert (got["error"].removeprefix("_"), got["status"], got["code"]) == wanted, (scenario, way)


def test_client_throws_for_a_key_that_is_wrong(client: str, node: Node, target: Target) -> None:
    for way, got in ask(node, client, target, "none", key="sk-wrong")["none"].items():
        assert (got["status"], got["code"]) == (401, "invalid_api_key"), way


def test_client_throws_for_a_failure_inside_an_answer(client: str, node: Node, through: Target) -> None:
    for scenario, ways in ask(node, client, through, *FAILURES).items():
        for way, got in ways.items():
            assert "error" in got, (scenario, way)
            assert "req_" in got["message"], (scenario, way, got)
