"""The relay machine: an upstream's bytes in, actions for the exchange out, and the outcome at the end.

Law: no clock, no I/O. `now` is any monotonic number of seconds. The exchange carries out the actions one by one and
waits for `Earn` before the next `Send`. One Relay serves one request; `begin` starts reading an attempt's answer.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from darkroom.errors import Error, Lost, UpstreamError
from darkroom.wire import plain, sse
from darkroom.wire.actions import Action, Outcome
from darkroom.wire.codecs.responses.events import CALL, PARTIAL, is_error, is_image, normalise
from darkroom.wire.complaint import read_failure
from darkroom.wire.down import Down
from darkroom.wire.elide import Piece, Tree
from darkroom.wire.failure import error_for_customer
from darkroom.wire.sse import Broken, Frame, Head, Tail
from darkroom.wire.stages import Stage, StageClock
from darkroom.wire.stream import Stream
from darkroom.wire.whole import Whole

_STAGES = {
    "response.created": Stage.CREATED,
    "response.in_progress": Stage.IN_PROGRESS,
    f"response.{CALL}.generating": Stage.GENERATING,
    f"response.{CALL}.partial_image": Stage.PARTIAL,
    "response.completed": Stage.COMPLETED,
    "response.incomplete": Stage.COMPLETED,
}
_FREE = (
    "response.created",
    "response.queued",
    "response.in_progress",
    f"response.{CALL}.in_progress",
    "keepalive",
)
_IDS_LIMIT = 128


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller asked for, as far as it shapes his answer."""

    stream: bool
    image: bool
    """The image tool is offered."""
    forced: bool = False
    """The answer must have a picture."""
    model: str | None = None
    response_id: str
    """For answers that have to be begun without the upstream's own id."""
    created_at: int
    """Seconds since 1970."""
    spelling: str = "partial_image_b64"
    keep_alive_first_s: float = 45
    keep_alive_every_s: float = 15
    keep_alive_plain: bool = True
    keep_limit: int = 256 * 1024 * 1024


