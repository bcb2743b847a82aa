"""Addresses of input pictures: what passes, and what is refused in which words."""

from typing import Any

import pytest

from darkroom.errors import Invalid
from darkroom.wire.codecs.responses.pictures import read_address
from darkroom.wire.elide import Long
from darkroom.wire.request import InputPicture

AT = ("input", 0, "content", 1)
PATH = (*AT, "image_url")


@pytest.mark.parametrize(
    "address, kind",
    [
        ("data:image/png;base64,iVBORw0KGgo=", "data"),
        ("data:image/png;base64,", "data"),
        ("DATA:image/webp;charset=utf-8;BASE64,AAAA", "data"),
        ("https://example.com/cat.png", "url"),
        ("http://example.com/cat.png", "url"),
        ("HTTPS://EXAMPLE.COM/CAT.PNG?a=b#c", "url"),
    ],
)
def test_addresses_and_data_urls_are_read(address: str, kind: Any) -> None:
    assert read_address({"image_url": address}, "image_url", AT) == InputPicture(PATH, kind, address)


def test_a_string_in_a_file_is_a_data_url() -> None:
    long = Long(PATH, 100, 5_000_000)
    assert read_address({"image_url": long}, "image_url", AT) == InputPicture(PATH, "data", long)


@pytest.mark.parametrize("part", [{}, {"image_url": None}])
def test_no_address_is_no_picture(part: dict[str, Any]) -> None:
    assert read_address(part, "image_url", AT) is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "iVBORw0KGgo=",
        "cat.png",
        "file:///etc/passwd",
        "ftp://example.com/cat.png",
        "//example.com/cat.png",
        "data:image/png,abc",
        "data:",
        "data:" + "x" * 10_000,
        " https://example.com/cat.png",
    ],
)
def test_other_strings_are_refused_with_what_to_write_instead(address: str) -> None:
    with pytest.raises(Invalid, match="data:image/png;base64") as caught:
        read_address({"image_url": address}, "image_url", AT)
    assert (caught.value.code, caught.value.param) == ("invalid_value", "input[0].content[1].image_url")


@pytest.mark.parametrize("address", [{"url": "https://example.com/cat.png"}, 5, True, ["https://a.b"]])
def test_the_object_form_of_chat_completions_is_refused_by_type(address: Any) -> None:
    with pytest.raises(Invalid, match="not an object") as caught:
        read_address({"image_url": address}, "image_url", AT)
    assert (caught.value.code, caught.value.param) == ("invalid_type", "input[0].content[1].image_url")
