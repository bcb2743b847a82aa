import base64

import pytest

from darkroom import errors
from darkroom.client.failures import Damaged
from darkroom.client.picture import decode, to_url
from tests.client.playing import picture, text_of


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF"])
def test_decode_reads_what_the_bytes_say(format: str) -> None:
    content = picture(format, (31, 17))
    assert decode(text_of(content)) == (content, format.lower(), "31x17")


def test_decode_takes_line_breaks_and_the_other_alphabet() -> None:
    content = picture(size=(60, 60), noise=True)
    lines = base64.encodebytes(content).decode()
    assert decode(lines)[0] == content
    assert decode(base64.urlsafe_b64encode(content).decode())[0] == content


@pytest.mark.parametrize("extra", range(3))
def test_decode_takes_base64_without_its_padding(extra: int) -> None:
    content = picture() + bytes(extra)
    assert decode(text_of(content).rstrip("="))[0] == content


def test_decode_knows_svg() -> None:
    content = b'  <svg xmlns="http://www.w3.org/2000/svg"/>'
    assert decode(text_of(content)) == (content, "svg", None)


@pytest.mark.parametrize(
    "text", ["", "!!!!", "AAAA=AAA", "bm90IGEgcGljdHVyZQ==", "图", text_of(b"<html>no</html>")]
)
def test_decode_refuses_what_is_no_picture(text: str) -> None:
    with pytest.raises(Damaged) as caught:
        decode(text)
    assert caught.value.code == "invalid_image"


def test_to_url_names_the_media_type_by_the_bytes() -> None:
    content = picture("JPEG")
    assert to_url(content, "image") == "data:image/jpeg;base64," + text_of(content)


def test_to_url_refuses_what_may_not_be_sent() -> None:
    with pytest.raises(errors.Invalid) as caught:
        to_url(picture("GIF"), "mask")
    assert (caught.value.param, caught.value.code) == ("mask", "invalid_image")
