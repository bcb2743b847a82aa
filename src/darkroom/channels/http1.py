"""HTTP/1.1 towards an upstream, without input and output: request heads out, answers in.

`Reader` takes one answer's bytes as they come and holds what has been read of its body and not yet been taken.
Counterpart of `connection`, which owns the socket. Law: whatever the bytes are, `feed` does not raise; a fault is kept
in `fault`, comes after all that was right before it, and names no place or secret in its message.
"""

import re
from collections.abc import Iterable

import httptools

from darkroom.errors import Invalid, Lost

HEAD_BYTES = 64 * 1024
"""The most that an answer's status line and headers may have, early answers (1xx) included."""
OWN = frozenset(
    (b"host", b"content-length", b"transfer-encoding", b"connection", b"authorization", b"accept-encoding")
)
"""Headers that are ours alone to set: framing, place, credentials, and that we want no compression."""

_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_TARGET = re.compile(rb"/[\x21-\x7e]*")


def write_head(
    method: bytes,
    target: bytes,
    authority: bytes,
    api_key: str,
    headers: Iterable[tuple[bytes, bytes]],
    length: int | None,
) -> bytes:
    """A request's head. Headers of OWN are left out. Raises Invalid for bytes that would end a line early."""
    if not (_NAME.fullmatch(method) and _TARGET.fullmatch(target)):
        raise Invalid("The path has characters that an upstream must not be sent.")
    lines = [b"%b %b HTTP/1.1\r\nhost: %b\r\naccept-encoding: identity\r\n" % (method, target, authority)]
    if api_key:
        lines.append(b"authorization: Bearer %b\r\n" % api_key.encode("ascii"))
    if length is not None:
        lines.append(b"content-length: %d\r\n" % length)
    for name, value in headers:
        if not (_NAME.fullmatch(name) and _VALUE.fullmatch(value)):
            raise Invalid(f"The header {name!r} has characters that an upstream must not be sent.")
        if name.lower() not in OWN:
            lines.append(b"%b: %b\r\n" % (name, value))
    lines.append(b"\r\n")
    return b"".join(lines)


class Reader:
    """One answer. Give it bytes with `feed` and the end of the connection with `end`; take the body with `take`."""

    __slots__ = (
        "__weakref__",
        "_fresh",
        "_head_bytes",
        "_names",
        "_parser",
        "_place",
        "ended",
        "fault",
        "headers",
        "keep_alive",
        "on_body",
        "parts",
        "received",
        "status",
        "unread",
        "until_end",
    )

    def __init__(self, place: str = "") -> None:
        self.status = 0
        """The HTTP status once the head is whole; 0 before."""
        self.headers: dict[bytes, bytes] = {}
        """Names in lower case; values of one name joined by a comma and a space."""
        self.parts: list[bytes] = []
        """Pieces of the body that nobody has taken."""
        self.unread = 0
        """Bytes in `parts`."""
        self.received = 0
        """Bytes of the body so far, taken or not, as they came (before any decoding)."""
        self.ended = False
        """The answer is whole."""
        self.fault: Lost | None = None
        """Why it will never be whole."""
        self.keep_alive = False
        """Once it has ended: whether the connection can serve the next request."""
        self.until_end = False
        """The body goes on until the connection ends."""
        self._place = place
        self._names: dict[bytes, bytes] = {}
        self._head_bytes = 0
        self._fresh: list[bytes] = []
        # The list's own method: the parser calls it for every chunk, and a Python function costs more than the copy.
        self.on_body = self._fresh.append
        # The parser keeps our methods and we keep the parser; `_drop` ends the cycle, so that nothing waits for the
        # garbage collector.
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)

    def feed(self, data: bytes | memoryview) -> None:
        """The next bytes of the connection."""
        parser = self._parser
        if parser is None:
            self.keep_alive = False
            return
        try:
            parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as exc:
            self._parser_stopped(exc)
        if fresh := self._fresh:
            part = fresh[0] if len(fresh) == 1 else b"".join(fresh)
            fresh.clear()
            self.parts.append(part)
            self.unread += len(part)
            self.received += len(part)
        if self.ended or self.fault is not None:
            self._drop()
        elif not self.status:
            self._count(len(data))

    def end(self, exc: BaseException | None = None) -> None:
        """The connection has ended: cleanly, or by `exc`."""
        if self.ended or self.fault is not None:
            return
        if exc is None and self.until_end:
            self.ended = True
        elif self.status:
            self.fail("The upstream's answer was cut off before it was complete.", _reason(exc))
        else:
            self.fail("The connection to the upstream was lost before it answered.", _reason(exc))
        self._drop()

    def fail(self, what: str, internal: str) -> None:
        """Keep the first fault; `what` is for customers, `internal` for the operator."""
        if self.fault is None:
            where = f"{self._place}: " if self._place else ""
            self.fault = Lost(f"{what} Please send the request again.", internal=where + internal)

    def take(self) -> bytes:
        """All of the body that is there, as one piece."""
        parts = self.parts
        piece = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        self.unread = 0
        return piece

    # called by the parser

    def on_message_begin(self) -> None:
        """A message starts: ours, an early one, or bytes that nobody asked for."""
        if self.ended:
            raise _Excess

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or, after the body, a trailer, which says nothing to us."""
        if self.status:
            return
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > HEAD_BYTES:
            raise _Excess
        name, value = name.lower(), value.strip()
        names = self._names
        names[name] = names[name] + b", " + value if name in names else value

    def on_headers_complete(self) -> None:
        """A head is whole; that of an early answer (1xx) is passed over."""
        parser = self._parser
        status = parser.get_status_code() if parser is not None else 0
        if status < 200:
            self._names = {}
            return
        coding = self._names.get(b"transfer-encoding")
        if coding is not None and coding.lower() != b"chunked":
            self.fail(
                "The upstream's answer cannot be read.", f"transfer-encoding {coding!r} is not known here"
            )
            raise _Excess
        self.status, self.headers = status, self._names
        sized = coding is not None or b"content-length" in self.headers
        self.until_end = not sized and status not in (204, 304)

    def on_message_complete(self) -> None:
        """A message is whole."""
        if self.status and self._parser is not None and self.fault is None:
            self.ended = True
            self.keep_alive = self._parser.should_keep_alive()

    # private

    def _parser_stopped(self, exc: Exception) -> None:
        if self.ended:
            self.keep_alive = False
        elif self._head_bytes > HEAD_BYTES:
            self._head_too_long()
        else:
            said = "it switches protocols" if isinstance(exc, httptools.HttpParserUpgrade) else str(exc)
            self.fail("The upstream's answer is not valid HTTP.", said)

    def _count(self, size: int) -> None:
        """A head that is not whole yet: its bytes count even where no header is recognised."""
        self._head_bytes += size
        if self._head_bytes > 2 * HEAD_BYTES:
            self._head_too_long()
            self._drop()

    def _head_too_long(self) -> None:
        self.fail("The upstream's answer is not valid HTTP.", f"its head is longer than {HEAD_BYTES} bytes")

    def _drop(self) -> None:
        self._parser = None


class _Excess(Exception):
    """Stops the parser."""


def _reason(exc: BaseException | None) -> str:
    return f"{type(exc).__name__}: {exc}" if exc else "the upstream closed the connection"
