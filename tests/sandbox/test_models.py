"""Models, and the sizes that each makes: the rules and words of wire.md 4.2."""

import pytest

from darkroom.errors import Invalid, NotFound
from darkroom.sandbox.models import (
    ALL_QUALITIES,
    FEW_QUALITIES,
    IMAGE_MODELS,
    TEXT_MODELS,
    check_size,
    find_model,
    model_list,
    model_object,
    qualities,
)

OLD = ("gpt-image-1.5", "gpt-image-1-mini", "chatgpt-image-latest")


def test_list_holds_every_model_once_and_those_of_the_contract():
    names = [entry["id"] for entry in model_list()["data"]]
    assert names == [*TEXT_MODELS, *IMAGE_MODELS]
    assert len(set(names)) == len(names)
    assert {"gpt-5.5", "gpt-image-2"} <= set(names)
    assert model_list()["object"] == "list"


def test_model_says_what_the_api_says():
    entry = model_object("gpt-image-2")
    assert (entry["object"], entry["owned_by"], entry["shutdown_date"]) == ("model", "openai", None)
    assert isinstance(entry["created"], int)


def test_models_that_go_name_their_day():
    for name in IMAGE_MODELS:
        old = name.startswith(("gpt-image-1", "chatgpt"))
        assert model_object(name)["shutdown_date"] == ("2026-12-01" if old else None)


def test_unknown_model_is_a_404_in_the_words_of_openai():
    assert find_model("gpt-5.5") == "gpt-5.5"
    with pytest.raises(NotFound, match="`x` does not exist or you do not have access") as refused:
        find_model("x", "tools[0].model", IMAGE_MODELS)
    assert (refused.value.code, refused.value.param) == ("model_not_found", "tools[0].model")
    with pytest.raises(NotFound):
        find_model("gpt-5.5", models=IMAGE_MODELS)


@pytest.mark.parametrize(
    "size",
    [
        "1024x1024",
        "1536x1024",
        "2048x1152",
        "1152x2048",
        "3840x2160",
        "2160x3840",
        "1024x640",
        "1440x480",
        "2880x2880",
    ],
)
def test_sizes_that_the_newer_models_make(size):
    assert check_size(size, "gpt-image-2", "size") == tuple(map(int, size.split("x")))
    assert check_size(size, "gpt-image-2.6-flare", "size") is not None


@pytest.mark.parametrize(
    "size, reason",
    [
        ("512x512", "below the current minimum pixel budget"),
        ("1024x624", "below the current minimum"),
        ("3856x2160", "longest edge must be less than or equal to 3840"),
        ("1000x1000", "divisible by 16"),
        ("1024x1030", "divisible by 16"),
        ("1600x512", "at most 3:1"),
        ("3840x2176", "above the current maximum"),
        ("big", "'auto' or of the form"),
        ("1024X1024", "'auto' or of the form"),
        ("01024x1024", "'auto' or of the form"),
        ("1024x1024 ", "'auto' or of the form"),
        ("-1024x1024", "'auto' or of the form"),
        ("٣x٣", "'auto' or of the form"),
    ],
)
def test_sizes_that_nobody_makes_are_refused_in_words(size, reason):
    with pytest.raises(Invalid, match=reason) as refused:
        check_size(size, "gpt-image-2", "tools[0].size")
    assert (refused.value.param, refused.value.code) == ("tools[0].size", "invalid_value")
    assert refused.value.message.startswith(f"Invalid size '{size}'.")


@pytest.mark.parametrize("model", OLD)
def test_old_models_make_three_sizes(model):
    for size in ("1024x1024", "1024x1536", "1536x1024"):
        assert check_size(size, model, "size") is not None
    with pytest.raises(Invalid, match="Supported sizes are 1024x1024, 1024x1536, 1536x1024 and auto"):
        check_size("2048x2048", model, "size")


def test_auto_is_every_models_choice():
    assert check_size("auto", "gpt-image-2", "size") is check_size("auto", OLD[0], "size") is None


def test_finer_qualities_came_with_2_5():
    for model in IMAGE_MODELS:
        newer = model.startswith(("gpt-image-2.5", "gpt-image-2.6"))
        assert qualities(model) == (ALL_QUALITIES if newer else FEW_QUALITIES)
