"""Compressed answers: the same bytes whatever the pieces, bounded pieces out, and faults told."""

import gzip
import random
import zlib

import pytest

from darkroom.channels.inflate import PIECE_BYTES, Inflate

TEXT = b"".join(b"event %d: " % n + random.Random(n).randbytes(40) for n in range(2000))


def raw(data, level=9):
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def undo(coding, data, step):
    """Everything that comes out as an answer takes it: `more` while something is pending, else `feed`."""
    inflate, out = Inflate(coding), []
    for at in range(0, len(data), step):
        out.append(inflate.feed(data[at : at + step]))
        while inflate.pending:
            out.append(inflate.more())
    assert max(map(len, out), default=0) <= PIECE_BYTES
    return b"".join(out), inflate.whole


@pytest.mark.parametrize("step", [1, 7, 1000, 1 << 20])
@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        (b"gzip", gzip.compress(TEXT)),
        (b"x-gzip", gzip.compress(TEXT)),
        (b"gzip", gzip.compress(TEXT[:500]) + gzip.compress(TEXT[500:])),
        (b"gzip", gzip.compress(TEXT) + b"\0" * 9),
        (b"deflate", zlib.compress(TEXT)),
        (b"deflate", raw(TEXT)),
    ],
)
def test_inflate_gives_the_same_bytes_whatever_the_pieces(coding, packed, step):
    assert undo(coding, packed, step) == (TEXT, True)


def test_inflate_never_gives_more_than_a_piece_of_what_expands_a_thousandfold():
    bomb = bytes(40_000_000)
    assert undo(b"gzip", gzip.compress(bomb), 1 << 20) == (bomb, True)


def test_inflate_keeps_nothing_back_when_the_input_ends_with_a_full_piece():
    for over in range(0, 520, 7):
        data = bytes(PIECE_BYTES + over)
        assert undo(b"deflate", raw(data), 1 << 20) == (data, True), over


@pytest.mark.parametrize("coding", [b"gzip", b"deflate"])
def test_inflate_of_a_stream_that_was_cut_is_not_whole(coding):
    packed = gzip.compress(TEXT) if coding == b"gzip" else zlib.compress(TEXT)
    assert undo(coding, packed[:-9], 500)[1] is False
    assert undo(coding, b"", 1) == (b"", True)


@pytest.mark.parametrize(
    ("coding", "data"), [(b"gzip", b"<html>not packed"), (b"deflate", b"\xff\xff\xff\xff")]
)
def test_inflate_of_what_is_not_compressed_is_a_value_error(coding, data):
    with pytest.raises(ValueError, match="cannot be decompressed"):
        undo(coding, data, 100)
