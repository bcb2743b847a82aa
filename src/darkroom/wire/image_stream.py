"""The caller's side of the relay when he asked the Images API for a stream: a partial and a finished event a picture.

Law: a finished picture's event begins to leave when the picture begins to arrive. Its usage, which a Responses upstream
tells only at the very end, comes last in the event; if it does not come soon, the event ends without it. Counterpart of
`image_whole`. Both read canonical trees (`codecs.images.events`). Source: wire.md 4.4, 5.3.
"""

from typing import Any

import msgspec

from darkroom.errors import Error
from darkroom.wire.actions import Cut
from darkroom.wire.codecs.images.events import write_finished, write_partial
from darkroom.wire.codecs.responses.events import PARTIAL, is_image
from darkroom.wire.down import Down, Hold, completed
from darkroom.wire.elide import Tree, render
from darkroom.wire.longs import locate
from darkroom.wire.sse import KEEP_ALIVE, Head, Tail, write_frame

DONE = "response.output_item.done"
ENDS = ("response.completed", "response.incomplete")
_PICTURES = {PARTIAL: ("partial_image_b64",), DONE: ("item", "result")}


def pictures_in(tree: Tree) -> list[Tree]:
    """The finished pictures among the output items of a last event."""
    output = (tree.get("response") or {}).get("output")
    items = output if isinstance(output, list) else []
    return [item for item in items if isinstance(item, dict) and is_image(item.get("result"))]


