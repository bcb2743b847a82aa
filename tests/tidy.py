"""The house rules that no linter knows, as functions: each takes a file and yields what is wrong with it.

`tests/test_tidy.py` tries every rule on a small bad example, and then on the whole tree.
"""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "darkroom"
TESTS = ROOT / "tests"

FILE_LINES = 400
FUNCTION_LINES = 60
BANNED = frozenset(
    {"manager", "helper", "helpers", "utils", "util", "service", "handler", "adaptor", "info", "data"}
)
ASKED_FOR = frozenset({"data_received", "_data", "_more_data"})
"""Names that come from elsewhere: asyncio's protocol method, and the `data` field of the SSE standard."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Rule = Callable[[Path, str], Iterator[str]]


def python_files(*folders: Path) -> list[Path]:
    """Every Python file of ours under the folders."""
    files = (file for folder in folders for file in folder.rglob("*.py"))
    return sorted(file for file in files if not {"__pycache__", "node_modules"}.intersection(file.parts))


def short_file(file: Path, text: str) -> Iterator[str]:
    """A file has at most FILE_LINES lines."""
    if (lines := text.count("\n")) > FILE_LINES:
        yield f"{lines} lines; at most {FILE_LINES}"


def short_functions(file: Path, text: str) -> Iterator[str]:
    """A function has at most FUNCTION_LINES lines, its docstring included; its signature counts as one."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, Function):
            lines = (node.end_lineno or node.lineno) - node.body[0].lineno + 2
            if lines > FUNCTION_LINES:
                yield f"{node.name} (l.{node.lineno}) has {lines} lines; at most {FUNCTION_LINES}"


def said_in_the_docstring(file: Path, text: str) -> Iterator[str]:
    """A module says what it is."""
    if text.strip() and not ast.get_docstring(ast.parse(text)):
        yield "has no docstring that says what it is"


def plain_words(file: Path, text: str) -> Iterator[str]:
    """Nothing that is made here is named with a word of BANNED: no module, package, class or function."""
    made = [(part, 1) for part in file.with_suffix("").parts]
    made += [
        (node.name, node.lineno)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, Function | ast.ClassDef)
    ]
    for name, line in made:
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_")
        if name not in ASKED_FOR and (banned := BANNED.intersection(words)):
            yield f"{name} (l.{line}) uses the word {', '.join(sorted(banned))!r}"


def nothing_printed(file: Path, text: str) -> Iterator[str]:
    """The program speaks through its logs and, on the command line, through rich."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            yield f"prints (l.{node.lineno})"


def no_lost_tasks(file: Path, text: str) -> Iterator[str]:
    """A task that nobody keeps may be collected before it is done, and its error is never seen."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            called = node.value.func
            if isinstance(called, ast.Attribute) and called.attr in ("create_task", "ensure_future"):
                owner = ast.unparse(called.value)
                if owner in ("asyncio", "loop") or owner.endswith("_loop()"):
                    yield f"starts a task and does not keep it (l.{node.lineno})"


def numbered_promises(file: Path, text: str) -> Iterator[str]:
    """A comment about what is left to do names an issue, or it is forgotten."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and re.search(r"\b(TODO|FIXME|XXX)\b(?!.*#\d)", token.string):
            yield f"promises without an issue number (l.{token.start[0]})"


def needs_a_twin(file: Path, text: str) -> bool:
    """Whether a file does more than import and re-export. Migrations are run by the tests of the store."""
    if "migrations" in file.parts:
        return False
    for node in ast.parse(text).body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        names = isinstance(node, ast.Assign) and all(
            isinstance(target, ast.Name) and target.id in ("__all__", "__version__")
            for target in node.targets
        )
        if not (docstring or names or isinstance(node, ast.Import | ast.ImportFrom)):
            return True
    return False


def twin(source: Path) -> Path:
    """The test file: `tests/wire/test_sse.py` for `wire/sse.py`; `test_init.py` for `__init__.py`."""
    inside = source.relative_to(SOURCE)
    return TESTS / inside.parent / f"test_{inside.stem.strip('_')}.py"


EVERYWHERE: tuple[Rule, ...] = (short_file, short_functions, numbered_promises)
IN_SOURCE: tuple[Rule, ...] = (said_in_the_docstring, plain_words, nothing_printed, no_lost_tasks)


def complaints(file: Path, text: str, rules: tuple[Rule, ...]) -> list[str]:
    """What the rules say against a file."""
    return [f"{file}: {complaint}" for rule in rules for complaint in rule(file, text)]
