"""One answer as it comes in: its stages, its previews, its picture, its end.

Law: the picture is taken from `response.output_item.done`, else from `response.completed`, never from a preview; and
a picture that is there counts, whatever the end of the stream was like.
"""

from collections.abc import Callable
from typing import Any

from darkroom.client.failures import Damaged, Failure, Rejected, Unreachable, of_error
from darkroom.client.picture import Partial, Picture, decode
from darkroom.wire import events
from darkroom.wire.codecs.responses.events import CALL
from darkroom.wire.stages import Mark, Stage, StageClock

OnStage = Callable[[Mark], None]
OnPartial = Callable[[Partial], None]
WORDS_LIMIT = 500


class Gather:
    """Takes the events of one attempt; `picture` is what came of them."""

    def __init__(
        self, clock: StageClock, now: Callable[[], float], on_stage: OnStage, on_partial: OnPartial
    ) -> None:
        self._clock = clock
        self._now = now
        self._on_stage = on_stage
        self._on_partial = on_partial
        self._reached: set[Stage] = set()
        self._item: dict[str, Any] | None = None
        """The output item that holds the picture."""
        self._usage: dict[str, Any] | None = None
        self._failure: Failure | None = None
        self._words = ""
        """What the model said instead."""
        self._broken = ""
        self._ended = False
        self.whole = False
        """The answer is one JSON value that arrived to its end; what is missing will not come."""
        self.paid = False
        """The picture may have been paid for: generating or more was seen (the design's paid mark)."""

    @property
    def has_picture(self) -> bool:
        """The final picture is there."""
        return self._item is not None

    def mark(self, stage: Stage, detail: str | None = None) -> None:
        """Note a stage, and tell whoever listens; each is told once, previews one by one."""
        if stage in self._reached and detail is None:
            return
        self._reached.add(stage)
        self._clock.mark(stage, self._now(), detail)
        self._on_stage(self._clock.marks[-1])

    def take(self, event: events.Event) -> None:
        """One event of the answer."""
        match event:
            case events.Created() | events.Queued():
                self.mark(Stage.CREATED)
            case events.InProgress() | events.ImageInProgress():
                self.mark(Stage.IN_PROGRESS)
            case events.ImageGenerating():
                self._pay(Stage.GENERATING)
            case events.PartialImage():
                self._pay(Stage.GENERATING)
                self._preview(event)
            case events.ItemAdded():
                self.paid = self.paid or event.item.get("type") != CALL
            case events.ItemDone():
                self.paid = True
                self._done(event.item)
            case events.Completed() | events.Incomplete() | events.Failed():
                self._end(event)
            case events.Error():
                self._fail(of_error(event.message, event.code, event.type, event.param))
            case events.Other(type="broken"):
                self._broken = str(event.tree["reason"])

    def picture(self, request_id: str | None) -> Picture:
        """The picture. Raises the failure that the answer reported, `Unreachable` if it was cut, else `Damaged`."""
        if self._item is None:
            raise self._why_not()
        content, format, size = decode(self._item["result"])
        revised = self._item.get("revised_prompt")
        return Picture(
            content=content,
            format=format,
            size=size or self._item.get("size"),
            revised_prompt=revised if isinstance(revised, str) else None,
            usage=self._usage,
            request_id=request_id,
            stages=tuple(self._clock.marks),
            took_s=self._now() - self._clock.start,
        )

    def _pay(self, stage: Stage) -> None:
        self.paid = True
        self.mark(stage)

    def _preview(self, event: events.PartialImage) -> None:
        assert isinstance(event.image, str)
        self.mark(Stage.PARTIAL, str(event.index))
        try:
            content, format, _ = decode(event.image)
        except Damaged:
            return  # a preview that cannot be shown costs nobody the picture
        self._on_partial(Partial(event.index, content, format))

    def _done(self, item: dict[str, Any]) -> None:
        if item.get("type") == CALL:
            if self._item is None and _is_text(item.get("result")):
                self._item = item
                self.mark(Stage.IMAGE)
            elif isinstance(fault := item.get("error"), dict):
                self._fail(_of(fault))
        elif item.get("type") == "message":
            self._words = self._words or _words(item)

    def _end(self, event: events.Completed | events.Incomplete | events.Failed) -> None:
        self._ended = True
        response = event.response
        output = response.get("output")
        for item in output if isinstance(output, list) else ():
            if isinstance(item, dict):
                self._done(item)
        tools = response.get("tool_usage")
        used = tools.get("image_gen") if isinstance(tools, dict) else None
        self._usage = used if isinstance(used, dict) else None
        if isinstance(event, events.Completed):
            self.paid = True
            self.mark(Stage.COMPLETED)
        elif isinstance(event, events.Incomplete):
            reason = (response.get("incomplete_details") or {}).get("reason")
            code = "content_policy_violation" if reason == "content_filter" else "incomplete"
            self._fail(
                of_error(f"The answer was stopped early: {reason or 'no reason given'}.", code, "", None)
            )
        else:
            self._fail(_of(response.get("error") or {}))

    def _fail(self, failure: Failure) -> None:
        self._failure = self._failure or failure

    def _why_not(self) -> Failure:
        if self._failure is not None:
            return self._failure
        if self._words:
            return Rejected(
                f"The model answered with words instead of a picture: {self._words}", code="no_image"
            )
        if self._ended or (self.whole and not self._broken):
            return Damaged("The answer is complete, but there is no picture in it.")
        if self._broken and not self._reached & {Stage.CREATED, Stage.IN_PROGRESS, Stage.GENERATING}:
            return Damaged(
                "The answer is not an event stream; is the base URL right? It ends in /v1.",
                code="not_a_stream",
            )
        return Unreachable("The answer was cut off before the picture was there.")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _of(fault: dict[str, Any]) -> Failure:
    code, kind, param = (
        v if isinstance(v := fault.get(key), str) else None for key in ("code", "type", "param")
    )
    message = fault.get("message")
    said = (
        message
        if isinstance(message, str) and message
        else "The relay reported a failure without saying why."
    )
    return of_error(said, code, kind or "", param)


def _words(item: dict[str, Any]) -> str:
    """The text or refusal of a message item."""
    parts = item.get("content")
    texts = [
        str(part.get("text") or part.get("refusal") or "")
        for part in (parts if isinstance(parts, list) else ())
        if isinstance(part, dict)
    ]
    return " ".join(" ".join(texts).split())[:WORDS_LIMIT]
