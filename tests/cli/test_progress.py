"""The life of a picture on stderr: a line a stage where there is no terminal, one live line where there is."""

import io
import sys

import pytest

from darkroom.cli.progress import Progress, name
from darkroom.client import Unreachable
from darkroom.wire.stages import Mark, Stage

MARKS = [
    Mark(Stage.CONNECTED, 0.004),
    Mark(Stage.CREATED, 0.5),
    Mark(Stage.IN_PROGRESS, 0.6),
    Mark(Stage.GENERATING, 2.0),
    Mark(Stage.PARTIAL, 12.34, "0"),
]


def test_stages_are_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(terminal=False) as progress:
        for mark in MARKS[-2:]:
            progress.stage(mark)
        progress.note("Preview 0: a.png")
        progress.retry(Unreachable("It was lost."), 1.25)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "    2.0 s  generating",
        "   12.3 s  partial 0",
        "           Preview 0: a.png",
        "           It was lost. Trying again in 1.2 s.",
    ]


def test_live_line_has_the_last_stages_and_the_time_that_passes() -> None:
    times = iter([100.0, 115.0])
    progress = Progress(terminal=False, now=lambda: next(times))
    for mark in MARKS:
        progress.stage(mark)
    assert progress.line() == (
        "created 0.5 s → in progress 0.6 s → generating 2.0 s → partial 0 12.3 s → 15.0 s"
    )


def test_terminal_shows_the_live_line_and_keeps_the_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    with Progress(now=lambda: 0.0) as progress:
        progress.stage(MARKS[0])
        progress.note("[b]Preview[/b]\x1b]0;title\x07")
        progress.close()
    shown = terminal.getvalue()
    assert "connected 0.0 s → 0.0 s" in shown
    assert "[b]Preview[/b]?]0;title?" in shown
    assert shown.endswith("\x1b[2K"), "the live line is taken away at the end"


def test_detail_that_came_from_the_relay_has_no_control_characters() -> None:
    assert name(Mark(Stage.FAILED, 1.0, "odd\x1b[31m\ncode")) == "failed odd?[31m code"
