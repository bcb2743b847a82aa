"""Base64 text read in pieces: what customers and upstreams send for a picture becomes its bytes again.

Law: the result never depends on where the text was cut, and nothing but the tail of a piece is kept. Taken generously:
a `data:` URL's beginning, JSON escapes, white space, the URL-safe alphabet, padding or none. Everything else is
refused, never skipped: a picture with holes would be sent to a paid upstream, or kept for a customer.
"""

import re
from binascii import a2b_base64
from collections.abc import Iterable, Iterator

HEAD_BYTES = 1024
"""The longest beginning of a `data:` URL that is looked through for its comma."""
_ESCAPE = re.compile(rb"\\(?:u([0-9A-Fa-f]{4})|([^u]))", re.DOTALL)
_OPEN_ESCAPE = re.compile(rb"\\(?:u[0-9A-Fa-f]{0,3})?\Z")
_PLAIN = {b"/": b"/", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"f": b"\f"}
_SPACE = b" \t\r\n\f"
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


class NotBase64(ValueError):
    """The text is not base64; says why, to be read on from "the base64 …"."""


def decode_pieces(text: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes that base64 stands for, piece by piece as it comes; `text` stands as in JSON. Raises NotBase64."""
    reader = Base64Reader(escaped=True)
    for piece in text:
        if found := reader.feed(piece):
            yield found
    if found := reader.finish():
        yield found


class Base64Reader:
    """`feed` the text piece by piece, then `finish`; both return the bytes that are known by then.

    `escaped`: the text stands as in JSON, with its escapes.
    """

    def __init__(self, *, escaped: bool) -> None:
        self._escaped = escaped
        self._held = b""
        """The beginning of an escape that the last piece cut."""
        self._head: bytes | None = b""
        """The text so far while it may be a data URL's beginning, then None."""
        self._rest = b""
        """Up to three characters of an unfinished group."""
        self._padded = False

    def feed(self, piece: bytes) -> bytes:
        """Take the next piece. Raises NotBase64."""
        text = self._unescaped(piece) if self._escaped else piece
        text = text.translate(_TO_STANDARD, _SPACE)
        if self._head is not None:
            text = self._beheaded(self._head + text)
        return self._decoded(text)

    def finish(self) -> bytes:
        """The text is over. Raises NotBase64."""
        if self._held:
            raise NotBase64("ends inside an escape")
        head, self._head = self._head, None
        data = b""
        if head:
            if head[:5].lower() == b"data:":
                raise NotBase64("is missing: the data URL has no comma")
            data = self._decoded(head)
        if len(self._rest) == 1:
            raise NotBase64("is cut off")
        return data + a2b_base64(self._rest + b"=" * (-len(self._rest) % 4))

    def _unescaped(self, piece: bytes) -> bytes:
        text = self._held + piece if self._held else piece
        self._held = b""
        if b"\\" not in text:
            return text
        if cut := _OPEN_ESCAPE.search(text):
            text, self._held = text[: cut.start()], cut[0]
        return _ESCAPE.sub(_meant, text)

    def _beheaded(self, text: bytes) -> bytes:
        """What follows the data URL's beginning; nothing while that is not over."""
        lead = text[:5].lower()
        if b"data:".startswith(lead) and len(lead) < 5:
            self._head = text
            return b""
        if lead == b"data:":
            comma = text.find(b",", 0, HEAD_BYTES)
            if comma < 0:
                if len(text) >= HEAD_BYTES:
                    raise NotBase64("is missing: the data URL has no comma")
                self._head = text
                return b""
            if not text[:comma].lower().endswith(b";base64"):
                raise NotBase64("is missing: the data URL does not say `;base64` before its comma")
            text = text[comma + 1 :]
        self._head = None
        return text

    def _decoded(self, text: bytes) -> bytes:
        padding = text.find(b"=")
        if self._padded or padding >= 0:
            after = text if self._padded else text[padding:]
            if after.strip(b"="):
                raise NotBase64("goes on after its padding")
            text = b"" if self._padded else text[:padding]
            self._padded = True
        if strange := text.translate(None, _ALPHABET):
            sign = chr(strange[0]) if 32 < strange[0] < 127 else f"byte 0x{strange[0]:02x}"
            raise NotBase64(f"has a character that does not belong there: {sign}")
        text = self._rest + text if self._rest else text
        whole = len(text) - len(text) % 4
        self._rest = text[whole:]
        return a2b_base64(text[:whole])


def _meant(match: re.Match[bytes]) -> bytes:
    if match[1] is not None:
        code = int(match[1], 16)
        return bytes((code,)) if code < 128 else b"\x00"
    # What no base64 needs escaped keeps its backslash, and is refused for it.
    return _PLAIN.get(match[2], match[0])
