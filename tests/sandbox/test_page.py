"""The sandbox's page, in both languages, tells every word of a scenario and all that it takes, and no others."""

import re

import msgspec
import pytest

from darkroom.sandbox.dialects import DIALECTS
from darkroom.sandbox.faults import BODIES, CODES, SHAPES
from darkroom.sandbox.images import SILENT_MS
from darkroom.sandbox.responses import DELAYS_MS
from darkroom.sandbox.scenario import CHOICES, NUMBERS, POINTS, WORDS, Scenario, read_scenario, take_tag
from tests import docs
from tests.tidy import ROOT

ENGLISH, CHINESE = ((ROOT / "docs" / name).read_text() for name in ("sandbox.md", "sandbox.zh.md"))
TOLD = (WORDS, POINTS, CODES, BODIES, SHAPES, DIALECTS)
both = pytest.mark.parametrize("page", [ENGLISH, CHINESE], ids=["en", "zh"])


def tables(page):
    """Each table as rows of cells, its head left out; a cell's code is bare."""
    found = re.findall(r"^\|[-|]+\|\n((?:\|.*\n?)+)", page, flags=re.MULTILINE)
    return [[[cell.strip() for cell in row.strip("|").split(" |")] for row in t.splitlines()] for t in found]


@both
def test_page_lists_what_the_sandbox_knows_in_its_order(page):
    listed = [[row[0].strip("`") for row in table] for table in tables(page)]
    assert listed == [list(known) for known in TOLD]
    assert all(row[-1] for table in tables(page) for row in table)


@both
def test_page_says_what_each_word_takes(page):
    for name, takes, does in tables(page)[0]:
        word = name.strip("`")
        if word in NUMBERS:
            low, high = NUMBERS[word]
            assert takes == f"`{low}`–`{high}`"
        elif word in CHOICES and "](#" not in takes:
            assert tuple(re.findall(r"`([^`]+)`", takes)) == CHOICES[word]
        default = getattr(Scenario(), word, None)
        if word in ("stall_ms", "heartbeat_ms", "error_at"):
            assert str(default) in does


@both
def test_page_says_the_status_of_each_failure(page):
    assert [(name.strip("`"), int(status)) for name, status in tables(page)[2]] == [
        (code, fault.status) for code, fault in CODES.items()
    ]


def test_page_explains_each_dialect_as_the_code_does():
    assert [row[1] for row in tables(ENGLISH)[5]] == [dialect.summary for dialect in DIALECTS.values()]


@both
def test_page_says_how_long_stages_usually_take(page):
    told = re.sub(r"^\|.*", "", page, flags=re.MULTILINE)
    for time_ms in {*DELAYS_MS.values(), SILENT_MS} - {0}:
        assert re.search(rf"(?<!\d){time_ms}(?!\d)", told)


@both
def test_scenarios_that_the_page_shows_are_understood(page):
    shown = [text for language, text in docs.code_blocks(page) if language == "text"]
    shown += re.findall(r'--scenario "([^"]+)"', page)
    shown += [take_tag(tag)[1] for tag in re.findall(r"`(\[scenario:[^`]+)`", page)]
    assert len(shown) == 3
    assert all(read_scenario(text) != Scenario() for text in shown)


def test_every_field_of_a_scenario_is_on_the_page():
    listed = {row[0].strip("`") for row in tables(ENGLISH)[0]}
    assert {field.name for field in msgspec.structs.fields(Scenario)} <= listed


def test_both_languages_have_the_same_sections():
    assert [level for level, _ in docs.headings(ENGLISH)] == [level for level, _ in docs.headings(CHINESE)]
    assert docs.code_blocks(ENGLISH) == docs.code_blocks(CHINESE)
