"""The program as a whole: its exit codes, and that it answers at once."""

import subprocess
import sys
from pathlib import Path

import pytest

from darkroom import __version__
from tests.cli.conftest import Call

HEAVY = ("sqlalchemy", "uvicorn", "starlette", "httpx2", "PIL", "structlog", "asyncpg", "darkroom.app")


def test_exit_code_is_0_for_done_1_for_refused_2_for_wrong_usage(cli: Call) -> None:
    assert cli("--help").code == 0
    assert cli("account", "show", "nobody").code == 1
    for wrong in ((), ("nope",), ("key", "create"), ("key", "revoke", "x"), ("serve", "--port", "70000")):
        assert cli(*wrong).code == 2


def test_wrong_usage_is_told_on_stderr_alone(cli: Call) -> None:
    done = cli("key", "create", "--json")
    assert done.out == ""
    assert "--account" in done.err


def test_help_names_every_command(cli: Call) -> None:
    shown = cli("-h").out
    for command in ("serve", "generate", "sandbox", "account", "key", "channel", "trace"):
        assert f"\n  {command} " in shown


@pytest.mark.slow
def test_program_is_installed_and_tells_its_version() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "darkroom", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"darkroom {__version__}\n"


@pytest.mark.slow
def test_help_loads_nothing_that_only_commands_need() -> None:
    code = "import sys; from darkroom.cli import run; run(['key', '--help']); sys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(HEAVY).isdisjoint(done.stderr.split())
