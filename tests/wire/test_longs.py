"""Where long strings stand in a tree."""

from typing import Any

from darkroom.wire.elide import Long
from darkroom.wire.longs import has_long, has_unkept, locate, longs_in


def test_long_string_is_found_where_it_stands() -> None:
    one, other = Long(("a", 1, "b")), Long(("c",))
    tree: dict[str, Any] = {"a": ["x", {"b": one}], "c": other, "d": 3}
    assert locate(tree, one) == ("a", 1, "b")
    assert locate(tree, other) == ("c",)
    assert locate(tree, Long(())) is None
    assert longs_in(tree) == [one, other]


def test_tree_can_be_written_again_once_all_its_long_strings_are_kept() -> None:
    long = Long(())
    assert not has_long({"a": ["b", {}]})
    assert not has_unkept({"a": "b"})
    assert has_long([long])
    assert has_unkept([long])
    long.kept = (0, 5)
    assert has_long([long])
    assert not has_unkept([long])
