"""The house is in order: sizes, words, twins, an import that does nothing. Each rule is seen to fail."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import tidy
from tests.tidy import ROOT, SOURCE, TESTS, complaints, needs_a_twin, python_files, twin

SOURCES = python_files(SOURCE)
OWED_FILE = TESTS / "owed.txt"
# Sources that still owe their twin test: the list may only shrink, and a new file may not join it.
OWED = set(OWED_FILE.read_text().split())
EVERYTHING = python_files(SOURCE, TESTS, ROOT / "benchmarks")


def named(files: list[Path]) -> Any:
    return pytest.mark.parametrize("file", files, ids=[str(file.relative_to(ROOT)) for file in files])


FAULTS = [
    (tidy.short_file, "x.py", "a = 1\n" * 401, "401 lines"),
    (tidy.short_functions, "x.py", "def long():\n" + "    a = 1\n" * 60, "long (l.1) has 61 lines"),
    (
        tidy.short_functions,
        "x.py",
        "class A:\n    async def long(self):\n" + "        a = 1\n" * 60,
        "long (l.2)",
    ),
    (tidy.said_in_the_docstring, "x.py", "a = 1\n", "no docstring"),
    (tidy.plain_words, "utils.py", "", "utils"),
    (tidy.plain_words, "handlers/service/x.py", "", "service"),
    (tidy.plain_words, "x.py", "class KeyManager: ...\n", "KeyManager (l.1)"),
    (tidy.plain_words, "x.py", "class A:\n    def to_data(self): ...\n", "to_data (l.2)"),
    (tidy.nothing_printed, "x.py", "def f():\n    print('x')\n", "prints (l.2)"),
    (tidy.no_lost_tasks, "x.py", "import asyncio\nasyncio.create_task(f())\n", "keep it (l.2)"),
    (tidy.no_lost_tasks, "x.py", "asyncio.get_running_loop().create_task(f())\n", "keep it (l.1)"),
    (tidy.numbered_promises, "x.py", "a = 1  # TODO: later\n", "l.1"),
]

RIGHT = [
    (tidy.short_file, "x.py", "a = 1\n" * 400),
    (tidy.short_functions, "x.py", "def long():\n" + "    a = 1\n" * 59),
    (tidy.said_in_the_docstring, "__init__.py", ""),
    (
        tidy.plain_words,
        "x.py",
        "class Keys:\n    def data_received(self, data): ...\n    def database(self): ...\n",
    ),
    (tidy.nothing_printed, "x.py", "console.print('x')\nprinter = 1\n"),
    (
        tidy.no_lost_tasks,
        "x.py",
        "kept = asyncio.create_task(f())\nasync def g(group):\n    group.create_task(f())\n",
    ),
    (tidy.numbered_promises, "x.py", "a = 1  # TODO(#12): later\n"),
]


@pytest.mark.parametrize("rule, name, text, words", FAULTS)
def test_rule_finds_the_fault_it_is_for(rule: tidy.Rule, name: str, text: str, words: str) -> None:
    assert any(words in complaint for complaint in complaints(Path(name), text, (rule,)))


@pytest.mark.parametrize("rule, name, text", RIGHT)
def test_rule_is_silent_where_all_is_right(rule: tidy.Rule, name: str, text: str) -> None:
    assert complaints(Path(name), text, (rule,)) == []


def test_every_rule_is_tried_on_a_fault_and_on_a_right_file() -> None:
    rules = {*tidy.EVERYWHERE, *tidy.IN_SOURCE}
    assert rules == {fault[0] for fault in FAULTS} == {right[0] for right in RIGHT}


def test_the_tree_is_found() -> None:
    assert SOURCE / "errors.py" in SOURCES
    assert Path(__file__) in EVERYTHING


@named(EVERYTHING)
def test_file_keeps_the_rules_of_every_file(file: Path) -> None:
    assert complaints(file.relative_to(ROOT), file.read_text(), tidy.EVERYWHERE) == []


@named(SOURCES)
def test_source_file_keeps_the_rules_of_the_source(file: Path) -> None:
    assert complaints(file.relative_to(SOURCE), file.read_text(), tidy.IN_SOURCE) == []


@pytest.mark.parametrize(
    "text, expected",
    [
        ('"""A package."""\n', False),
        ('"""Names."""\nfrom a import b\n__all__ = ["b"]\n__version__ = "1"\n', False),
        ('"""Code."""\ndef f(): ...\n', True),
        ('"""A value."""\nLIMIT = 1\n', True),
        ('"""Asked at import."""\nif True:\n    import a\n', True),
    ],
)
def test_twin_is_asked_of_files_with_code_alone(text: str, expected: bool) -> None:
    assert needs_a_twin(Path("x.py"), text) is expected


def test_twin_mirrors_the_place_of_its_source() -> None:
    assert twin(SOURCE / "wire" / "sse.py") == TESTS / "wire" / "test_sse.py"
    assert twin(SOURCE / "wire" / "__init__.py") == TESTS / "wire" / "test_init.py"
    assert twin(SOURCE / "__main__.py") == TESTS / "test_main.py"


@named([file for file in SOURCES if needs_a_twin(file.relative_to(SOURCE), file.read_text())])
def test_source_file_has_a_twin_with_tests(file: Path) -> None:
    other = twin(file)
    if str(file.relative_to(SOURCE)) in OWED:
        assert not other.exists(), (
            f"{other.relative_to(ROOT)} is there: strike its source from {OWED_FILE.name}"
        )
        pytest.skip("its twin is owed")
    assert other.exists(), f"{file.relative_to(ROOT)} has no {other.relative_to(ROOT)}"
    assert "def test_" in other.read_text(), f"{other.relative_to(ROOT)} tests nothing"


def test_tests_are_at_least_as_long_as_the_source() -> None:
    if OWED:
        pytest.skip("twins are owed")
    source, tests = (
        sum(file.read_text().count("\n") for file in python_files(top)) for top in (SOURCE, TESTS)
    )
    assert tests >= source, f"{tests} lines of tests for {source} lines of source"


WATCHED = """
import json, os, signal, sys, threading

