"""Base64 as it stands in JSON text, decoded in pieces: what a picture's text becomes on its way to a file.

Law: as generous as the reader of a picture's first bytes (`picture`): a `data:` prefix, JSON escapes, white space, the
URL-safe alphabet and missing padding are taken, anything else raises `NotBase64`. Never more in hand than a piece.
"""

import re
from binascii import Error, a2b_base64
from collections.abc import Iterable, Iterator

PREFIX_MAX = 512
"""Bytes within which a `data:` prefix must end."""
_SPACE = b" \t\r\n"
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_ESCAPE = re.compile(rb"\\(?:u00([0-7][0-9A-Fa-f])|([/nrt]))")
_UNFINISHED = re.compile(rb"\\(?:u(?:0(?:0[0-7]?)?)?)?\Z")
_PLAIN = {b"/": b"/", b"n": b"", b"r": b"", b"t": b""}


class NotBase64(ValueError):
    """The text is not base64."""


def decode_pieces(text: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes that base64 text stands for, piece by piece as it comes."""
    decoder = _Decoder()
    for piece in text:
        if found := decoder.feed(piece):
            yield found
    if found := decoder.finish():
        yield found


class _Decoder:
    def __init__(self) -> None:
        self._begun = False
        self._escape = b""
        self._rest = b""
        self._padded = False

    def feed(self, piece: bytes) -> bytes:
        piece = self._escape + piece
        self._escape = b""
        if b"\\" in piece:
            if cut := _UNFINISHED.search(piece):
                self._escape, piece = cut[0], piece[: cut.start()]
            piece = _ESCAPE.sub(_unescape, piece)
        text = self._rest + piece.translate(_TO_STANDARD if self._begun else None, _SPACE)
        if not self._begun:
            begun = _after_prefix(text)
            if begun is None:
                self._rest = text
                return b""
            self._begun = True
            text = begun.translate(_TO_STANDARD)
        stop = len(text) - len(text) % 4
        self._rest = text[stop:]
        return self._decode(text[:stop])

    def finish(self) -> bytes:
        if self._escape:
            raise NotBase64("it ends within an escape")
        rest = self._rest
        if not self._begun:
            if rest[:5].lower() == b"data:":
                raise NotBase64("its data: prefix does not end")
            rest = rest.translate(_TO_STANDARD)
        if len(rest.rstrip(b"=")) % 4 == 1:
            raise NotBase64("it ends within a character")
        return self._decode(rest + b"=" * (-len(rest) % 4))

    def _decode(self, text: bytes) -> bytes:
        if not text:
            return b""
        if self._padded:
            raise NotBase64("it goes on after its end")
        self._padded = text.endswith(b"=")
        try:
            return a2b_base64(text, strict_mode=True)
        except Error:
            raise NotBase64("it holds characters that are not base64") from None


def _unescape(match: re.Match[bytes]) -> bytes:
    if match[1] is None:
        return _PLAIN[match[2]]
    letter = bytes((int(match[1], 16),))
    return b"" if letter in (b" ", b"\t", b"\r", b"\n") else letter


def _after_prefix(text: bytes) -> bytes | None:
    """The text without its `data:` prefix; None while it cannot be told."""
    if len(text) < 5 and text.lower() == b"data:"[: len(text)]:
        return None
    if text[:5].lower() != b"data:":
        return text
    end = text.find(b",", 0, PREFIX_MAX)
    if end >= 0:
        return text[end + 1 :]
    if len(text) >= PREFIX_MAX:
        raise NotBase64("its data: prefix does not end")
    return None
