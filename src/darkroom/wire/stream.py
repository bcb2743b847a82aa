"""The caller's side of the relay when he asked for a stream: right frames untouched, the rest mended or added.

Law: sequence numbers are contiguous, ids stay the same throughout, every image call goes through all its steps, and
an answer ends once: `response.completed`, `response.incomplete`, or an error event followed by `response.failed`.
Counterpart of `whole`, which answers with one JSON document. Both read canonical trees (`codecs.responses.events`).
"""

import re
from collections.abc import Iterable
from typing import Any

from darkroom.errors import Error
from darkroom.wire import events
from darkroom.wire.actions import Cut
from darkroom.wire.backfill import text_events
from darkroom.wire.calls import STEPS, Call, advance, find_call, own_calls
from darkroom.wire.codecs.responses.events import CALL, PARTIAL, encode, is_error, is_image, rename
from darkroom.wire.down import Down, Hold, closing, is_picture, resume
from darkroom.wire.elide import Tree, render
from darkroom.wire.events import Event
from darkroom.wire.longs import has_long, locate
from darkroom.wire.sse import KEEP_ALIVE, Head, Tail, write_frame

_NEEDS = {"in_progress": 1, "generating": 2, "partial_image": 3, "completed": 3}
_REACHES = {"in_progress": 2, "generating": 3, "partial_image": 3, "completed": 4}
_ONCE = {"added": 1, "in_progress": 2}
"""Steps that another attempt does not tell again."""
_ENDS = ("response.completed", "response.incomplete")
_RESPONSE_ID = re.compile(rb'"id":\s?"(resp_[\w-]{1,128})"')


