"""The published cells of wire.md section 8, and that nothing a customer may send breaks the counting."""

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.wire.tokens import (
    STANDARD_SIZES,
    image_input_tokens,
    image_output_tokens,
    parse_size,
    text_tokens,
)

TABLE_1 = {
    "low": {"1024x1024": 272, "1024x1536": 408, "1536x1024": 400},
    "medium": {"1024x1024": 1056, "1024x1536": 1584, "1536x1024": 1568},
    "high": {"1024x1024": 4160, "1024x1536": 6240, "1536x1024": 6208},
}
TABLE_2 = {
    "1024x1024": (196, 1756, 7024),
    "1536x1024": (158, 1372, 5488),
    "1024x1536": (158, 1372, 5488),
    "2048x2048": (397, 3568, 14272),
    "2048x1152": (157, 1413, 5650),
    "2560x1440": (205, 1843, 7370),
    "3840x2160": (371, 3336, 13342),
    "1536x864": (120, 1078, 4312),
    "1280x720": (106, 947, 3787),
}
TABLE_25 = {
    "1024x1024": (196, 439, 1756, 3122, 7024),
    "1536x1024": (158, 343, 1372, 2459, 5488),
    "1024x1536": (158, 343, 1372, 2459, 5488),
    "2048x2048": (397, 892, 3568, 6343, 14272),
    "2048x1152": (157, 367, 1413, 2511, 5650),
    "2560x1440": (205, 478, 1843, 3276, 7370),
    "3840x2160": (371, 865, 3336, 5930, 13342),
    "1536x864": (120, 280, 1078, 1917, 4312),
    "1280x720": (106, 246, 947, 1683, 3787),
}
LEVELS_2 = ("low", "medium", "high")
LEVELS_25 = ("low", "medium", "high", "xhigh", "max")
MODELS = (
    "gpt-image-1",
    "gpt-image-1-mini",
    "gpt-image-1.5-2025-12-16",
    "chatgpt-image-latest",
    "gpt-image-2",
    "gpt-image-2-2026-04-21",
    "gpt-image-2.5-sunburst-2026-09-08",
    "gpt-image-2.5-flare",
    "gpt-image-2.6-sunburst",
    "gpt-image-2.6-flare",
    "somebody-elses-model",
)


@pytest.mark.parametrize(
    "model", ["gpt-image-1", "gpt-image-1.5", "gpt-image-1-mini", "gpt-image-1.5-2025-12-16"]
)
@pytest.mark.parametrize("quality", TABLE_1)
@pytest.mark.parametrize("size", STANDARD_SIZES)
def test_output_tokens_match_the_published_table_of_the_first_models(
    model: str, quality: str, size: str
) -> None:
    assert image_output_tokens(model, size, quality) == TABLE_1[quality][size]


@pytest.mark.parametrize("model", ["gpt-image-2", "gpt-image-2-2026-04-21"])
@pytest.mark.parametrize("size", TABLE_2)
def test_output_tokens_match_the_published_cells_of_gpt_image_2(model: str, size: str) -> None:
    assert tuple(image_output_tokens(model, size, level) for level in LEVELS_2) == TABLE_2[size]


@pytest.mark.parametrize(
    "model", ["gpt-image-2.5-sunburst", "gpt-image-2.5-flare", "gpt-image-2.5-flare-2026-09-08"]
)
@pytest.mark.parametrize("size", TABLE_25)
def test_output_tokens_match_the_published_cells_of_gpt_image_2_5(model: str, size: str) -> None:
    assert tuple(image_output_tokens(model, size, level) for level in LEVELS_25) == TABLE_25[size]


def test_output_tokens_of_2_6_cover_most_of_what_was_measured() -> None:
    assert image_output_tokens("gpt-image-2.6-sunburst", "1536x1024", "low") == 4 * 158  # measured: 664
    assert image_output_tokens("gpt-image-2.6-sunburst", "1536x1024", "medium") == 4 * 343
    assert image_output_tokens("gpt-image-2.6-sunburst", "1536x1024", "high") == 1372  # measured: 1353
    assert image_output_tokens("gpt-image-2.6-sunburst", "3840x2160", "high") == 3336  # measured: about 3337
    assert image_output_tokens("gpt-image-2.6-sunburst", "1024x1024", None) == 1756  # measured: as high
    assert image_output_tokens("gpt-image-2.6-flare", "1024x1024", None) >= 5800  # measured: up to 5800


def test_each_partial_image_adds_a_hundred_tokens() -> None:
    assert image_output_tokens("gpt-image-2", "1024x1024", "medium", partials=3) == 1756 + 300
    assert image_output_tokens("gpt-image-1", "1024x1024", "low", partials=1) == 272 + 100
    assert image_output_tokens("gpt-image-2", "1024x1024", "medium", partials=-5) == 1756


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("quality", ["low", "medium", "high", "auto", None])
@pytest.mark.parametrize("size", ["auto", None, "", "large", "0x0", "1024X1024", "9" * 5000 + "x1"])
def test_an_unknown_size_counts_as_the_dearest_standard_size(model: str, quality: str, size: str) -> None:
    dearest = max(image_output_tokens(model, standard, quality) for standard in STANDARD_SIZES)
    assert image_output_tokens(model, size, quality) == dearest


