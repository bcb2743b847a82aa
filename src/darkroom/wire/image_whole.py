"""The caller's side of the relay when he asked the Images API for one JSON document.

Law: the document begins to leave when its first picture begins to arrive; before that only white space can be said.
What is known only at the end (usage, resolved size and quality) stands behind the pictures. Counterpart of
`image_stream`. Both read canonical trees (`codecs.images.events`). Source: wire.md 4.3.
"""

from typing import Any

import msgspec

from darkroom.errors import Error
from darkroom.wire.actions import Cut
from darkroom.wire.codecs.images.events import write_entry
from darkroom.wire.codecs.responses.events import FORMATS, is_image
from darkroom.wire.down import Down, Hold
from darkroom.wire.elide import Tree, render
from darkroom.wire.image_stream import DONE, ENDS, pictures_in
from darkroom.wire.longs import locate
from darkroom.wire.sse import Head, Tail


def opening(created_at: int) -> bytes:
    """How the document begins."""
    return b'{"created":%d,"data":[' % created_at


def ending(known: Tree, usage: Tree | None) -> bytes:
    """How the document ends: what is known of all pictures, and what they cost together."""
    rest = {**known, **({"usage": usage} if usage else {})}
    return b"]" + (b"," + msgspec.json.encode(rest)[1:] if rest else b"}")


class ImageWhole(Down):
    """Writes one document; `asked` is what was asked for. `bare`: only the entries of `data`, for a part of a batch."""

    def __init__(
        self, *args: Any, asked: Tree, n: int = 1, bare: bool = False, cut: bool = False, **named: Any
    ) -> None:
        super().__init__(*args, **named)
        self.asked = asked
        self.n = n
        self.bare = bare
        self.cut = cut
        """A failure after white space closes the connection: this caller would take an error body for a success."""
        self.plain = False
        """The upstream answers with the same document, whose right parts pass untouched."""
        self.known: Tree = {}
        """Size, quality and so on, as far as the upstream said them."""
        self.begun = False
        self._numbers: list[int | None] = []

    @property
    def satisfied(self) -> bool:
        """All pictures are there."""
        return len(self.outcome.pictures) >= self.n and self.hold is None

    def frame(self, tree: Tree, repairs: list[str], raw: bytes, name: str) -> None:
        """A canonical event that is there as a whole."""
        kind: str = tree["type"]
        self.outcome.repaired(repairs)
        if kind == DONE:
            self._entry(tree.get("item"))
        elif kind in ENDS:
            items = pictures_in(tree)
            if raw and self.plain and self.native and not repairs and not self.begun and self.link is None:
                self._numbers = [self.earn(item) for item in items]
                self._earn_all()
                self.send(raw)
                self.ended = True
                return
            for item in items[len(self._numbers) :]:
                self._entry(item)
            self._end()

    def _entry(self, item: Any) -> None:
        """One picture that is there as a whole."""
        if not isinstance(item, dict) or not is_image(item.get("result")):
            return
        number = self.earn(item)
        if number is None:
            return
        if self.link is not None:
            item = self.linked(number, item)
        if self.spell(render(self._take(item)), [], self._separator()):
            self._numbers.append(number)

    def _take(self, item: Tree) -> Tree:
        """The entry of an item, without what stands once for the whole document."""
        entry = write_entry(item)
        self.known |= {key: entry.pop(key) for key in FORMATS if key in entry}
        return entry

    def _separator(self) -> bytes:
        begun, self.begun = self.begun, True
        if begun:
            return b","
        return b"" if self.bare else opening(self.created_at)

    def _end(self) -> None:
        self._earn_all()
        if not self.bare:
            known = self.known | {key: value for key, value in self.asked.items() if key not in self.known}
            self.send((b"" if self.begun else opening(self.created_at)) + ending(known, self.usage))
        self.begun = self.ended = True

    def _earn_all(self) -> None:
        for number in self._numbers:
            self.earn_action(number)

    def head(self, token: Head, tree: Tree | None, repairs: list[str]) -> None:
        """A long string of an event begins."""
        hold = self.hold
        if not token.first and hold is not None:
            hold.long, hold.count = token.long, hold.count + 1
            if hold.mode == "raw":
                self.send(token.raw)
            elif hold.mode == "write" and tree is not None:
                self.send(self.part(self._take(tree["item"]), hold.count))
            self.begin(hold, token.lead)
            return
        if tree is None:
            self.hold = Hold("drop", token.name, {}, token.long, None)
            return
        kind: str = tree["type"]
        where = locate(tree, token.long)
        if kind in ENDS and where is not None and where[-1] == "result" and self.takes(token, repairs):
            self.begun = True
            self.hold = hold = Hold("raw", kind, tree, token.long, None, keep=self.keeps)
            self.send(token.raw)
        elif kind == DONE and where == ("item", "result") and self.link is not None:
            self.hold = hold = Hold("spool", kind, tree, token.long, None)
            self.begin(hold, self.strip(token.lead, repairs))
            return
        elif kind == DONE and where == ("item", "result"):
            self.hold = hold = Hold("write", kind, tree, token.long, None, keep=self.keeps)
            lead = self.strip(token.lead, repairs)
            self.outcome.repaired(repairs)
            hold.repaired = set(repairs)
            self.send(self._separator() + self.part(self._take(tree["item"]), 0))
            self.begin(hold, lead)
            return
        else:
            mode: Any = "spool" if kind in ENDS or kind == "message" else "drop"
            self.hold = hold = Hold(mode, kind, tree, token.long, None)
        self.begin(hold, token.lead)

    def takes(self, token: Head, repairs: list[str]) -> bool:
        """The upstream's own document passes as it is."""
        mine = self.plain and self.native and not self.begun and not self.bare and self.link is None
        return mine and bool(token.raw) and not repairs

    def tail(self, token: Tail, tree: Tree | None, repairs: list[str]) -> None:
        """The event that `head` began has ended."""
        hold, self.hold = self.hold, None
        assert hold is not None
        if tree is None:
            if hold.mode in ("raw", "write"):
                self.out.append(Cut())
            return
        if hold.mode in ("spool", "drop"):
            self.frame(tree, repairs, b"", "")
        elif hold.mode == "raw":
            self._numbers = [self.earn(item) for item in pictures_in(tree)]
            self._earn_all()
            self.send(token.raw)
            self.ended = True
        else:
            self.outcome.repaired(sorted(set(repairs) - hold.repaired))
            self._numbers.append(self.earn(tree["item"]))
            last = render(self._take(tree["item"]))[-1]
            assert isinstance(last, bytes)
            self.send(last)

    def finish(self) -> bool:
        """The upstream ended cleanly without a last event, as an Images upstream does."""
        if self.hold is not None or not self.outcome.pictures:
            return False
        self._end()
        return True

    def fail(self, error: Error) -> None:
        """End as one failure: by the status if nothing was sent, else as an error body, after bytes of it a cut."""
        self.ended = True
        if not self.sent:
            return
        if self.begun or self.cut:
            self.out.append(Cut())
        else:
            self.send(msgspec.json.encode(error.body()))

    def withdraw(self, begun: bool) -> None:
        """What was to be sent last was not; `begun`: some of the document was."""
        super().withdraw(begun)
        self.begun = begun

    def keep_alive(self) -> bool:
        """White space before the document."""
        if self.begun:
            return False
        self.send(b"\n")
        return True
