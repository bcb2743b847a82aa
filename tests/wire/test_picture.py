"""Heads of real pictures in every format, of their base64 in every spelling, and of rubbish."""

import base64
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from darkroom.wire.picture import (
    ENOUGH,
    Head,
    decode_prefix,
    mime,
    read_format,
    read_head,
    read_head_b64,
)

SAVES: list[tuple[str, dict[str, Any]]] = [
    ("png", {}),
    ("png", {"mode": "RGBA"}),
    ("png", {"mode": "P"}),
    ("jpeg", {"quality": 30}),
    ("jpeg", {"quality": 95, "progressive": True}),
    ("jpeg", {"mode": "L"}),
    ("webp", {"quality": 50}),
    ("webp", {"lossless": True}),
    ("webp", {"mode": "RGBA", "lossless": True}),
    ("webp", {"mode": "RGBA", "quality": 50}),
    ("gif", {"mode": "P"}),
]


def draw(width: int, height: int, format: str, mode: str = "RGB", **options: Any) -> bytes:
    out = io.BytesIO()
    image = Image.new(mode, (width, height), 1 if mode in ("L", "P") else (20, 40, 60, 80)[: len(mode)])
    image.save(out, format, **options)
    return out.getvalue()


@settings(deadline=None, max_examples=120)
@given(st.sampled_from(SAVES), st.integers(1, 700), st.integers(1, 700))
def test_read_head_finds_the_size_of_real_pictures(
    save: tuple[str, dict[str, Any]], width: int, height: int
) -> None:
    format, options = save
    picture = draw(width, height, format, **options)
    assert read_head(picture) == Head(format, width, height)
    assert read_head_b64(base64.b64encode(picture)) == Head(format, width, height)


@pytest.mark.parametrize("format, options", SAVES)
def test_read_head_answers_none_or_right_for_every_prefix(format: str, options: dict[str, Any]) -> None:
    picture = draw(333, 77, format, **options)
    answers = [read_head(picture[:n]) for n in range(min(len(picture), 1200))]
    known = [answer for answer in answers if answer]
    assert set(known) == {Head(format, 333, 77)}
    assert answers == [None] * (len(answers) - len(known)) + known


@pytest.mark.parametrize("format, options", SAVES)
def test_thirty_two_bytes_are_enough_for_all_but_jpeg(format: str, options: dict[str, Any]) -> None:
    head = read_head(draw(1536, 1024, format, **options)[:ENOUGH])
    assert head == (None if format == "jpeg" else Head(format, 1536, 1024))


def test_read_head_walks_over_the_profiles_of_a_jpeg() -> None:
    out = io.BytesIO()
    Image.new("RGB", (640, 480)).save(out, "jpeg", icc_profile=b"p" * 150_000, comment=b"c" * 60_000)
    picture = out.getvalue()
    assert read_head(picture[:100_000]) is None
    assert read_head(picture) == Head("jpeg", 640, 480)


def test_read_head_skips_fill_bytes_and_bare_markers_of_a_jpeg() -> None:
    frame = b"\xff\xc0\x00\x11\x08\x00\x10\x00\x20"
    assert read_head(b"\xff\xd8\xff\xff\xff\x01" + frame) == Head("jpeg", 32, 16)


@pytest.mark.parametrize(
    "picture",
    [
        b"\xff\xd8\xff\xc0\x00\x11\x08\x00\x00\x00\x20",  # height follows later (DNL): not known here
        b"\xff\xd8\xff\xda\x00\x02\xff\xc0\x00\x11\x08\x00\x10\x00\x20",  # the scan comes first
        b"\xff\xd8\xff\xe0\x00\x00\x00\x00",  # a segment of length 0
        b"\xff\xd8\xff\xe0\x00\x03\x00\x12\x12\x12\x12",  # no marker where one must stand
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 20,
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00" * 8,
        b"RIFF\x00\x00\x00\x00WEBPVP9 " + b"\x00" * 20,
        b"RIFF\x00\x00\x00\x00WEBPVP8 " + b"\x00" * 20,
        b"RIFF\x00\x00\x00\x00WAVEfmt " + b"\x00" * 20,
        b"GIF89a\x00\x00\x00\x00",
        b"GIF88a\x01\x00\x01\x00",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"",
    ],
)
def test_read_head_answers_none_for_broken_pictures(picture: bytes) -> None:
    assert read_head(picture) is None


