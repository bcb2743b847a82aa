"""The command line: `darkroom COMMAND …`, one file a group.

Law: exit 0 done, 1 refused with one clear line on stderr, 2 wrong usage. Only what a command needs is imported, when
it runs, so that `darkroom --help` and shell completion answer at once.
"""

import sys
from collections.abc import Sequence

from darkroom.cli.root import app


def run(arguments: Sequence[str]) -> int:
    """Run one command line, without the program's name; the exit code."""
    try:
        app(args=list(arguments), prog_name="darkroom")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def main() -> None:
    """The program `darkroom`."""
    sys.exit(run(sys.argv[1:]))
