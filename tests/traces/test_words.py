"""Every word of a waterfall is there in every language, with the same places to fill."""

import string

import pytest

from darkroom.traces.words import WORDS, Language, say
from darkroom.wire.stages import Stage

# Words that name themselves in English.
SAME = {*(stage.value for stage in Stage), "refused", "incomplete", "unknown"}


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_languages_have_the_same_words() -> None:
    assert set(WORDS["en"]) | SAME == set(WORDS["zh"]) | SAME


@pytest.mark.parametrize("word", sorted(WORDS["en"]))
def test_translations_have_the_same_places(word: str) -> None:
    assert places(WORDS["en"][word]) == places(WORDS["zh"][word])


@pytest.mark.parametrize("stage", list(Stage))
def test_every_stage_has_a_name(stage: Stage) -> None:
    assert "_" not in say("en", stage.value)
    assert not say("zh", stage.value).isascii()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_unknown_word_is_said_as_it_is(lang: Language) -> None:
    assert say(lang, "teleported") == "teleported"
    assert say(lang, "{odd} {0} {") == "{odd} {0} {"


def test_places_are_filled_with_any_text() -> None:
    assert say("en", "account", account="{x} %s") == "account {x} %s"
    assert say("zh", "took", outcome="已完成", time="3 s") == "已完成，用时 3 s"
