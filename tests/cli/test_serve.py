"""`darkroom serve` as a process: flags, environment and file, the first start, and commands beside it."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.cli.conftest import Call
from tests.e2e.serving import SERVES, Target, running

DARKROOM = Path(sys.executable).parent / "darkroom"


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A relay in a folder of its own, whose file names a port that the flag wins over."""
    data = tmp_path_factory.mktemp("data")
    (data / "darkroom.toml").write_text('port = 1\nsupport = "ops@example"\nstop_grace_s = 0\n')
    with running(SERVES, "serve", "--data", data, "--port", 0) as port:
        secret = re.search(r"sk-[\w-]+", (data / "first-start.txt").read_text())
        assert secret
        yield Target(f"http://127.0.0.1:{port}/v1", secret[0], data)


@pytest.mark.slow
def test_first_start_leaves_the_key_in_a_file_for_its_owner_alone(target: Target) -> None:
    file = target.data / "first-start.txt"
    assert file.stat().st_mode & 0o777 == 0o600
    assert f"DARKROOM_BASE_URL={target.url} " in file.read_text()
    assert httpx2.get(f"{target.origin}/readyz").json() == {"status": "ready"}


@pytest.mark.slow
def test_line_of_the_first_start_makes_a_picture(target: Target, tmp_path: Path) -> None:
    line = (target.data / "first-start.txt").read_text().splitlines()[-1]
    command = line[line.index("DARKROOM_BASE_URL") :].replace("darkroom generate", f"{DARKROOM} generate")
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "lighthouse.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_commands_work_beside_the_running_server(target: Target, cli: Call) -> None:
    there = ("--data", target.data)
    assert cli("account", "create", "bob", *there).code == 0
    made = cli("key", "create", "--account", "bob", "--json", *there).tree
    headers = {"authorization": f"Bearer {made['key']}", "x-darkroom-scenario": "fast"}
    body = {"model": "gpt-5.5", "input": "cat", "tools": [{"type": "image_generation"}]}
    answer = httpx2.post(f"{target.url}/responses", json=body, headers=headers, timeout=60)
    assert answer.status_code == 200
    # The server writes its traces in batches, within a second.
    for _ in range(100):
        if found := cli("trace", "list", "--account", "bob", "--json", *there).tree["traces"]:
            break
    assert found[0]["request_id"] == answer.headers["x-request-id"]
    assert "generating" in cli("trace", "show", found[0]["request_id"], *there).out
    assert cli("key", "revoke", made["id"], *there).code == 0
    with httpx2.Client(headers=headers) as client:
        while (answer := client.get(f"{target.url}/models")).status_code == 200:
            time.sleep(0.05)
    assert answer.json()["error"]["code"] == "key_revoked"


@pytest.mark.slow
def test_port_that_is_taken_is_one_line_and_1(target: Target, tmp_path: Path) -> None:
    port = target.origin.rpartition(":")[2]
    command = [DARKROOM, "serve", "--port", port, "--data", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"darkroom: Cannot listen on 127.0.0.1:{port}: Address already in use.")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "first-start.txt").exists(), "who never served has shown no key"


def test_wrong_settings_are_one_line_and_1(
    cli: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "c.toml").write_text('stop_grace_s = "long"\n')
    for arguments, words in (
        (("--config", "no.toml"), "no.toml: there is no such config file"),
        (("--config", "c.toml"), "c.toml: `stop_grace_s`: expected a number"),
        (("--data", "file"), "file/darkroom.toml: cannot be read: Not a directory"),
    ):
        done = cli("serve", *arguments)
        assert done.code == 1
        assert done.err.startswith(f"darkroom: {words}")
        assert done.err.count("\n") == 1
    monkeypatch.setenv("DARKROOM_PORT", "abc")
    assert cli("serve").err == "darkroom: DARKROOM_PORT: expected a port from 0 to 65535, got 'abc'\n"


def test_help_says_which_wins(cli: Call) -> None:
    shown = " ".join(cli("serve", "--help").out.split())
    assert "An option wins over its environment variable, that over the config file" in shown
    for name in ("DARKROOM_HOST", "DARKROOM_PORT", "DARKROOM_DATA", "DARKROOM_CONFIG"):
        assert name in shown
