"""Events with whole strings, made from the pieces that the wire's readers hand on.

The relay never holds a picture; a customer wants just that. What he holds is one picture: once `enough` is set, the
copies that `response.completed` repeats are dropped as they arrive.
"""

from typing import Any

import msgspec

from darkroom.wire import events, plain, sse
from darkroom.wire.codecs import responses
from darkroom.wire.elide import Long, Piece

_LAST = ("response.completed", "response.incomplete", "response.failed")


class Assembler:
    """Bytes of an answer to events: `feed` what arrives, `finish` at the end of the body."""

    def __init__(self, media_type: str) -> None:
        self._reader = plain.Reader() if "json" in media_type else sse.Reader()
        self._buffers: dict[int, tuple[Long, bytearray]] = {}
        """The long strings of the frame that is arriving, by the identity of their place."""
        self._open: bytearray | None = None
        self._name = ""
        self.enough = False
        """The picture is there; its copies need not be kept."""

    def feed(self, chunk: bytes) -> list[events.Event]:
        """Take the next bytes of the body; return the events that are complete with them."""
        return self._take(self._reader.feed(chunk))

    def finish(self) -> list[events.Event]:
        """The body has ended."""
        return self._take(self._reader.finish())

    def _take(self, tokens: list[sse.Token]) -> list[events.Event]:
        out: list[events.Event] = []
        for token in tokens:
            match token:
                case Piece():
                    if self._open is not None:
                        self._open += token.data
                case sse.Head():
                    self._begin(token)
                case sse.Frame():
                    self._emit(token.tree, token.name, out)
                case sse.Tail():
                    self._emit(token.tree, self._name, out)
                    self._forget()
                case sse.Broken():
                    # A page or a word instead of JSON; what follows may still be right.
                    out.append(events.Other(type="broken", tree={"reason": token.reason}))
                    self._forget()
        return out

    def _begin(self, head: sse.Head) -> None:
        self._name = head.name
        kind = head.tree.get("type", head.name) if isinstance(head.tree, dict) else head.name
        self._open = None
        if not (self.enough and kind in _LAST):
            self._open = bytearray(head.lead)
            self._buffers[id(head.long)] = (head.long, self._open)

    def _emit(self, tree: Any, name: str, out: list[events.Event]) -> None:
        if isinstance(tree, dict):
            out.append(responses.decode(self._fill(tree), name))

    def _forget(self) -> None:
        self._buffers, self._open, self._name = {}, None, ""

    def _fill(self, value: Any) -> Any:
        """The tree with its long strings in their places; a copy that was dropped becomes empty."""
        if isinstance(value, Long):
            _, text = self._buffers.get(id(value), (value, bytearray()))
            return _unescape(text)
        if not self._buffers and not self.enough:
            return value
        if isinstance(value, dict):
            return {key: self._fill(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._fill(item) for item in value]
        return value


def _unescape(text: bytearray) -> str:
    """A string as it stands in JSON between its quotes, without its escapes; empty if it is not UTF-8."""
    try:
        if b"\\" not in text:
            return text.decode()
        return msgspec.json.decode(b'"' + bytes(text) + b'"', type=str)
    except (UnicodeDecodeError, msgspec.DecodeError):
        return ""
