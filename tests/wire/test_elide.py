"""JSON read in pieces: what is long, where it lies, and that nothing depends on how the text was cut."""

import json
import random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from darkroom.wire.elide import (
    DEEPEST,
    HOLD,
    LEAD,
    LIMIT,
    LONGS,
    Close,
    Elider,
    Long,
    Malformed,
    Open,
    Piece,
    TooComplex,
    parse,
    render,
)

PAD = "p" * 16_500


class Read:
    """A text read in chunks: its tree, each long string whole, and all text between them."""

    def __init__(self, text: bytes, *borders: int) -> None:
        self.strings: list[bytes] = []
        self.between = b""
        self.trees: list[Any] = []
        elider = Elider()
        for start, stop in zip((0, *borders), (*borders, len(text)), strict=True):
            for token in elider.feed(text[start:stop]):
                if isinstance(token, Open):
                    self.between += token.text
                    self.strings.append(token.lead)
                    self.trees.append(token.tree)
                    assert token.long.path == path_of(token.tree, token.long)
                elif isinstance(token, Piece):
                    self.strings[-1] += token.data
                else:
                    assert isinstance(token, Close)
                    assert len(token.long) == len(self.strings[-1])
            assert elider.kept <= LIMIT + 1
        self.tree = elider.finish()
        self.between += elider.rest
        self.longs = elider.longs
        for long, string in zip(self.longs, self.strings, strict=True):
            assert text[long.start : long.stop] == string


def path_of(tree: Any, long: Long, path: tuple[Any, ...] = ()) -> Any:
    if tree is long:
        return path
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return next((found for k, v in pairs if (found := path_of(v, long, (*path, k))) is not None), None)


def filled(tree: Any, strings: dict[int, bytes]) -> Any:
    """The tree with its long strings in their places."""
    if isinstance(tree, Long):
        return json.loads(b'"' + strings[id(tree)] + b'"')
    if isinstance(tree, dict):
        return {key: filled(value, strings) for key, value in tree.items()}
    return [filled(value, strings) for value in tree] if isinstance(tree, list) else tree


def whole(read: Read) -> Any:
    return filled(read.tree, {id(a): s for a, s in zip(read.longs, read.strings, strict=True)})


