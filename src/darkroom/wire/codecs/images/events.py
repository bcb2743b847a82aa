"""OpenAI Images answers, streamed and plain: their canonical trees, and how such a tree is written for Images callers.

The canonical trees are those of Responses (`codecs.responses.events`): a finished picture is the item of an
`output_item.done`, a plain answer the response of a `completed`. Law: keys keep their order, and what is missing is
put behind the picture, so that a tree whose head has been sent already can still be finished. Source: wire.md 4.3,
4.4, 5.3, 10.1. Counterpart of `wire.image_stream` and `wire.image_whole`, which write.
"""

from collections.abc import Callable
from typing import Any

from darkroom.wire.codecs.responses.events import (
    CALL,
    FORMATS,
    IMAGE_KEYS,
    PARTIAL,
    find_image,
    is_error,
    is_image,
    rename,
    strip_prefix,
)
from darkroom.wire.elide import Tree

PREFIXES = ("image_generation", "image_edit")
_URLS = ("url", "image_url", "output_url", "result_url")
_OURS = ("id", "type", "status", "action", "output_index", "item_id", "sequence_number")
"""What a canonical tree has and an Images answer has not."""


class Remote(str):
    """The address of a picture that an upstream gave instead of the picture itself."""

    __slots__ = ()


class Naming:
    """What an Images answer does not say and a Responses one must: ids by number, and the fields of the response."""

    __slots__ = ("base", "ids")

    def __init__(self, ids: Callable[[int], str], base: Tree) -> None:
        self.ids = ids
        self.base = base


def speaks_images(tree: Tree, name: str) -> bool:
    """The tree, or the name of its event, is of the Images wire."""
    kind = tree.get("type")
    kind = kind if isinstance(kind, str) and kind else name
    return kind.startswith(PREFIXES) or (kind in ("", "message") and isinstance(tree.get("data"), list))


def canonical(
    tree: Tree, name: str, whole: bool, naming: Naming, number: int, *, document: bool = False
) -> tuple[Tree, list[str]]:
    """The canonical tree of an event or a plain answer, and the repairs it took.

    `number` counts the pictures before this one. `whole` is False while a long string is still arriving. With
    `document` a finished picture becomes a whole response, for callers who get one JSON document.
    """
    repairs: list[str] = []
    kind = tree.get("type")
    if not isinstance(kind, str) or not kind:
        kind = name if name.startswith(PREFIXES) else ""
        if kind:
            repairs.append("type")
    elif name and name != kind:
        repairs.append("frame")
    if not kind.startswith(PREFIXES) and is_error(tree):
        return {"type": "error", **{k: v for k, v in tree.items() if k != "type"}}, repairs
    if isinstance(tree.get("data"), list) and (not kind or not is_image(_picture(tree))):
        return _document(tree, naming, number, repairs), repairs
    if kind.endswith(".partial_image"):
        return _partial(tree, naming, number, repairs), repairs
    if kind.endswith(".completed"):
        item = _item(tree, naming.ids(number), repairs)
        if document:
            return _response(tree, [item], naming), repairs
        return {"type": "response.output_item.done", "output_index": number, "item": item}, repairs
    return {"type": kind or "message", **{k: v for k, v in tree.items() if k != "type"}}, repairs


def usage_of(tree: Tree) -> Tree | None:
    """The usage that an Images event or answer reports."""
    usage = tree.get("usage")
    return usage if isinstance(usage, dict) else None


def add_usage(one: Tree | None, other: Tree) -> Tree:
    """Two usages as one: numbers are added, details too."""
    out: Tree = dict(one or {})
    for key, value in other.items():
        was = out.get(key)
        if isinstance(value, dict):
            out[key] = add_usage(was if isinstance(was, dict) else None, value)
        elif isinstance(value, int) and not isinstance(value, bool):
            out[key] = value + (was if isinstance(was, int) else 0)
        else:
            out[key] = value
    return out


def _picture(tree: Tree) -> Any:
    return next((tree[key] for key in IMAGE_KEYS if is_image(tree.get(key))), None)


def _partial(tree: Tree, naming: Naming, number: int, repairs: list[str]) -> Tree:
    key = next((k for k in IMAGE_KEYS if find_image(tree.get(k)) is not None), None)
    if key is not None:
        image = find_image(tree[key])
        clean = strip_prefix(image)
        repairs += ["image_field"] * (key != "b64_json") + ["data_prefix"] * (clean is not image)
        tree = rename(tree, key, "partial_image_b64", clean)
    if "partial_image_index" not in tree and isinstance(tree.get("index"), int):
        tree = rename(tree, "index", "partial_image_index")
        repairs.append("partial_index")
    rest = {k: v for k, v in tree.items() if k not in ("type", "created_at")}
    return {"type": PARTIAL, "output_index": number, "item_id": naming.ids(number), **rest}


def _item(tree: Tree, item_id: str, repairs: list[str]) -> Tree:
    """The output item of a finished picture."""
    key = next((k for k in IMAGE_KEYS if find_image(tree.get(k)) is not None), None)
    if key is not None:
        image = find_image(tree[key])
        clean = strip_prefix(image)
        repairs += ["image_field"] * (key != "b64_json") + ["data_prefix"] * (clean is not image)
        tree = rename(tree, key, "result", clean)
    else:
        key = next((k for k in _URLS if is_image(tree.get(k))), None)
        if key is not None:
            address = tree[key]
            inline = not isinstance(address, str) or address[:5].lower() == "data:"
            repairs.append("url")
            tree = rename(tree, key, "result", strip_prefix(address) if inline else Remote(address))
    drop = ("id", "type", "status", "created_at", "created", "usage", *_URLS, "b64_json")
    rest = {k: v for k, v in tree.items() if k not in drop}
    return {"id": item_id, "type": CALL, "status": "completed", **rest}


def _document(tree: Tree, naming: Naming, number: int, repairs: list[str]) -> Tree:
    """The whole response of a plain answer."""
    pictures = [entry for entry in tree["data"] if isinstance(entry, dict)]
    items = [_item(entry, naming.ids(number + i), repairs) for i, entry in enumerate(pictures)]
    known = {k: tree[k] for k in FORMATS if isinstance(tree.get(k), str)}
    return _response(
        tree, [item | {k: v for k, v in known.items() if k not in item} for item in items], naming
    )


def _response(tree: Tree, output: list[Tree], naming: Naming) -> Tree:
    response: Tree = {**naming.base, "status": "completed", "output": output}
    usage = usage_of(tree)
    if usage is not None:
        response["tool_usage"] = {"image_gen": usage}
    return {"type": "response.completed", "response": response}


def write_partial(tree: Tree, prefix: str, created_at: int, asked: Tree) -> Tree:
    """A canonical partial picture as an Images event; `asked` fills in what nobody said."""
    out: Tree = {"type": f"{prefix}.partial_image", "created_at": created_at}
    for key, value in tree.items():
        if key == "partial_image_b64":
            out["b64_json"] = value
        elif key not in _OURS:
            out[key] = value
    return out | {key: value for key, value in asked.items() if key not in out}


def write_finished(item: Tree, prefix: str, created_at: int, asked: Tree) -> Tree:
    """A canonical finished item as an Images event, without its usage."""
    head: Tree = {"type": f"{prefix}.completed", "created_at": created_at}
    return head | write_entry(item) | {key: value for key, value in asked.items() if key not in item}


def write_entry(item: Tree) -> Tree:
    """The picture of a canonical finished item, and what else is known of it."""
    out: Tree = {}
    for key, value in item.items():
        if key == "result":
            out["b64_json"] = value
        elif key not in _OURS:
            out[key] = value
    return out
