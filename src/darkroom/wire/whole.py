"""The caller's side of the relay when he asked for one JSON document: the response of the last event, as it arrives.

Until that begins only white space can be said; a picture that the last event leaves out comes from the spool.
Counterpart of `stream`.
"""

import msgspec

from darkroom.errors import Error
from darkroom.wire.actions import Cut
from darkroom.wire.codecs.responses.events import is_image
from darkroom.wire.down import Down, Hold, is_picture, resume
from darkroom.wire.elide import Long, Tree, render
from darkroom.wire.longs import has_unkept, locate
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
        response = tree.get("response")
        response = response if isinstance(response, dict) else self._base(kind.rpartition(".")[2])
        response = self.fill(response, filled)
        self.outcome.repaired(filled)
        if self.plain and raw and not repairs and not filled:
            self._write([raw], response)
        else:
            self._write(render(response), response)

    def _base(self, status: str) -> Tree:
        """A response that the upstream did not tell."""
        head = {"id": self.response_id, "object": "response", "created_at": self.created_at}
        return {**head, "status": status, "model": self.model}

    def _write(self, parts: list[bytes | Long], response: Tree) -> None:
        """The end of the document, and with it all pictures of the response."""
        output = response.get("output")
        items = enumerate(output if isinstance(output, list) else [])
        numbers = [self.earn(item, index) for index, item in items if isinstance(item, dict)]
        self.spell(parts, [number for number in numbers if number is not None])
        self.begun = self.ended = True

    def head(self, token: Head, tree: Tree | None, repairs: list[str]) -> None:
        """A long string of an event begins."""
        hold = self.hold
        if not token.first and hold is not None:
            if tree is not None:
                self._middle(hold, token, tree, repairs)
            return
        if tree is None:
            self.hold = Hold("drop", token.name, {}, token.long, None)
            return
        kind = tree["type"]
        where = locate(tree, token.long)
        direct = kind in _ENDS and where is not None and where[0] == "response"
        if direct and where is not None and where[:2] != ("response", "output"):
            direct = self.full(tree["response"])
        lead = self.strip(token.lead, repairs) if where and is_picture(where) else token.lead
        if not direct:
            wanted = kind in ("response.output_item.done", "message", *_ENDS)
            self.hold = hold = Hold("spool" if wanted else "drop", kind, tree, token.long, None)
            self.begin(hold, lead)
            return
        raw = self.plain and bool(token.raw) and not repairs
        self.hold = hold = Hold("raw" if raw else "write", kind, tree, token.long, None, keep=self.keeps)
        hold.repaired = set(repairs)
        self.outcome.repaired(repairs)
        self.begun = True
        self.send(token.raw if raw else self.part(tree["response"], 0))
        self.begin(hold, lead)

    def _middle(self, hold: Hold, token: Head, tree: Tree, repairs: list[str]) -> None:
        """A second long string in the same frame."""
        hold.long, hold.count = token.long, hold.count + 1
        where = locate(tree, token.long)
        lead = self.strip(token.lead, repairs) if where and is_picture(where) else token.lead
        new = set(repairs) - hold.repaired
        if hold.mode == "raw" and not new:
            hold.tree = tree
            self.send(token.raw)
        elif hold.mode in ("raw", "write"):
            hold.mode, hold.repaired = "write", hold.repaired | new
            self.outcome.repaired(sorted(new))
            hold.tree = resume(hold.tree, tree)
            self.send(self.part(hold.tree["response"], hold.count))
        self.begin(hold, lead)

    def tail(self, token: Tail, tree: Tree | None, repairs: list[str]) -> None:
        """The event that `head` began has ended."""
        hold, self.hold = self.hold, None
        assert hold is not None
        if tree is None:
            return
        if hold.mode in ("spool", "drop"):
            self.frame(tree, repairs, b"", "")
            return
        response = tree["response"]
        if "output" not in hold.tree["response"]:
            response = self.fill(response, repairs)
        new = set(repairs) - hold.repaired
        self.outcome.repaired(sorted(new))
        parts: list[bytes | Long] = [token.raw]
        if hold.mode == "write" or new:
            parts = render(resume(hold.tree["response"], response))[2 * hold.count + 2 :]
        self._write(parts, response)

    def finish(self) -> bool:
        """The upstream ended cleanly without a last event: complete the answer if a picture was delivered to us."""
        items = [self.done[i] for i in sorted(self.done)]
        if self.begun or not any(is_image(i.get("result")) and not has_unkept(i) for i in items):
            return False
        response = {**self._base("completed"), "output": items, "error": None, "incomplete_details": None}
        self.note(["added_completed"])
        self._write(render(response), response)
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
        response = {**self._base("failed"), "output": [], "error": reason, "incomplete_details": None}
        self.send(msgspec.json.encode(response))

    def keep_alive(self) -> bool:
        """White space before the document."""
        if self.begun:
            return False
        self.send(b"\n")
        return True
