"""Base64 in pieces: everything that customers write for a picture, and nothing that would leave a hole in it."""

import json
from base64 import b64encode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.wire.base64 import HEAD_BYTES, Base64Reader, NotBase64, decode_pieces


def read(text, escaped=False, step=1 << 20):
    reader = Base64Reader(escaped=escaped)
    pieces = [reader.feed(text[at : at + step]) for at in range(0, len(text), step)]
    return b"".join([*pieces, reader.finish()])


def u_escaped(text):
    return b"".join(b"\\u%04x" % letter for letter in text)


@pytest.mark.parametrize("step", [1, 2, 3, 5, 7, 64, 1 << 20])
@pytest.mark.parametrize("size", [1, 2, 3, 300])
def test_every_spelling_gives_the_bytes_wherever_it_is_cut(size, step):
    data = bytes(range(251)) * 2
    data = (b"\xff\xfb\xef" + data)[:size]
    plain = b64encode(data)
    lines = b"\r\n".join(plain[at : at + 76] for at in range(0, len(plain), 76)) + b"\n"
    for text, escaped in [
        (plain, False),
        (plain.rstrip(b"="), False),
        (urlsafe_b64encode(data), False),
        (lines, False),
        (b"data:image/png;base64," + plain, False),
        (" ".join(plain.decode()).encode(), False),
        (b" DATA:image/svg+xml;charset=utf-8;BASE64,\n" + plain, False),
        (plain.replace(b"/", b"\\/"), True),
        (json.dumps(lines.decode())[1:-1].encode(), True),
        (u_escaped(plain), True),
        (u_escaped(b"data:image/png;base64,") + plain, True),
    ]:
        assert read(text, escaped, step) == data, text[:40]


@pytest.mark.parametrize(
    "text, escaped, why",
    [
        (b"QUJD*UJD", False, r"does not belong there: \*"),
        (b"QUJD\xc3\xa9", False, "byte 0xc3"),
        (b"QUJDR", False, "cut off"),
        (b"QUI=QUJD", False, "after its padding"),
        (b"data:image/png;base64", False, "no comma"),
        (b"data:" + b"x" * 5000, False, "no comma"),
        (b"data:image/png,QUJD", False, "`;base64`"),
        (b"https://x.example/a.png", False, "does not belong there: :"),
        (b"QUJD\\u00e9QQ=", True, "byte 0x00"),
        (b"QUJD\\u00", True, "inside an escape"),
        (b"QUJD\\\\", True, r"does not belong there: \\"),
        (b"QUJD\\x41", True, r"does not belong there: \\"),
        (b"QUJD\\u12", True, "inside an escape"),
        (b"Q===", False, "cut off"),
        (b"=QUJ", False, "after its padding"),
        (b"data:" + b"x" * HEAD_BYTES + b",QUJD", False, "no comma"),
        (b"QU\\/", False, r"does not belong there: \\"),
    ],
)
def test_what_is_not_base64_is_refused_with_the_reason_wherever_it_is_cut(text, escaped, why):
    for step in (1, 2, 3, 1 << 20):
        with pytest.raises(NotBase64, match=why):
            read(text, escaped, step)


@given(st.binary(max_size=60), st.booleans(), st.integers(1, 9))
def test_reader_of_any_bytes_gives_bytes_or_a_reason_independent_of_the_cuts(text, escaped, step):
    def told(step):
        try:
            return read(text, escaped, step)
        except NotBase64:
            return None

    assert told(step) == told(1 << 20)


def test_empty_text_is_an_empty_picture():
    assert read(b"") == read(b"data:image/png;base64,") == read(b" \n") == b""


def test_pieces_leave_as_they_come():
    given = iter([b"QUJD" * 1000] * 50)
    decoded = decode_pieces(given)
    assert next(decoded) == b"ABC" * 1000
    assert len(list(given)) == 49


def test_pieces_of_a_json_text_are_decoded_with_its_escapes_and_never_empty():
    text = [b"data:image/png", b";base64,", b"", b"QU", b"JD\\", b"u002", b"fQ", b"=="]
    assert list(decode_pieces(text)) == [b"ABC", b"\xfd"]
    with pytest.raises(NotBase64):
        list(decode_pieces([b"QUJD!"]))
