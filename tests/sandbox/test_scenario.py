"""The words of a scenario: each is read, checked, and refused by name when it is wrong."""

import msgspec
import pytest

from darkroom.errors import Invalid
from darkroom.sandbox.dialects import DIALECTS
from darkroom.sandbox.scenario import (
    CHOICES,
    FLAGS,
    NUMBERS,
    POINTS,
    STAGES,
    WORDS,
    Scenario,
    read_scenario,
    take_tag,
)

FIELDS = {field.name: field for field in msgspec.structs.fields(Scenario)}


def test_every_field_is_a_word_and_every_word_a_field():
    assert set(WORDS) == set(FIELDS) | {"none"}


def test_empty_text_is_the_usual_scenario():
    assert read_scenario("") == read_scenario(" , ;\n") == Scenario()


@pytest.mark.parametrize("word", NUMBERS)
def test_numbers_are_read_between_their_bounds(word):
    low, high = NUMBERS[word]
    for value in (low, high):
        assert getattr(read_scenario(f"{word}={value}"), word) == value
    for value in ("", "x", "-1", "1.5", "٣", str(high + 1), "9" * 5000, *([str(low - 1)] if low else [])):
        with pytest.raises(Invalid, match=f"from {low} to {high}"):
            read_scenario(f"{word}={value}")
    with pytest.raises(Invalid, match="A value is missing after"):
        read_scenario(word)


@pytest.mark.parametrize("word", CHOICES)
def test_choices_are_read_and_others_refused_with_the_list(word):
    for value in CHOICES[word]:
        assert getattr(read_scenario(f"{word}={value}"), word) == value
    for wrong in (f"{word}=nonsense", word):
        with pytest.raises(Invalid) as refused:
            read_scenario(wrong)
        assert all(value in refused.value.message for value in CHOICES[word])
        assert (refused.value.status, refused.value.param, refused.value.code) == (
            400,
            "scenario",
            "unknown_scenario",
        )


@pytest.mark.parametrize("word", FLAGS)
def test_flags_stand_alone_or_say_yes_or_no(word):
    for text, wanted in (
        (word, True),
        (f"{word}=1", True),
        (f"{word}=yes", True),
        (f"{word}=0", False),
        (f"{word}=no", False),
    ):
        assert getattr(read_scenario(text, Scenario(fast=not wanted, mark=not wanted)), word) is wanted
    with pytest.raises(Invalid):
        read_scenario(f"{word}=maybe")


def test_unknown_word_names_all_that_are_known():
    with pytest.raises(Invalid, match="Unknown word 'crash'") as refused:
        read_scenario("fast, crash=now")
    assert all(word in refused.value.message for word in WORDS)


def test_dialects_are_joined_and_must_be_known():
    assert read_scenario("dialect=crlf+no_event_lines").dialect == ("crlf", "no_event_lines")
    assert read_scenario("dialect=" + "+".join(DIALECTS)).dialect == tuple(DIALECTS)
    with pytest.raises(Invalid, match="'klingon'"):
        read_scenario("dialect=crlf+klingon")


def test_delivered_size_may_be_any_up_to_3840():
    assert read_scenario("deliver_size=1254x1").deliver_size == (1254, 1)
    for wrong in ("0x1", "3841x1", "1x3841", "10", "auto", "1x1x1", "12345x1"):
        with pytest.raises(Invalid, match="such as 1254x1254"):
            read_scenario(f"deliver_size={wrong}")


def test_words_are_parted_by_commas_semicolons_and_blanks_of_both_scripts():
    wanted = Scenario(fast=True, status=503, partials=2)
    for text in ("fast,status=503,partials=2", "fast; status=503 partials=2", "fast,status=503;partials=2"):
        assert read_scenario(text) == wanted


def test_later_ones_win_word_by_word_and_none_forgets():
    base = read_scenario("status=503, seed=4")
    assert read_scenario("status=429", base) == Scenario(status=429, seed=4)
    assert read_scenario("seed=9, none, fast", base) == Scenario(fast=True)


@pytest.mark.parametrize("stage", STAGES)
def test_delay_is_the_scenarios_else_the_usual_else_none_when_fast(stage):
    assert Scenario().delay(stage, 120) == 0.12
    assert Scenario(fast=True).delay(stage, 120) == 0
    assert read_scenario(f"fast, delay_{stage}_ms=2500").delay(stage, 120) == 2.5
    assert read_scenario(f"delay_{stage}_ms=0").delay(stage, 120) == 0


@pytest.mark.parametrize(
    "text, refuses",
    [("", False), ("status=503", True), ("status=200", True), ("body=html", True), ("code=slow_down", True),
     ("error=nested, code=slow_down", False), ("error=nested", False), ("cut=before_headers", False)],
)  # fmt: skip
def test_refusal_is_a_whole_answer_and_an_error_a_part_of_one(text, refuses):
    assert read_scenario(text).refuses() is refuses


def test_tag_is_taken_out_of_the_prompt_in_either_script():
    assert take_tag("a cat [scenario: status=503] at night") == ("a cat at night", "status=503")
    assert take_tag("【Scenario:fast】一只猫[ scenario :seed=1]") == ("一只猫", "fast, seed=1")
    assert take_tag("a [cat] in brackets  ") == ("a [cat] in brackets  ", "")


def test_prompt_full_of_open_tags_is_read_once():
    # A search that started again at every bracket would take hours.
    prompt = "[scenario:" * 200_000
    assert take_tag(prompt) == (prompt, "")


def test_errors_stand_between_events_and_never_inside_one():
    assert set(CHOICES["error_at"]) == {point for point in POINTS if "in_" not in point[:3]} - {
        "before_headers"
    }
