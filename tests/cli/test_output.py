"""What commands say: columns that programs can cut, one document, no control characters."""

import json

import pytest

from darkroom.cli import output


def test_table_is_as_wide_as_its_cells_and_cuts_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("ID", "NAME", "X"), [(1, "a" * 300, None), (22, "", "end")])
    assert capsys.readouterr().out.splitlines() == [
        "ID  NAME" + " " * 298 + "X",
        "1   " + "a" * 300 + "  -",
        "22  -" + " " * 301 + "end",
    ]


def test_table_keeps_its_columns_where_letters_are_two_wide(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("A", "B"), [("工作室", "x"), ("abcdef", "y")])
    assert capsys.readouterr().out == "A       B\n工作室  x\nabcdef  y\n"


def test_table_keeps_a_row_on_its_line_whatever_somebody_named(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("A",), [("one\ntwo\x1b[2J\x07",)])
    assert capsys.readouterr().out == "A\none two?[2J?\n"


def test_document_is_json_with_its_letters_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    output.document({"name": "工作室", "none": None})
    said = capsys.readouterr().out
    assert "工作室" in said
    assert json.loads(said) == {"name": "工作室", "none": None}


def test_words_beside_the_answer_go_to_stderr_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.tell("one\r\ntwo\x1b]0;title\x07")
    assert capsys.readouterr() == ("", "one  two?]0;title?\n")


def test_moment_is_utc_to_the_second() -> None:
    assert output.moment(1_795_000_000_999_999) == "2026-11-18 11:06:40"
    assert output.moment(None) is None
