"""Base64 text in pieces: the same bytes wherever the pieces end, and a plain no for everything else."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.wire.base64 import PREFIX_MAX, NotBase64, decode_pieces


def decode(text: bytes, size: int = 1 << 20) -> bytes:
    return b"".join(decode_pieces(text[at : at + size] for at in range(0, len(text), size)))


def spelled(data: bytes, spelling: str) -> bytes:
    text = base64.b64encode(data).decode()
    match spelling:
        case "url-safe":
            text = base64.urlsafe_b64encode(data).decode()
        case "unpadded":
            text = text.rstrip("=")
        case "prefixed":
            text = f"data:image/png;base64,{text}"
        case "slashes":
            text = text.replace("/", r"\/")
        case "escapes":
            text = text.replace("+", r"\u002b").replace("/", r"\u002F").replace("=", r"\u003d")
        case "lines":
            text = json.dumps(base64.encodebytes(data).decode())[1:-1]
        case "spaced":
            text = " ".join(text) + "\r\n"
    return text.encode()


SPELLINGS = ["plain", "url-safe", "unpadded", "prefixed", "slashes", "escapes", "lines", "spaced"]


@given(st.binary(max_size=300), st.sampled_from(SPELLINGS), st.integers(1, 60))
def test_bytes_come_back_whatever_the_spelling_and_wherever_pieces_end(
    data: bytes, spelling: str, size: int
) -> None:
    assert decode(spelled(data, spelling), size) == data


@pytest.mark.parametrize("size", [1, 4, 1000])
@pytest.mark.parametrize(
    "text",
    [
        b"QUJD!UJD",
        b"QUJDR",
        b"QQ==QUJD",
        b"Q===",
        b"=QUJ",
        b"QU=D",
        b"QUJD\\u12",
        b"QUJD\\",
        b"QUJD\\x41",
        b"QUJ\xc3\xa9",
        b"data:image/png;base64",
        b"data:" + b"x" * PREFIX_MAX + b",QUJD",
        b"data:image/svg+xml,<svg/>",
        b"https://pictures.example/1.png",
    ],
)
def test_other_text_is_refused_wherever_pieces_end(text: bytes, size: int) -> None:
    with pytest.raises(NotBase64):
        decode(text, size)


@given(st.binary(max_size=200), st.integers(1, 50))
def test_any_bytes_give_bytes_or_the_one_error(text: bytes, size: int) -> None:
    try:
        assert len(decode(text, size)) <= len(text)
    except NotBase64:
        pass


def test_pieces_leave_as_they_come() -> None:
    given = iter([b"QUJD" * 1000] * 50)
    decoded = decode_pieces(given)
    assert next(decoded) == b"ABC" * 1000
    assert len(list(given)) == 49


def test_no_text_is_no_bytes() -> None:
    assert decode(b"") == decode(b"data:image/png;base64,") == b""
