"""Server-sent events: bytes in, frames out, and the one place that writes a frame.

Law: chunk borders are invisible, and a frame is never held whole: its small fields come parsed, its long strings in
pieces (`elide`). Reads generously (CRLF, comments, several `data:` lines, a missing `event:`, JSON without `data:`,
`[DONE]`, an end without a blank line); `raw` is given only for a frame in the one right shape:
`event: T` LF `data: ` + one line of JSON + LF LF. Counterpart of `plain`, which reads a body that is one JSON value.
"""

from typing import Any

import msgspec

from darkroom.wire import elide
from darkroom.wire.elide import HOLD, Elider, Long, Malformed, Open, Piece, TooComplex, parse

KEEP_ALIVE = b": keep-alive\n\n"
_NAME_LIMIT = 200
_encode = msgspec.json.Encoder().encode


class Frame(msgspec.Struct, frozen=True, gc=False):
    """A whole frame. `name`: its `event:` or ""; `raw`: its exact bytes, or b"" if its shape is not right."""

    name: str
    tree: Any
    raw: bytes


class Head(msgspec.Struct, frozen=True, gc=False):
    """A long string begins in a frame: the tree so far, `raw` up to its quote, and its first characters.

    `tree` is None where a frame gets too complex to follow: `lead` is what has been read of it, pieces follow.
    """

    name: str
    tree: Any
    raw: bytes
    long: Long
    lead: bytes
    first: bool
    """The frame begins with this token; False for its second and later long strings."""


class Tail(msgspec.Struct, frozen=True, gc=False):
    """The frame that a Head began has ended: the whole tree (None: too complex to parse), `raw` what followed."""

    tree: Any
    raw: bytes


class Broken(msgspec.Struct, frozen=True, gc=False):
    """A frame that is not JSON; if a Head began it, it ends here. `text` is its start."""

    reason: str
    text: bytes


Token = Frame | Head | Piece | Tail | Broken


def write_frame(tree: dict[str, Any]) -> bytes:
    """One event in the right shape; its name is the tree's `type`."""
    return b"event: %b\ndata: %b\n\n" % (tree["type"].encode(), _encode(tree))