class Relay:
    """One answer on its way: `begin`, `receive`…, `close`; `tick` whenever `due` has come."""

    def __init__(self, wish: Wish, clock: StageClock, secrets: tuple[str, ...] = ()) -> None:
        self.wish = wish
        self.clock = clock
        self.outcome = Outcome()
        self.secrets = secrets
        """What no message to the caller may contain."""
        self.word: Callable[[Error], object] | None = None
        """Puts the last touch to a message before the caller reads it."""
        self.paid = False
        """The upstream may have been paid (DESIGN section 4)."""
        self.progress = 0
        """Counts what arrived; an upstream's keep-alives do not count."""
        self.due = clock.start + wish.keep_alive_first_s
        """When `tick` wants to be called."""
        self._reader: sse.Reader | plain.Reader | None = None
        self._sniff = b""
        self._type = b""
        self._error: Error | None = None
        self._partials: dict[int, int] = {}
        named: dict[str, Any] = {"response_id": wish.response_id, "model": wish.model}
        named |= {"created_at": wish.created_at, "keep_limit": wish.keep_limit}
        self._down: Down = Stream(self.outcome, **named) if wish.stream else Whole(self.outcome, **named)
        if isinstance(self._down, Stream):
            self._down.spelling = wish.spelling

    @property
    def sent(self) -> bool:
        """Bytes were given out to send: the caller's status is committed."""
        return self._down.sent

    @property
    def ended(self) -> bool:
        """The answer has had its end; nothing more is expected."""
        return self._down.ended

    @property
    def kept(self) -> int:
        """Bytes held in memory by the reader."""
        return self._reader.kept if self._reader else len(self._sniff)

    def begin(self, content_type: bytes) -> None:
        """An upstream's 200 answer starts; its content type is a hint, its first bytes decide."""
        self._reader, self._sniff, self._type = None, b"", content_type.lower()

    def receive(self, data: bytes, now: float) -> list[Action]:
        """The next bytes of the upstream's body."""
        if self._reader is None:
            data = self._choose(data)
        if self._reader is not None and not self.ended:
            for token in self._reader.feed(data):
                self._token(token, now)
                if self.ended:
                    break  # type: ignore[unreachable]
        return self._take(now)

    def close(self, error: Error | None, now: float) -> list[Action]:
        """The upstream's body has ended: cleanly (None), or because of `error`."""
        if self._reader is not None and not self.ended and error is None:
            for token in self._reader.finish():
                if not self.ended:
                    self._token(token, now)
        if not self.ended and not (error is None and self._finish(now)):
            self.fail(error or self._early_end(), now)
        self._note_end()
        return self._take(now)

    def forget_spool(self) -> None:
        """What was kept is lost: nothing of it can be replayed."""
        self._down.forget_spool()

    def tick(self, now: float) -> list[Action]:
        """Time has passed without an event."""
        if not self.ended and now >= self.due:
            if (self.wish.stream or self.wish.keep_alive_plain) and self._down.keep_alive():
                return self._take(now)
            self.due = now + self.wish.keep_alive_every_s
        return []

    def fail(self, error: Error, now: float) -> None:
        """End as one failure."""
        if self.word is not None:
            self.word(error)
        self.outcome.status, self.outcome.error = "failed", error
        self.clock.mark(Stage.FAILED, now, error.code)
        self._down.fail(error)

    # reading

    def _choose(self, data: bytes) -> bytes:
        """Take the reader that the body's first bytes ask for; return what it is to read."""
        self._sniff += data
        first = self._sniff.lstrip(b" \t\r\n\xef\xbb\xbf")[:1]
        if not first:
            return b""
        data, self._sniff = self._sniff, b""
        if first == b"{" and b"event-stream" not in self._type:
            self._reader, data = plain.Reader(), data.lstrip(b" \t\r\n\xef\xbb\xbf")
            if isinstance(self._down, Whole):
                self._down.plain = True
        elif first == b"<":
            self._error = UpstreamError(
                "The upstream answered with a web page instead of an image stream; please retry."
            )
            self._reader = sse.Reader()
            return b""
        else:
            self._reader = sse.Reader()
        return data

    def _token(self, token: sse.Token, now: float) -> None:
        if type(token) is Piece:
            self.progress += 1
            self._down.piece(token)
        elif isinstance(token, Frame):
            tree = self._tree(token.tree)
            if tree is not None:
                self._frame(token, tree, now)
            else:
                self.outcome.repaired(["garbage"])
        elif isinstance(token, Head):
            self._head(token, now)
        elif isinstance(token, Tail):
            self._tail(token, now)
        else:
            self._broken(token, now)  # type: ignore[arg-type]

    def _tree(self, value: Any) -> Tree | None:
        """A frame's object; some upstreams send it as a string of JSON."""
        if isinstance(value, str) and value.lstrip().startswith("{"):
            try:
                value = msgspec.json.decode(value)
            except msgspec.DecodeError:
                return None
        return value if isinstance(value, dict) else None

    def _frame(self, token: Frame, tree: Tree, now: float) -> None:
        tree, repairs = self._normalise(tree, token.name, True)
        if self._failure(tree, now):
            return
        self._observe(tree, now)
        if tree["type"] in ("response.completed",) and self._lacks_image(tree):
            self.fail(
                UpstreamError(
                    "The upstream finished without a picture. Please send the request again.", code="no_image"
                ),
                now,
            )
            return
        if tree["type"] != "keepalive" or self._down.sent:
            self._down.frame(
                tree, repairs, token.raw, token.name or tree["type"] * isinstance(self._reader, plain.Reader)
            )

    def _head(self, token: Head, now: float) -> None:
        self.progress += 1
        if token.tree is None:
            self.paid = True
            self._down.head(token, None, [])
            return
        tree, repairs = self._normalise(token.tree, token.name, False)
        if tree["type"].endswith("partial_image") or tree["type"] == "response.output_item.done":
            self.paid = True
        self._down.head(token, tree, repairs)

    def _tail(self, token: Tail, now: float) -> None:
        if token.tree is None:
            self._down.tail(token, None, [])
            return
        name = self._down.hold.kind if self._down.hold and self._down.hold.mode != "spool" else ""
        tree, repairs = self._normalise(token.tree, name, True)
        self._observe(tree, now)
        self._down.tail(token, tree, repairs)

    def _normalise(self, tree: Tree, name: str, whole: bool) -> tuple[Tree, list[str]]:
        """The canonical event of a tree; the body of a plain answer is its last event."""
        if isinstance(self._reader, plain.Reader):
            if is_error(tree) and "output" not in tree:
                return {"type": "error", **tree}, []
            status = tree.get("status")
            kind = status if status in ("failed", "incomplete") else "completed"
            tree, repairs = normalise({"type": f"response.{kind}", "response": tree}, "", whole)
            return tree, repairs
        tree, repairs = normalise(tree, name, whole)
        return (self._numbered(tree, repairs) if whole and tree["type"] == PARTIAL else tree), repairs

    def _numbered(self, tree: Tree, repairs: list[str]) -> Tree:
        """A partial with its number, counted here if the upstream does not say it."""
        place = tree.get("output_index")
        place = place if isinstance(place, int) else 0
        number = self._partials[place] = self._partials.get(place, -1) + 1
        if "partial_image_index" in tree:
            return tree
        repairs.append("partial_index")
        return {**tree, "partial_image_index": number}

    def _broken(self, token: Broken, now: float) -> None:
        plainly = isinstance(self._reader, plain.Reader)
        if self._down.hold is None and not plainly:
            self.outcome.repaired(["garbage"])
            return
        self.fail(
            UpstreamError("The upstream's answer is not valid JSON. Please send the request again."), now
        )

    # meaning

    def _failure(self, tree: Tree, now: float) -> bool:
        """An error event in any shape, or a failed response: the answer ends as one failure."""
        if not is_error(tree) and tree["type"] != "response.failed":
            return False
        failure = read_failure(tree, status=None)
        if failure is None:
            return False
        self.fail(error_for_customer(failure, status=None, secrets=self.secrets), now)
        return True

    def _observe(self, tree: Tree, now: float) -> None:
        """Marks, the paid mark, progress, usage and ids of an event."""
        kind: str = tree["type"]
        if kind != "keepalive":
            self.progress += 1
        stage = _STAGES.get(kind)
        if stage is not None:
            detail = str(self.outcome.partials) if stage is Stage.PARTIAL else None
            self.clock.mark(stage, now, detail)
            self.outcome.partials += stage is Stage.PARTIAL
        item = tree.get("item")
        if isinstance(item, dict):
            self._note_id(item.get("id"))
            if kind == "response.output_item.done" and is_image(item.get("result")):
                self.clock.mark(Stage.IMAGE, now)
        if kind not in _FREE and not (kind == "response.output_item.added" and self._is_call(item)):
            self.paid = True
        response = tree.get("response")
        if isinstance(response, dict):
            self._observe_response(response)

    @staticmethod
    def _is_call(item: Any) -> bool:
        return isinstance(item, dict) and item.get("type") in (CALL, None)

    def _observe_response(self, response: Tree) -> None:
        outcome = self.outcome
        if isinstance(response.get("id"), str):
            outcome.response_id = outcome.response_id or response["id"]
            self._note_id(response["id"])
        if isinstance(response.get("model"), str):
            outcome.model = response["model"]
        for key in ("usage", "tool_usage"):
            if isinstance(response.get(key), dict):
                setattr(outcome, key, response[key])
        output = response.get("output")
        for item in output if isinstance(output, list) else []:
            if isinstance(item, dict):
                self._note_id(item.get("id"))

    def _note_id(self, value: Any) -> None:
        if isinstance(value, str) and value not in self.outcome.ids and len(self.outcome.ids) < _IDS_LIMIT:
            self.outcome.ids.append(value)

    def _lacks_image(self, tree: Tree) -> bool:
        """A picture was demanded, and neither one nor a word of explanation came."""
        output = (tree.get("response") or {}).get("output")
        items = [*(output if isinstance(output, list) else []), *self._down.done.values()]
        told = any(
            i.get("type") == "message" or is_image(i.get("result")) for i in items if isinstance(i, dict)
        )
        return self.wish.forced and not told and not self.outcome.pictures

    # ends

    def _finish(self, now: float) -> bool:
        if self._error is not None or not self._down.finish():
            return False
        self.clock.mark(Stage.COMPLETED, now, "added")
        return True

    def _early_end(self) -> Error:
        return self._error or Lost(
            "The upstream ended the stream before the answer was complete. Please send the request again."
        )

    def _note_end(self) -> None:
        if not self.outcome.status:
            self.outcome.status = "completed"
        self.outcome.response_id = self.outcome.response_id or self._down.response_id

    def _take(self, now: float) -> list[Action]:
        """The actions that have come together; keep-alives count from the last bytes sent."""
        out, self._down.out = self._down.out, []
        if out and self._down.sent:
            self.due = now + self.wish.keep_alive_every_s
        return out
