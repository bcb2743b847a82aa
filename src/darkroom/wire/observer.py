"""What an answer means, event by event: stages, the paid mark, usage and the ids that it gives away.

Reads canonical trees (`codecs.responses.events`) and writes the outcome; the relay asks it for `paid` and `progress`.
"""

from typing import Any

from darkroom.wire.actions import Outcome
from darkroom.wire.codecs.images.events import add_usage, usage_of
from darkroom.wire.codecs.responses.events import CALL, is_image
from darkroom.wire.elide import Tree
from darkroom.wire.stages import Stage, StageClock

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


class Observer:
    """Watches one answer."""

    def __init__(self, outcome: Outcome, clock: StageClock) -> None:
        self.outcome = outcome
        self.clock = clock
        self.paid = False
        """The upstream may have been paid (DESIGN section 4)."""
        self.progress = 0
        """Counts what arrived; an upstream's keep-alives do not count."""
        self.finished = 0
        """Pictures that an Images upstream has finished."""
        self.incomplete = False
        """The upstream ended the answer early, and said so."""

    def see(self, tree: Tree, now: float) -> None:
        """Marks, the paid mark, progress, usage and ids of an event."""
        kind: str = tree["type"]
        if kind != "keepalive":
            self.progress += 1
        stage = _STAGES.get(kind)
        if stage is not None:
            detail = str(self.outcome.partials) if stage is Stage.PARTIAL else None
            self.clock.mark(stage, now, detail)
            self.outcome.partials += stage is Stage.PARTIAL
        self.incomplete = self.incomplete or kind == "response.incomplete"
        item = tree.get("item")
        if isinstance(item, dict):
            self._note_id(item.get("id"))
            if kind == "response.output_item.done" and is_image(item.get("result")):
                self.clock.mark(Stage.IMAGE, now)
        call = isinstance(item, dict) and item.get("type") in (CALL, None)
        if kind not in _FREE and not (kind == "response.output_item.added" and call):
            self.paid = True
        response = tree.get("response")
        if isinstance(response, dict):
            self._see_response(response)

    def see_images(self, tree: Tree, source: Tree) -> Tree | None:
        """An Images answer's usage (`source` is as it came), and that one more of its pictures is there."""
        self.finished += tree["type"] == "response.output_item.done"
        usage = usage_of(source)
        if usage is not None:
            self.outcome.tool_usage = {"image_gen": add_usage(self.image_usage, usage)}
        return usage

    @property
    def image_usage(self) -> Tree | None:
        """What the upstream said that the pictures have cost together."""
        usage = (self.outcome.tool_usage or {}).get("image_gen")
        return usage if isinstance(usage, dict) else None

    def _see_response(self, response: Tree) -> None:
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
