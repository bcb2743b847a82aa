"""The image calls of one answer, as its caller has seen them: their steps, their ids, and what was left out.

Law: every call goes through all of STEPS, in order, under one id. `stream` asks before it passes an event on.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from darkroom.wire import events
from darkroom.wire.codecs.responses.events import CALL, is_image
from darkroom.wire.elide import Tree
from darkroom.wire.events import Event

STEPS = ("added", "in_progress", "generating", "completed", "done")
"""What happens to an image call, in order."""


class Call(msgspec.Struct):
    """An image call as the caller has seen it so far; `step` counts what has happened of STEPS."""

    index: int
    id: str
    step: int = 0


Calls = dict[int, Call]
"""The calls by their place in the output."""


def find_call(calls: Calls, kind: str, tree: Tree, *, response_id: str, free: int) -> Call | None:
    """The call that an event belongs to, a new one if need be; None if it is no event of a call.

    A new call that has no place gets `free`, one that has no id gets one made of `response_id`.
    """
    item = tree.get("item")
    if kind in ("response.output_item.added", "response.output_item.done"):
        if not isinstance(item, dict) or not (item.get("type") == CALL or is_image(item.get("result"))):
            return None
        item_id = item.get("id")
    elif kind.startswith(f"response.{CALL}."):
        item_id = tree.get("item_id")
    else:
        return None
    index = tree.get("output_index")
    found = next((c for c in calls.values() if c.id == item_id), None)
    if isinstance(index, int):
        found = calls.get(index) or found
    elif found is None and calls and not item_id:
        found = calls[max(calls)]
    if found is None:
        index = index if isinstance(index, int) else free
        item_id = item_id if isinstance(item_id, str) and item_id else f"ig_{response_id[5:]}{index}"
        found = calls[index] = Call(index, item_id)
    return found


def advance(call: Call, step: int) -> Iterator[Event]:
    """The steps of a call that the upstream left out, up to `step`."""
    at: dict[str, Any] = {"output_index": call.index, "item_id": call.id}
    while call.step < step:
        call.step += 1
        match STEPS[call.step - 1]:
            case "added":
                item = {"id": call.id, "type": CALL, "status": "in_progress"}
                yield events.ItemAdded(output_index=call.index, item=item)
            case "in_progress":
                yield events.ImageInProgress(**at)
            case "generating":
                yield events.ImageGenerating(**at)
            case "completed":
                yield events.ImageCompleted(**at)


def own_calls(response: Tree, calls: Calls) -> Tree:
    """The response with its image calls under the ids that the caller knows them by."""
    output = response.get("output")
    if not isinstance(output, list):
        return response
    ids = {index: call.id for index, call in calls.items()}
    there = [item.get("id") for item in output if isinstance(item, dict)]
    mended = [
        {**item, "id": ids[index]}
        if isinstance(item, dict)
        and item.get("type") == CALL
        and index in ids
        and item.get("id") not in ids.values()
        and ids[index] not in there
        else item
        for index, item in enumerate(output)
    ]
    same = all(a is b for a, b in zip(mended, output, strict=True))
    return response if same else {**response, "output": mended}
