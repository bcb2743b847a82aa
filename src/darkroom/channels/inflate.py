"""Undoes the compression of an answer, piece by piece and never more than a bounded piece at a time.

We ask for `identity`; some upstreams, and proxies before them, compress nevertheless.
"""

import zlib

PIECE_BYTES = 256 * 1024
_GZIP, _RAW, _ZLIB = 31, -15, 15


class Inflate:
    """The body of one answer in `coding`, b"gzip" or b"deflate". `feed` when `pending` is False, else `more`."""

    def __init__(self, coding: bytes) -> None:
        self._gzip = coding != b"deflate"
        self._start = b""
        self._inflater = zlib.decompressobj(_GZIP) if self._gzip else None
        self._rest = b""
        self._full = False
        self._fed = False

    @property
    def pending(self) -> bool:
        """Something that was fed has not been given out yet."""
        return bool(self._rest) or self._full

    @property
    def whole(self) -> bool:
        """The compressed stream has had its end. An answer without any byte is whole too."""
        return not self._fed or (self._inflater is not None and self._inflater.eof)

    def feed(self, piece: bytes) -> bytes:
        """Some of what `piece` decodes to; b"" if it needs more. ValueError if it cannot be decoded."""
        self._fed = self._fed or bool(piece)
        if self._inflater is None:
            self._start += piece
            if len(self._start) < 2:
                return b""
            # `deflate` means the zlib format, but many send it without the zlib head (RFC 9110, 8.4.1.2).
            first, second = self._start[:2]
            headed = first & 15 == 8 and (first * 256 + second) % 31 == 0
            self._inflater = zlib.decompressobj(_ZLIB if headed else _RAW)
            piece, self._start = self._start, b""
        self._rest = piece
        return self.more()

    def more(self) -> bytes:
        """Go on with what was fed."""
        out = b""
        while self.pending and not out and self._inflater is not None:
            if self._inflater.eof and not self._next_member():
                break
            try:
                out = self._inflater.decompress(self._rest, PIECE_BYTES)
            except zlib.error as exc:
                raise ValueError(f"it cannot be decompressed: {exc}") from None
            self._rest = self._inflater.unconsumed_tail or self._inflater.unused_data
            # zlib may have taken all of its input and still hold a little that found no room in a full piece.
            self._full = len(out) == PIECE_BYTES
        return out

    def _next_member(self) -> bool:
        """After the end: gzip may go on with another member; anything else is padding, which is passed over."""
        if self._gzip and self._rest[:1] == b"\x1f":
            self._inflater = zlib.decompressobj(_GZIP)
            return True
        self._rest, self._full = b"", False
        return False
