"""What a request wants of its answer: the key's word before the installation's, and nothing unasked."""

from pathlib import Path

import msgspec
import pytest

from darkroom.gateway.wishes import storing, wish_for
from darkroom.ledger.keys import Key
from darkroom.settings import Settings
from darkroom.wire.codecs.images.request import read_generation
from darkroom.wire.codecs.responses import read_request
from darkroom.wire.elide import Long
from darkroom.wire.request import Request
from darkroom.wire.wish import Wish

KEY = Key(
    id=7, account_id=3, account="acme", name=None, hint="sk-…abcd", test=False, models=None, dialect=None,
    created_at=0, last_used_at=None, revoked_at=None,
)  # fmt: skip
TOOL = {"type": "image_generation", "model": "gpt-image-2"}


def images(**fields: object) -> Request:
    return read_generation({"model": "gpt-image-2", "prompt": "a boat", **fields})


def responses(**fields: object) -> Request:
    return read_request({"model": "gpt-5.5", "input": "a boat", "tools": [TOOL], **fields})


def wish(request: Request, house: str = "asked", key: str | None = None, **fields: object) -> Wish:
    settings = Settings(data=Path("nowhere"), store_pictures=house, **fields)  # type: ignore[arg-type]
    return wish_for(settings, msgspec.structs.replace(KEY, store=key), request, "req_12")


@pytest.mark.parametrize("key", [None, "always", "never"])
@pytest.mark.parametrize("house", ["asked", "always", "never"])
def test_word_of_the_key_goes_before_that_of_the_installation(key: str | None, house: str) -> None:
    settings = Settings(data=Path("nowhere"), store_pictures=house)  # type: ignore[arg-type]
    assert storing(settings, msgspec.structs.replace(KEY, store=key)) == (key or house)


ASKING = [images(response_format="url"), responses(store=True)]
SILENT = [images(), images(response_format="b64_json"), responses(store=False)]


@pytest.mark.parametrize("request_", ASKING + SILENT)
@pytest.mark.parametrize("house", ["asked", "always", "never"])
def test_pictures_of_a_key_are_stored_as_its_key_says(request_: Request, house: str) -> None:
    assert wish(request_, house, "always").keeps
    assert not wish(request_, house, "never").keeps
    assert wish(request_, house).keeps == (house == "always" or (house == "asked" and request_ in ASKING))


def test_answer_without_a_picture_is_never_stored() -> None:
    words = read_request({"model": "gpt-5.5", "input": "hello", "store": True})
    assert not any(wish(words, house, key).keeps for house in ("asked", "always") for key in (None, "always"))


@pytest.mark.parametrize("house, key", [("openai", "contract"), ("contract", None)])
def test_spelling_of_partials_is_the_keys_or_the_installations(house: str, key: str | None) -> None:
    settings = Settings(data=Path("nowhere"), field_names=house)  # type: ignore[arg-type]
    told = wish_for(settings, msgspec.structs.replace(KEY, dialect=key), responses(), "req_12")
    assert told.spelling == "partial_image"
    assert wish(responses()).spelling == "partial_image_b64"


def test_images_answer_repeats_what_was_asked_and_png_where_no_format_was() -> None:
    assert wish(images(size="1024x1024")).asked == {
        "size": "1024x1024",
        "quality": "auto",
        "background": "auto",
        "output_format": "png",
    }
    assert wish(images(output_format="webp")).asked["output_format"] == "webp"
    assert wish(responses()).asked == {}


def test_response_repeats_its_request_but_no_text_that_lies_in_a_file() -> None:
    request = responses(instructions="be brief", metadata={"a": "b"}, temperature=0.5)
    echo = wish(request).echo
    assert (echo["instructions"], echo["metadata"], echo["temperature"]) == ("be brief", {"a": "b"}, 0.5)
    assert echo["usage"]["total_tokens"] == 0
    request.tree["instructions"] = Long(("instructions",), 0, 2_000_000)  # type: ignore[index]
    assert wish(request).echo["instructions"] is None


def test_only_who_asked_for_addresses_gets_them() -> None:
    def link(number: int, format: str | None) -> str:
        return f"{number}.{format}"

    settings = Settings(data=Path("nowhere"))
    assert wish_for(settings, KEY, images(response_format="url"), "req_12", link=link).link is link
    assert wish_for(settings, KEY, images(), "req_12", link=link).link is None
    assert wish(responses()).response_id == "resp_12"
