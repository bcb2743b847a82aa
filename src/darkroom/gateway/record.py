"""What is written down of one request while it runs; becomes its trace at the end."""

import time

from darkroom.errors import Error
from darkroom.ledger.keys import Key
from darkroom.traces.trace import Attempt, Trace
from darkroom.wire.actions import Outcome, Picture
from darkroom.wire.request import Request
from darkroom.wire.stages import Stage, StageClock

_ASKED = ("size", "quality", "output_format", "background", "partial_images")


def now_us() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


class Record:
    """One request's story. Offsets are microseconds since the request was accepted."""

    def __init__(
        self, request_id: str, key: Key, method: str, path: str, agent: bytes | None, sandbox: bool
    ) -> None:
        self.waited_s = 0.0
        """Seconds spent waiting for upstreams, over all attempts."""
        self.status: int | None = None
        self.error: Error | None = None
        self.left = False
        self.trace = Trace(
            request_id=request_id,
            account_id=key.account_id,
            account=key.account,
            key_id=key.id,
            started_at=now_us(),
            finished_at=0,
            surface="images" if path.startswith("/v1/images") else "responses",
            method=method,
            path=path,
            sandbox=sandbox,
            user_agent=agent.decode("latin-1")[:200] if agent else None,
        )
        self._marked: dict[int, int] = {}
        """How many marks there were when an attempt began, by its number."""

    def asked(self, request: Request, prompt: bool) -> None:
        """What the request asks for; its prompt only if that is switched on."""
        trace = self.trace
        trace.model, trace.streamed, trace.image = request.model, request.stream, request.image
        if request.tool is not None:
            trace.image_model = request.tool.model if request.surface == "responses" else request.model
            fields = {name: getattr(request.tool, name) for name in _ASKED}
            trace.requested = {name: value for name, value in fields.items() if value is not None}
        if request.n > 1:
            trace.requested["n"] = request.n
        if prompt:
            trace.prompt = request.prompt

    def begin(self, channel: str, clock: StageClock, now: float) -> Attempt:
        """An attempt at a channel begins."""
        attempt = Attempt(channel=channel, started_us=_us(now - clock.start), outcome="")
        self._marked[id(attempt)] = len(clock.marks)
        self.trace.attempts.append(attempt)
        return attempt

    def end(self, attempt: Attempt, outcome: str, error: Error | None, clock: StageClock, now: float) -> None:
        """An attempt has ended."""
        attempt.outcome, attempt.ended_us = outcome, _us(now - clock.start)
        marks = clock.marks[self._marked.pop(id(attempt)) :]
        attempt.stages = [(m.stage.value, _us(m.at_s), m.detail) for m in marks]
        if error is not None:
            attempt.error_code, attempt.error_message = error.code, error.internal or error.message

    def finish(self, outcome: Outcome | None, clock: StageClock, bytes_in: int, bytes_out: int) -> Trace:
        """The whole trace."""
        trace = self.trace
        trace.finished_at = now_us()
        trace.status, trace.bytes_in, trace.bytes_out = self.status, bytes_in, bytes_out
        trace.stages = [(m.stage.value, _us(m.at_s), m.detail) for m in clock.marks]
        if outcome is not None:
            trace.delivered = [_delivered(i, picture) for i, picture in enumerate(outcome.pictures)]
            trace.repairs = dict(outcome.repairs)
            usage = {"usage": outcome.usage, "tool_usage": outcome.tool_usage}
            trace.usage = {name: value for name, value in usage.items() if value is not None} or None
        trace.outcome = self._outcome(outcome, clock)
        if self.error is not None:
            trace.error_code, trace.error_message = self.error.code, self.error.message
        return trace

    def _outcome(self, outcome: Outcome | None, clock: StageClock) -> str:
        if self.left:
            return "left"
        if self.error is not None:
            return "refused" if self.error.blame == "caller" else "failed"
        if outcome is not None and clock.at(Stage.DELIVERED) is None:
            return "left"
        return outcome.status or "failed" if outcome is not None else "failed"


def _us(seconds: float) -> int:
    return int(seconds * 1_000_000)


def _delivered(index: int, picture: Picture) -> dict[str, object]:
    size = f"{picture.width}x{picture.height}" if picture.width else None
    fields = {
        "index": index,
        "size": size,
        "format": picture.format,
        "quality": picture.quality,
        "background": picture.background,
        "bytes": picture.bytes * 3 // 4,
    }
    return {name: value for name, value in fields.items() if value is not None}
