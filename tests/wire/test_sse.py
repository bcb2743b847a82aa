"""Frames out of bytes: right ones keep their bytes, wrong ones are read all the same, and borders leave no trace."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.wire.elide import HOLD, LIMIT, Piece
from darkroom.wire.sse import KEEP_ALIVE, Broken, Frame, Head, Reader, Tail, write_frame
from tests.wire.recorded import MANY, RECORDED, RIGHT, STORY

GOOD = b'event: t\ndata: {"type":"t","n":1}\n\n'


def read(body: bytes, *borders: int) -> list[Any]:
    """What the tokens say, with the pieces of each long string in one."""
    reader, out = Reader(), []
    for start, stop in zip((0, *borders), (*borders, len(body)), strict=True):
        out += reader.feed(body[start:stop])
        assert reader.kept <= LIMIT + HOLD
    out += reader.finish()
    said: list[Any] = []
    for token in out:
        if isinstance(token, Head):
            said.append(["head", token.name, repr(token.tree), token.raw, token.first, token.lead])
        elif isinstance(token, Piece):
            said[-1][-1] += token.data
        elif isinstance(token, Tail):
            said.append(["tail", repr(token.tree), token.raw])
        elif isinstance(token, Broken):
            said.append(["broken"])
        else:
            said.append(["frame", token.name, token.tree, token.raw])
    return said


def frames(body: bytes) -> list[tuple[str, Any]]:
    return [(said[1], said[2]) for said in read(body)]


def test_right_frame_keeps_its_bytes() -> None:
    assert read(GOOD) == [["frame", "t", {"type": "t", "n": 1}, GOOD]]
    large = b'event: t\ndata: {"type":"t","a":"' + b"A" * 20_000 + b'","b":1}\n\n'
    head, tail = read(large)
    assert head[3] + head[5] + tail[2] == large
    assert head[:2] == ["head", "t"]


@pytest.mark.parametrize(
    "body",
    [
        GOOD.replace(b"\n", b"\r\n"), GOOD.replace(b"\n", b"\r"), GOOD.replace(b": ", b":"), GOOD.rstrip(b"\n"),
        GOOD[:-1], GOOD.replace(b"event: t\n", b"event: x\nevent: t\n"), GOOD.replace(b',"n"', b'\ndata: ,"n"'),
        b'data: {"type":"t","n":1}\nevent: t\n\n',
    ],
)  # fmt: skip
def test_wrong_shape_is_read_and_told_apart(body: bytes) -> None:
    assert read(body) == [["frame", "t", {"type": "t", "n": 1}, b""]]


@pytest.mark.parametrize(
    "body", [b'data: {"n":1}\n\n', b'{"n":1}\n\n', b'data:{"n":1}', b'event:\ndata: {"n":1}\n\n']
)
def test_name_may_be_missing(body: bytes) -> None:
    assert read(body) == [["frame", "", {"n": 1}, b""]]


@pytest.mark.parametrize(
    "noise",
    [b": PING\n\n", b":\n", b"id: 7\n\n", b"retry: 10\n\n", b"\n\n\n", b"event: ping\n\n", b"data: \n\n", b"data:\n\n",
     b": " + b"z" * 20_000 + b"\n", b"nonsense\n\n", b"\xef\xbb\xbf"],
)  # fmt: skip
def test_what_is_no_event_passes_silently(noise: bytes) -> None:
    assert read(noise + GOOD) == read(GOOD)
    if noise != b"\xef\xbb\xbf":
        assert read(GOOD + noise + GOOD) == 2 * read(GOOD)
    assert read(noise) == []


def test_done_is_noted_and_is_no_event() -> None:
    reader = Reader()
    assert reader.feed(b"data: [DONE]\n\n") == []
    assert reader.done


@pytest.mark.parametrize(
    "bad",
    [b"data: {oops\n\n", b"data: [1,\n\n", b'data: {"a":"\xff"}\n\n', b"data: " + b"[" * 17_000 + b"\n\n",
     b"data: " + b"[" * 200 + b"]" * 200 + b"\n\n", b'data: {"a":"' + b"A" * 17_000 + b'"}}}\n\n'],
)  # fmt: skip
def test_broken_frame_harms_only_itself(bad: bytes) -> None:
    said = read(GOOD + bad + GOOD)
    assert said[0] == said[-1] == read(GOOD)[0]
    assert ["broken"] in said


def test_several_data_lines_are_one_value_and_may_cut_a_long_string() -> None:
    text = json.dumps({"type": "t", "a": "A" * 20_000}, indent=1)
    head, tail = read(
        b"event: t\n" + b"".join(b"data: %b\n" % line.encode() for line in text.split("\n")) + b"\n"
    )
    assert head[5] == b"A" * 20_000
    assert head[3] == tail[2] == b""
    cut = b'data: {"a":"' + b"A" * 18_000 + b"\ndata: " + b"A" * 300 + b'"}\n\n'
    assert read(cut)[0][5] == b"A" * 18_000 + b"\\n" + b"A" * 300


def test_frame_too_complex_to_follow_passes_if_right_and_breaks_otherwise() -> None:
    body = write_frame({"type": "t", "many": MANY})
    head, tail = read(body)
    assert head[3] + head[5] + tail[2] == body
    assert (head[2], tail[1]) == ("None", "None")
    behind = write_frame({"type": "t", "a": "A" * 20_000, "many": MANY})
    first, second, tail = read(behind)
    assert first[3] + first[5] + second[3] + second[5] + tail[2] == behind
    assert (second[2], second[4]) == ("None", False)
    assert read(body.replace(b"event: t\n", b"") + GOOD) == [["broken"], *read(GOOD)]


def test_reader_says_whether_a_frame_is_under_way() -> None:
    reader = Reader()
    assert reader.between
    reader.feed(b"event: t\n")
    assert not reader.between
    reader.feed(b"data: {}\n\n")
    assert reader.between


def test_event_name_is_limited_and_never_a_line_of_its_own() -> None:
    assert frames(b"event: " + b"n" * 5_000 + b"\ndata: {}\n\n")[0][0] == "n" * 200
    assert frames(b"event: a\xff\xfe\ndata: {}\n\n")[0][0].startswith("a")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] * (len(b) > 100_000)) for n, b in RECORDED.items()]
)
def test_borders_are_invisible_wherever_something_happens(name: str) -> None:
    body = RECORDED[name]
    once = read(body)
    chance = random.Random(name)
    places = [n for n in range(1, len(body)) if body[n - 1] != body[n]]
    for border in chance.sample(places, min(len(places), 8)):
        assert read(body, border) == once
    for _ in range(2):
        assert read(body, *sorted(chance.sample(range(1, len(body)), min(40, max(0, len(body) - 1))))) == once


@pytest.mark.slow
@pytest.mark.parametrize("name", RECORDED)
def test_borders_are_invisible_at_every_byte(name: str) -> None:
    body = RECORDED[name]
    assert read(body, *range(1, len(body))) == read(body)


def test_right_stream_is_its_frames() -> None:
    said = read(RIGHT)
    assert b"".join(s[3] + s[5] if s[0] == "head" else s[-1] for s in said) == RIGHT
    assert sum(s[0] != "head" for s in said) == len(STORY)


def test_keep_alive_is_a_comment() -> None:
    assert KEEP_ALIVE.startswith(b": ")
    assert read(KEEP_ALIVE + GOOD) == read(GOOD)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(st.text(max_size=9), st.none() | st.integers(-9, 9) | st.text(max_size=30), max_size=6)
)
def test_written_frame_is_right_and_reads_back(tree: dict[str, Any]) -> None:
    tree["type"] = "response.created"
    body = write_frame(tree)
    reader = Reader()
    (frame,) = reader.feed(body)
    assert isinstance(frame, Frame)
    assert (frame.name, frame.tree, frame.raw) == ("response.created", tree, body)
