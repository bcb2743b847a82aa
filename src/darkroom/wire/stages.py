"""The stages of a request's life, in order, and the clock that notes when each was reached."""

from enum import StrEnum

import msgspec


class Stage(StrEnum):
    """Every stage that a request can reach; a waterfall shows them in the order of their marks."""

    ACCEPTED = "accepted"
    QUEUED = "queued"
    ROUTED = "routed"
    CONNECTED = "connected"
    SENT = "sent"
    HEADERS = "headers"
    CREATED = "created"
    IN_PROGRESS = "in_progress"
    GENERATING = "generating"
    PARTIAL = "partial"
    IMAGE = "image"
    COMPLETED = "completed"
    DELIVERED = "delivered"
    SETTLED = "settled"
    LEFT = "left"
    FAILED = "failed"


class Mark(msgspec.Struct, frozen=True, gc=False):
    """A stage, when it was reached (seconds since the clock began), and which of several (a partial's index)."""

    stage: Stage
    at_s: float
    detail: str | None = None


class StageClock:
    """Notes marks against the `now` of its start; never reads a clock itself."""

    __slots__ = ("marks", "start")

    def __init__(self, now: float) -> None:
        self.start = now
        self.marks: list[Mark] = []

    def mark(self, stage: Stage, now: float, detail: str | None = None) -> None:
        """Note that `stage` was reached at `now`."""
        self.marks.append(Mark(stage, now - self.start, detail))

    def at(self, stage: Stage) -> float | None:
        """Seconds to the first mark of `stage`, or None."""
        return next((mark.at_s for mark in self.marks if mark.stage is stage), None)
