"""Dialects by name: each changes the style in a field that there is, and several add up."""

import msgspec
import pytest

from darkroom.sandbox.dialects import DIALECTS, FINAL_NAMES, PARTIAL_NAMES, URL_NAMES, Style, style_of

FIELDS = {field.name for field in msgspec.structs.fields(Style)}
CONTRACT = {"result", "b64_json", "image", "image_b64", "partial_image", "partial_image_b64"}


@pytest.mark.parametrize("name", DIALECTS)
def test_dialect_says_what_it_is_and_changes_the_style(name):
    dialect = DIALECTS[name]
    assert dialect.summary[0].isupper() or dialect.summary.startswith("`")
    assert not dialect.summary.endswith(".")
    assert set(dialect.changes) <= FIELDS
    assert style_of((name,)) != Style()


def test_no_dialects_are_the_wire_itself():
    assert style_of(()) == Style()


def test_dialects_differ_from_one_another():
    styles = [style_of((name,)) for name in DIALECTS]
    assert all(styles.count(style) == 1 for style in styles)


def test_every_field_name_of_the_contract_can_be_spoken():
    assert {*PARTIAL_NAMES, "partial_image_b64"} >= CONTRACT
    assert {*FINAL_NAMES, "result"} >= CONTRACT
    assert {f"final_as_{name}" for name in URL_NAMES} <= set(DIALECTS)


def test_later_dialects_win_and_dropped_events_add_up():
    style = style_of(("numbers_from_1", "numbers_zero", "no_created", "no_generating", "crlf"))
    assert (style.numbers, style.newline) == ("zero", b"\r\n")
    assert style.drop == {"response.created", "response.image_generation_call.generating"}


def test_every_change_of_a_style_is_spoken_by_some_dialect():
    spoken = {field for dialect in DIALECTS.values() for field in dialect.changes}
    assert spoken == FIELDS