def test_read_head_reads_the_largest_webp() -> None:
    largest = b"RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00" + b"\xff" * 6
    assert read_head(largest) == Head("webp", 1 << 24, 1 << 24)


@pytest.mark.parametrize("format, options", SAVES)
def test_read_format_needs_twelve_bytes_only(format: str, options: dict[str, Any]) -> None:
    assert read_format(draw(5, 5, format, **options)[:12]) == format
    assert read_format(b"PK\x03\x04" + b"\x00" * 20) is None


SPELLINGS = {
    "plain": lambda text: text,
    "data URL": lambda text: b"data:image/png;base64," + text,
    "data URL in capitals": lambda text: b"DATA:image/png;base64," + text,
    "escaped data URL": lambda text: b"data:image\\/png;base64," + text.replace(b"/", b"\\/"),
    "escaped slashes": lambda text: text.replace(b"/", b"\\/"),
    "escaped plus": lambda text: text.replace(b"+", b"\\u002B").replace(b"/", b"\\u002f"),
    "escaped line breaks": lambda text: text[:7] + b"\\r\\n" + text[7:],
    "line breaks": lambda text: b"\n " + text[:5] + b"\r\n" + text[5:],
    "URL-safe": lambda text: text.replace(b"+", b"-").replace(b"/", b"_"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("format, options", SAVES)
def test_read_head_b64_reads_every_spelling(format: str, options: dict[str, Any], spelling: str) -> None:
    text = base64.b64encode(draw(1000, 600, format, **options))
    assert read_head_b64(SPELLINGS[spelling](text)) == Head(format, 1000, 600)


@given(st.binary(max_size=200), st.sampled_from(sorted(SPELLINGS)))
def test_decode_prefix_decodes_what_was_encoded(picture: bytes, spelling: str) -> None:
    assert decode_prefix(SPELLINGS[spelling](base64.b64encode(picture))) == picture


@given(st.binary(max_size=200), st.integers(0, 300))
def test_decode_prefix_of_a_cut_text_is_a_prefix_of_the_bytes(picture: bytes, cut: int) -> None:
    text = base64.b64encode(picture)
    decoded = decode_prefix(text[:cut])
    assert picture.startswith(decoded)
    assert len(decoded) >= min(cut, len(text.rstrip(b"="))) * 3 // 4 - 1


MAGIC = [
    b"",
    b"\x89PNG\r\n\x1a\n",
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    b"\xff\xd8\xff",
    b"\xff\xd8\xff\xc0",
    b"GIF89a",
    b"RIFF\x00\x00\x00\x00WEBPVP8 ",
    b"RIFF\x00\x00\x00\x00WEBPVP8L",
    b"RIFF\x00\x00\x00\x00WEBPVP8X",
]


@settings(max_examples=1000)
@given(st.sampled_from(MAGIC), st.binary(max_size=100))
def test_rubbish_never_raises(magic: bytes, rubbish: bytes) -> None:
    for head in (read_head(magic + rubbish), read_head_b64(base64.b64encode(magic + rubbish))):
        assert head is None or (head.width > 0 and head.height > 0)


@settings(max_examples=500)
@given(st.text(alphabet="\\u02bB/+-_=, data:image;base64\n" + "Aq9", max_size=120))
def test_rubbish_that_looks_like_base64_never_raises(text: str) -> None:
    read_head_b64(text.encode())


def test_rubbish_of_a_megabyte_is_read_in_linear_time() -> None:
    for rubbish in (b"\xff" * 1_000_000, b"\\" * 1_000_000, b"data:" * 200_000, b" " * 1_000_000):
        read_head(b"\xff\xd8" + rubbish)
        read_head_b64(rubbish)


@pytest.mark.parametrize(
    "format, expected",
    [
        ("png", "image/png"),
        ("jpeg", "image/jpeg"),
        ("webp", "image/webp"),
        ("gif", "image/gif"),
        ("svg", "image/svg+xml"),
        ("tiff", "application/octet-stream"),
        (None, "application/octet-stream"),
    ],
)
def test_mime_names_the_media_type(format: str | None, expected: str) -> None:
    assert mime(format) == expected


def test_head_writes_its_size_as_the_wire_does() -> None:
    assert Head("png", 1024, 1536).size == "1024x1536"
