"""The contract's Python example finishes an 8 MB image with one partial, although it reads slower and slower.

Its line reader starts again at the line's beginning for every 512 bytes, so that a picture ten times as large takes a
hundred times as long: minutes for 8 MB, past the lag after which the rest goes to disk and the upstream is let go.
Here it reads pieces thirty-two times as large, and the relay's two deadlines for slow callers are as many times
shorter: the same race in a fraction of the time.
"""

import json
import runpy
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e import serving
from tests.e2e.clients import digest_of, example
from tests.e2e.front import Front
from tests.e2e.serving import BIN, Target

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("e2e"), pytest.mark.timeout(300)]

HASTE = 32
IMAGE_BYTES = 8_000_000
HASTY = f"caller_lag_s = {30 / HASTE}\ncaller_stall_s = {120 / HASTE}\n"


@pytest.fixture
def hasty(tmp_path: Path, door: Front) -> Iterator[Target]:
    """A relay whose patience with slow callers is as much shorter as its reader is faster."""
    with serving.relay(tmp_path / "hasty", HASTY + serving.channel("door", door.port, "gpt-5.5")) as target:
        yield target


def traced(target: Target) -> Any:
    """The relay's own word on its only request."""
    shown = [BIN / "darkroom", "trace", "list", "--json", "--data", target.data]
    done = subprocess.run(shown, capture_output=True, text=True, check=True, cwd=target.data)
    [trace] = json.loads(done.stdout)["traces"]
    return trace


def test_python_example_finishes_eight_megabytes(
    hasty: Target,
    door: Front,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    door.scenarios.append(f"fast,image_bytes={IMAGE_BYTES}")
    program = tmp_path / "example.py"
    program.write_text(example("python", hasty), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(requests.Response.iter_lines, "__defaults__", (512 * HASTE, False, None))
    runpy.run_path(str(program))
    assert capsys.readouterr().out.count("image event:") == 3
    picture = (tmp_path / "output.png").read_bytes()
    assert len(picture) == IMAGE_BYTES
    digest_of(picture)
    trace = traced(hasty)
    assert trace["outcome"] == "completed"
