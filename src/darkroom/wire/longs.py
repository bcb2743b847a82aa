"""Where long strings stand in a tree, and whether they can be written again."""

from typing import Any

from darkroom.wire.elide import Long, Path


def locate(tree: Any, long: Long, path: Path = ()) -> Path | None:
    """Where `long` stands in a tree; None if it is not in it."""
    if tree is long:
        return path
    children = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in children:
        if isinstance(value, dict | list | Long):
            found = locate(value, long, (*path, key))
            if found is not None:
                return found
    return None


def longs_in(tree: Any) -> list[Long]:
    """Every long string of a tree."""
    if isinstance(tree, Long):
        return [tree]
    children = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return [long for value in children if isinstance(value, dict | list | Long) for long in longs_in(value)]


def has_long(tree: Any) -> bool:
    """A long string stands somewhere in the tree."""
    return bool(longs_in(tree))


def has_unkept(tree: Any) -> bool:
    """A long string of the tree is not in the spool, so that the tree cannot be written again."""
    return any(long.kept is None for long in longs_in(tree))