seen, inside = [], sys.argv[1] + os.sep
before = (dict(os.environ), threading.active_count(), signal.getsignal(signal.SIGTERM), os.getcwd())

def watch(event, arguments):
    if event.split(".")[0] not in {"open", "socket", "subprocess", "os", "thread", "sqlite3", "tempfile"}:
        return
    frame = sys._getframe(1)
    while frame is not None and "importlib" not in frame.f_code.co_filename:
        if frame.f_code.co_filename.startswith(inside):
            seen.append(f"{event}{arguments!r} from {frame.f_code.co_filename}:{frame.f_lineno}")
            return
        frame = frame.f_back

def start(thread, really=threading.Thread.start):
    watch("thread.start", (thread.name,))
    really(thread)

threading.Thread.start = start
sys.addaudithook(watch)
for module in sys.argv[2:]:
    __import__(module)
after = (dict(os.environ), threading.active_count(), signal.getsignal(signal.SIGTERM), os.getcwd())
seen += [f"changed: {a!r} -> {b!r}" for a, b in zip(before, after) if a != b]
if "logging" in sys.modules and sys.modules["logging"].root.handlers:
    seen.append("set up logging")
print(json.dumps({"seen": seen, "modules": sorted(sys.modules)}))
"""


def imported(folder: Path, *modules: str) -> dict[str, list[str]]:
    """What a fresh interpreter does, and holds, after it imported the modules found under a folder."""
    command = [sys.executable, "-c", WATCHED, str(folder), *modules]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    "line, words",
    [
        ("open('/dev/null')", "open"),
        ("import pathlib; pathlib.Path('/dev/null').read_text()", "open"),
        ("import socket; socket.socket()", "socket"),
        ("import threading; threading.Thread(target=int).start()", "thread"),
        ("import os; os.environ['DARKROOM_X'] = '1'", "os.putenv"),
        ("import sqlite3; sqlite3.connect(':memory:')", "sqlite3"),
        ("import logging; logging.basicConfig()", "set up logging"),
        ("import subprocess; subprocess.run(['true'])", "subprocess"),
    ],
)
def test_import_that_does_something_is_noticed(tmp_path: Path, line: str, words: str) -> None:
    (tmp_path / "busy.py").write_text(line + "\n")
    assert any(words in seen for seen in imported(tmp_path, "busy")["seen"])


def test_import_of_the_whole_program_does_nothing() -> None:
    modules = [
        ".".join(("darkroom", *file.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")
        for file in SOURCES
        if "migrations" not in file.parts
    ]
    found = imported(SOURCE.parent, *modules)
    assert found["seen"] == []
    assert set(modules) <= set(found["modules"])


def test_import_of_the_package_alone_loads_nothing_heavy() -> None:
    loaded = imported(SOURCE.parent, "darkroom")["modules"]
    heavy = {
        "asyncio",
        "msgspec",
        "PIL",
        "sqlalchemy",
        "starlette",
        "uvicorn",
        "httpx2",
        "rich",
        "typer",
        "structlog",
    }
    assert heavy.isdisjoint(loaded)
    assert [module for module in loaded if module.startswith("darkroom.")] == []
