"""The two kinds of contract break when they should: each is tried on a small program made for it."""

from pathlib import Path
from typing import Any

import grimp
import pytest

from tests.contracts import KnownTo, SeesOnly

PROGRAM = {
    "__init__.py": "",
    "errors.py": "",
    "wire/__init__.py": "",
    "wire/sse.py": "from {name} import errors\n",
    "store.py": "import sqlalchemy\nfrom {name}.wire import sse\n",
    "client/__init__.py": "import httpx2\nfrom {name}.client import shell\n",
    "client/shell.py": "from {name} import errors\nfrom {name}.wire import sse\nimport json\n",
}


def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, **changed: str) -> grimp.ImportGraph:
    """The import graph of PROGRAM with some files changed; `name` differs from test to test."""
    for path, text in {**PROGRAM, **{f"{key}.py": text for key, text in changed.items()}}.items():
        file = tmp_path / name / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.format(name=name))
    monkeypatch.syspath_prepend(tmp_path)
    return grimp.build_graph(name, include_external_packages=True, cache_dir=None)


def breaches(kind: type[SeesOnly] | type[KnownTo], graph: grimp.ImportGraph, **options: Any) -> list[Any]:
    contract = kind(name="x", session_options={}, contract_options=options)
    checked = contract.check(graph, verbose=False)
    assert checked.kept == (not checked.metadata["breaches"])
    return list(checked.metadata["breaches"])


def test_part_keeps_to_what_it_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = program(tmp_path, monkeypatch, "kept")
    assert breaches(SeesOnly, graph, parts=["kept.client"], sees=["kept.wire", "kept.errors"]) == []


def test_part_that_looks_further_is_named_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = program(tmp_path, monkeypatch, "further")
    found = breaches(SeesOnly, graph, parts=["further.client"], sees=["further.errors"])
    assert found == [("further.client.shell", "further.wire.sse", 2)]


def test_part_may_take_the_version_from_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = program(tmp_path, monkeypatch, "rooted", errors="from rooted import __version__\n")
    assert breaches(SeesOnly, graph, parts=["rooted.errors"], sees=["rooted.nothing"]) == []


def test_part_that_does_not_exist_yet_breaks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = program(tmp_path, monkeypatch, "early")
    assert breaches(SeesOnly, graph, parts=["early.people"], sees=["early.wire"]) == []
    assert breaches(KnownTo, graph, libraries=["starlette"], parts=["early.web"]) == []


def test_library_is_known_to_its_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = program(tmp_path, monkeypatch, "known")
    assert breaches(KnownTo, graph, libraries=["sqlalchemy"], parts=["known.store"]) == []
    assert breaches(KnownTo, graph, libraries=["httpx2"], parts=["known.client"]) == []


def test_library_known_to_a_stranger_is_named_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = program(tmp_path, monkeypatch, "stranger", errors="import os\nimport sqlalchemy.orm\n")
    found = breaches(KnownTo, graph, libraries=["sqlalchemy"], parts=["stranger.store"])
    assert found == [("stranger.errors", "sqlalchemy", 2)]


def test_part_of_a_like_name_is_a_stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = program(tmp_path, monkeypatch, "likeness", storeroom="import sqlalchemy\n")
    found = breaches(KnownTo, graph, libraries=["sqlalchemy"], parts=["likeness.store"])
    assert [importer for importer, _, _ in found] == ["likeness.storeroom"]


def test_package_of_the_program_may_be_kept_from_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = program(tmp_path, monkeypatch, "closed")
    assert breaches(KnownTo, graph, libraries=["closed.client"], parts=["closed.cli"]) == []
    found = breaches(KnownTo, graph, libraries=["closed.wire"], parts=["closed.cli"])
    assert {importer for importer, _, _ in found} == {"closed.client.shell", "closed.store"}
