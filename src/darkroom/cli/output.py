"""What commands say: answers on stdout, everything else on stderr; with `--json` one document on stdout.

A refusal is a line on stderr and, with `--json`, an error object as the document, so that scripts learn its code.

Law: nothing that a customer or an upstream named reaches the terminal with control characters in it.
"""

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from darkroom import errors

DONE, REFUSED, USAGE = 0, 1, 2
_WISH = "darkroom.json"


def _wish(context: typer.Context, value: bool) -> bool:
    context.meta[_WISH] = value
    return value


Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.", callback=_wish)]


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


def refuse(context: typer.Context, error: errors.Error, words: str | None = None) -> None:
    """Say why a command failed; `words` where a person should read more than the error's message."""
    tell(f"darkroom: {words or error.message}")
    if context.meta.get(_WISH):
        document(error.body())


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
