"""Forms for an upstream: exact bytes, files by reference, names that cannot break out of their quotes.

`tests/gateway/test_form.py` reads again what is written here.
"""

import pytest

from darkroom.channels.body import FilePart, length, pieces
from darkroom.channels.form import content_type, write_form
from darkroom.wire.elide import Upload


@pytest.fixture
def spool(tmp_path):
    path = tmp_path / "spool"
    path.write_bytes(b"..picture bytes..")
    with path.open("rb") as file:
        yield file.fileno()


def test_form_is_written_byte_for_byte_as_clients_write_it(spool):
    upload = Upload(("image[]",), 2, 15, "image/png", "猫.png")
    parts = write_form(
        [("model", "gpt-image-2"), ("image[]", upload), ("prompt", "一只猫\r\n")], spool, "bb12"
    )
    expected = (
        '--bb12\r\nContent-Disposition: form-data; name="model"\r\n\r\ngpt-image-2\r\n'
        '--bb12\r\nContent-Disposition: form-data; name="image[]"; filename="猫.png"\r\n'
        "Content-Type: image/png\r\n\r\npicture bytes\r\n"
        '--bb12\r\nContent-Disposition: form-data; name="prompt"\r\n\r\n一只猫\r\n\r\n'
        "--bb12--\r\n"
    ).encode()
    assert b"".join(map(bytes, pieces(parts))) == expected
    assert length(parts) == len(expected)
    assert FilePart(spool, 2, 15) in parts, "files are named, not read"
    assert content_type("bb12") == b"multipart/form-data; boundary=bb12"


@pytest.mark.parametrize(
    "name, media, filename",
    [("image[]", "image/png", "image.png"), ("mask", "image/jpeg", "mask.jpeg"), ("[]", "image/webp", "file.webp"),
     ("image", "x/y", "image.bin")],
)  # fmt: skip
def test_file_without_a_name_gets_one_that_says_what_it_is(spool, name, media, filename):
    head = write_form([(name, Upload((name,), 0, 1, media))], spool, "b")[0]
    assert f'filename="{filename}"'.encode() in head


def test_name_cannot_end_its_quotes_or_its_header(spool):
    evil = 'a"; filename="x\r\nX-Evil: 1\r\n\r\n\\'
    for field in [(evil, "text"), ("image", Upload(("image",), 0, 1, "image/png", evil))]:
        head = write_form([field], spool, "b")[0]
        assert head.count(b"\r\n") == (3 if isinstance(field[1], str) else 4)
        assert b"\r\nX-Evil" not in head
        assert b'"a%22; filename=%22x%0D%0AX-Evil: 1%0D%0A%0D%0A\\\\"' in head


def test_form_without_fields_is_its_last_boundary(spool):
    assert write_form([], spool, "b") == [b"--b--\r\n"]
