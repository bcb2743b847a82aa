"""The parts of a multipart edit, in their order, to the same tree that a JSON body gives (wire.md 5.1).

Law: a part is either read or refused with its name and what to send instead; fields that nobody knows stay texts.
Pictures become `image` (or `images`, if that is what the caller says), one or a list, whatever brackets he writes.
"""

import re
from collections.abc import Sequence
from typing import Any

from darkroom.errors import Invalid
from darkroom.wire.elide import Tree, Upload
from darkroom.wire.fields import show, wrong_type, wrong_value

Field = tuple[str, str | Upload]
FLAGS = ("stream",)
NUMBERS = ("n", "partial_images", "output_compression", "frame_count", "frame_duration_ms")
WORDS = (
    "prompt",
    "model",
    "size",
    "quality",
    "output_format",
    "background",
    "moderation",
    "input_fidelity",
    "complexity",
    "response_format",
    "user",
    "safety_identifier",
)
PICTURES = ("image", "images", "mask", "markup")
MOST_INDEX_DIGITS = 4

_IMAGE = re.compile(rf"(images?)(?:\[(\d{{0,{MOST_INDEX_DIGITS}}})\])?", re.ASCII)
_NESTED = re.compile(r"(svg|metadata)((?:\[[^\[\]]+\])+)")
_INTEGER = re.compile(r"[+-]?\d{1,9}", re.ASCII)
_FLAG = {"true": True, "false": False}
_OFFERED = (
    "Send the pictures to be edited as files named `image` (or `image[]`, one for each), the mask as `mask` and an "
    "overlay as `markup`."
)
_SIGN = (
    "Send the file itself; with curl write an @ before its path: -F 'image[]=@input.png'. An https address or a data "
    "URL (data:image/png;base64,…) is taken too."
)


def read_fields(fields: Sequence[Field]) -> Tree:
    """The tree of a form. Raises Invalid."""
    tree: Tree = {}
    pictures: dict[str, list[tuple[int | None, str | Upload]]] = {}
    for name, value in fields:
        base = name.partition("[")[0]
        if isinstance(value, Upload) and not len(value) and not value.filename:
            value = ""  # so a browser sends a file that was not chosen
        if base in PICTURES:
            _check_picture(name, value)
            image = _IMAGE.fullmatch(name)
            if image:
                index = int(image[2]) if image[2] else None
                pictures.setdefault(base, []).append((index, value))
                tree.setdefault(base, None)  # keeps its place
            elif name != base:
                raise wrong_value((name,), f"There can be only one. {_OFFERED}")
            elif value != "":
                _put_once(tree, name, value)
        elif isinstance(value, Upload):
            raise _stray(name, value)
        elif nested := _NESTED.fullmatch(name):
            _nest(tree, name, [nested[1], *nested[2][1:-1].split("][")], value)
        elif name in FLAGS or name in NUMBERS or name in WORDS or name == "svg":
            _put_once(tree, name, _convert(name, value))
        else:
            _add(tree, name, value)
    for base, found in pictures.items():
        tree[base] = _in_order(found)
    return tree


def _check_picture(name: str, value: str | Upload) -> None:
    if isinstance(value, Upload) or value == "":
        return
    if not value[:8].lower().startswith(("data:", "http://", "https://")):
        raise wrong_type((name,), "a file", value, _SIGN)


def _in_order(found: list[tuple[int | None, str | Upload]]) -> Any:
    """One picture or a list of them: by their indexes if every one has its own, else as they came."""
    indexes = [index for index, _ in found if index is not None]
    if len(indexes) == len(found):
        found = sorted(found, key=lambda pair: pair[0] or 0)
    values = [value for _, value in found if value != ""]
    return values[0] if len(values) == 1 else values or None


def _stray(name: str, file: Upload) -> Invalid:
    """The error for a file where none belongs."""
    if name in WORDS or name in NUMBERS or name in FLAGS:
        return Invalid(
            f"Invalid type for '{name}': expected a text, but got a file. Send this field without a file name.",
            code="invalid_type",
            param=name,
        )
    called = f" ('{show(file.filename)}')" if file.filename else ""
    return Invalid(
        f"Unexpected file '{show(name)}'{called}. {_OFFERED}", code="unknown_parameter", param=show(name)
    )


def _put_once(tree: Tree, name: str, value: Any) -> None:
    if name in tree:
        raise wrong_value((name,), "It stands in the form twice. Send it once.")
    tree[name] = value


def _convert(name: str, text: str) -> Any:
    """A text as the type that its field has in JSON; nothing for an empty one."""
    word = text.strip()
    if name == "prompt":
        return text
    if not word:
        return None
    if name in FLAGS:
        if word.lower() not in _FLAG:
            raise wrong_type((name,), "a boolean", text, "Write true or false.")
        return _FLAG[word.lower()]
    if name in NUMBERS:
        if not _INTEGER.fullmatch(word):
            raise wrong_type((name,), "an integer", text)
        return int(word)
    if name == "svg":
        raise wrong_type(
            (name,), "an object", text, "In a form, write svg[model] and svg[reasoning][effort]."
        )
    return text


def _nest(tree: Tree, name: str, steps: list[str], value: str) -> None:
    """Put a value into objects within each other: `svg[reasoning][effort]`."""
    node = tree
    for step in steps[:-1]:
        node = node.setdefault(step, {})
        if not isinstance(node, dict):
            raise wrong_value((name,), "The form gives it fields, and a value of its own.")
    if steps[-1] in node:
        raise wrong_value((name,), "It stands in the form twice. Send it once.")
    node[steps[-1]] = value


def _add(tree: Tree, name: str, value: str) -> None:
    """Put a field that nobody here knows; one that is repeated becomes a list."""
    if name not in tree:
        tree[name] = value
    elif isinstance(tree[name], list):
        tree[name].append(value)
    elif isinstance(tree[name], str):
        tree[name] = [tree[name], value]
    else:
        raise wrong_value((name,), "The form gives it fields, and a value of its own.")
