"""A request's body in pieces: whole and in order, bounded, repeatable, and never read before its turn."""

import os
from base64 import b64encode
from pathlib import Path

import pytest

from darkroom.channels.body import JOIN_BYTES, PIECE_BYTES, Base64Part, FilePart, inlined, length, pieces
from darkroom.errors import Internal
from darkroom.wire.elide import Upload


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture"
    path.write_bytes(bytes(range(256)) * 4096)
    return path


def told(parts):
    return [bytes(piece) for piece in pieces(parts)]


def open_files():
    """How many files this process has open, where the system tells."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def test_pieces_are_the_parts_in_order_and_each_is_bounded(picture):
    content = picture.read_bytes()
    parts = [
        b"{",
        b"a" * 10,
        FilePart(picture, 5, 700_005),
        b"b" * 600_000,
        b'"',
        FilePart(str(picture), 0, 3),
        b"}",
    ]
    expected = b"{" + b"a" * 10 + content[5:700_005] + b"b" * 600_000 + b'"' + content[:3] + b"}"
    found = told(parts)
    assert b"".join(found) == expected
    assert length(parts) == len(expected)
    assert max(map(len, found)) <= PIECE_BYTES


def test_small_parts_leave_together_and_never_much_more_than_a_join_at_once():
    found = told([b"x" * 1000] * 200)
    assert len(found) == 4
    assert max(map(len, found)) < JOIN_BYTES + 1000
    assert sum(map(len, found)) == 200_000


def test_body_can_be_sent_again_from_its_start(picture):
    with picture.open("rb") as file:
        file.seek(77)
        parts = [b"head", FilePart(file.fileno(), 10, 300_000), b"tail"]
        assert told(parts) == told(parts)
        assert file.tell() == 77, "a descriptor stays as its owner left it"


def test_file_is_not_opened_before_its_turn_and_closed_when_nobody_wants_the_rest(picture):
    sending = pieces([b"x" * (JOIN_BYTES + 1), FilePart(picture, 0, 600_000)])
    before = open_files()
    picture.rename(picture.with_name("moved"))
    next(sending)
    picture.with_name("moved").rename(picture)
    next(sending)
    sending.close()
    assert open_files() == before


@pytest.mark.parametrize("part", [FilePart("/nowhere/at/all", 0, 5), FilePart(987_654, 0, 5)])
def test_file_that_is_gone_is_told_without_its_name(part):
    with pytest.raises(Internal) as caught:
        told([part])
    assert "nowhere" not in caught.value.message
    assert caught.value.internal


def test_file_that_is_shorter_than_its_part_is_a_fault_and_not_a_short_body(picture):
    with pytest.raises(Internal, match="lost"):
        told([FilePart(picture, 1_000_000, 1_100_000)])


def test_empty_body_has_no_pieces():
    assert told([]) == []
    assert length([]) == 0


@pytest.mark.parametrize("size", [0, 1, 2, 3, 100, 196_607, 196_608, 196_609, 700_001])
def test_base64_part_is_a_data_url_of_known_length_in_bounded_pieces(picture, size):
    part = Base64Part(os.open(picture, os.O_RDONLY), 5, 5 + size, b"data:image/png;base64,")
    expected = b"data:image/png;base64," + b64encode(picture.read_bytes()[5 : 5 + size])
    parts = [b'{"image_url":"', part, b'"}']
    found = told(parts)
    assert b"".join(found) == b'{"image_url":"' + expected + b'"}'
    assert length(parts) == len(expected) + 16
    assert max(map(len, found)) <= PIECE_BYTES
    assert told(parts) == found
    os.close(part.fd)


def test_picture_in_a_json_text_is_its_data_url(picture):
    with picture.open("rb") as file:
        part = inlined(Upload(("image_url",), 3, 9, "image/webp"), file.fileno())
        assert b"".join(told([part])) == b"data:image/webp;base64," + b64encode(picture.read_bytes()[3:9])
