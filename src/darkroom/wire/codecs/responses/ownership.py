"""Ids in a request on their way to an upstream: its own are kept, all others stay here.

Law: an id that the upstream's account did not give to this customer through this relay never leaves (DESIGN section
4: upstream accounts are shared). Items that carry their content go without it; what is nothing but an id is refused.
The caller's tree is never changed: whatever lies on the way to a changed id is copied, once.
"""

from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Any

from darkroom.errors import Invalid
from darkroom.wire.codecs.responses.items import NAMED
from darkroom.wire.codecs.responses.pictures import file_not_found
from darkroom.wire.elide import Path, Tree, Upload
from darkroom.wire.fields import show, spell
from darkroom.wire.request import InputPicture, Ref


def disown(
    tree: Tree, refs: tuple[Ref, ...], owned: Collection[str] | Mapping[str, str]
) -> tuple[Tree, list[str]]:
    """The tree with the ids in `owned` alone, and a word for each other id that was taken out of it.

    If `owned` is a mapping, its values are those ids as the upstream knows them. Raises Invalid.
    """
    ids = owned if isinstance(owned, Mapping) else dict.fromkeys(owned)
    draft = _Draft(tree)
    renamed: dict[str, str] = {}
    repairs: list[str] = []
    for ref in refs:
        if ref.value in ids:
            known = ids[ref.value] or ref.value
            if known != ref.value:
                draft.open(ref.path[:-1])[ref.path[-1]] = known
            continue
        if ref.kind == "name":
            name = renamed[ref.value] = _fresh(tree, ref)
            draft.open(ref.path[:-1])[ref.path[-1]] = name
            repairs.append("foreign_id_replaced" if ref.value else "missing_id_added")
        elif ref.kind == "own":
            del draft.open(ref.path[:-1])[ref.path[-1]]
            repairs.append("foreign_id_dropped")
        elif ref.kind == "citation":
            if draft.drop(ref.path[:-1]):
                repairs.append("foreign_citation_dropped")
        elif ref.path[-1] == "approval_request_id" and ref.value in renamed:
            draft.open(ref.path[:-1])[ref.path[-1]] = renamed[ref.value]
        else:
            raise _not_found(ref)
    return draft.finish(), repairs


def embed(tree: Tree, named: tuple[InputPicture, ...], pictures: Mapping[Path, Upload]) -> Tree:
    """The tree with the picture in place of each file's id in `named`. Raises Invalid for one that `pictures` lacks."""
    draft = _Draft(tree)
    for picture in named:
        if picture.kind != "file":
            continue
        if picture.path not in pictures:
            raise file_not_found(picture)
        part = draft.open(picture.path[:-1])
        del part["file_id"]
        part["image_url"] = pictures[picture.path]
    return draft.finish()


class _Draft:
    """A tree that shares everything with the caller's but what was opened for a change."""

    def __init__(self, tree: Tree) -> None:
        self._tree = dict(tree)
        self._copies: dict[Path, Any] = {(): self._tree}
        self._dropped: dict[Path, set[Any]] = {}

    def open(self, path: Path) -> Any:
        """The object or array at `path`, to be changed."""
        node = self._copies.get(path)
        if node is None:
            parent = self.open(path[:-1])
            node = self._copies[path] = parent[path[-1]].copy()
            parent[path[-1]] = node
        return node

    def drop(self, path: Path) -> bool:
        """Take the element at `path` out of its array, in the end; False if it is going already."""
        dropped = self._dropped.setdefault(path[:-1], set())
        new = path[-1] not in dropped
        dropped.add(path[-1])
        return new

    def finish(self) -> Tree:
        """The tree with all changes."""
        for path, indexes in self._dropped.items():
            array = self.open(path)
            array[:] = [each for index, each in enumerate(array) if index not in indexes]
        return self._tree


def _fresh(tree: Tree, ref: Ref) -> str:
    """A new id for the item at `ref`, always the same for the same item, so that upstream caches still work."""
    item: Any = tree
    for step in ref.path[:-1]:
        item = item[step]
    begin = NAMED[item["type"]]
    result = item.get("result")
    seed = ref.value or (result if isinstance(result, str) else f"{spell(ref.path)} {len(result)}")
    return f"{begin}_{sha256(f'{begin} {seed}'.encode('utf-8', 'surrogatepass')).hexdigest()[:50]}"


def _not_found(ref: Ref) -> Invalid:
    name, value = spell(ref.path), show(ref.value)
    if ref.kind == "response":
        previous = name == "previous_response_id"
        return Invalid(
            f"{'Previous response' if previous else 'Response'} with id '{value}' not found. "
            f"{'Send the earlier turns in `input` instead.' if previous else f'Leave `{name}` out.'}",
            code="previous_response_not_found",
            param=name,
        )
    thing = "Container" if ref.kind == "container" else "Item"
    return Invalid(
        f"{thing} with id '{value}' not found. Send the item with its content (a picture with its `result`), or take "
        "it out of `input`.",
        code="item_not_found",
        param=name,
    )