class Reader:
    """Bytes to tokens: `feed` what arrives, `finish` at the end of the body."""

    def __init__(self) -> None:
        self.done = False
        """A `[DONE]` has been read."""
        self._line = b""
        self._skip_lf = False
        self._start = True
        self._reset()

    def _reset(self) -> None:
        self._name = ""
        self._lines = b""
        """The data so far, while it is small."""
        self._has_data = False
        self._right = True
        """The frame has had the right shape so far."""
        self._elider: Elider | None = None
        self._opened = False
        self._in_data = False
        """The line being read is data and goes to the elider."""
        self._skipping = False
        """The rest of the line being read is dropped."""
        self._flood = False
        """The frame is too complex to follow; the rest of it passes unread."""

    @property
    def kept(self) -> int:
        """Bytes held."""
        return len(self._line) + len(self._lines) + (self._elider.kept if self._elider else 0)

    @property
    def between(self) -> bool:
        """No frame has begun."""
        return not (self._line or self._has_data or self._name)

    def feed(self, data: bytes) -> list[Token]:
        """Take the next bytes of the body; return the tokens that are complete with them."""
        out: list[Token] = []
        pos, end = 0, len(data)
        if self._start and end:
            self._line += data
            if len(self._line) < 3 and b"\xef\xbb\xbf".startswith(self._line):
                return out
            data, self._line, self._start = self._line.removeprefix(b"\xef\xbb\xbf"), b"", False
            end = len(data)
        while pos < end:
            if self._skip_lf:
                self._skip_lf = False
                if data[pos] == 0x0A:
                    pos += 1
                    continue
            lf = data.find(b"\n", pos)
            cr = data.find(b"\r", pos, end if lf < 0 else lf)
            stop = cr if cr >= 0 else lf
            if stop < 0:
                self._part(data[pos:] if pos else data, out)
                return out
            self._part(data[pos:stop], out)
            if cr >= 0:
                self._right = False
                self._skip_lf = True
            self._end_line(out)
            pos = stop + 1
        return out

    def finish(self) -> list[Token]:
        """The body has ended: the last frame counts even without its blank line."""
        out: list[Token] = []
        self._right = False
        if self._line or self._in_data:
            self._end_line(out)
        if self._has_data:
            self._end_frame(out)
        return out

    def _part(self, data: bytes, out: list[Token]) -> None:
        """A part of a line, without its end."""
        if self._in_data:
            self._data(data, out)
        elif not self._skipping:
            self._line = self._line + data if self._line else data
            if len(self._line) > HOLD:
                self._long_line(out)

    def _long_line(self, out: list[Token]) -> None:
        """A line has grown too long to wait for its end: data goes on to the elider, all else is dropped."""
        line, self._line = self._line, b""
        value = self._value(line)
        if value is None:
            self._skipping = True
            return
        self._more_data(out)
        self._in_data = True
        self._data(value, out)

    def _end_line(self, out: list[Token]) -> None:
        line, self._line = self._line, b""
        if self._in_data or self._skipping:
            self._in_data = self._skipping = False
        elif not line:
            if self._has_data:
                self._end_frame(out)
            self._reset()
        elif line.startswith((b"event:", b"event ")):
            self._event(line)
        else:
            value = self._value(line)
            if value is not None:
                self._more_data(out)
                self._data(value, out)

    def _event(self, line: bytes) -> None:
        name = line[6:].removeprefix(b" ")
        if self._has_data or self._name or not line.startswith(b"event: ") or len(name) > _NAME_LIMIT:
            self._right = False
        self._name = name[:_NAME_LIMIT].decode("utf-8", "replace").strip()

    def _value(self, line: bytes) -> bytes | None:
        """What a data line says; None for any other line. A line of bare JSON counts as data."""
        if line.startswith(b"data: "):
            return line[6:]
        if line.startswith(b"data:"):
            self._right = False
            return line[5:]
        if line.startswith(b"{") and not self._has_data:
            self._right = False
            return line
        return None

    def _more_data(self, out: list[Token]) -> None:
        """A data line begins. The line break before it is white space, or belongs to the string that it cuts."""
        if not self._has_data:
            self._has_data = True
            self._right = self._right and bool(self._name)
            return
        self._right = False
        if self._elider is None:
            self._lines += b"\n"
        else:
            self._data(b"\\n" if self._elider.inside else b" ", out)

    def _data(self, data: bytes, out: list[Token]) -> None:
        if self._flood:
            out.append(Piece(data))
            return
        if self._elider is None:
            self._lines = self._lines + data if self._lines else data
            if len(self._lines) <= HOLD:
                return
            self._elider = Elider(lines=False)
            data, self._lines = self._lines, b""
        try:
            self._hand_out(self._elider.feed(data), out)
        except Malformed as exc:
            self._hand_out(exc.tokens, out)
            if isinstance(exc, TooComplex):
                self._begin_flood(out)
            else:
                self._break(str(exc), out)

    def _hand_out(self, tokens: list[elide.Token], out: list[Token]) -> None:
        for token in tokens:
            if type(token) is Piece:
                out.append(token)
            elif type(token) is Open:
                out.append(self._head(token))

    def _head(self, token: Open) -> Head:
        raw = b""
        if self._right:
            raw = token.text if self._opened else b"event: %b\ndata: %b" % (self._name.encode(), token.text)
        first, self._opened = not self._opened, True
        return Head(self._name, token.tree, raw, token.long, token.lead, first)

    def _begin_flood(self, out: list[Token]) -> None:
        """Too complex to follow: if the frame has the right shape, the rest of it passes as it is."""
        elider, self._elider = self._elider, None
        assert elider is not None
        if not self._right:
            self._break("this event is too complex", out)
            return
        self._flood = True
        head = b"" if self._opened else b"event: %b\ndata: " % self._name.encode()
        out.append(Head(self._name, None, head, Long(()), elider.rest, not self._opened))
        self._opened = True

    def _break(self, reason: str, out: list[Token]) -> None:
        text = (self._elider.rest if self._elider else self._lines)[:HOLD]
        out.append(Broken(reason, text))
        self._elider, self._opened, self._lines = None, False, b""
        self._in_data, self._has_data, self._skipping = False, False, True

    def _end_frame(self, out: list[Token]) -> None:
        try:
            if self._flood:
                out.append(Tail(None, b"\n\n" if self._right else b""))
            elif self._elider is not None:
                tree, rest = self._elider.finish(), self._elider.rest
                if self._opened:
                    out.append(Tail(tree, rest + b"\n\n" if self._right else b""))
                else:
                    out.append(Frame(self._name, tree, self._whole(rest)))
            elif self._lines.strip() == b"[DONE]":
                self.done = True
            elif self._lines.strip():
                out.append(Frame(self._name, parse(self._lines), self._whole(self._lines)))
        except Malformed as exc:
            self._break(str(exc), out)
        self._reset()

    def _whole(self, text: bytes) -> bytes:
        return b"event: %b\ndata: %b\n\n" % (self._name.encode(), text) if self._right else b""
