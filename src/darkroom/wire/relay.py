"""The relay machine: an upstream's bytes in, actions for the exchange out, and the outcome at the end.

Law: no clock, no I/O. `now` is any monotonic number of seconds. The exchange carries out the actions one by one and
waits for `Earn` before the next `Send`. One Relay serves one request; `begin` starts reading an attempt's answer.
"""

from collections.abc import Callable

from darkroom.errors import Error, Lost
from darkroom.wire import plain, sse, verdict
from darkroom.wire.actions import Action, Fetch, Outcome
from darkroom.wire.codecs.images.events import canonical, speaks_images
from darkroom.wire.codecs.responses.events import is_error, normalise
from darkroom.wire.down import Hold
from darkroom.wire.elide import Long, Piece, Tree
from darkroom.wire.filling import Filling, as_object, done_event, take_addresses
from darkroom.wire.image_whole import ImageWhole
from darkroom.wire.longs import has_unkept, locate
from darkroom.wire.observer import Observer
from darkroom.wire.sse import Broken, Frame, Head, Tail
from darkroom.wire.stages import Stage, StageClock
from darkroom.wire.stream import Stream
from darkroom.wire.whole import Whole
from darkroom.wire.wish import Surface, Wish, make_down, naming

__all__ = ["Relay", "Wish"]

_ENDS = ("response.completed", "response.incomplete")


