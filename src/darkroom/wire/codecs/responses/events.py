"""OpenAI Responses events: the canonical tree of each (wire.md 2.1 to 2.3), and the dialects that upstreams speak.

`normalise` makes any tree canonical and says what it had to mend; `decode` and `encode` go between canonical trees
and `events`. Trees may hold a `Long` wherever a string stands; keys keep their order, so that a tree whose head has
been sent already can still be finished.
"""

import re
from typing import Any

from darkroom.wire import events
from darkroom.wire.elide import Long, Tree
from darkroom.wire.events import Event

IMAGE_KEYS = (
    "result",
    "b64_json",
    "image",
    "image_b64",
    "partial_image",
    "partial_image_b64",
    "base64",
    "image_base64",
    "data",
)
"""Names under which upstreams are known to put a picture (the contract's six and wire.md 10.1)."""
URL_KEYS = ("url", "image_url", "output_url", "result_url")
"""Names under which a picture may stand as a data: URL; what lies at another address is not in the answer."""
CALL = "image_generation_call"
PARTIAL = f"response.{CALL}.partial_image"
FORMATS = ("size", "quality", "background", "output_format")
_KIND = re.compile(r"[\w.:-]{1,100}")
"""What a type may be: it stands on a line of its own."""
_STATUSES = ("queued", "in_progress", "completed", "failed", "incomplete")


def is_image(value: Any) -> bool:
    """A value that can be a picture: a string with something in it."""
    return isinstance(value, Long) or (isinstance(value, str) and value != "")


def rename(tree: Tree, old: str, new: str, value: Any = None) -> Tree:
    """The tree with key `old` called `new` (and its value replaced) where it stood; an older `new` is dropped."""
    out: Tree = {}
    for key, was in tree.items():
        if key == old:
            out[new] = was if value is None else value
        elif key != new:
            out[key] = was
    return out


def find_image(value: Any) -> Any:
    """The first picture in a nested value, or None."""
    if is_image(value):
        return value
    if isinstance(value, list):
        return next((found for item in value if (found := find_image(item)) is not None), None)
    if isinstance(value, dict) and (key := image_key(value)) is not None:
        return find_image(value[key])
    return None


def image_key(tree: Tree) -> str | None:
    """The key under which a picture stands, itself or nested; None if there is none."""
    key = next((key for key in IMAGE_KEYS if find_image(tree.get(key)) is not None), None)
    return key or next((key for key in URL_KEYS if _holds_picture(tree.get(key))), None)


def _holds_picture(value: Any) -> bool:
    """An address that holds the picture itself, as nothing else is so long that it comes in pieces."""
    return isinstance(value, Long) or (isinstance(value, str) and value[:5].lower() == "data:")


def strip_prefix(image: Any) -> Any:
    """A picture without its `data:image/png;base64,`; a Long is left as it is."""
    if isinstance(image, str) and image[:5].lower() == "data:":
        _, comma, rest = image.partition(",")
        return rest if comma else image
    return image


def mend_item(item: Tree, repairs: list[str], whole: bool = True) -> Tree:
    """An output item as it should be: the picture in `result`, and completed if it is there.

    What is missing is put at the end, and only when the item is `whole`: it may still come.
    """
    if item.get("type") not in (CALL, None):
        return item
    image = item.get("result")
    if not is_image(image):
        key = image_key(item)
        if key is None:
            return item
        image = find_image(item[key])
        item = rename(item, key, "result", image)
        repairs.append("image_field")
    clean = strip_prefix(image)
    if clean is not image:
        item = {**item, "result": clean}
        repairs.append("data_prefix")
    if item.get("status") != "completed" and (whole or "status" in item):
        item = {**item, "status": "completed"}
        repairs.append("item_status")
    if whole and "type" not in item:
        item = {**item, "type": CALL}
        repairs.append("item_type")
    return item


