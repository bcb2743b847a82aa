"""The events of an output item that an upstream gave only as a whole: what a stream would have said of it."""

from collections.abc import Iterator
from typing import Any

from darkroom.wire import events
from darkroom.wire.elide import Tree
from darkroom.wire.events import Event


def text_events(index: int, item: Tree) -> Iterator[Event]:
    """Added, the parts with their text, and done (wire.md 2.1). `index` is the item's place in the output."""
    item_id = str(item.get("id") or "")
    content = item.get("content")
    if item.get("type") != "message" or not isinstance(content, list):
        yield events.ItemAdded(output_index=index, item=item)
        yield events.ItemDone(output_index=index, item=item)
        return
    yield events.ItemAdded(output_index=index, item={**item, "status": "in_progress", "content": []})
    for number, part in enumerate(content):
        if isinstance(part, dict):
            yield from _part_events(
                {"item_id": item_id, "output_index": index, "content_index": number}, part
            )
    yield events.ItemDone(output_index=index, item=item)


def _part_events(at: dict[str, Any], part: Tree) -> Iterator[Event]:
    refusal = part.get("type") == "refusal"
    key = "refusal" if refusal else "text"
    text = part.get(key)
    kind = "response.refusal" if refusal else "response.output_text"
    if isinstance(text, str):
        yield events.Other(type="response.content_part.added", tree={**at, "part": {**part, key: ""}})
        extra: Tree = {} if refusal else {"logprobs": []}
        if text:
            yield events.Other(type=f"{kind}.delta", tree={**at, "delta": text, **extra})
        yield events.Other(type=f"{kind}.done", tree={**at, key: text, **extra})
    else:
        yield events.Other(type="response.content_part.added", tree={**at, "part": part})
    yield events.Other(type="response.content_part.done", tree={**at, "part": part})


def texts_of(item: Any) -> Iterator[str]:
    """What a message item says, refusals included."""
    content = item.get("content") if isinstance(item, dict) and item.get("type") == "message" else None
    for part in content if isinstance(content, list) else []:
        if isinstance(part, dict):
            text = part.get("text") or part.get("refusal")
            if isinstance(text, str) and text.strip():
                yield text.strip()
