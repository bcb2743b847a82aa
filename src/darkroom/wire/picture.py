"""What a picture is, read from its first bytes: format, width and height of PNG, JPEG, WebP and GIF.

Law: never an exception, whatever the bytes; None means "not known from these bytes". Nothing is decoded, and
no more is looked at than the headers: a few dozen bytes, in JPEG also the segments before the frame header.
"""

import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from struct import unpack_from

from msgspec import Struct

ENOUGH = 32
"""First bytes that tell the format, and the size too in everything but JPEG."""

_MIME = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "svg": "image/svg+xml",
}
_PNG = b"\x89PNG\r\n\x1a\n"
_BARE_MARKERS = frozenset((0x01, *range(0xD0, 0xD9)))  # JPEG markers without a length
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ESCAPE = re.compile(rb"\\(?:u00([0-7][0-9A-Fa-f])|(.))", re.DOTALL)
_SPACE = re.compile(rb"[ \t\r\n]+")
_PREFIX = re.compile(rb"data:[^,]{0,256},", re.IGNORECASE)
_ALPHABET = re.compile(rb"[A-Za-z0-9+/]*")
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")


class Head(Struct, frozen=True, gc=False):
    """A picture's format (png, jpeg, webp or gif), and its width and height in pixels."""

    format: str
    width: int
    height: int

    @property
    def size(self) -> str:
        """ "WxH", as the wire writes it."""
        return f"{self.width}x{self.height}"


def mime(format: str | None) -> str:
    """The media type of a format's short name; application/octet-stream for what nobody knows."""
    return _MIME.get(format or "", "application/octet-stream")


def read_format(prefix: bytes) -> str | None:
    """The format by its magic bytes (12 are enough): png, jpeg, webp, gif or None."""
    if prefix.startswith(_PNG):
        return "png"
    if prefix.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if prefix[:4] == b"RIFF" and prefix[8:12] == b"WEBP":
        return "webp"
    if prefix[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    return None


def read_head(prefix: bytes) -> Head | None:
    """Read a picture's head from its first bytes; None if they are too few or no picture of a known format.

    JPEG may carry long comments and profiles before its size, so more bytes can turn a None into an answer.
    """
    format = read_format(prefix)
    size = None
    if format == "png":
        size = _png(prefix)
    elif format == "jpeg":
        size = _jpeg(prefix)
    elif format == "webp":
        size = _webp(prefix)
    elif format == "gif" and len(prefix) >= 10:
        size = unpack_from("<HH", prefix, 6)
    if format is None or size is None or not size[0] or not size[1]:
        return None
    return Head(format, size[0], size[1])


def read_head_b64(prefix: bytes) -> Head | None:
    """Read a picture's head from the first characters of its base64, as they stand in JSON text.

    Takes a `data:` URL's beginning, JSON escapes (`\\/`, `\\u002b`), line breaks, the URL-safe alphabet.
    """
    return read_head(decode_prefix(prefix))


def decode_prefix(prefix: bytes) -> bytes:
    """The bytes that the beginning of a base64 text stands for, as far as it is base64."""
    if b"\\" in prefix:
        prefix = _ESCAPE.sub(_unescape, prefix)
    prefix = _SPACE.sub(b"", prefix)
    address = _PREFIX.match(prefix)
    if address:
        prefix = prefix[address.end() :]
    match = _ALPHABET.match(prefix.translate(_TO_STANDARD))
    text = match[0] if match else b""
    # Two or three characters of an unfinished group of four still hold one or two whole bytes.
    rest = len(text) % 4
    text = text[:-1] if rest == 1 else text + b"=" * (-rest % 4)
    try:
        return a2b_base64(text)
    except Base64Error:
        return b""


def _unescape(match: re.Match[bytes]) -> bytes:
    if match[1] is not None:
        return bytes((int(match[1], 16),))
    return {b"n": b"\n", b"r": b"\r", b"t": b"\t"}.get(match[2], match[2])


def _png(prefix: bytes) -> tuple[int, int] | None:
    if len(prefix) < 24 or prefix[12:16] != b"IHDR":
        return None
    width, height = unpack_from(">II", prefix, 16)
    return width, height


def _jpeg(prefix: bytes) -> tuple[int, int] | None:
    pos, end = 2, len(prefix)
    while pos + 1 < end:
        if prefix[pos] != 0xFF:
            return None
        marker = prefix[pos + 1]
        if marker == 0xFF:  # a fill byte
            pos += 1
        elif marker in _BARE_MARKERS:
            pos += 2
        elif marker in _FRAME_MARKERS:
            if pos + 9 > end:
                return None
            height, width = unpack_from(">HH", prefix, pos + 5)
            return width, height
        elif marker in (0x00, 0xD9, 0xDA) or pos + 4 > end:  # the scan or the end: no size before it
            return None
        else:
            pos += 2 + max(2, int.from_bytes(prefix[pos + 2 : pos + 4], "big"))
    return None


def _webp(prefix: bytes) -> tuple[int, int] | None:
    kind = prefix[12:16]
    if kind == b"VP8 " and len(prefix) >= 30 and prefix[23:26] == b"\x9d\x01\x2a":
        width, height = unpack_from("<HH", prefix, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L" and len(prefix) >= 25 and prefix[20] == 0x2F:
        bits = int.from_bytes(prefix[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X" and len(prefix) >= 30:
        return int.from_bytes(prefix[24:27], "little") + 1, int.from_bytes(prefix[27:30], "little") + 1
    return None
