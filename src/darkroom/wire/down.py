"""What both forms of the caller's answer share: sending, keeping in the spool, pictures and the outcome.

`stream` writes events, `whole` one JSON document. A `Hold` is a frame of which a part has been sent or kept.
"""

import re
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from darkroom.errors import Error
from darkroom.wire.actions import Action, Cut, Earn, Keep, Outcome, Picture, Replay, Send, Store
from darkroom.wire.codecs.responses.events import CALL, is_image
from darkroom.wire.elide import LEAD, Long, Tree, render
from darkroom.wire.longs import has_unkept, locate
from darkroom.wire.picture import read_head_b64
from darkroom.wire.sse import Head, Piece, Tail  # type: ignore[attr-defined]

_LEAD = 4096
"""Characters of a picture that are looked at for its format and size."""
_LEADS = 512
"""Long strings whose first characters are remembered."""
_BEGUN = re.compile(rb"\\(?:u[0-9A-Fa-f]{0,3})?\Z|[\xc2-\xf4][\x80-\xbf]{0,2}\Z")
"""An escape or a character that may not be whole, at the end of a string's bytes."""


class Hold(msgspec.Struct):
    """A frame with a long string under way.

    raw: passes untouched; write: rewritten; spool: kept until it is whole; drop: of no use to this caller.
    """

    mode: Literal["raw", "write", "spool", "drop"]
    kind: str
    tree: Tree
    long: Long
    call: Any
    keep: bool = False
    count: int = 0
    """Long strings before this one in the frame."""
    repaired: set[str] = msgspec.field(default_factory=set)
    end: bytes = b""
    """The last bytes of the long string so far."""


def is_picture(where: Any) -> bool:
    """The place of a picture in a canonical tree."""
    if where in (("item", "result"), ("partial_image_b64",)):
        return True
    return len(where) == 4 and where[:2] == ("response", "output") and where[3] == "result"


def resume(sent: Any, tree: Any) -> Any:
    """The tree that begins as `sent`, the tree so far, has left; what else `tree` has comes behind."""
    if isinstance(sent, dict) and isinstance(tree, dict):
        begun = {key: resume(value, tree[key]) if key in tree else value for key, value in sent.items()}
        return begun | {key: value for key, value in tree.items() if key not in sent}
    if isinstance(sent, list) and isinstance(tree, list):
        return [resume(a, b) for a, b in zip(sent, tree, strict=False)] + tree[len(sent) :]
    return sent


def completed(end: bytes) -> bytes:
    """What makes a string whole that was cut behind `end`: the rest of an escape or a character, if it was inside."""
    match = _BEGUN.search(end)
    if match is None:
        return b""
    begun = match[0]
    if begun[:1] == b"\\":  # if this backslash was escaped itself, what is added is just more of the string
        return b"n" if len(begun) == 1 else b"0" * (6 - len(begun))
    size = 2 if begun[0] < 0xE0 else 3 if begun[0] < 0xF0 else 4
    first = {0xE0: 0xA0, 0xF0: 0x90}.get(begun[0], 0x80)
    return bytes(first if len(begun) == 1 and n == 0 else 0x80 for n in range(size - len(begun)))


def closing(hold: Hold, tree: Tree) -> bytes | None:
    """What turns a frame that was cut inside a long string into an error event: the last of equal keys wins."""
    path = locate(hold.tree, hold.long)
    if path is None:
        return None
    out = completed(hold.end) + b'"'
    for depth in range(len(path) - 1, -1, -1):
        key = path[depth]
        if isinstance(key, int):
            out += b"]"
            continue
        extra: Tree = {key: ""} if depth == len(path) - 1 else {}
        extra |= {"status": "failed"} if depth else {k: v for k, v in tree.items() if k != "sequence_number"}
        out += b"," + msgspec.json.encode(extra)[1:]
    return out + b"\n\n"