class Relay:
    """One answer on its way: `begin`, `receive`…, `close`; `tick` whenever `due` has come."""

    def __init__(self, wish: Wish, clock: StageClock, secrets: tuple[str, ...] = ()) -> None:
        self.wish = wish
        self.clock = clock
        self.outcome = Outcome()
        self._seen = Observer(self.outcome, clock)
        self.secrets = secrets
        """What no message to the caller may contain."""
        self.word: Callable[[Error], object] | None = None
        """Puts the last touch to a message before the caller reads it."""
        self.elsewhere: Callable[[Error], bool] | None = None
        """Whether another upstream may be asked after this failure; None: there is no other."""
        self.lost: Error | None = None
        """This attempt has failed, and nothing of that was told to the caller: another upstream is to be asked."""
        self.due = clock.start + wish.keep_alive_first_s
        """When `tick` wants to be called."""
        self._reader: sse.Reader | plain.Reader | None = None
        self._type = b""
        self._error: Error | None = None
        self._filling = Filling({"created_at": wish.created_at, "model": wish.model})
        self._parked: tuple[Tree, list[str]] | None = None
        """An event whose pictures are being fetched from where the upstream says they are."""
        self._queue: list[sse.Token] = []
        """What followed it."""
        self._surface: Surface = "responses"
        self._naming = naming(wish)
        self._name = ""
        """The `event:` of the frame that is being read in pieces."""
        self._open: int | None = None
        """The picture of a plain answer that is being passed on as an event of its own, by its place in the output."""
        self._parts = 0
        """Output items of a plain answer that were passed on so."""
        self._down = make_down(wish, self.outcome)

    @property
    def paid(self) -> bool:
        """The upstream may have been paid (DESIGN section 4)."""
        return self._seen.paid

    @paid.setter
    def paid(self, paid: bool) -> None:
        self._seen.paid = paid

    @property
    def progress(self) -> int:
        """Counts what arrived; an upstream's keep-alives do not count."""
        return self._seen.progress

    @property
    def sent(self) -> bool:
        """Bytes were given out to send: the caller's status is committed."""
        return self._down.sent

    @property
    def ended(self) -> bool:
        """The answer, or this attempt at it, has had its end; nothing more is expected."""
        return self._down.ended or self.lost is not None

    @property
    def between(self) -> bool:
        """No event is half sent: another answer's may come in between."""
        return self._down.between

    @property
    def kept(self) -> int:
        """Bytes held in memory by the reader."""
        return self._reader.kept if self._reader else 0

    def begin(self, content_type: bytes, surface: Surface = "responses") -> None:
        """An upstream's 200 answer starts; its content type is a hint, its first bytes decide."""
        self._reader, self._type = None, content_type.lower()
        self._error, self.lost = None, None
        self._surface = surface
        self._down.native = surface == self.wish.surface
        self._down.keeps |= self.wish.keeps_bridged and not self._down.native
        if isinstance(self._down, Stream) and surface == "images":
            self._down.base = self._naming.base

    def receive(self, data: bytes, now: float) -> list[Action]:
        """The next bytes of the upstream's body."""
        if self._reader is None and self._error is None:
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
        if self._parked is not None and error is None:
            return self._take(now)
        if not self.ended and not ((error is None or self._down.satisfied) and self._finish(now)):
            self.fail(error or self._early_end(), now)
        if self.lost is None:
            self._note_end()
        return self._take(now)

    @property
    def parked(self) -> bool:
        """Pictures are to be fetched: carry out `Fetch`, call `fetched` for each, then `resume`."""
        return self._parked is not None

    def fetched(self, long: Long, start: int, stop: int, lead: bytes) -> None:
        """A picture's base64 is at `start` to `stop` of the spool now; `lead` is its beginning."""
        self._down.adopt(long, start, stop, lead)

    def resume(self, now: float) -> list[Action]:
        """All pictures of the parked event are there: go on with it."""
        assert self._parked is not None
        (tree, repairs), self._parked = self._parked, None
        self._down.frame(tree, repairs, b"", "")
        queue, self._queue = self._queue, []
        for token in queue:
            if not self.ended:
                self._token(token, now)
        return self._take(now)

    def withdraw(self, begun: bool) -> None:
        """The caller is between two events, whatever was to be sent last; `begun`: he has some of the document."""
        self._down.withdraw(begun)

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
        """End as one failure, or leave the caller to another upstream."""
        if not self.paid and self.between and self.elsewhere is not None and self.elsewhere(error):
            self.lost, self._down.hold = error, None
            return
        if self.word is not None:
            self.word(error)
        self.outcome.status, self.outcome.error = "failed", error
        self.clock.mark(Stage.FAILED, now, error.code)
        self._down.fail(error)

    # reading

    def _choose(self, data: bytes) -> bytes:
        """Take the reader that the body's first bytes ask for; return what it is to read. White space is dropped."""
        data = data.lstrip(b" \t\r\n\xef\xbb\xbf")
        first = data[:1]
        if first == b"{" and b"event-stream" not in self._type:
            self._reader = plain.Reader()
            if isinstance(self._down, Whole | ImageWhole):
                self._down.plain = self._down.native
        elif first == b"<":
            self._error = verdict.web_page()
        elif first:
            self._reader = sse.Reader()
        return data

    def _token(self, token: sse.Token, now: float) -> None:
        if self._parked is not None:
            self._queue.append(token)
        elif type(token) is Piece:
            self._seen.progress += 1
            self._down.piece(token)
        elif isinstance(token, Frame):
            tree = as_object(token.tree)
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

    def _frame(self, token: Frame, tree: Tree, now: float) -> None:
        source = tree
        tree, repairs = self._normalise(tree, token.name, True)
        if self._fails(tree, now, source):
            return
        if "url" in repairs and (remote := take_addresses(tree)):
            self._parked = (tree, repairs)
            self._down.out += [Fetch(address, long) for address, long in remote]
            return
        if tree["type"] != "keepalive" or self._down.sent:
            self._down.frame(
                tree, repairs, token.raw, token.name or tree["type"] * isinstance(self._reader, plain.Reader)
            )

    def _head(self, token: Head, now: float) -> None:
        self._seen.progress += 1
        if not isinstance(token.tree, dict):
            self._unread(token, now)
            return
        self._name = token.name
        tree, repairs = self._normalise(token.tree, token.name, False)
        if self._apart(token, tree, repairs):
            self._part(token, tree, repairs, now)
            return
        if tree["type"].endswith("partial_image") or tree["type"] == "response.output_item.done":
            self._seen.paid = True
        self._down.head(token, tree, repairs)

    def _unread(self, token: Head, now: float) -> None:
        """A frame that cannot be followed: an event that is too complex, or no object at all."""
        self._seen.paid = True
        hold = self._down.hold
        if token.tree is not None:
            if token.first:
                self._down.hold = Hold("drop", "", {}, token.long, None)
        elif not token.first and hold is not None and hold.mode in ("write", "spool"):
            self.fail(verdict.too_complex(), now)
        elif token.first and token.name in ("error", "response.failed"):
            self.fail(verdict.unsaid(), now)
        else:
            self._down.head(token, None, [])

    def _tail(self, token: Tail, now: float) -> None:
        hold = self._down.hold
        assert hold is not None
        if not isinstance(token.tree, dict):
            if hold.mode != "drop" and not token.raw:
                self.fail(verdict.too_complex(), now)
            else:
                self.outcome.repaired(["garbage"] * (token.tree is not None))
                self._down.tail(token, None, [])
            return
        tree, repairs = self._normalise(
            token.tree, self._name if self._surface == "images" else hold.kind, True
        )
        if self._fails(tree, now, token.tree):
            return
        if hold.mode == "spool" and has_unkept(tree) and (self.wish.stream or tree["type"] in _ENDS):
            self.fail(verdict.spool_lost(), now)
        elif self._open is not None:
            self._end_part(tree, now)
            self._down.frame(tree, [], b"", "")
        else:
            self._down.tail(token, tree, repairs)

    # a plain answer for a caller who gets events: each picture becomes one, so that it leaves as it arrives

    def _apart(self, token: Head, tree: Tree, repairs: list[str]) -> bool:
        """The long string is a picture of a whole answer, and the caller is to get it by itself."""
        down = self._down
        if isinstance(down, Whole) or tree["type"] != "response.completed":
            return False
        if not token.first and self._open is None:
            return False
        if not isinstance(self._reader, plain.Reader) and self._surface == "responses":
            return False
        if isinstance(down, ImageWhole) and down.takes(token, repairs):
            return False
        where = locate(tree, token.long)
        return where is not None and len(where) == 4 and where[3] == "result"

    def _part(self, token: Head, tree: Tree, repairs: list[str], now: float) -> None:
        """A picture of a whole answer begins."""
        where = locate(tree, token.long)
        assert where is not None
        if self._open is not None:
            self._end_part(tree, now)
        for number in range(self._parts, int(where[2])):  # small ones that are there as a whole
            event = done_event(tree, number)
            self._see(event, now)
            self._down.frame(event, [], b"", "")
        self._open = int(where[2])
        self._parts = self._open + 1
        event = done_event(tree, self._open)
        self._seen.paid = True
        self._down.head(Head("", event, b"", token.long, token.lead, True), event, repairs)

    def _end_part(self, tree: Tree, now: float) -> None:
        """The picture that `_part` began is whole."""
        assert self._open is not None
        event, self._open = done_event(tree, self._open), None
        self._see(event, now)
        self._down.tail(Tail(event, b""), event, [])

    def _normalise(self, tree: Tree, name: str, whole: bool) -> tuple[Tree, list[str]]:
        """The canonical event of a tree; the body of a plain answer is its last event."""
        if (self._surface == "images" and "response" not in tree) or speaks_images(tree, name):
            document = isinstance(self._down, Whole)
            return canonical(tree, name, whole, self._naming, self._seen.finished, document=document)
        if isinstance(self._reader, plain.Reader):
            if is_error(tree) and "output" not in tree:
                return {"type": "error", **tree}, []
            status = tree.get("status")
            kind = status if status in ("failed", "incomplete") else "completed"
            tree, repairs = normalise({"type": f"response.{kind}", "response": tree}, "", whole)
        else:
            tree, repairs = normalise(tree, name, whole)
        return (self._filling.fill(tree, repairs) if whole else tree), repairs

    def _broken(self, token: Broken, now: float) -> None:
        hold = self._down.hold
        if not isinstance(self._reader, plain.Reader) and (hold is None or hold.mode in ("spool", "drop")):
            self._down.hold = None
            self.outcome.repaired(["garbage"])
            return
        self.fail(verdict.not_json(), now)

    # meaning

    def _fails(self, tree: Tree, now: float, source: Tree) -> bool:
        """Look at an event that is there as a whole; True if the answer ended with it as a failure."""
        error = verdict.failed(tree, self.secrets)
        if error is None:
            self._see(tree, now, source)
            images = self.wish.surface == "images"
            if tree["type"] != "response.completed" or not self.wish.forced or self.outcome.pictures:
                return False
            if not verdict.lacks_image(tree, self._down.done.values(), images=images):
                return False
            error = verdict.no_image(tree, images=images)
        self.fail(error, now)
        return True

    def _see(self, tree: Tree, now: float, source: Tree | None = None) -> None:
        """An event's meaning; `source` is the event as an Images upstream sent it."""
        seen, down = self._seen, self._down
        if self._surface == "images" and source is not None:
            usage = seen.see_images(tree, source)
            # An event tells what its own picture cost, a document what all of them cost.
            down.usage = (seen.image_usage if isinstance(down, ImageWhole) else usage) or down.usage
        seen.see(tree, now)
        if self._surface == "responses" and tree["type"] in _ENDS:
            down.usage = seen.image_usage

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
            self.outcome.status = "incomplete" if self._seen.incomplete else "completed"
        self.outcome.response_id = self.outcome.response_id or self._down.response_id

    def _take(self, now: float) -> list[Action]:
        """The actions that have come together; keep-alives count from the last bytes sent."""
        for number, item in self._down.fresh:
            self._down.file(number, item)
        self._down.fresh = []
        out, self._down.out = self._down.out, []
        if out and self._down.sent:
            self.due = now + self.wish.keep_alive_every_s
        return out