def test_auto_quality_counts_as_high() -> None:
    assert image_output_tokens("gpt-image-2", "1024x1024", "auto") == 7024
    assert image_output_tokens("gpt-image-1.5", "1024x1536", None) == 6240
    assert image_output_tokens("gpt-image-2.5-flare", "1024x1024", "auto") == 1756


def test_a_quality_that_the_model_lacks_counts_as_its_dearest() -> None:
    assert image_output_tokens("gpt-image-2", "1024x1024", "max") == 7024
    assert image_output_tokens("gpt-image-1", "1024x1024", "xhigh") == 4160
    assert image_output_tokens("gpt-image-2.5-flare", "1024x1024", "ultra") == 7024


def test_the_legacy_qualities_count_as_their_successors() -> None:
    assert image_output_tokens("gpt-image-1", "1024x1024", "standard") == 1056
    assert image_output_tokens("gpt-image-1", "1024x1024", "hd") == 4160


def test_an_unlisted_size_of_the_first_models_counts_by_area() -> None:
    assert image_output_tokens("gpt-image-1", "2048x2048", "low") == 4 * 272
    assert image_output_tokens("gpt-image-1", "512x512", "low") == 68


@given(
    st.sampled_from([16, 24, 48, 64, 96]),
    st.integers(1, 999_999),
    st.integers(1, 999_999),
)
def test_the_formula_equals_its_text_in_exact_fractions(base: int, width: int, height: int) -> None:
    level = {16: "low", 24: "medium", 48: "high", 64: "xhigh", 96: "max"}[base]
    ratio = Fraction(max(width, height), min(width, height))
    units = round(base / ratio)  # Python rounds a Fraction half to even
    expected = ceil(Fraction(base * units * (2_000_000 + width * height), 4_000_000))
    assert image_output_tokens("gpt-image-2.5-flare", f"{width}x{height}", level) == expected


@given(st.text(), st.text(), st.text(), st.integers(-3, 10))
def test_output_tokens_are_counted_for_any_strings(
    model: str, size: str, quality: str, partials: int
) -> None:
    assert image_output_tokens(model, size, quality, partials) > 0


def test_input_tokens_match_the_published_examples() -> None:
    assert image_input_tokens(1024, 1024) == 1024
    assert image_input_tokens(1536, 1024) == 1536
    assert image_input_tokens(1024, 1536) == 1536
    assert image_input_tokens(1800, 2400) == 1452


def test_small_input_pictures_count_as_if_scaled_up_to_1024() -> None:
    assert image_input_tokens(1, 1) == 1024
    assert image_input_tokens(512, 512) == 1024
    assert image_input_tokens(512, 256) == 512


def test_an_input_picture_of_unknown_size_counts_as_the_most() -> None:
    assert image_input_tokens(0, 0) == 1536
    assert image_input_tokens(-1, 5) == 1536


@given(st.integers(1, 100_000), st.integers(1, 100_000))
def test_input_tokens_stay_within_the_budget_and_ignore_orientation(width: int, height: int) -> None:
    tokens = image_input_tokens(width, height)
    assert 1 <= tokens <= 1536
    assert tokens == image_input_tokens(height, width)


def test_text_tokens_know_chinese_from_english() -> None:
    assert text_tokens("") == 0
    assert text_tokens("a cat") == 2
    assert text_tokens("一只白色陶瓷杯放在木桌上") == 12
    assert text_tokens("🎨🎨") == 4
    assert text_tokens("тест") == 2
    assert 10 <= text_tokens("a quiet harbour at dawn, oil on canvas, muted") <= 14


@given(st.text(), st.text())
def test_text_tokens_of_a_whole_never_exceed_those_of_its_parts(left: str, right: str) -> None:
    assert text_tokens(left + right) <= text_tokens(left) + text_tokens(right)


@given(st.text(min_size=1))
def test_text_tokens_of_any_text_are_at_least_one(text: str) -> None:
    assert 1 <= text_tokens(text) <= 2 * len(text)


@pytest.mark.parametrize(
    "size, expected",
    [
        ("1024x1536", (1024, 1536)),
        ("16x16", (16, 16)),
        ("auto", None),
        (None, None),
        ("", None),
        ("1024", None),
        ("1024x", None),
        ("-1x5", None),
        ("1024x1024\n", None),
        ("١٢x١٢", None),
    ],
)
def test_parse_size_reads_only_plain_pixels(size: str | None, expected: tuple[int, int] | None) -> None:
    assert parse_size(size) == expected
