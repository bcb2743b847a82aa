"""A body that is one JSON object, read with the tokens of the event reader."""

import json
import random
from typing import Any

import pytest

from darkroom.wire.elide import LIMIT, Piece
from darkroom.wire.plain import Reader
from darkroom.wire.sse import Broken, Frame, Head, Tail
from tests.wire.recorded import PLAIN, SMALL, ended, item


def read(body: bytes, *borders: int) -> list[Any]:
    reader, out = Reader(), []
    for start, stop in zip((0, *borders), (*borders, len(body)), strict=True):
        out += reader.feed(body[start:stop])
        assert reader.kept <= LIMIT + 1
    out += reader.finish()
    said: list[Any] = []
    for token in out:
        if isinstance(token, Head):
            said.append(["head", repr(token.tree), token.first, token.raw + token.lead])
        elif isinstance(token, Piece):
            said[-1][-1] += token.data
        else:
            said.append([type(token).__name__, getattr(token, "raw", b"")])
    return said


def test_small_body_is_one_frame_with_its_own_text() -> None:
    body = json.dumps(ended([item(SMALL)])["response"], indent=3).encode() + b"\n"
    reader = Reader()
    assert reader.between
    assert reader.feed(body[:200]) == []
    assert not reader.between
    assert reader.feed(body[200:]) == []
    (frame,) = reader.finish()
    assert isinstance(frame, Frame)
    assert (frame.name, frame.raw) == ("", body)
    assert frame.tree["output"][0]["result"] == SMALL


@pytest.mark.parametrize("name", ["document", "printed document", "two pictures"])
def test_text_of_a_large_body_is_never_changed(name: str) -> None:
    said = read(PLAIN[name])
    assert b"".join(words[-1] for words in said) == PLAIN[name]
    assert [words[0] for words in said[-1:]] == ["Tail"]
    assert [words[2] for words in said[:-1]] == [True, False][: len(said) - 1]


@pytest.mark.parametrize("name", PLAIN)
def test_borders_are_invisible(name: str) -> None:
    body, chance = PLAIN[name], random.Random(name)
    once = read(body)
    for count in (1, 1, 2, 5, 30):
        assert read(body, *sorted(chance.sample(range(1, len(body)), min(count, len(body) - 1)))) == once
    assert read(body, *range(1, len(body))) == once


@pytest.mark.parametrize(
    "name", ["cut document", "document cut inside its picture", "no document", "too complex document"]
)
def test_broken_body_is_told_once_and_ends_the_reading(name: str) -> None:
    reader = Reader()
    tokens = [*reader.feed(PLAIN[name]), *reader.finish()]
    assert [type(token) for token in tokens if isinstance(token, Broken | Tail | Frame)] == [Broken]
    assert isinstance(tokens[-1], Broken)
    assert tokens[-1].reason
    assert reader.finish() == [] or name.endswith(("picture", "document"))
    assert reader.feed(b"{}") == []