class Down:
    """The caller's side of one answer. `out` collects actions until the relay takes them."""

    def __init__(
        self, outcome: Outcome, *, response_id: str, model: str | None, created_at: int, keep_limit: int
    ) -> None:
        self.outcome = outcome
        self.response_id = response_id
        self.model = model
        self.created_at = created_at
        self.out: list[Action] = []
        self.sent = False
        """Something has been sent: the HTTP status is out."""
        self.ended = False
        self.hold: Hold | None = None
        self.native = True
        """The upstream speaks the API that the caller called: its right frames may pass untouched."""
        self.usage: Tree | None = None
        """What the upstream said that the picture has cost."""
        self.keeps = False
        """Finished pictures are to be stored."""
        self.link: Callable[[int, str | None], str] | None = None
        """The address of a picture, by its number and format, for callers who want that instead of the picture."""
        self.fresh: list[tuple[int, Tree]] = []
        """Pictures that have been delivered and not stored yet."""
        self.done: dict[int, Tree] = {}
        """Output items that are finished, by index; pictures in them are in the spool."""
        self._keep_limit = keep_limit
        self._kept = 0
        self._leads: dict[Long, bytes] = {}
        self._earned: dict[str, int] = {}

    # the two forms differ in these

    def frame(self, tree: Tree, repairs: list[str], raw: bytes, name: str) -> None:
        """A canonical event that is there as a whole."""
        raise NotImplementedError

    def head(self, token: Head, tree: Tree | None, repairs: list[str]) -> None:
        """A long string of an event begins."""
        raise NotImplementedError

    def tail(self, token: Tail, tree: Tree | None, repairs: list[str]) -> None:
        """The event that `head` began has ended."""
        raise NotImplementedError

    def finish(self) -> bool:
        """The upstream ended cleanly without a last event. True if the answer could be completed."""
        raise NotImplementedError

    def fail(self, error: Error) -> None:
        """End as one failure."""
        raise NotImplementedError

    def keep_alive(self) -> bool:
        """Say that we are still here; False if this is no moment for it."""
        raise NotImplementedError

    def withdraw(self, begun: bool) -> None:
        """The caller is between two events, whatever was to be sent last; `begun`: he has a part of the document."""
        self.hold, self.sent, self.ended = None, True, False

    @property
    def between(self) -> bool:
        """No event is half sent."""
        return self.hold is None or self.hold.mode in ("spool", "drop")

    @property
    def satisfied(self) -> bool:
        """The caller has all that he asked for; only the upstream's own ending is missing."""
        return False

    # shared

    def note(self, repairs: list[str]) -> None:
        """Count repairs; what one API lacks and the other has is no fault of the upstream."""
        if self.native:
            self.outcome.repaired(repairs)

    def send(self, data: bytes) -> None:
        """To the caller."""
        self.sent = True
        self.out.append(Send(data))

    def piece(self, token: Piece) -> None:
        """More of the long string."""
        hold = self.hold
        assert hold is not None
        if hold.mode in ("raw", "write"):
            self.out.append(Send(token.data))
            hold.end = (hold.end + token.data if len(token.data) < 6 else token.data)[-6:]
        if hold.keep:
            self.keep(hold.long, token.data)

    def begin(self, hold: Hold, lead: bytes) -> None:
        """The first characters of a hold's long string."""
        hold.end = lead[-6:]
        if hold.mode == "drop":
            return
        if len(self._leads) >= _LEADS:
            self._leads.pop(next(iter(self._leads)))
        if not self.outcome.begun and (head := read_head_b64(lead[:1024])) is not None:
            self.outcome.begun.append(Picture("", head.format, head.width, head.height))
        self._leads[hold.long] = lead[:_LEAD]
        if hold.mode != "spool":
            self.send(lead)
        if hold.keep or hold.mode == "spool":
            hold.keep = True
            hold.long.kept = (self._kept, self._kept)
            self.keep(hold.long, lead)

    def keep(self, long: Long, data: bytes) -> None:
        """Into the spool, until something finds no room; what did not fit whole cannot be replayed."""
        if long.kept is None:
            return
        if self._kept + len(data) > self._keep_limit:
            long.kept = None
            self._keep_limit = -1  # what came before may have filled it, or not quite: as its chunks were cut
            self.outcome.repaired(["spool_full"])
            return
        self._kept += len(data)
        long.kept = (long.kept[0], self._kept)
        self.out.append(Keep(data))

    def adopt(self, long: Long, start: int, stop: int, lead: bytes) -> None:
        """A picture was put into the spool from elsewhere."""
        long.start, long.stop, long.kept = start, stop, (start, stop)
        self._kept = stop
        self._leads[long] = lead[:_LEAD]

    def file(self, number: int, item: Tree) -> bool:
        """Ask for a finished picture to be stored; False if that cannot be done."""
        image = item.get("result")
        if isinstance(image, Long):
            span = image.kept
        else:
            data = str(image).encode("utf-8", "replace")
            if self._kept + len(data) > self._keep_limit:
                return False
            span = (self._kept, self._kept + len(data))
            self._kept += len(data)
            self.out.append(Keep(data))
        if span is None:
            return False
        self.out.append(Store(number, *span))
        return True

    def linked(self, number: int, item: Tree) -> Tree:
        """The item with the address of its stored picture instead of the picture."""
        assert self.link is not None
        if not self.file(number, item):
            self.out.append(Cut())
        address = self.link(number, self.outcome.pictures[number].format)
        return {**{key: value for key, value in item.items() if key != "result"}, "url": address}

    def forget_spool(self) -> None:
        """The spool is lost: keep nothing more, and never ask for what was kept."""
        self._keep_limit = -1
        for long in self._leads:
            long.kept = None
        self.done = {index: item for index, item in self.done.items() if not has_unkept(item)}

    def strip(self, lead: bytes, repairs: list[str]) -> bytes:
        """The first characters of a picture without `data:image/png;base64,`."""
        comma = lead.find(b",", 0, LEAD)  # what stands behind may not have arrived
        if lead[:5].lower() != b"data:" or comma < 0:
            return lead
        repairs.append("data_prefix")
        return lead[comma + 1 :]

    def part(self, tree: Tree, count: int) -> bytes:
        """The text of a tree between its long strings number `count - 1` and `count`."""
        part = render(tree)[2 * count]
        assert isinstance(part, bytes)
        return part

    def spell(
        self, parts: list[bytes | Long], numbers: list[int], first: bytes = b"", last: bytes = b""
    ) -> bool:
        """A tree's text: what is long in it comes from the spool, pictures are earned before the last bytes.

        False if something of it was not kept: the answer is cut.
        """
        for part in parts[:-1]:
            if isinstance(part, bytes):
                self.send(first + part)
                first = b""
            elif part.kept is not None:
                self.out.append(Replay(*part.kept))
            else:
                self.out.append(Cut())
                return False
        end = parts[-1]
        assert isinstance(end, bytes)
        for number in numbers:
            self.earn_action(number)
        self.send(first + end + last)
        return True

    def own_id(self, response: Tree) -> Tree:
        """The response under the id that the caller knows it by."""
        if response.get("id") == self.response_id:
            return response
        if "id" not in response:
            return {"id": self.response_id, **response}
        self.rename(self.response_id, response["id"])
        return {**response, "id": self.response_id}

    def rename(self, own: str, theirs: Any) -> None:
        """Note what the upstream calls the thing that the caller knows as `own`."""
        if isinstance(theirs, str) and theirs not in ("", own):
            self.outcome.renamed[own] = theirs

    def earns(self, kind: str, tree: Tree) -> int | None:
        """The number of the picture that this event delivers, which is noted; None if it delivers none."""
        item = tree.get("item")
        if kind != "response.output_item.done" or not isinstance(item, dict):
            return None
        return self.earn(item)

    def earn(self, item: Tree, index: int | None = None) -> int | None:
        """Note an item's picture in the outcome, once an item; None if it has none or was noted before.

        `index` stands for the id of an item without one.
        """
        image = item.get("result")
        name = str(item.get("id") or index)
        if item.get("type") != CALL or not is_image(image) or name in self._earned:
            return None
        lead = (
            self._leads.get(image, b"")
            if isinstance(image, Long)
            else image[:_LEAD].encode("utf-8", "replace")  # type: ignore[index]
        )
        head = read_head_b64(lead)
        number = len(self.outcome.pictures)
        self._earned[name] = number
        if self.keeps and self.link is None:
            self.fresh.append((number, item))
        known = {key: item[key] for key in ("quality", "background") if isinstance(item.get(key), str)}
        self.outcome.pictures.append(
            Picture(
                item_id=name,
                format=head.format if head else None,
                width=head.width if head else None,
                height=head.height if head else None,
                bytes=len(image),  # type: ignore[arg-type]
                **known,
            )
        )
        return number

    def remember(self, index: Any, item: Any) -> None:
        """Keep a finished item for a last event that leaves it out."""
        if isinstance(index, int) and isinstance(item, dict) and len(self.done) < 64 and not has_unkept(item):
            self.done[index] = item

    def fill(self, response: Tree, repairs: list[str]) -> Tree:
        """The last response with every delivered item in its output."""
        output = response.get("output")
        items = output if isinstance(output, list) else []
        if not items:
            items = [self.done[i] for i in sorted(self.done)]
        else:
            there = [
                item.get("id") for item in items if isinstance(item, dict) and is_image(item.get("result"))
            ]
            missing = [
                i for i in self.done.values() if is_image(i.get("result")) and i.get("id") not in there
            ]
            ids = [item.get("id") for item in missing]
            if missing:
                items = [i for i in items if not (isinstance(i, dict) and i.get("id") in ids)] + missing
        if items == output or (not items and isinstance(output, list)):
            return response
        repairs.append("output")
        return {**response, "output": items}

    def full(self, response: Tree) -> bool:
        """As far as it has come, the last response lacks nothing that was delivered."""
        return "output" not in response or self.fill(response, []) is response

    def earn_action(self, number: int | None) -> None:
        """Ask for the picture to be marked before its last bytes leave."""
        if number is not None:
            self.out.append(Earn(number))
