"""Routes: who is asked first, through which API, and the words when there is nobody."""

from typing import Any

import pytest

from darkroom.channels.catalog import Channel, Surface
from darkroom.gateway.routes import BRIDGE_MODEL, no_route, outer_model, routes
from darkroom.wire.codecs.images.request import read_generation
from darkroom.wire.codecs.responses import read_request
from darkroom.wire.request import Request

IMAGES, RESPONSES, BOTH = ("images",), ("responses",), ("responses", "images")
TOOL = {"type": "image_generation", "model": "gpt-image-2"}
PICTURE: dict[str, Any] = {"model": "gpt-5.5", "input": "a cat", "tools": [TOOL]}
GENERATION = read_generation({"model": "gpt-image-2", "prompt": "a cat"})
RESPONSE = read_request(PICTURE)


def channel(name: str, speaks: tuple[Surface, ...] = ("responses", "images"), **more: Any) -> Channel:
    return Channel(name=name, base_url="http://127.0.0.1:1/v1", api_key="sk-x", speaks=speaks, **more)


def found(request: Request, *channels: Channel, owners: tuple[str, ...] | None = None) -> list[Any]:
    """The routes as names, with `>` and the API where it is bridged to."""
    ways = routes(request, channels, owners, lambda low, high: low)
    return [f"{way.channel.name}{'>' + way.surface if way.bridged else ''}" for way in ways]


@pytest.mark.parametrize("request_, other", [(GENERATION, RESPONSES), (RESPONSE, IMAGES)])
def test_own_api_comes_before_a_bridge_and_priority_before_both(
    request_: Request, other: tuple[Surface, ...]
) -> None:
    own: tuple[Surface, ...] = ("images",) if other == RESPONSES else ("responses",)
    bridge, direct = channel("bridge", other), channel("direct", own)
    assert found(request_, bridge, direct) == ["direct", f"bridge>{other[0]}"]
    assert found(request_, channel("bridge", other, priority=1), direct) == [f"bridge>{other[0]}", "direct"]
    assert found(request_, channel("both"), bridge) == ["both", f"bridge>{other[0]}"]


def test_channel_that_speaks_both_is_bridged_to_where_it_lists_only_the_others_models() -> None:
    both = channel("both", models=("gpt-image-2",))
    assert found(RESPONSE, both) == ["both>images"]
    assert found(GENERATION, both) == ["both"]


def test_bridge_to_responses_needs_its_outer_model_and_the_image_model_listed() -> None:
    listed = channel("listed", RESPONSES, models=("gpt-5.9", "gpt-image-2"), bridge_model="gpt-5.9")
    assert outer_model(listed) == "gpt-5.9"
    assert found(GENERATION, listed) == ["listed>responses"]
    unnamed = channel("unnamed", RESPONSES, models=("gpt-5.9", "gpt-image-2"))
    assert outer_model(unnamed) == BRIDGE_MODEL == "gpt-5.5"
    unlisted = channel("unlisted", RESPONSES, models=("gpt-5.9", "gpt-image-2"), bridge_model="gpt-6")
    toolless = channel("toolless", RESPONSES, models=("gpt-5.5",))
    assert found(GENERATION, unnamed, unlisted, toolless) == []


def test_bridge_to_images_asks_for_the_tools_model_or_the_usual_one() -> None:
    usual = channel("usual", IMAGES, models=("gpt-image-2",))
    other = channel("other", IMAGES, models=("gpt-image-9",))
    unnamed = read_request({**PICTURE, "tools": [{"type": "image_generation"}]})
    named = read_request({**PICTURE, "tools": [{**TOOL, "model": "gpt-image-9"}]})
    assert found(unnamed, usual, other) == ["usual>images"]
    assert found(named, usual, other) == ["other>images"]


@pytest.mark.parametrize(
    "change",
    [
        {"tools": []},
        {"tool_choice": "none"},
        {"tools": [TOOL, {"type": "web_search"}]},
        {"previous_response_id": "resp_1"},
    ],
)
def test_request_for_more_than_a_picture_is_never_bridged(change: dict[str, Any]) -> None:
    request = read_request({**PICTURE, **change})
    assert found(request, channel("images", IMAGES), channel("own", RESPONSES)) == ["own"]


def test_ids_bind_a_request_to_the_channels_that_gave_them() -> None:
    first, second = channel("first", priority=9), channel("second")
    images = channel("third", IMAGES)
    assert found(RESPONSE, first, second, images, owners=("second", "third")) == ["second", "third>images"]
    assert found(RESPONSE, first, owners=("gone",)) == []


def test_nobody_to_ask_says_whose_fault_it_is() -> None:
    none = no_route(RESPONSE, (), None)
    assert (none.status, none.code) == (503, "no_channel")
    assert "operator" in none.message
    bound = no_route(RESPONSE, (channel("other"),), ("gone",))
    assert (bound.status, bound.code) == (503, "no_channel")
    assert "conversation" in bound.message
    unknown = no_route(RESPONSE, (channel("other"),), None)
    assert (unknown.status, unknown.code, unknown.param) == (404, "model_not_found", "model")
    assert "`gpt-5.5`" in unknown.message
    assert "GET /v1/models" in unknown.message
