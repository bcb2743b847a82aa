"""What a request wants of its answer: spelling, echoes, and whether its pictures are kept."""

from pathlib import Path
from typing import Any

import pytest

from darkroom.gateway.wishes import storing, wish_for
from darkroom.ledger.keys import Key
from darkroom.settings import Settings
from darkroom.wire.codecs.images.request import read_edit, read_generation
from darkroom.wire.codecs.responses import read_request
from darkroom.wire.elide import Long
from darkroom.wire.request import Request
from darkroom.wire.wish import Wish

PICTURE: dict[str, Any] = {"model": "gpt-5.5", "input": "x", "tools": [{"type": "image_generation"}]}
PROMPT: dict[str, Any] = {"model": "gpt-image-2", "prompt": "x"}


def wish(request: Request, key: dict[str, Any] | None = None, **settings: Any) -> Wish:
    blank: dict[str, Any] = dict.fromkeys(Key.__struct_fields__)
    whose = Key(**{**blank, "id": 1, "account_id": 1, "test": False, **(key or {})})
    made = Settings(data=Path("/nowhere"), **settings)
    return wish_for(made, whose, request, "req_77", link=lambda number, kind: f"/{number}.{kind}")


@pytest.mark.parametrize(
    "house, key, spelled",
    [
        ("openai", None, "partial_image_b64"),
        ("contract", None, "partial_image"),
        ("openai", "contract", "partial_image"),
        ("contract", "openai", "partial_image_b64"),
    ],
)
def test_partial_pictures_are_spelled_as_the_key_wants_or_else_the_house(
    house: str, key: str | None, spelled: str
) -> None:
    assert wish(read_request(PICTURE), {"dialect": key}, field_names=house).spelling == spelled


def test_echo_repeats_what_is_small_and_nothing_that_lies_in_a_file() -> None:
    long = Long(("tools", 0, "input_image_mask", "image_url"), 5, 600_000)
    tools = [{"type": "image_generation", "input_image_mask": {"image_url": long}}]
    said = {"temperature": 0.5, "metadata": {"a": "b"}, "parallel_tool_calls": False, "top_p": None}
    echo = wish(read_request({**PICTURE, "tools": tools, **said})).echo
    assert echo["tools"] == []
    assert (echo["temperature"], echo["metadata"], echo["parallel_tool_calls"]) == (0.5, {"a": "b"}, False)
    assert (echo["top_p"], echo["tool_choice"], echo["instructions"]) == (1.0, "auto", None)
    assert (echo["store"], echo["usage"]["total_tokens"]) == (False, 0)
    assert "input" not in echo
    small = wish(read_request(PICTURE)).echo
    assert small["tools"] == PICTURE["tools"]


def test_images_caller_gets_what_he_asked_for_said_back_where_the_upstream_is_silent() -> None:
    made = wish(read_generation({**PROMPT, "size": "1536x1024", "n": 3, "stream": True}))
    assert made.asked == {
        "size": "1536x1024",
        "quality": "auto",
        "background": "auto",
        "output_format": "png",
    }
    assert (made.surface, made.edit, made.n, made.stream, made.echo) == ("images", False, 3, True, {})
    edit = read_edit(
        {**PROMPT, "images": [{"image_url": "https://example.com/a.png"}], "output_format": "webp"}
    )
    assert wish(edit).edit
    assert wish(edit).asked["output_format"] == "webp"
    assert wish(read_request(PICTURE)).asked == {}


def test_address_is_given_only_to_who_asked_for_it() -> None:
    link = wish(read_generation({**PROMPT, "response_format": "url"})).link
    assert link is not None
    assert link(2, "png") == "/2.png"
    assert wish(read_generation({**PROMPT, "response_format": "b64_json"})).link is None
    assert wish(read_request(PICTURE)).response_id == "resp_77"


@pytest.mark.parametrize(
    "house, asked, keeps",
    [
        ("asked", {}, False),
        ("asked", {"store": True}, True),
        ("asked", {"store": False}, False),
        ("asked", {"store": True, "tools": []}, False),
        ("always", {"store": False}, True),
        ("always", {"tools": []}, False),
        ("never", {"store": True}, False),
    ],
)
def test_pictures_of_a_response_are_kept_as_it_and_the_operator_say(
    house: str, asked: dict[str, Any], keeps: bool
) -> None:
    assert wish(read_request({**PICTURE, **asked}), store_pictures=house).keeps is keeps


def test_bridged_pictures_are_kept_for_later_turns_unless_somebody_said_no() -> None:
    for house in ("asked", "always"):
        assert wish(read_request(PICTURE), store_pictures=house).keeps_bridged
    assert not wish(read_request(PICTURE), store_pictures="never").keeps_bridged
    assert not wish(read_request({**PICTURE, "store": False})).keeps_bridged
    assert not wish(read_generation(PROMPT)).keeps_bridged


def test_images_are_kept_where_their_address_is_wanted() -> None:
    assert wish(read_generation({**PROMPT, "response_format": "url"})).keeps
    assert not wish(read_generation(PROMPT)).keeps
    assert wish(read_generation(PROMPT), store_pictures="always").keeps


def test_key_goes_before_the_house_about_what_is_stored() -> None:
    assert wish(read_request(PICTURE), {"store": "always"}, store_pictures="never").keeps
    assert not wish(read_request(PICTURE), {"store": "never"}, store_pictures="always").keeps
    blank: dict[str, Any] = dict.fromkeys(Key.__struct_fields__)
    assert storing(Settings(data=Path("/nowhere"), store_pictures="always"), Key(**blank)) == "always"