TEXTS = {
    "picture": {"type": "x", "item": {"id": "ig", "result": "A" * 20_000, "size": "1x1"}, "n": [1, 2.5, None, True]},
    "two": {"output": [{"result": "A" * 17_000}, {"a": {"b": ["c", "B" * 17_000]}}], "end": "\"\\/ 你好"},
    "escapes": {"pad": PAD, "text": 'say "cheese" \\ \\\\ \u4f60 \n' * 30},
    "short": {"pad": PAD, "short": "s" * (LEAD - 1), "long": "s" * LEAD},
    "keys": {"k" * 17_000: "v" * 300, "b": "c"},
    "array": [PAD, "x" * 300, ["y" * 300, {"z": "z" * 300}], 7],
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_tree_and_strings_are_those_of_the_text(name: str) -> None:
    for text in (json.dumps(TEXTS[name]), json.dumps(TEXTS[name], ensure_ascii=False, indent=1)):
        assert whole(Read(text.encode())) == TEXTS[name]


@pytest.mark.parametrize("name", TEXTS)
def test_chunk_borders_are_invisible_at_the_bytes_that_matter(name: str) -> None:
    text = json.dumps(TEXTS[name], ensure_ascii=False).encode()
    once = Read(text)
    chance = random.Random(name)
    borders = [n for n in range(1, len(text)) if text[n - 1 : n + 1] not in (b"AA", b"BB", b"pp", b"kk")]
    for border in chance.sample(borders, min(len(borders), 100)):
        again = Read(text, border)
        assert (again.strings, again.between, repr(again.tree)) == (
            once.strings,
            once.between,
            repr(once.tree),
        )
    every = Read(text, *range(1, len(text)))
    assert (every.strings, every.between, repr(every.tree)) == (once.strings, once.between, repr(once.tree))


def test_string_is_long_if_it_passes_the_hold_and_has_enough_bytes() -> None:
    read = Read(json.dumps(TEXTS["short"]).encode())
    assert [long.path for long in read.longs] == [("pad",), ("long",)] or read.longs[0].path == ("pad",)
    assert Read(b'{"a":"' + b"x" * (HOLD - 7) + b'"}').longs == []
    assert [long.path for long in Read(b'{"a":"' + b"x" * (HOLD - 6) + b'"}').longs] == [("a",)]
    padding = b'{"pad":[' + b"1," * 8_200 + b'1],"a":"'
    assert Read(padding + b"x" * (LEAD - 1) + b'"}').longs == []
    assert [long.path for long in Read(padding + b"x" * LEAD + b'"}').longs] == [("a",)]


def test_tree_so_far_holds_all_that_came_before_and_nothing_else() -> None:
    read = Read(json.dumps(TEXTS["two"]).encode())
    first, second = read.trees
    assert json.loads(json.dumps(first, default=len)) == {"output": [{"result": 17_000}]}
    assert list(second) == ["output"]
    assert second["output"][1]["a"]["b"][0] == "c"


def test_open_comes_without_a_tree_and_in_any_number_where_none_is_asked_for() -> None:
    body = json.dumps([PAD, *["y" * 300] * 2_000]).encode()
    elider = Elider(trees=False)
    opens = [token for token in elider.feed(body) if isinstance(token, Open)]
    assert len(opens) > 1_900
    assert all(token.tree is None for token in opens)
    assert len(elider.finish()) == 2_001


@pytest.mark.parametrize("chunk", [16 * 1024, 4_099, 100_003])
@pytest.mark.parametrize(
    "text",
    [
        json.dumps([PAD, *["y" * 300] * (LONGS + 100)]).encode(),
        json.dumps({"a": "A" * 20_000, "many": [{"n": n, "word": "w" * 40} for n in range(4_000)]}).encode(),
        b'{"a":"' + b"A" * 20_000 + b'","b":' + b" " * (LIMIT + 1),
        # A string begins right at the limit: whether it counts must not depend on how much came at once.
        b'{"pad":[' + b"1," * (LIMIT // 2 - 40) + b'1],"b":"' + b"B" * 40_000 + b'"}',
    ],
    ids=["many long strings", "much structure", "white space", "string at the limit"],
)
def test_too_complex_loses_no_byte_wherever_the_chunks_end(text: bytes, chunk: int) -> None:
    def until_too_complex(step: int) -> bytes:
        elider, seen = Elider(), b""
        for pos in range(0, len(text), step):
            try:
                seen += b"".join(map(said, elider.feed(text[pos : pos + step])))
            except TooComplex as exc:
                seen += b"".join(map(said, exc.tokens))
                assert seen + elider.rest == text[: pos + step]
                return seen
        raise AssertionError("not too complex")

    assert until_too_complex(chunk) == until_too_complex(len(text))


def said(token: Any) -> bytes:
    """The bytes of the text that a token stands for."""
    if isinstance(token, Open):
        return token.text + token.lead
    return token.data if isinstance(token, Piece) else b""


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b'{"a":', b'{"a":1}}', b'{"a":1} x', b"]", b"nonsense", b'"\xff"', b'{"a":"' + b"A" * 20_000,
     b'{"a":"' + b"A" * 20_000 + b'"', b'{"a":"' + b"A" * 20_000 + b'"}}', b"[" * 20_000, b'["' + b"A" * 20_000 + b'"}',
     b'{"a":{"b":"' + b"A" * 20_000 + b'"},"a":1}', b'{"\\x":"' + b"A" * 20_000 + b'"}', b'"' + b"A" * 20_000 + b'"',
     b"[" * 120 + b'"' + b"A" * 20_000 + b'"' + b"]" * 120, b'{"a":"' + b"A" * 20_000 + b'","b":"\\ud800"}'],
)  # fmt: skip
def test_text_that_is_not_one_json_value_is_malformed(text: bytes) -> None:
    def read(step: int) -> None:
        elider = Elider()
        for pos in range(0, len(text), step):
            elider.feed(text[pos : pos + step])
        elider.finish()

    for step in (len(text) or 1, 4_099):
        with pytest.raises(Malformed):
            read(step)


def test_parse_refuses_what_is_nested_deeper_than_a_walk_may_go() -> None:
    def nested(depth: int) -> bytes:
        return b'{"a":[' * (depth // 2) + b"]}" * (depth // 2)

    assert parse(nested(DEEPEST))
    wide = b"[" + b",".join([b"[[]]"] * 500) + b"]"
    assert len(parse(wide)) == 500
    for depth in (DEEPEST + 2, 900, 200_000):
        with pytest.raises(Malformed):
            parse(nested(depth))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=40)
    | st.text("ab\\\"\n你", min_size=240, max_size=600),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=25,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(JSON, st.booleans(), st.randoms(use_true_random=False))
@example({"a" * 300: ["\\" * 300, '"' * 300]}, True, random.Random(1))
def test_any_value_comes_back_whole_in_any_chunks(value: Any, ascii_: bool, chance: random.Random) -> None:
    value = {"pad": PAD, "value": value}
    text = json.dumps(value, ensure_ascii=ascii_).encode()
    borders = sorted(chance.sample(range(1, len(text)), 12))
    read = Read(text, *borders)
    assert whole(read) == value
    longs = iter(read.strings)
    again = b"".join(part if isinstance(part, bytes) else next(longs) for part in render(read.tree))
    assert json.loads(again) == value


def test_render_cuts_only_where_long_strings_stand() -> None:
    long = Long(("a",), 0, 9)
    assert render({"x": '\u0000"', "a": long, "b": [long]}) == [
        b'{"x":"\\u0000\\"","a":"', long, b'","b":["', long, b'"]}',
    ]  # fmt: skip
    assert render({"x": 1}) == [b'{"x":1}']
    with pytest.raises(TypeError):
        render({"x": object()})
