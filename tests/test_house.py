"""The tools that keep the house agree, and the promises of the Makefile hold, as far as a test can see."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.tidy import ROOT

BIN = Path(sys.executable).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
TARGETS = ("setup", "run", "test", "check", "bench")

pytestmark = pytest.mark.slow


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    # `make test` itself may be what runs this: its flags and its level are not for the commands under test.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    return subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def agrees(*command: str | Path) -> None:
    done = run(*command)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_finds_nothing() -> None:
    agrees(BIN / "ruff", "check")


def test_ruff_would_format_nothing() -> None:
    agrees(BIN / "ruff", "format", "--check")


def test_mypy_is_content_in_strict_mode() -> None:
    assert PROJECT["tool"]["mypy"]["strict"] is True
    agrees(BIN / "mypy")


def test_imports_keep_the_directions_of_the_design() -> None:
    agrees(BIN / "lint-imports")


@pytest.mark.parametrize("name", ["base", "dev"])
def test_lock_pins_every_package_with_hashes_and_names_no_index(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    entries = re.split(r"\n(?=\S)", re.sub(r"^ *#.*\n", "", text, flags=re.MULTILINE).strip())
    assert len(entries) > 10
    for entry in entries:
        assert re.match(r"[a-z0-9.-]+(\[[a-z,]+\])?==\S+ ", entry), entry
        assert "--hash=sha256:" in entry, entry
    assert "://" not in text
    assert "--index" not in text


def wanted(lines: list[str]) -> set[str]:
    """Names of requirements with their extras, without versions and markers."""
    return {re.split(r"[<>=!~;\s]", line, maxsplit=1)[0] for line in lines}


def asked(name: str) -> list[str]:
    lines = (ROOT / "requirements" / f"{name}.in").read_text().splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-"))]


def pinned(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", text, flags=re.MULTILINE))


def test_lock_holds_what_the_package_declares() -> None:
    assert wanted(PROJECT["project"]["dependencies"]) == wanted(asked("base"))
    assert {name.split("[")[0] for name in wanted(asked("base"))} <= pinned("base").keys()
    assert wanted(asked("dev")) <= pinned("dev").keys()


def test_locks_agree_on_every_version() -> None:
    base, dev = pinned("base"), pinned("dev")
    assert {name: dev.get(name) for name in base} == base


@pytest.mark.parametrize("target", TARGETS)
def test_every_command_exists_and_sets_itself_up(target: str) -> None:
    planned = run("make", "--dry-run", "--always-make", target)
    assert planned.returncode == 0, planned.stderr
    assert "-m venv .venv" in planned.stdout
    assert "--require-hashes -r requirements/dev.txt" in planned.stdout


@pytest.mark.skipif(
    not (ROOT / ".venv" / ".stamp").exists(), reason="another environment than make's is in use"
)
def test_setup_is_skipped_when_nothing_changed() -> None:
    agrees(
        "make",
        "--question",
        "--assume-old=requirements/dev.txt",
        "--assume-old=pyproject.toml",
        ".venv/.stamp",
    )


def test_run_serves_and_bench_measures() -> None:
    assert run("make", "--dry-run", "run").stdout.splitlines()[-1] == ".venv/bin/darkroom serve"
    assert run("make", "--dry-run", "bench").stdout.splitlines()[-1] == ".venv/bin/python benchmarks/run.py"


def test_ci_runs_what_people_run() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert "make test" in script.read_text()
    agrees("bash", "-n", script)


def test_package_is_what_the_design_says() -> None:
    project = PROJECT["project"]
    assert project["name"] == "darkroom-relay"
    assert project["license"] == "Apache-2.0"
    assert project["requires-python"] == ">=3.11"
    assert project["scripts"] == {"darkroom": "darkroom.cli:main"}
    assert "Apache License" in (ROOT / "LICENSE").read_text()
