"""JSON text read in pieces: the small parts are kept and parsed, long strings are passed on as they arrive.

Law: what is kept never exceeds `LIMIT`, whatever the size of the text, and the result never depends on where the
text was cut into chunks. A string value is *long* if it reaches past `HOLD` bytes of kept text and has at least
`LEAD` bytes itself; everything else stays in the tree. The counterpart `render` writes a tree with long strings.
"""

import re
from typing import Any

import msgspec

HOLD = 16 * 1024
"""Bytes of kept text from which on an open string is passed on."""
LEAD = 256
"""Bytes that a string must have to be passed on; all of them come with its `Open`."""
LIMIT = 128 * 1024
"""Bytes of text outside long strings that one JSON value may have."""
LONGS = 256
"""Long strings that one JSON value may have, where the tree so far is asked for at each of them."""
DEEPEST = 100
"""Objects and arrays within each other: whoever walks a tree may call itself for each."""

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\],:]|"', re.DOTALL)
_decode = msgspec.json.Decoder().decode
Path = tuple[str | int, ...]
Tree = dict[str, Any]


class Malformed(ValueError):
    """The text is not JSON. `tokens`: what came before that was known."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.tokens: list[Token] = []


class TooComplex(Malformed):
    """What stands outside long strings is larger than `LIMIT`, or there are more than `LONGS`."""


class Long:
    """Stands in a tree for a long string: its path, and where it lies (bytes `start` to `stop`, escapes untouched).

    `start` and `stop` count from the beginning of the text; whoever keeps a copy elsewhere says so in `kept`.
    """

    __slots__ = ("kept", "path", "start", "stop")

    def __init__(self, path: Path, start: int = 0, stop: int = 0) -> None:
        self.path = path
        self.start = start
        self.stop = stop
        self.kept: tuple[int, int] | None = None

    def __repr__(self) -> str:
        return f"Long({self.path!r}, {self.start}, {self.stop})"

    def __len__(self) -> int:
        return self.stop - self.start


class Upload(Long):
    """A picture that lies in a file as it is, not as text: in a tree it stands for its data URL, in a form for itself.

    `media` is its media type ("image/png"), `filename` what the customer called it. Sizes in pixels, 0 if unknown.
    """

    __slots__ = ("alpha", "filename", "height", "media", "width")

    def __init__(
        self, path: Path, start: int, stop: int, media: str = "application/octet-stream", filename: str = ""
    ) -> None:
        super().__init__(path, start, stop)
        self.media = media
        self.filename = filename
        self.width = 0
        self.height = 0
        self.alpha = False
        """It has an alpha channel, or a colour that counts as transparent."""


class Open(msgspec.Struct, frozen=True, gc=False):
    """A long string begins: the tree so far with it in its place, the text since the last token up to and with its
    quote, and its first LEAD bytes or more."""

    long: Long
    tree: Any
    text: bytes
    lead: bytes


class Piece(msgspec.Struct, frozen=True, gc=False):
    """More of the open long string, escapes untouched."""

    data: bytes


class Close(msgspec.Struct, frozen=True, gc=False):
    """The open long string has ended; its closing quote belongs to the text that follows."""

    long: Long


Token = Open | Piece | Close


def parse(text: bytes) -> Any:
    """The value of a whole JSON text. Raises Malformed, also if it is nested deeper than DEEPEST."""
    try:
        tree = _decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as exc:
        raise Malformed(str(exc)) from exc
    if text.count(b"{") + text.count(b"[") > DEEPEST:
        layer = [tree]
        for _ in range(DEEPEST):
            nested = [node.values() if isinstance(node, dict) else node for node in layer]
            layer = [child for children in nested for child in children if isinstance(child, dict | list)]
        if layer:
            raise Malformed("the JSON is nested too deep")
    return tree


class Elider:
    """Reads one JSON value: `feed` its text, then `finish` for the tree with a `Long` for every long string.

    Without `trees` each `Open` comes without the tree so far, which is much work for a text of many long strings.
    """

    __slots__ = (
        "_elided",
        "_escape",
        "_lines",
        "_open",
        "_pos",
        "_stack",
        "_taken",
        "_text",
        "_trees",
        "_value",
        "longs",
    )

    def __init__(self, *, trees: bool = True, lines: bool = True) -> None:
        self.longs: list[Long] = []
        self._trees = trees
        self._lines = lines
        """Whether the text can hold line breaks: a reader of lines has none left, and need not look for them again."""
        self._text = b""
        """All text so far, each long string in it as two quotes."""
        self._pos = 0
        """Up to here `_text` has been scanned."""
        self._taken = 0
        """Up to here `_text` has been handed out."""
        self._elided = 0
        """Bytes of the long strings that have ended."""
        self._stack: list[str | int | None] = []
        """Where the text stands: a key in an object (None before the first), an index in an array."""
        self._value = True
        """The next string is a value, not a key."""
        self._open: Long | None = None
        self._escape = False

    def feed(self, data: bytes) -> list[Token]:
        """Take the next bytes; return what became of them. Raises Malformed; after TooComplex all is in `rest`."""
        out: list[Token] = []
        pos, end = 0, len(data)
        try:
            while pos < end:
                if self._open is not None:
                    pos = self._string(data, pos, out)
                    continue
                # One byte more than allowed, at most, so that it does not matter how much came at once.
                step = data[pos : pos + min(HOLD, LIMIT + 1 - len(self._text))]
                pos += len(step)
                self._text += step
                while len(self._text) >= HOLD and self._scan(out):
                    pass
                if self._open is None and len(self._text) > LIMIT:  # type: ignore[redundant-expr]
                    raise TooComplex("the structure of this JSON is larger than 128 KB")
        except Malformed as exc:
            exc.tokens = out
            self._text += data[pos:]
            raise
        return out

    @property
    def inside(self) -> bool:
        """A long string is open."""
        return self._open is not None

    @property
    def kept(self) -> int:
        """Bytes held."""
        return len(self._text)

    @property
    def rest(self) -> bytes:
        """The text that no token has handed out yet."""
        return self._text[self._taken :]

    @property
    def path(self) -> Path:
        """Keys and indexes that lead to where the last scan stopped; inside a long string: to that string."""
        return tuple("" if s is None else s for s in self._stack)

    def finish(self) -> Any:
        """The whole tree. Raises Malformed if the text is not one JSON value."""
        if self._open is not None:
            raise Malformed("the text ends inside a string")
        return self._tree(self._text, self.longs)

    def _partial(self) -> Any:
        """The tree up to the long string that has just been opened, closed where it stands."""
        closers = b"".join(b"]" if isinstance(s, int) else b"}" for s in reversed(self._stack))
        return self._tree(self._text + b'"' + closers, self.longs)

    @staticmethod
    def _tree(text: bytes, longs: list[Long]) -> Any:
        tree = parse(text)
        for long in longs:
            _put(tree, long)
        return tree

    def _string(self, data: bytes, pos: int, out: list[Token]) -> int:
        """Pass on the open string from `pos`; return where it ends or the end of `data`."""
        assert self._open is not None
        stop, self._escape = _find_end(data, pos, self._escape)
        end = len(data) if stop < 0 else stop
        bad = _find_break(data, pos, end) if self._lines else -1
        end = end if bad < 0 else bad
        if end > pos:
            out.append(Piece(data if end - pos == len(data) else data[pos:end]))
            self._open.stop += end - pos
        if bad >= 0:
            raise Malformed(_BREAK)
        if stop >= 0:
            self._close(out)
        return end

    def _close(self, out: list[Token]) -> None:
        """The open string has ended; the text goes on with its closing quote."""
        assert self._open is not None
        out.append(Close(self._open))
        self._elided += len(self._open)
        self._open = None
        self._taken = len(self._text)
        self._pos = len(self._text) + 1

    def _scan(self, out: list[Token]) -> bool:
        """Follow the structure of the kept text. True if a long string began and ended in it: scan again."""
        text, end = self._text, len(self._text)
        for match in _TOKEN.finditer(text, self._pos):
            start, stop = match.span()
            sign = text[start]
            if sign != 0x22:
                self._structure(sign)
            elif stop - start == 1:
                if self._value and end >= max(HOLD, start + 1 + LEAD):
                    return self._begin(start, out)
                self._pos = start
                return False
            elif not self._value:
                self._stack[-1] = parse(text[start:stop])
            elif stop - 1 >= max(HOLD, start + 1 + LEAD):
                return self._begin(start, out)
            self._pos = stop
        self._pos = end
        return False

    def _structure(self, sign: int) -> None:
        """Keep the path through one of { } [ ] , :"""
        stack = self._stack
        if sign == 0x7B:
            stack.append(None)
            self._value = False
        elif sign == 0x5B:
            stack.append(0)
            self._value = True
        elif sign == 0x3A:
            self._value = True
        elif not stack:
            raise Malformed("the JSON closes more than it opened")
        elif sign == 0x2C:
            top = stack[-1]
            if isinstance(top, int):
                stack[-1] = top + 1
            else:
                self._value = False
        else:
            stack.pop()
            self._value = True

    def _begin(self, start: int, out: list[Token]) -> bool:
        """The string at `start` is long. True if it also ends in the kept text."""
        if self._trees and len(self.longs) >= LONGS:
            raise TooComplex(f"this JSON has more than {LONGS} long strings")
        text = self._text
        first = start + 1 + self._elided
        self._open = long = Long(self.path, first, first)
        self.longs.append(long)
        stop, self._escape = _find_end(text, start + 1, False)
        lead = text[start + 1 : stop] if stop >= 0 else text[start + 1 :]
        bad = _find_break(lead, 0, len(lead)) if self._lines else -1
        if 0 <= bad < max(HOLD - start - 1, LEAD):
            raise Malformed(_BREAK)
        lead = lead if bad < 0 else lead[:bad]
        long.stop += len(lead)
        self._text = text[: start + 1]
        tree = self._partial() if self._trees else None
        out.append(Open(long, tree, text[self._taken : start + 1], lead))
        if bad >= 0:
            raise Malformed(_BREAK)
        if stop < 0:
            return False
        self._close(out)
        self._text += text[stop:]
        return True


def _find_end(data: bytes, pos: int, escape: bool) -> tuple[int, bool]:
    """Where the string that `data[pos:]` continues ends (-1: not in here), and whether it stops inside an escape."""
    end = len(data)
    if escape:
        pos += 1
    quote = data.find(b'"', pos)
    while True:
        stop = end if quote < 0 else quote
        slash = data.find(b"\\", pos, stop)
        if slash < 0:
            return quote, False
        pos = slash + 2
        if pos > end:
            return -1, True
        if pos > stop:
            quote = data.find(b'"', pos)


_BREAK = "a line break stands inside a string"


def _find_break(data: bytes, pos: int, end: int) -> int:
    """Where a line break stands in the bytes of a string (-1: nowhere): it would end the frame that they go into.

    Nothing else is looked at in a long string, as that would cost more than passing it on.
    """
    found = data.find(b"\n", pos, end)
    other = data.find(b"\r", pos, end if found < 0 else found)
    return found if other < 0 else other


def _put(tree: Any, long: Long) -> None:
    """Set `long` in the tree at its path."""
    try:
        for key in long.path[:-1]:
            tree = tree[key]
        tree[long.path[-1]] = long
    except (KeyError, IndexError, TypeError) as exc:
        raise Malformed("a key stands twice in one object") from exc


_MARK = msgspec.Raw(b'"\x00"')


def render(tree: Any) -> list[bytes | Long]:
    """The JSON text of a tree as parts: bytes, and each Long where its characters belong (between two quotes).

    A raw zero byte can stand in no JSON text, so that the cutting mark cannot be forged.
    """
    longs: list[Long] = []

    def hook(value: Any) -> Any:
        if isinstance(value, Long):
            longs.append(value)
            return _MARK
        raise TypeError(f"not JSON: {type(value)}")

    text = msgspec.json.encode(tree, enc_hook=hook)
    if not longs:
        return [text]
    parts: list[bytes | Long] = []
    for piece, long in zip(text.split(b"\x00"), [*longs, None], strict=True):
        parts.append(piece)
        if long is not None:
            parts.append(long)
    return parts
