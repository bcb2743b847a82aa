"""The caller's side of the relay when he asked for one JSON document: the response of the last event, as it arrives.

Until that begins only white space can be said; a picture that the last event leaves out comes from the spool.
Counterpart of `stream`.
"""

import msgspec

from darkroom.errors import Error
from darkroom.wire.actions import Cut, Replay
from darkroom.wire.codecs.responses.events import is_image
from darkroom.wire.down import Down, Hold, has_unkept, locate
from darkroom.wire.elide import Tree, render
from darkroom.wire.sse import Head, Tail

_ENDS = ("response.completed", "response.incomplete")


class Whole(Down):
    """Writes the JSON of one response."""

    plain: bool = False
    """The upstream answers with the same JSON document, whose right parts pass untouched."""

    begun: bool = False
    """The document has begun: no white space can be sent any more."""

    def frame(self, tree: Tree, repairs: list[str], raw: bytes, name: str) -> None:
        """A canonical event that is there as a whole."""
        kind = tree["type"]
        if kind == "response.output_item.done":
            self.remember(tree.get("output_index"), tree.get("item"))
        if kind not in _ENDS:
            return
        self.outcome.repaired(repairs)
        filled: list[str] = []
        response = self.fill(tree["response"], filled)
        self.outcome.repaired(filled)
        if self.plain and raw and not repairs and not filled:
            self._earn_all(response)
            self.send(raw)
        else:
            self._write(response)
        self.begun = self.ended = True

    def _write(self, response: Tree) -> None:
        parts = render(response)
        for part in parts[:-1]:
            if isinstance(part, bytes):
                self.send(part)
            elif part.kept is not None:
                self.out.append(Replay(*part.kept))
            else:
                self.out.append(Cut())
                return
        self._earn_all(response)
        last = parts[-1]
        assert isinstance(last, bytes)
        self.send(last)

    def _earn_all(self, response: Tree) -> None:
        output = response.get("output")
        for item in output if isinstance(output, list) else []:
            if isinstance(item, dict):
                self.earn_action(self.earn(item))

    def head(self, token: Head, tree: Tree | None, repairs: list[str]) -> None:
        """A long string of an event begins."""
        hold = self.hold
        if not token.first and hold is not None:
            hold.long, hold.count = token.long, hold.count + 1
            if hold.mode == "raw":
                self.send(token.raw)
            elif hold.mode == "write" and tree is not None:
                self.send(self.part(tree["response"], hold.count))
            self.begin(hold, token.lead)
            return
        if tree is None:
            self.hold = Hold("spool", token.name, {}, token.long, None)
            return
        kind = tree["type"]
        where = locate(tree, token.long)
        direct = kind in _ENDS and where is not None and where[0] == "response"
        image = where is not None and where[-1] == "result"
        lead = self.strip(token.lead, repairs) if image else token.lead
        if not direct:
            self.hold = Hold("spool", kind, tree, token.long, None, keep=kind == "response.output_item.done")
            if self.hold.keep:
                self.begin(self.hold, lead)
            return
        raw = self.plain and bool(token.raw) and not repairs
        self.hold = hold = Hold("raw" if raw else "write", kind, tree, token.long, None)
        hold.repaired = set(repairs)
        self.outcome.repaired(repairs)
        self.begun = True
        self.send(token.raw if raw else self.part(tree["response"], 0))
        self.begin(hold, lead)

    def tail(self, token: Tail, tree: Tree | None, repairs: list[str]) -> None:
        """The event that `head` began has ended."""
        hold, self.hold = self.hold, None
        assert hold is not None
        if tree is None:
            return
        if hold.mode == "spool":
            self.frame(tree, repairs, b"", "")
            return
        new = set(repairs) - hold.repaired
        self.outcome.repaired(sorted(new))
        self._earn_all(tree["response"])
        last = render(tree["response"])[-1]
        assert isinstance(last, bytes)
        self.send(token.raw if hold.mode == "raw" and not new else last)
        self.ended = True

    def finish(self) -> bool:
        """The upstream ended cleanly without a last event: complete the answer if a picture was delivered to us."""
        items = [self.done[i] for i in sorted(self.done)]
        if self.begun or not any(is_image(i.get("result")) and not has_unkept(i) for i in items):
            return False
        response = {
            "id": self.response_id,
            "object": "response",
            "created_at": self.created_at,
            "status": "completed",
        }
        more = {"model": self.model, "output": items, "error": None, "incomplete_details": None}
        self.note(["added_completed"])
        self._write({**response, **more})
        self.begun = self.ended = True
        return True

    def fail(self, error: Error) -> None:
        """End as one failure: by the status if nothing was sent, else as a failed response, after bytes of it a cut."""
        self.ended = True
        if not self.sent:
            return
        if self.begun:
            self.out.append(Cut())
            return
        reason = {"code": error.code or "server_error", "message": error.message}
        response = {
            "id": self.response_id,
            "object": "response",
            "created_at": self.created_at,
            "status": "failed",
        }
        more = {"model": self.model, "output": [], "error": reason, "incomplete_details": None}  # type: ignore[var-annotated]
        self.send(msgspec.json.encode({**response, **more}))

    def keep_alive(self) -> bool:
        """White space before the document."""
        if self.begun:
            return False
        self.send(b"\n")
        return True
