"""Forms as clients send them, and everything that is not one."""

import httpx2
import pytest

from darkroom.errors import Invalid
from darkroom.sandbox.forms import Part, read_form

KIND = "multipart/form-data; boundary=b0"


def form(*parts, end=b"--b0--\r\n"):
    return b"".join(b"--b0\r\n" + part + b"\r\n" for part in parts) + end


def field(name, content=b"x", more=b""):
    return b'Content-Disposition: form-data; name="%b"%b\r\n\r\n%b' % (name, more, content)


def test_form_of_a_real_client_is_read():
    files = [
        ("image[]", ("猫.png", b"\x89PNG\r\n--\r\n\r\n", "image/png")),
        ("image[]", ("b", b"", "image/webp")),
    ]
    request = httpx2.Request("POST", "http://x/", data={"prompt": "你好\r\n", "n": "2"}, files=files)
    parts = read_form(request.headers["content-type"], request.read())
    assert [(part.name, part.text) for part in parts[:2]] == [("prompt", "你好\r\n"), ("n", "2")]
    assert [(part.name, part.content, part.type) for part in parts[2:]] == [
        ("image[]", b"\x89PNG\r\n--\r\n\r\n", "image/png"),
        ("image[]", b"", "image/webp"),
    ]
    assert [part.filename is None for part in parts] == [True, True, False, False]


def test_header_names_come_in_any_case_and_filename_is_not_the_name():
    part = b'CONTENT-DISPOSITION: form-data; filename="a.png"; name="image"\r\ncontent-TYPE:image/png\r\n\r\nbytes'
    assert read_form(KIND, form(part)) == [Part("image", b"bytes", "a.png", "image/png")]


def test_quoted_boundary_preamble_and_epilogue_are_understood():
    body = b"hello\r\n" + form(field(b"a")) + b"good bye"
    assert read_form('multipart/form-data; charset=utf-8; boundary="b0"', body) == [Part("a", b"x")]


def test_form_without_parts_is_empty():
    assert read_form(KIND, b"--b0--\r\n") == []


def test_field_that_is_no_utf_8_is_text_all_the_same():
    assert read_form(KIND, form(field(b"a", b"\xff\xfe")))[0].text == "��"


@pytest.mark.parametrize(
    "kind, body, reason",
    [
        ("multipart/form-data", form(field(b"a")), "no boundary"),
        ("multipart/form-data; boundary=", form(field(b"a")), "no boundary"),
        ("", b"", "no boundary"),
        (KIND, b"", "not complete"),
        (KIND, b"{}", "not complete"),
        (KIND, form(field(b"a"), end=b""), "not complete"),
        (KIND, form(field(b"a"))[:-9], "not complete"),
        (KIND, form(b"no headers"), "no headers"),
        (KIND, form(b"content-type: text/plain\r\n\r\nx"), "no name"),
        (KIND, form(b"\r\n\r\nx"), "no name"),
    ],
)
def test_what_is_no_form_is_refused(kind, body, reason):
    with pytest.raises(Invalid, match=reason) as refused:
        read_form(kind, body)
    assert refused.value.code == "invalid_form"
