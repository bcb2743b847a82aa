"""Asked against delivered: told where both are known, in words that fit a header."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.gateway.fidelity import HEADER_MAX, asked_for, delivered_as, differences, header_value
from darkroom.wire.actions import Picture
from darkroom.wire.request import ImageTool

ASKED = {"size": "1024x1024", "quality": "high", "output_format": "png", "partial_images": 2}
RIGHT = {"index": 0, "size": "1024x1024", "quality": "high", "format": "png", "bytes": 9}


def words(asked: dict, *delivered: dict, n: int = 1) -> list[str]:
    return [str(each) for each in differences(asked, delivered, n)]


def test_pictures_as_asked_do_not_differ():
    assert words(ASKED, RIGHT) == []
    assert header_value(ASKED, [RIGHT]) == b"exact"


def test_each_difference_says_what_was_asked_and_what_came():
    came = {"size": "1254x1254", "quality": "medium", "format": "jpeg", "background": "opaque"}
    assert words({**ASKED, "background": "transparent"}, came) == [
        "size: asked 1024x1024, got 1254x1254",
        "quality: asked high, got medium",
        "format: asked png, got jpeg",
        "background: asked transparent, got opaque",
    ]
    assert header_value({"size": "1024x1024"}, [came]) == b"size: asked 1024x1024, got 1254x1254"


@pytest.mark.parametrize(
    "asked", [{}, {"size": "auto", "quality": "auto"}, {"size": None}, {"size": 5}, {"size": ""}]
)
def test_what_was_not_asked_for_cannot_differ(asked):
    assert words(asked, {"size": "1x1", "quality": "low", "format": "gif"}) == []


@pytest.mark.parametrize("came", [{}, {"size": None}, {"size": ""}])
def test_what_nobody_could_read_is_no_difference(came):
    assert words(ASKED, came) == []


@pytest.mark.parametrize(
    "asked, came",
    [
        ({"output_format": "jpg"}, {"format": "jpeg"}),
        ({"quality": "hd"}, {"quality": "high"}),
        ({"quality": "standard"}, {"quality": "medium"}),
        ({"output_format": "PNG"}, {"format": "png"}),
    ],
)
def test_other_words_for_the_same_thing_do_not_differ(asked, came):
    assert words(asked, came) == []


def test_count_is_told_where_some_of_the_pictures_came():
    assert words({}, RIGHT, RIGHT, RIGHT, n=4) == ["count: asked 4, got 3"]
    assert words({}, RIGHT, RIGHT, n=1) == ["count: asked 1, got 2"]
    assert words({}, *[RIGHT] * 4, n=4) == []
    assert words(ASKED, n=4) == []
    assert header_value(ASKED, [], 4) is None


def test_same_difference_of_several_pictures_is_told_once():
    wrong = {**RIGHT, "size": "512x512"}
    assert words(ASKED, RIGHT, wrong, wrong, {**RIGHT, "size": "1x1"}, n=4) == [
        "size: asked 1024x1024, got 512x512",
        "size: asked 1024x1024, got 1x1",
    ]


def test_tool_and_pictures_are_read_as_they_are():
    tool = ImageTool(path=(), size="1024x1024", output_format="webp", model="gpt-image-2")
    assert asked_for(tool) == {"size": "1024x1024", "output_format": "webp"}
    assert asked_for(None) == {}
    came = delivered_as([Picture("ig_1", format="webp", width=1254, height=1254), Picture("ig_2")])
    assert [str(each) for each in differences(asked_for(tool), came, 2)] == [
        "size: asked 1024x1024, got 1254x1254"
    ]


@given(st.text(max_size=100), st.lists(st.text(max_size=100), min_size=1, max_size=30))
def test_header_holds_whatever_words_come(asked, came):
    value = header_value(
        {"size": asked, "quality": asked}, [{"size": each, "quality": each} for each in came]
    )
    assert value is not None
    assert len(value) <= HEADER_MAX
    assert value.decode("ascii").isprintable()
