"""What the documentation says that the code knows better: read from the code, written into the page by `make docs`.

`tests/test_docs.py` fails while a page says something else.
"""

import ast
import inspect
import json
import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from darkroom.channels.catalog import Channel
from darkroom.settings import Settings
from tests.tidy import ROOT

SETTINGS_PAGE = ROOT / "docs" / "settings.md"
BEGIN, END = "<!-- {} written by `make docs` -->", "<!-- end of what is written -->"


def meanings(kind: type[msgspec.Struct]) -> dict[str, str]:
    """The one-line docstring under each field of a Struct, by field name."""
    (body,) = (
        node.body for node in ast.parse(inspect.getsource(kind)).body if isinstance(node, ast.ClassDef)
    )
    found = {}
    for field, said in pairwise(body):
        named = isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and field.target.id
        if named and isinstance(said, ast.Expr) and isinstance(said.value, ast.Constant):
            found[named] = " ".join(str(said.value.value).split())
    return found


def spelled(default: Any) -> str:
    """A default as the TOML file would spell it; nothing for a setting that has none."""
    if default is None or default is msgspec.NODEFAULT:
        return ""
    if isinstance(default, tuple):
        return f"`{json.dumps(list(default), ensure_ascii=False)}`"
    return f"`{json.dumps(str(default) if isinstance(default, Path) else default, ensure_ascii=False)}`"


def table(kind: type[msgspec.Struct], leave_out: tuple[str, ...] = ()) -> str:
    """The fields of a Struct as a table: key, default, meaning."""
    said = meanings(kind)
    rows = ["| Key | Default | Meaning |", "|---|---|---|"]
    for field in msgspec.structs.fields(kind):
        key = f"[[{field.encode_name}]]" if field.encode_name != field.name else field.encode_name
        if field.name not in leave_out:
            rows.append(
                f"| `{key}` | {spelled(field.default)} | {said.get(field.name, '')} |".replace("  ", " ")
            )
    return "\n".join(rows)


def filled(page: str) -> str:
    """A page with what is written between its marks renewed from the code."""
    for name, text in (("settings", table(Settings, ("config",))), ("channel", table(Channel))):
        begin = BEGIN.format(name)
        if begin in page:
            before, rest = page.split(begin)
            page = f"{before}{begin}\n{text}\n{END}{rest.split(END, 1)[1]}"
    return page


def headings(page: str) -> list[tuple[int, str]]:
    """Level and text of each heading, code blocks left out."""
    outside = re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)
    return [(len(marks), text) for marks, text in re.findall(r"^(#+) +(.+)$", outside, flags=re.MULTILINE)]


def code_blocks(page: str) -> list[tuple[str, str]]:
    """Language and text of each fenced block."""
    return re.findall(r"^```(\w*)\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)


def anchor(heading: str) -> str:
    """The name under which a heading can be linked to."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def links(page: str) -> Iterator[str]:
    """Targets of links and pictures that lead to this repository."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page):
        if not re.match(r"[a-z]+:", target):
            yield target


def commands(page: str, program: str) -> Iterator[list[str]]:
    """The words after `program` wherever code, in a line or in a block, starts a command with it."""
    spans = re.findall(
        r"(?<!`)`([^`\n]+)`(?!`)", re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL)
    )
    lines = [line for _, text in code_blocks(page) for line in text.replace("\\\n", " ").splitlines()]
    for code in [*spans, *lines]:
        match = re.match(rf"\s*(?:[A-Z_]+=\S+ +)*(?:\S*/)?{program}(?:\s+(.*))?$", code)
        if match:
            yield re.sub(r"(^|\s)#.*", "", match.group(1) or "").split()


if __name__ == "__main__":
    SETTINGS_PAGE.write_text(filled(SETTINGS_PAGE.read_text()))
    sys.stdout.write(f"wrote {SETTINGS_PAGE.relative_to(ROOT)}\n")