def _take_in(tree: Tree, repairs: list[str]) -> Tree:
    """The tree of a finished item, with a picture that stands beside the item moved into it."""
    item: Tree = tree["item"]
    rest = {key: value for key, value in tree.items() if key != "item"}
    if item.get("type") not in (CALL, None) or image_key(item) or not (key := image_key(rest)):
        return tree
    repairs.append("image_field")
    item = {**{k: v for k, v in item.items() if k != "result"}, "result": find_image(rest[key])}
    return {k: item if k == "item" else v for k, v in tree.items() if k != key}


def _mend_partial(tree: Tree, repairs: list[str]) -> Tree:
    image = tree.get("partial_image_b64")
    if not is_image(image):
        key = image_key(tree)
        if key is not None:
            image = find_image(tree[key])
            tree = rename(tree, key, "partial_image_b64", image)
            repairs.append("image_field")
    clean = strip_prefix(image)
    if clean is not image:
        tree = {**tree, "partial_image_b64": clean}
        repairs.append("data_prefix")
    if "partial_image_index" not in tree and isinstance(tree.get("index"), int):
        tree = rename(tree, "index", "partial_image_index")
        repairs.append("partial_index")
    return tree


def _kind(tree: Tree, name: str, whole: bool) -> str:
    """The type of a tree that does not say it; "message" if nothing tells, or may not tell yet."""
    if _KIND.fullmatch(name):
        return name
    if tree.get("error"):
        return "error"
    response = tree.get("response")
    return _response_kind(response) if isinstance(response, dict) and whole else "message"


def _response_kind(response: Tree) -> str:
    status = response.get("status")
    return f"response.{status if status in _STATUSES else 'completed'}"


def normalise(tree: Tree, name: str = "", whole: bool = True) -> tuple[Tree, list[str]]:
    """The canonical tree of an event, and the names of the repairs it took (none: the very same tree).

    `whole` is False while a long string of the event is still arriving: what is missing may follow.
    """
    repairs: list[str] = []
    kind = tree.get("type")
    if tree.get("object") == "response" and "response" not in tree:
        kind = _response_kind(tree)
        tree = {"type": kind, "response": tree}
        repairs.append("envelope")
    elif not isinstance(kind, str) or not _KIND.fullmatch(kind):
        kind = _kind(tree, name, whole)
        tree = {"type": kind, **{k: v for k, v in tree.items() if k != "type"}}
        repairs.append("type")
    if kind == PARTIAL:
        tree = _mend_partial(tree, repairs)
    elif kind == "response.output_item.done" and isinstance(tree.get("item"), dict):
        tree = _take_in(tree, repairs)
        item = mend_item(tree["item"], repairs, whole)
        if item is not tree["item"]:
            tree = {**tree, "item": item}
    elif kind in _RESPONSES and isinstance(tree.get("response"), dict):
        tree = _mend_response(tree, repairs, whole)
    return tree, repairs


def _mend_response(tree: Tree, repairs: list[str], whole: bool) -> Tree:
    response = tree["response"]
    output = response.get("output")
    if not isinstance(output, list) or not output:
        return tree
    last = len(output) - 1
    mended = [
        mend_item(item, repairs, whole or i < last) if isinstance(item, dict) else item
        for i, item in enumerate(output)
    ]
    if all(a is b for a, b in zip(mended, output, strict=True)):
        return tree
    return {**tree, "response": {**response, "output": mended}}


_RESPONSES: dict[str, type[Event]] = {
    "response.created": events.Created,
    "response.queued": events.Queued,
    "response.in_progress": events.InProgress,
    "response.completed": events.Completed,
    "response.failed": events.Failed,
    "response.incomplete": events.Incomplete,
}
_ITEMS: dict[str, type[Event]] = {
    "response.output_item.added": events.ItemAdded,
    "response.output_item.done": events.ItemDone,
}
_CALLS: dict[str, type[Event]] = {
    f"response.{CALL}.in_progress": events.ImageInProgress,
    f"response.{CALL}.generating": events.ImageGenerating,
    f"response.{CALL}.completed": events.ImageCompleted,
}
_NAMES = {cls: name for table in (_RESPONSES, _ITEMS, _CALLS) for name, cls in table.items()}


