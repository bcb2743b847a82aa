"""Addresses of input pictures: what passes, and what is refused in which words."""

from typing import Any

import pytest

from darkroom.errors import Invalid
from darkroom.wire.codecs.responses.pictures import as_picture, file_not_found, read_address, read_picture
from darkroom.wire.elide import Long, Upload
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


def test_an_upload_is_itself() -> None:
    upload = Upload(("image",), 0, 9, "image/png")
    assert as_picture(upload, ("image",)) == InputPicture(("image",), "upload", upload)


@pytest.mark.parametrize(
    "part, kind, key",
    [
        ({"image_url": "https://a.b"}, "url", "image_url"),
        ({"image_url": "https://a.b", "file_id": None}, "url", "image_url"),
        ({"image_url": None, "file_id": "file-1"}, "file", "file_id"),
    ],
)
def test_a_picture_is_an_address_or_a_file(part: dict[str, Any], kind: Any, key: str) -> None:
    assert read_picture(part, AT) == InputPicture((*AT, key), kind, part[key])
    assert read_picture(dict.fromkeys(part), AT) is None


@pytest.mark.parametrize(
    "id, code", [("", "invalid_value"), (5, "invalid_type"), (Long(PATH, 0, 900), "invalid_value")]
)
def test_a_wrong_file_id_is_named(id: Any, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_picture({"file_id": id}, AT)
    assert (caught.value.code, caught.value.param) == (code, "input[0].content[1].file_id")


def test_an_unknown_file_is_named_with_what_to_do() -> None:
    error = file_not_found(InputPicture((*AT, "file_id"), "file", "file-\x001"))
    assert (error.status, error.code, error.param) == (
        400,
        "image_file_not_found",
        "input[0].content[1].file_id",
    )
    assert "file-?1" in error.message
    assert "/v1/files" in error.message


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
