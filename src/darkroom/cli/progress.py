"""The life of a picture on stderr while it is made: one live line on a terminal, a line a stage elsewhere."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from darkroom.cli import output

if TYPE_CHECKING:
    from darkroom.client import Failure
    from darkroom.wire.stages import Mark

SHOWN = 4
"""Stages on the live line; the oldest go first."""


class Progress:
    """Shows stages as they are reached; use it in a `with` block."""

    def __init__(self, terminal: bool | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self._terminal = sys.stderr.isatty() if terminal is None else terminal
        self._now = now
        self._start = now()
        self._marks: list[Mark] = []
        self._live: Any = None

    def __enter__(self) -> Self:
        if self._terminal:
            from rich.console import Console
            from rich.live import Live

            self._live = Live(
                get_renderable=self._render,
                console=Console(stderr=True),
                refresh_per_second=10,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take the live line away."""
        if self._live is not None:
            self._live.stop()

    def stage(self, mark: "Mark") -> None:
        """A stage was reached."""
        self._marks.append(mark)
        if self._live is None:
            output.tell(f"{mark.at_s:7.1f} s  {name(mark)}")

    def retry(self, failure: "Failure", wait_s: float) -> None:
        """The request failed and is sent again after a while."""
        self.note(f"{failure.message} Trying again in {wait_s:.1f} s.")

    def note(self, text: str) -> None:
        """A line that stays."""
        if self._live is None:
            output.tell(f"           {text}")
        else:
            self._live.console.print(output.plain(text), markup=False, highlight=False)

    def line(self) -> str:
        """The live line: the last stages with their times, and the time since the start."""
        stages = [f"{name(mark)} {mark.at_s:.1f} s" for mark in self._marks[-SHOWN:]]
        return " → ".join([*stages, f"{self._now() - self._start:.1f} s"])

    def _render(self) -> Any:
        from rich.spinner import Spinner
        from rich.text import Text

        # Text, not markup: a detail may come from the relay.
        return Spinner("dots", Text(" " + self.line(), no_wrap=True, overflow="ellipsis"))


def name(mark: "Mark") -> str:
    """A stage in words: `partial 0`, `in progress`."""
    words = str(mark.stage).replace("_", " ")
    return output.plain(f"{words} {mark.detail}" if mark.detail else words)
