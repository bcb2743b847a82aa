"""Fields of a request's tree, read with the type that the wire gives them; a wrong one is a 400 that names it.

Law: null is as good as absent, a boolean is no number, and a `Long` (a string that lies in a file) is a string only
where long texts belong. What a field's value means is the codec's business.
"""

from typing import Any

from darkroom.errors import Invalid
from darkroom.wire.elide import DEEPEST, Long, Path, Tree

Text = str | Long
"""A string, or where a long one lies."""


def spell(path: Path) -> str:
    """A path as error bodies name it: `input[1].content[0].image_url`."""
    words = ""
    for step in path:
        words += f"[{step}]" if isinstance(step, int) else f".{step}" if words else step
    # The words go into JSON, where half a surrogate pair cannot stand; and nobody reads more of them.
    return words.encode("utf-8", "replace").decode()[:200]


def show(value: str) -> str:
    """A caller's own word as his error message repeats it: printable, and not too long."""
    short = value if len(value) <= 80 else value[:79] + "…"
    return "".join(letter if letter.isprintable() else "?" for letter in short)


def kind(value: Any) -> str:
    """What a value is, as error messages call it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int):
        return "an integer"
    if isinstance(value, float):
        return "a decimal number"
    if isinstance(value, str | Long):
        return "a string"
    return "an array" if isinstance(value, list) else "an object"


def missing(path: Path, advice: str) -> Invalid:
    """The error for a field that must be there."""
    name = spell(path)
    return Invalid(
        f"Missing required parameter: '{name}'. {advice}", code="missing_required_parameter", param=name
    )


def wrong_type(path: Path, expected: str, value: Any, advice: str = "") -> Invalid:
    """The error for a field of the wrong type; `expected` reads on from "expected …"."""
    name = spell(path)
    words = f"Invalid type for '{name}': expected {expected}, but got {kind(value)} instead. {advice}"
    return Invalid(words.rstrip(), code="invalid_type", param=name)


def wrong_value(path: Path, advice: str) -> Invalid:
    """The error for a field whose type is right and whose value is not."""
    name = spell(path)
    return Invalid(f"Invalid value for '{name}'. {advice}", code="invalid_value", param=name)


def unsupported(path: Path, advice: str) -> Invalid:
    """The error for a field that the wire knows and this relay does not offer yet."""
    name = spell(path)
    return Invalid(f"'{name}' is not offered here yet. {advice}", code="unsupported_parameter", param=name)


def check_depth(tree: Tree) -> None:
    """Raise Invalid if objects and arrays stand more than DEEPEST deep within each other."""
    level: list[Any] = [tree]
    for _ in range(DEEPEST):
        level = [
            value
            for node in level
            for value in (node.values() if isinstance(node, dict) else node)
            if isinstance(value, dict | list)
        ]
        if not level:
            return
    raise Invalid(
        f"The request is nested too deeply: more than {DEEPEST} objects and arrays within each other. Flatten it.",
        code="invalid_value",
    )


def read_word(tree: Tree, key: str, at: Path = ()) -> str | None:
    """A short string: a model, a size, an id. None if absent. Raises Invalid."""
    value = tree.get(key)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Long):
        raise wrong_value((*at, key), "It is too long.")
    raise wrong_type((*at, key), "a string", value)


def read_flag(tree: Tree, key: str, at: Path = ()) -> bool | None:
    """A boolean. None if absent. Raises Invalid."""
    value = tree.get(key)
    if value is None or isinstance(value, bool):
        return value
    raise wrong_type((*at, key), "a boolean", value, "Write true or false, without quotes.")


def read_number(
    tree: Tree, key: str, at: Path = (), *, lowest: int | None = None, highest: int | None = None
) -> int | None:
    """An integer from `lowest` to `highest`. None if absent. Raises Invalid."""
    value = tree.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type((*at, key), "an integer", value)
    if (lowest is not None and value < lowest) or (highest is not None and value > highest):
        span = f"from {lowest} to {highest}" if highest is not None else f"of {lowest} or more"
        raise wrong_value((*at, key), f"Expected an integer {span}.")
    return value


def read_object(tree: Tree, key: str, at: Path = ()) -> Tree | None:
    """An object. None if absent. Raises Invalid."""
    value = tree.get(key)
    if value is None or isinstance(value, dict):
        return value
    raise wrong_type((*at, key), "an object", value)


def read_list(tree: Tree, key: str, at: Path = ()) -> list[Any] | None:
    """An array. None if absent. Raises Invalid."""
    value = tree.get(key)
    if value is None or isinstance(value, list):
        return value
    raise wrong_type((*at, key), "an array", value)
