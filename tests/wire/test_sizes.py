"""The size rules of wire.md 4.2: model by model, at their borders, and where nobody here may judge."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.errors import Invalid
from darkroom.wire.sizes import LEAST_PIXELS, LONGEST_EDGE, MOST_PIXELS, STEP, WIDEST, check_size

FREE = ["gpt-image-2", "gpt-image-2-2026-04-21", "gpt-image-2.5-flare-2026-09-08", "gpt-image-2.6-sunburst"]
FIXED = [
    "gpt-image-1",
    "gpt-image-1-mini",
    "gpt-image-1.5",
    "gpt-image-1.5-2025-12-16",
    "chatgpt-image-latest",
]
UNKNOWN = [
    "dall-e-3",
    "seedream-5",
    "gpt-image-3",
    "gpt-image-20",
    "gpt-image-2.7-nova",
    "openai/gpt-image-2",
]


def refusal(model: str | None, size: str, **more: Any) -> str:
    """What is said against a size; "" if nothing is."""
    try:
        check_size(model, size, ("tools", 1, "size"), **more)
    except Invalid as error:
        assert (error.code, error.param) == ("invalid_value", "tools[1].size")
        return error.message
    return ""


@pytest.mark.parametrize("model", FREE)
@pytest.mark.parametrize(
    "size",
    ["1024x1024", "1536x1024", "2048x1152", "2048x2048", "3840x2160", "2160x3840", "1440x480", "1024x640"],
)
def test_newer_models_make_any_size_within_the_rules(model: str, size: str) -> None:
    assert refusal(model, size) == ""


@pytest.mark.parametrize("model", FREE)
@pytest.mark.parametrize(
    "size, reason",
    [
        (
            "512x512",
            "Invalid size '512x512'. Requested resolution is below the current minimum pixel budget.",
        ),
        ("1024x624", "below the current minimum pixel budget"),
        ("3856x2160", "The longest edge must be less than or equal to 3840."),
        ("1024x1000", "Width and height must both be divisible by 16."),
        ("1000x1024", "Width and height must both be divisible by 16."),
        ("1456x480", "at most 3 times"),
        ("3840x2176", "above the current maximum pixel budget"),
        ("large", 'Expected "auto" or width x height'),
        ("1024X1024", 'Expected "auto" or width x height'),
    ],
)
def test_a_size_that_breaks_a_rule_is_refused_with_the_rule(model: str, size: str, reason: str) -> None:
    assert reason in refusal(model, size)


@pytest.mark.parametrize("model", FIXED)
def test_older_models_make_three_sizes(model: str) -> None:
    assert [refusal(model, size) for size in ("1024x1024", "1024x1536", "1536x1024", "auto")] == [""] * 4
    for size in ("2048x2048", "1536x864", "1024"):
        assert "1536x1024" in refusal(model, size) or "width x height" in refusal(model, size)


@pytest.mark.parametrize("model", UNKNOWN)
@pytest.mark.parametrize("size", ["1x1", "2K", "16:9", "", "9999x9999"])
def test_models_that_nobody_here_knows_are_the_upstreams_to_judge(model: str, size: str) -> None:
    assert refusal(model, size) == ""


def test_a_request_without_a_model_is_held_to_the_form_alone() -> None:
    assert refusal(None, "1x1") == ""
    assert refusal(None, "2K") != ""


@pytest.mark.parametrize("model", [None, *FREE, *FIXED, *UNKNOWN])
@pytest.mark.parametrize("size", [None, "auto"])
def test_what_asks_for_no_size_passes(model: str | None, size: str | None) -> None:
    check_size(model, size, ("size",))


def test_frames_and_drawings_follow_other_rules_but_the_same_form() -> None:
    for format in ("gif", "svg"):
        assert refusal("gpt-image-2.6-flare", "320x320", format=format) == ""
        assert refusal("gpt-image-2.6-flare", "small", format=format) != ""
    assert refusal("gpt-image-2.6-flare", "320x320", format="png") != ""


@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 1))
def test_the_rules_are_the_published_ones(across: int, down: int, odd: int) -> None:
    width, height = across * STEP + odd, down * STEP
    right = (
        not odd
        and max(width, height) <= LONGEST_EDGE
        and max(width, height) <= WIDEST * min(width, height)
        and LEAST_PIXELS <= width * height <= MOST_PIXELS
    )
    assert (refusal("gpt-image-2", f"{width}x{height}") == "") is right


@given(st.text(max_size=30))
def test_any_text_is_judged_without_another_error(size: str) -> None:
    message = refusal("gpt-image-2", size)
    assert message.isprintable()
