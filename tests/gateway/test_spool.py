"""The spool: bytes of one exchange that are needed again, bounded and without a name."""

import os

import pytest

from darkroom.gateway.spool import PIECE_BYTES, Folder, Full, NoRoom, Spool


@pytest.fixture
def spool(tmp_path):
    spool = Spool(Folder(tmp_path), limit=3 * PIECE_BYTES)
    yield spool
    spool.close()


def test_spool_gives_back_what_was_appended(spool):
    spool.append(b"hello ")
    spool.append(b"world")
    assert spool.size == 11
    assert spool.read(0, 11) == b"hello world"
    assert spool.read(6, 11) == b"world"
    assert spool.read(4, 4) == b""


def test_spool_reads_in_bounded_pieces(spool):
    data = os.urandom(2 * PIECE_BYTES + 17)
    spool.append(data)
    pieces = list(spool.pieces(5, len(data)))
    assert b"".join(pieces) == data[5:]
    assert max(map(len, pieces)) <= PIECE_BYTES
    assert len(pieces) == 3


def test_spool_refuses_bytes_beyond_its_limit_and_keeps_the_rest(spool):
    spool.append(b"x" * 3 * PIECE_BYTES)
    with pytest.raises(Full):
        spool.append(b"y")
    assert spool.size == 3 * PIECE_BYTES
    assert spool.read(0, 2) == b"xx"


def test_spool_opens_no_file_before_its_first_byte_and_leaves_none(tmp_path):
    spool = Spool(Folder(tmp_path), limit=100)
    assert spool.fd == -1
    spool.append(b"x")
    assert spool.fd >= 0
    assert list(tmp_path.iterdir()) == []
    spool.close()
    spool.close()
    assert spool.fd == -1


def test_spool_says_so_when_asked_for_bytes_that_it_does_not_have(spool):
    spool.append(b"abc")
    with pytest.raises(OSError, match="ends early"):
        list(spool.pieces(0, 10))


def test_file_that_is_used_again_shows_nothing_of_its_last_owner(tmp_path):
    folder = Folder(tmp_path)
    first = Spool(folder, limit=1000)
    first.append(b"somebody's picture")
    fd = first.fd
    first.close()
    second = Spool(folder, limit=1000)
    second.append(b"mine")
    assert second.fd == fd
    assert second.read(0, 1000) == b"mine"
    with pytest.raises(OSError, match="ends early"):
        list(second.pieces(0, 18))
    second.close()


def test_large_files_give_their_space_back_at_once(tmp_path):
    folder = Folder(tmp_path)
    spool = Spool(folder, limit=1 << 30)
    for _ in range(17):
        spool.append(bytes(1 << 20))
    fd = spool.fd
    spool.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_idle_files_are_closed_with_their_folder(tmp_path):
    folder = Folder(tmp_path / "spool")
    spool = Spool(folder, limit=10)
    spool.append(b"x")
    fd = spool.fd
    spool.close()
    os.fstat(fd)
    folder.clear()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_disk_that_refuses_is_told_apart_from_a_limit(tmp_path):
    spool = Spool(Folder(tmp_path), limit=100)
    spool.append(b"x")
    os.close(spool.fd)
    with pytest.raises(NoRoom):
        spool.append(b"y")


def test_folder_knows_how_much_its_open_spools_hold(tmp_path):
    folder = Folder(tmp_path)
    first, second = Spool(folder, 100), Spool(folder, 100)
    first.append(b"x" * 60)
    second.append(b"y" * 30)
    assert folder.used == 90
    first.close()
    first.close()
    assert folder.used == 30
    second.close()
    assert folder.used == 0