class ImageStream(Down):
    """Writes the events of one answer. `prefix` is image_generation or image_edit; `n` is how many were asked for."""

    def __init__(
        self, *args: Any, prefix: str, asked: Tree, n: int = 1, bare: bool = False, **named: Any
    ) -> None:
        super().__init__(*args, **named)
        self.prefix = prefix
        self.asked = asked
        """What was asked for, to fill in what the upstream does not say."""
        self.n = n
        self.bare = bare
        """A part of a batch: its failure is not the end of the others, so the stream says nothing of it."""
        self._waiting: int | None = None
        """The number of the picture whose event is whole but for its usage."""

    @property
    def between(self) -> bool:
        """No event is half sent."""
        return super().between and self._waiting is None

    @property
    def satisfied(self) -> bool:
        """All pictures are there."""
        return len(self.outcome.pictures) >= self.n and self.hold is None

    # whole frames

    def frame(self, tree: Tree, repairs: list[str], raw: bytes, name: str) -> None:
        """A canonical event that is there as a whole."""
        kind: str = tree["type"]
        if kind in ENDS:
            self.outcome.repaired(repairs)
            self._last(tree)
        elif kind == PARTIAL and is_image(tree.get("partial_image_b64")):
            self._release(None)
            self.outcome.repaired(repairs)
            if not self._pass(raw, name, kind, repairs):
                self._write(write_partial(tree, self.prefix, self.created_at, self.asked), b"}\n\n")
        elif kind == DONE and is_image((tree.get("item") or {}).get("result")):
            self._release(None)
            self.outcome.repaired(repairs)
            self._picture(tree["item"], raw, name, repairs)

    def _picture(self, item: Tree, raw: bytes, name: str, repairs: list[str]) -> None:
        number = self.earn(item)
        if number is None:
            return
        if self.link is not None:
            item = self.linked(number, item)
        elif raw and not repairs and self.native and name == self._name(DONE):
            self.earn_action(number)
            self.send(raw)
            return
        self._write(write_finished(item, self.prefix, self.created_at, self.asked), b"")
        self._wait(number)

    def _last(self, tree: Tree) -> None:
        """The end: pictures that came only with it, and the usage of the last one."""
        for item in pictures_in(tree)[len(self.outcome.pictures) :]:
            self._release(None)
            self._picture(item, b"", "", [])
        self._release(self.usage)
        self.ended = True

    def _name(self, kind: str) -> str:
        return f"{self.prefix}.{'partial_image' if kind == PARTIAL else 'completed'}"

    def _pass(self, raw: bytes, name: str, kind: str, repairs: list[str]) -> bool:
        """Send the frame as it came, if it is right."""
        right = bool(raw) and not repairs and self.native and name == self._name(kind)
        if right:
            self.send(raw)
        else:
            self.note(["frame"])
        return right

    def _write(self, tree: Tree, end: bytes) -> None:
        """An event from its tree up to its last brace, which `end` stands for; pictures in the spool are replayed."""
        first = b"event: %b\ndata: " % tree["type"].encode()
        *parts, last = render(tree)
        assert isinstance(last, bytes)
        self.spell([*parts, last[:-1]], [], first, end)

    # a finished picture's last bytes

    def _wait(self, number: int) -> None:
        """The event is whole but for its usage: that is there, or may still come."""
        self._waiting = number
        if self.usage is not None:
            self._release(self.usage)

    def _release(self, usage: Tree | None) -> None:
        """End the event that waits, if one does."""
        number, self._waiting = self._waiting, None
        if number is None:
            return
        self.usage = None
        self.earn_action(number)
        self.send((b',"usage":' + msgspec.json.encode(usage) if usage else b"") + b"}\n\n")

    # frames in pieces

    def head(self, token: Head, tree: Tree | None, repairs: list[str]) -> None:
        """A long string begins. `tree` is canonical, or None if the frame is too complex to follow."""
        hold = self.hold
        if not token.first and hold is not None:
            self._middle(hold, token, tree)
            return
        if tree is None:
            self.hold = Hold("drop", token.name, {}, token.long, None)
            return
        kind: str = tree["type"]
        where = locate(tree, token.long)
        if where is None or where != _PICTURES.get(kind):
            late = kind in ENDS or kind == "message" or where is None
            self.hold = hold = Hold(
                "spool" if late and not self._had(tree) else "drop", kind, tree, token.long, None
            )
            self.begin(hold, token.lead)
            return
        self._release(None)
        lead = self.strip(token.lead, repairs)
        if kind == DONE and self.link is not None:
            self.hold = hold = Hold("spool", kind, tree, token.long, None)
            self.begin(hold, lead)
            return
        raw = self.native and bool(token.raw) and not repairs and token.name == self._name(kind)
        self.hold = hold = Hold("raw" if raw else "write", kind, self._shape(tree), token.long, None)
        hold.repaired = set(repairs)
        hold.keep = self.keeps and kind == DONE
        self.outcome.repaired(repairs)
        if raw:
            self.send(token.raw)
        else:
            self.note(["frame"])
            self.send(b"event: %b\ndata: %b" % (self._name(kind).encode(), self.part(hold.tree, 0)))
        self.begin(hold, lead)

    def _middle(self, hold: Hold, token: Head, tree: Tree | None) -> None:
        """A second long string in the same frame."""
        hold.long, hold.count = token.long, hold.count + 1
        if hold.mode == "raw":
            self.send(token.raw)
        elif hold.mode == "write" and tree is not None:
            hold.tree = self._shape(tree)
            self.send(self.part(hold.tree, hold.count))
        self.begin(hold, token.lead)

    def tail(self, token: Tail, tree: Tree | None, repairs: list[str]) -> None:
        """The frame has ended."""
        hold, self.hold = self.hold, None
        assert hold is not None
        if tree is None:
            if hold.mode in ("raw", "write"):
                self.out.append(Cut())
            return
        if hold.mode in ("spool", "drop"):
            self.frame(tree, repairs, b"", "")
            return
        self.outcome.repaired(sorted(set(repairs) - hold.repaired))
        number = self.earn(tree["item"]) if hold.kind == DONE else None
        if hold.mode == "raw":
            self.earn_action(number)
            self.send(token.raw)
            return
        last = render(self._shape(tree))[-1]
        assert isinstance(last, bytes)
        if number is None:
            self.send(last + b"\n\n")
        else:
            self.send(last[:-1])
            self._wait(number)

    def _shape(self, tree: Tree) -> Tree:
        if tree["type"] == PARTIAL:
            return write_partial(tree, self.prefix, self.created_at, self.asked)
        return write_finished(tree["item"], self.prefix, self.created_at, self.asked)

    def _had(self, tree: Tree) -> bool:
        """Every picture that a last event repeats has been delivered."""
        return 0 < len(pictures_in(tree)) <= len(self.outcome.pictures)

    # ends

    def finish(self) -> bool:
        """The upstream ended cleanly without a last event, as an Images upstream does."""
        if self.hold is not None or not self.outcome.pictures:
            return False
        self._release(None)
        self.ended = True
        return True

    def fail(self, error: Error) -> None:
        """End as one failure; nothing is written if nothing has been sent, so that the status can still say it."""
        self.ended = True
        hold, self.hold = self.hold, None
        if not self.sent:
            return
        self._release(None)
        tree: Tree = {"type": "error", "error": error.fields()}
        if hold is None or hold.mode in ("spool", "drop"):
            if not self.bare:
                self.outcome.told = True
                self.send(write_frame(tree))
            return
        self.outcome.told = True
        # The frame was cut inside its picture: the last of equal keys wins.
        self.send(completed(hold.end) + b'","b64_json":"",' + msgspec.json.encode(tree)[1:] + b"\n\n")

    def withdraw(self, begun: bool) -> None:
        """The caller is between two events, whatever was to be sent last."""
        super().withdraw(begun)
        self._waiting = None

    def keep_alive(self) -> bool:
        """Say that we are still here, if no picture is being sent; a usage that has not come by now is given up."""
        if self.hold is not None and self.hold.mode in ("raw", "write"):
            return False
        if self._waiting is not None:
            self._release(None)
        else:
            self.send(KEEP_ALIVE)
        return True
