"""What commands say: answers on stdout, everything else on stderr; with `--json` one document on stdout.

Law: nothing that a customer or an upstream named reaches the terminal with control characters in it.
"""

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

DONE, REFUSED, USAGE = 0, 1, 2
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


def say(text: str) -> None:
    """A line of the answer."""
    sys.stdout.write(text + "\n")


def tell(text: str) -> None:
    """A line beside the answer."""
    sys.stderr.write(plain(text) + "\n")
    sys.stderr.flush()


def document(tree: Any) -> None:
    """The answer of `--json`: one JSON document."""
    import msgspec

    say(msgspec.json.format(msgspec.json.encode(tree), indent=2).decode())


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Rows in columns, as wide as what stands in them: nothing is cut, so that `grep` and `awk` find it."""
    from rich.cells import cell_len

    lines = [
        list(head),
        *([("-" if cell in (None, "") else plain(str(cell))) for cell in row] for row in rows),
    ]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [cell + " " * (width - cell_len(cell)) for cell, width in zip(line, widths, strict=True)]
        say("  ".join(cells).rstrip())


def plain(text: str) -> str:
    """The text on one line, unprintable characters as `?`."""
    return "".join(letter if letter.isprintable() else " " if letter.isspace() else "?" for letter in text)


def moment(at_us: int | None) -> str | None:
    """Microseconds since 1970 as UTC to the second; None stays None."""
    if at_us is None:
        return None
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