class Stream(Down):
    """Writes the events of one answer."""

    spelling: str = "partial_image_b64"
    """What the caller wants the picture of a partial event to be called."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.number = 0
        self.base: Tree = {}
        """The response as far as it is known before the upstream says anything."""
        self.created: Tree | None = None
        self.in_progress = False
        self.calls: dict[int, Call] = {}
        self.over: dict[int, Any] = {}
        """The ids of the output items that the caller has had whole, by index."""

    # whole frames

    def frame(self, tree: Tree, repairs: list[str], raw: bytes, name: str) -> None:
        """A canonical event that is there as a whole."""
        kind: str = tree["type"]
        if self.created is None and not kind.startswith("response."):
            return
        if self._had(kind):
            return
        call = self._before(kind, tree)
        if call is not None and call.step >= _ONCE.get(kind.rpartition(".")[2], 99):
            return
        if kind in _ENDS:
            tree = self._last(tree, repairs)
        tree, changed = self._fix(tree, call)
        self.outcome.repaired(repairs)
        if raw and not changed and not repairs and name == kind:
            self.earn_action(self.earns(kind, tree))
            self.send(raw)
        else:
            self.note(["frame"] if not raw or name != kind else [])
            self.write(tree)
        self._after(kind, tree, call)

    def _last(self, tree: Tree, repairs: list[str]) -> Tree:
        """The last event with a full output; what was never streamed of it is streamed first."""
        response = tree.get("response")
        response = response if isinstance(response, dict) else {**(self.created or {}), "status": "completed"}
        response, was = own_calls(response, self.calls), response
        repairs += ["item_id"] * (response is not was)
        output = response.get("output")
        for index, item in enumerate(output if isinstance(output, list) else []):
            if isinstance(item, dict) and not self._finished(index, item):
                self._stream_item(index, item)
        return {**tree, "response": self.fill(response, repairs)}

    def _finished(self, index: int, item: Tree) -> bool:
        return index in self.over or (item.get("id") or index) in self.over.values()

    def _stream_item(self, index: int, item: Tree) -> None:
        """The events of an item that came only with the last event."""
        if item.get("type") == CALL:
            tree = {"output_index": index, "item": item}
            call = self._call("response.output_item.done", tree) if is_image(item.get("result")) else None
            if call is None:
                return
            self._emit_all(advance(call, 4))
            call.step = 5
            self.emit(events.ItemDone(output_index=index, item=item))
        else:
            self._emit_all(text_events(index, item))
        self.over[index] = item.get("id")
        self.remember(index, item)

    def write(self, tree: Tree) -> None:
        """One event from its tree; pictures in it come from the spool, and are earned before its last bytes."""
        number = self.earns(tree["type"], tree)
        first = b"event: %b\ndata: " % tree["type"].encode()
        self.spell(render(tree), [] if number is None else [number], first, b"\n\n")

    def emit(self, event: Event) -> None:
        """An event that the upstream left out."""
        tree = encode(event, self.number)
        self.write(tree)
        self.number += 1
        self.note(["added_" + tree["type"].rpartition(".")[2]])

    def _emit_all(self, left_out: Iterable[Event]) -> None:
        for event in left_out:
            self.emit(event)

    # frames in pieces

    def head(self, token: Head, tree: Tree | None, repairs: list[str]) -> None:
        """A long string begins. `tree` is canonical, or None if the frame is too complex to follow."""
        if not token.first and self.hold is not None:
            self._middle(self.hold, token, tree, repairs)
            return
        if tree is None:
            self._unread(token)
            return
        kind: str = tree["type"]
        where = locate(tree, token.long)
        had = self._had(kind)
        spool = where is None or had or self._waits(kind, tree, where)
        call = None if spool else self._before(kind, tree)
        fixed, changed = (tree, False) if spool else self._fix(tree, call)
        lead = self.strip(token.lead, repairs) if where and is_picture(where) else token.lead
        raw = bool(token.raw) and not changed and not repairs and token.name == kind
        mode = "drop" if had else "spool" if spool else "raw" if raw else "write"
        self.hold = hold = Hold(mode, kind, fixed, token.long, call)  # type: ignore[arg-type]
        hold.keep = kind == "response.output_item.done"
        if mode == "raw":
            self.send(token.raw)
        elif mode == "write":
            self.note(["frame"] if not token.raw or token.name != kind else [])
            self.send(b"event: %b\ndata: %b" % (kind.encode(), self.part(fixed, 0)))
        self.begin(hold, lead)
        self.outcome.repaired(repairs)
        hold.repaired = set(repairs)

    def _waits(self, kind: str, tree: Tree, where: Any) -> bool:
        """What must come before this event, or instead of it, is known only when it is there as a whole."""
        if kind in ("message", "response.failed") or is_error(tree):
            return True
        if kind == "response.output_item.done":
            return "item" not in tree
        if kind not in _ENDS or where[:2] == ("response", "output"):
            return kind in _ENDS and not self._delivered(tree, where)
        if where[0] != "response" or not self.full(tree["response"]):
            return True
        return not self.over or any(call.step < 5 for call in self.calls.values())

    def _had(self, kind: str) -> bool:
        """The caller has had this event, from an earlier attempt or from us."""
        return (kind == "response.created" and self.created is not None) or (
            kind == "response.in_progress" and self.in_progress
        )

    def _unread(self, token: Head) -> None:
        """A frame that is too complex to follow begins: it passes as it is."""
        kind = token.name
        had = self._had(kind)
        self.hold = Hold("drop" if had else "raw", kind, {}, token.long, None)
        if had:
            return
        if kind == "response.created":
            found = _RESPONSE_ID.search(token.lead)
            self.response_id = found[1].decode() if found else self.response_id
        elif self.created is None:
            self._begin({"type": kind})
        self.in_progress = self.in_progress or kind == "response.in_progress"
        self.send(token.raw + token.lead)

    def _middle(self, hold: Hold, token: Head, tree: Tree | None, repairs: list[str]) -> None:
        """A second long string in the same frame."""
        hold.long, hold.count = token.long, hold.count + 1
        if tree is None:  # too complex from here on: the rest passes as it is
            hold.keep = False
            if hold.mode == "raw":
                self.send(token.lead)
            return
        where = locate(tree, token.long)
        lead = self.strip(token.lead, repairs) if where and is_picture(where) else token.lead
        new = set(repairs) - hold.repaired
        if hold.mode == "raw" and not new:
            hold.tree = tree
            self.send(token.raw)
        elif hold.mode in ("raw", "write"):
            hold.mode, hold.repaired = "write", hold.repaired | new
            self.outcome.repaired(sorted(new))
            hold.tree = resume(hold.tree, self._fix(tree, hold.call)[0])
            self.send(self.part(hold.tree, hold.count))
        self.begin(hold, lead)

    def tail(self, token: Tail, tree: Tree | None, repairs: list[str]) -> None:
        """The frame has ended."""
        hold, self.hold = self.hold, None
        assert hold is not None
        if hold.mode == "drop":
            return
        kind = hold.kind
        if tree is None:
            self.earn_action(self.earns(kind, hold.tree))
            self.send(token.raw)
            self._after(kind, hold.tree, hold.call)
            return
        if hold.mode == "spool":
            self.frame(tree, repairs, b"", "")
            self.outcome.repaired(["spooled"])
            return
        response = tree.get("response")
        if kind in _ENDS and isinstance(response, dict) and "output" not in hold.tree["response"]:
            tree = {**tree, "response": self.fill(response, repairs)}
        tree, changed = self._fix({**tree, "type": kind}, hold.call)
        new = set(repairs) - hold.repaired
        self.outcome.repaired(sorted(new))
        numbers = self._numbers(kind, tree)
        if token.raw and not new and not changed and hold.mode == "raw":
            self.spell([token.raw], numbers)
        else:
            self.spell(render(resume(hold.tree, tree))[2 * hold.count + 2 :], numbers, last=b"\n\n")
        self._after(kind, tree, hold.call)

    def _numbers(self, kind: str, tree: Tree) -> list[int]:
        """The pictures that this event delivers. A last event delivers those that had no event of their own."""
        found = [self.earns(kind, tree)]
        if kind in _ENDS:
            output = tree["response"].get("output")
            found += [
                self.earn(item, index)
                for index, item in enumerate(output if isinstance(output, list) else [])
                if isinstance(item, dict) and not self._finished(index, item)
            ]
        return [number for number in found if number is not None]

    # ends

    def finish(self) -> bool:
        """The upstream ended cleanly without a last event: if every image call delivered its picture, complete it."""
        calls = self.calls.values()
        if self.created is None or not calls or any(c.step < len(STEPS) for c in calls) or self.hold:
            return False
        if not all(is_image(self.done.get(call.index, {}).get("result")) for call in calls):
            return False
        output = [self.done[i] for i in sorted(self.done)]
        response = {**self.created, "status": "completed", "completed_at": self.created_at, "output": output}
        if self.outcome.tool_usage:
            response["tool_usage"] = self.outcome.tool_usage
        tree = encode(events.Completed(response=response), self.number)
        self.note(["added_completed"])
        self.write(tree)
        self.number += 1
        self.ended = True
        return True

    def fail(self, error: Error) -> None:
        """End as one failure; nothing is written if nothing has been sent, so that the status can still say it."""
        self.ended = True
        hold, self.hold = self.hold, None
        if not self.sent:
            return
        event = events.Error(message=error.message, code=error.code, type=error.type, param=error.param)
        tree = encode(event, self.number) | {"error": error.fields()}
        if hold is not None and hold.mode in ("raw", "write"):
            end = closing(hold, tree)
            if end is None:
                self.out.append(Cut())
                return
            self.send(end)
        else:
            self.send(write_frame(tree))
        self.number += 1
        base = self.created or {"id": self.response_id, "object": "response", "created_at": self.created_at}
        reason = {"code": error.code or "server_error", "message": error.message}
        response = {"output": [], "model": self.model, **base, "status": "failed", "error": reason}
        self.send(write_frame(encode(events.Failed(response=response), self.number)))
        self.number += 1

    def keep_alive(self) -> bool:
        """Say that we are still here, if no frame is open."""
        if not self.between:
            return False
        self.send(KEEP_ALIVE)
        return True

    # order, numbers and ids

    def _before(self, kind: str, tree: Tree) -> Call | None:
        """Add the events that should have come before this one; return the image call that it belongs to."""
        response = tree.get("response")
        if self.created is None and isinstance(response, dict) and isinstance(response.get("id"), str):
            self.response_id = response["id"] or self.response_id
        if kind == "response.created":
            return None
        if self.created is None and kind != "response.queued":
            self._begin(tree)
        if kind == "response.in_progress":
            self.in_progress = True
        call = self._call(kind, tree)
        if call is not None:
            step = kind.rpartition(".")[2]
            self._emit_all(advance(call, 4 if step == "done" else _NEEDS.get(step, 0)))
        return call

    def _begin(self, tree: Tree) -> None:
        """The events that begin a response, from what is known of it."""
        known = tree.get("response")
        known = {k: v for k, v in known.items() if k != "usage"} if isinstance(known, dict) else {}
        if has_long(known):
            known = {k: v for k, v in known.items() if not has_long(v)}
        base: Tree = {**self._head(), **self.base}
        self.created = {**base, **known, "status": "in_progress", "error": None, "output": []}
        self.created.pop("completed_at", None)
        self.emit(events.Created(response=self.created))
        if tree["type"] != "response.in_progress":
            self.emit(events.InProgress(response=self.created))
        self.in_progress = True

    def _call(self, kind: str, tree: Tree) -> Call | None:
        free = max([*self.calls, *self.done], default=-1) + 1
        return find_call(self.calls, kind, tree, response_id=self.response_id, free=free)

    def _head(self) -> Tree:
        head = {"id": self.response_id, "object": "response"}
        return {**head, "created_at": self.created_at, "model": self.model}

    def _after(self, kind: str, tree: Tree, call: Call | None) -> None:
        """Note what the caller has now seen."""
        self.number += 1
        self.ended = kind in _ENDS
        if kind == "response.created" or (kind == "response.queued" and self.created is None):
            response = tree.get("response")
            known = response if isinstance(response, dict) else {}
            known = {key: value for key, value in known.items() if not has_long(value)}
            self.created = {**self._head(), "output": [], **known}
        elif kind == "response.output_item.added" and call:
            call.step = max(call.step, 1)
        elif kind == "response.output_item.done":
            index, item = tree.get("output_index"), tree.get("item")
            self.remember(index, item)
            if isinstance(index, int):
                self.over[index] = item.get("id") if isinstance(item, dict) else None
            if call:
                call.step = 5
        elif call:
            call.step = max(call.step, _REACHES.get(kind.rpartition(".")[2], 0))

    def _fix(self, tree: Tree, call: Call | None) -> tuple[Tree, bool]:
        """The tree with our number, ids and spelling; and whether that changed it."""
        changed = tree.get("sequence_number") != self.number
        response = tree.get("response")
        if isinstance(response, dict):
            own = own_calls(self.own_id(response), self.calls)
            if own is not response:
                tree, changed = {**tree, "response": own}, True
        if call is not None:
            item = tree.get("item")
            self.rename(call.id, item.get("id") if isinstance(item, dict) else tree.get("item_id"))
            if isinstance(item, dict) and item.get("id") != call.id:
                tree, changed = (
                    {**tree, "item": {"id": call.id, **{k: v for k, v in item.items() if k != "id"}}},
                    True,
                )
            elif item is None and (tree.get("item_id") != call.id or tree.get("output_index") != call.index):
                rest = {k: v for k, v in tree.items() if k not in ("output_index", "item_id")}
                tree = {"type": tree["type"], "output_index": call.index, "item_id": call.id, **rest}
                changed = True
        if tree["type"] == PARTIAL and self.spelling != "partial_image_b64" and "partial_image_b64" in tree:
            tree, changed = rename(tree, "partial_image_b64", self.spelling), True
        if not changed:
            return tree, False
        rest = {k: v for k, v in tree.items() if k not in ("type", "sequence_number")}
        return {"type": tree["type"], "sequence_number": self.number, **rest}, True

    def _delivered(self, tree: Tree, where: Any) -> bool:
        """The picture at `where` of a last event has been delivered by its own event (or is no picture)."""
        if not is_picture(where):
            return True
        index = where[2]
        return self._finished(index, tree["response"]["output"][index])