def decode(tree: Tree, name: str = "") -> Event:
    """The event of a tree in any dialect; what is none of the known ones becomes Other."""
    tree, _ = normalise(tree, name)
    kind: str = tree["type"]
    index = tree.get("output_index")
    index = index if isinstance(index, int) else 0
    if kind in _RESPONSES and isinstance(tree.get("response"), dict):
        return _RESPONSES[kind](response=tree["response"])
    if kind in _ITEMS and isinstance(tree.get("item"), dict):
        return _ITEMS[kind](output_index=index, item=tree["item"])
    if kind in _CALLS:
        return _CALLS[kind](output_index=index, item_id=str(tree.get("item_id") or ""))
    if kind == PARTIAL and is_image(tree.get("partial_image_b64")):
        number = tree.get("partial_image_index")
        return events.PartialImage(
            output_index=index,
            item_id=str(tree.get("item_id") or ""),
            index=number if isinstance(number, int) else 0,
            image=tree["partial_image_b64"],
            **{key: tree[key] for key in FORMATS if isinstance(tree.get(key), str)},
        )
    if kind == "keepalive":
        return events.KeepAlive()
    if is_error(tree):
        return _error(tree)
    return events.Other(type=kind, tree=tree)


def is_error(tree: Tree) -> bool:
    """A tree that reports a failure outside the response: `error` by name, or an `error` object and nothing else."""
    kind = str(tree.get("type", ""))
    if kind.startswith("response."):
        return False
    return kind == "error" or kind.endswith("_error") or bool(tree.get("error"))


def _error(tree: Tree) -> events.Error:
    inner = tree.get("error")
    fields = inner if isinstance(inner, dict) else tree
    message = inner if isinstance(inner, str) else fields.get("message")
    kind = fields.get("type")
    return events.Error(
        message=str(message or "The upstream reported an error without saying which."),
        code=None if fields.get("code") is None else str(fields["code"]),
        type=kind if isinstance(kind, str) and kind != "error" else "server_error",
        param=fields.get("param") if isinstance(fields.get("param"), str) else None,
    )


def encode(event: Event, number: int) -> Tree:
    """The canonical tree of an event; `number` is its sequence_number."""
    kind = _NAMES.get(type(event))
    if isinstance(event, events.Created | events.Queued | events.InProgress):
        return {"type": kind, "sequence_number": number, "response": event.response}
    if isinstance(event, events.Completed | events.Failed | events.Incomplete):
        return {"type": kind, "sequence_number": number, "response": event.response}
    if isinstance(event, events.ItemAdded | events.ItemDone):
        return {
            "type": kind,
            "sequence_number": number,
            "output_index": event.output_index,
            "item": event.item,
        }
    if isinstance(event, events.ImageInProgress | events.ImageGenerating | events.ImageCompleted):
        head = {"type": kind, "sequence_number": number}
        return {**head, "output_index": event.output_index, "item_id": event.item_id}
    if isinstance(event, events.PartialImage):
        tree: Tree = {
            "type": PARTIAL,
            "sequence_number": number,
            "output_index": event.output_index,
            "item_id": event.item_id,
            "partial_image_index": event.index,
            "partial_image_b64": event.image,
        }
        return tree | {key: value for key in FORMATS if (value := getattr(event, key)) is not None}
    if isinstance(event, events.Error):
        fields = {"type": event.type, "code": event.code, "message": event.message, "param": event.param}
        flat = {"code": event.code, "message": event.message, "param": event.param}
        return {"type": "error", "sequence_number": number, "error": fields, **flat}
    if isinstance(event, events.KeepAlive):
        return {"type": "keepalive", "sequence_number": number}
    assert isinstance(event, events.Other)
    rest = {k: v for k, v in event.tree.items() if k not in ("type", "sequence_number")}
    return {"type": event.type, "sequence_number": number, **rest}
