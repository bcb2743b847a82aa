"""Readers of typed fields, and the errors that name what is wrong with them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.errors import Invalid
from darkroom.wire.elide import DEEPEST, Long
from darkroom.wire.fields import (
    check_depth,
    kind,
    missing,
    read_flag,
    read_list,
    read_number,
    read_object,
    read_word,
    show,
    spell,
    unsupported,
    wrong_type,
    wrong_value,
)

LONG = Long(("x",), 10, 5000)


@pytest.mark.parametrize(
    "path, words",
    [
        ((), ""),
        (("model",), "model"),
        (("tools", 0, "partial_images"), "tools[0].partial_images"),
        (("input", 1, "content", 0, "image_url"), "input[1].content[0].image_url"),
        ((0, "a"), "[0].a"),
    ],
)
def test_spell_names_a_field_as_error_bodies_do(path: tuple[str | int, ...], words: str) -> None:
    assert spell(path) == words


def test_spell_and_show_are_short_and_printable_whatever_the_caller_wrote() -> None:
    assert len(spell(("k" * 5000,))) == 200
    spell(("\ud800",)).encode()
    assert show("resp_1") == "resp_1"
    assert show("a\x00\n\ud800b") == "a???b"
    assert len(show("r" * 5000)) == 80
    show("\ud800" * 3).encode()


@pytest.mark.parametrize(
    "value, words",
    [
        (None, "null"),
        (True, "a boolean"),
        (1, "an integer"),
        (1.5, "a decimal number"),
        ("x", "a string"),
        (LONG, "a string"),
        ([], "an array"),
        ({}, "an object"),
    ],
)
def test_kind_says_what_a_value_is(value: Any, words: str) -> None:
    assert kind(value) == words


@pytest.mark.parametrize(
    "error, code, words",
    [
        (missing(("a", 1), "Do."), "missing_required_parameter", "Missing required parameter: 'a[1]'. Do."),
        (
            wrong_type(("a", 1), "a string", 5),
            "invalid_type",
            "Invalid type for 'a[1]': expected a string, but got an integer instead.",
        ),
        (wrong_value(("a", 1), "Do."), "invalid_value", "Invalid value for 'a[1]'. Do."),
        (unsupported(("a", 1), "Do."), "unsupported_parameter", "'a[1]' is not offered here yet. Do."),
    ],
)
def test_errors_name_the_field_in_words_and_in_param(error: Invalid, code: str, words: str) -> None:
    assert (error.status, error.code, error.param, error.message) == (400, code, "a[1]", words)


READERS: list[tuple[Any, list[Any], list[Any]]] = [
    (read_word, ["", "x"], [True, 1, 1.5, [], {}, LONG]),
    (read_flag, [True, False], [0, 1, "true", "", [], {}, LONG]),
    (read_number, [0, -5, 10**30], [True, 1.0, "1", [], {}, LONG]),
    (read_object, [{}, {"a": 1}], [True, 1, "x", [], LONG]),
    (read_list, [[], [1]], [True, 1, "x", {}, LONG]),
]


@pytest.mark.parametrize("read, right, wrong", READERS)
def test_readers_take_their_type_alone(read: Any, right: list[Any], wrong: list[Any]) -> None:
    assert read({}, "key") is None
    assert read({"key": None}, "key") is None
    for value in right:
        assert read({"key": value}, "key", ("at", 0)) is value
    for value in wrong:
        with pytest.raises(Invalid) as caught:
            read({"key": value}, "key", ("at", 0))
        assert caught.value.param == "at[0].key"


def test_read_word_says_of_a_text_in_a_file_that_it_is_too_long() -> None:
    with pytest.raises(Invalid, match="too long"):
        read_word({"model": LONG}, "model")


@pytest.mark.parametrize("value", [0, 2, 3])
def test_read_number_takes_what_is_in_its_span(value: int) -> None:
    assert read_number({"n": value}, "n", lowest=0, highest=3) == value


@pytest.mark.parametrize(
    "value, highest, words", [(-1, 3, "from 0 to 3"), (4, 3, "from 0 to 3"), (-1, None, "of 0 or more")]
)
def test_read_number_names_its_span(value: int, highest: int | None, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        read_number({"n": value}, "n", lowest=0, highest=highest)


@given(st.lists(st.text() | st.integers(0), max_size=10), st.text())
def test_any_path_and_word_can_be_told(path: list[str | int], word: str) -> None:
    spell(tuple(path)).encode()
    assert show(word).isprintable()


@pytest.mark.parametrize("array", [False, True])
def test_depth_is_refused_beyond_the_limit_and_however_deep_it_is(array: bool) -> None:
    def nested(levels: int) -> Any:
        value: Any = 1
        for _ in range(levels):
            value = [value] if array else {"a": value}
        return value

    check_depth({"a": nested(DEEPEST - 1)})
    for levels in (DEEPEST, 50_000):
        with pytest.raises(Invalid, match="nested too deeply"):
            check_depth({"a": nested(levels)})
