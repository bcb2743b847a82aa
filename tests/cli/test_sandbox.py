"""`darkroom sandbox`: the upstream that draws, alone, as a process."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.cli.conftest import Call

BODY = {
    "model": "gpt-5.5", "input": "a cat", "stream": True, "tools": [{"type": "image_generation"}],
    "tool_choice": {"type": "image_generation"},
}  # fmt: skip


@pytest.fixture(scope="module")
def served() -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A sandbox that stalls by default, and its base URL."""
    command = [Path(sys.executable).parent / "darkroom", "sandbox", "--port", "0", "--key", "sk-only"]
    scenario = ("--scenario", "fast,stall=after_created")
    with subprocess.Popen([*command, *scenario], stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            ready = re.fullmatch(r"The sandbox is ready at (http://127\.0\.0\.1:\d+/v1)\n", line)
            assert ready, line
            yield process, ready[1]
        finally:
            process.kill()


@pytest.mark.slow
def test_sandbox_lets_in_its_key_alone_plays_its_scenario_and_stops_in_spite_of_it(
    served: tuple["subprocess.Popen[str]", str],
) -> None:
    process, url = served
    assert httpx2.get(f"{url}/models", headers={"authorization": "Bearer sk-x"}).status_code == 401
    headers = {"authorization": "Bearer sk-only"}
    with httpx2.stream("POST", f"{url}/responses", json=BODY, headers=headers, timeout=60) as answer:
        pieces = answer.iter_raw()
        assert b"response.created" in next(pieces)
        process.send_signal(signal.SIGTERM)
        with pytest.raises(httpx2.TransportError):
            list(pieces)
    assert process.wait(30) == 0


def test_wrong_scenario_is_refused_before_it_serves(cli: Call) -> None:
    done = cli("sandbox", "--port", "0", "--scenario", "nonsense")
    assert done.code == 1
    assert done.err.startswith("darkroom: Unknown word 'nonsense' in the scenario. Known are: ")


def test_port_that_is_taken_is_told_in_one_line(cli: Call, drawing: str) -> None:
    port = drawing.split(":")[2].removesuffix("/v1")
    done = cli("sandbox", "--port", port)
    assert done.code == 1
    assert done.err == (
        f"darkroom: Cannot listen on 127.0.0.1:{port}: Address already in use. "
        "Choose another port, or stop what listens there.\n"
    )
