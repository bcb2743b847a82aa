"""The contract's own curl, Node and Python examples, changed in nothing but URL and key, save the picture.

Each runs as a customer would run it against the built-in sandbox and through an upstream, and then once more in every
dialect that an upstream may speak: there the picture must be the same, byte for byte, as in OpenAI's own wire.
"""

import base64
import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from darkroom.sandbox.dialects import DIALECTS
from tests.e2e.clients import Node, digest_of, digest_of_text, example
from tests.e2e.front import Front
from tests.e2e.serving import Target
from tests.relaying import frames

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("e2e"), pytest.mark.timeout(300)]

EVENTS = [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.image_generation_call.in_progress",
    "response.image_generation_call.generating",
    "response.image_generation_call.partial_image",
    "response.image_generation_call.completed",
    "response.output_item.done",
    "response.completed",
]
PICTURES = {EVENTS[5], EVENTS[7], EVENTS[8]}
PRINTED = [f"{'image event' if name in PICTURES else 'event'}: {name}" for name in EVENTS]
FAST = "fast"
PIECE = 65_536


def curl(target: Target) -> str:
    """What the curl example prints."""
    command = example("curl", target)
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, timeout=100)
    return done.stdout


def is_call(item: Any) -> bool:
    """An image call among the items of a response."""
    return isinstance(item, dict) and item["type"] == "image_generation_call"


def picture_in(stream: str) -> str:
    """The digest of the picture in a stream; it is where the contract says, and the same in both places."""
    told = frames(stream)
    [final] = [item for tree in told if is_call(item := tree.get("item")) and "result" in item]
    assert final["status"] == "completed"
    assert [item for item in told[-1]["response"]["output"] if is_call(item)] == [final]
    return digest_of_text(final["result"])


@pytest.fixture(scope="module")
def english(built_in: Target) -> str:
    """The digest of the picture that curl's prompt makes."""
    return picture_in(curl(built_in))


@pytest.fixture(scope="module")
def chinese(built_in: Target, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digest of the picture that the prompt of the other two makes."""
    return run_python_here(built_in, tmp_path_factory.mktemp("chinese"))


def run_python_here(target: Target, folder: Path) -> str:
    """The digest of what the Python example saves. It runs in this process and reads larger pieces, which is quicker.

    Its line reader starts again at the line's beginning for every 512 bytes, which takes seconds a picture.
    """
    program = folder / "example.py"
    program.write_text(example("python", target), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(requests.Response.iter_lines, "__defaults__", (PIECE, False, None))
        runpy.run_path(str(program))
    return digest_of((folder / "output.png").read_bytes())


def run_node(node: Node, target: Target, folder: Path) -> list[str]:
    """The lines that the Node example prints."""
    (folder / "example.mjs").write_text(example("node", target), encoding="utf-8")
    return node.run(folder / "example.mjs", folder).splitlines()


def test_curl_prints_the_stages_and_the_picture(target: Target) -> None:
    stream = curl(target)
    told = frames(stream)
    assert [tree["type"] for tree in told] == EVENTS
    picture_in(stream)
    digest_of(base64.b64decode(told[7]["item"]["result"]))
    partial = told[5]
    assert partial["partial_image_index"] == 0
    digest_of(base64.b64decode(partial["partial_image_b64"]))


def test_node_saves_the_picture(node: Node, target: Target, tmp_path: Path) -> None:
    assert run_node(node, target, tmp_path) == PRINTED
    digest_of((tmp_path / "output.png").read_bytes())


def test_python_saves_the_picture(target: Target, tmp_path: Path) -> None:
    (tmp_path / "example.py").write_text(example("python", target), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == PRINTED
    digest_of((tmp_path / "output.png").read_bytes())


@pytest.mark.parametrize("dialect", DIALECTS)
def test_curl_gets_the_same_picture_in_dialect(
    dialect: str, through: Target, door: Front, english: str
) -> None:
    door.scenarios.append(f"{FAST},dialect={dialect}")
    assert picture_in(curl(through)) == english


@pytest.mark.parametrize("dialect", DIALECTS)
def test_python_saves_the_same_picture_in_dialect(
    dialect: str, through: Target, door: Front, chinese: str, tmp_path: Path
) -> None:
    door.scenarios.append(f"{FAST},dialect={dialect}")
    assert run_python_here(through, tmp_path) == chinese


@pytest.fixture(scope="module")
def node_folders(node: Node, through: Target, door: Front, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the Node example saves in each dialect, a folder each. One Node runs them all: it starts slowly."""
    top = tmp_path_factory.mktemp("node")
    for dialect in DIALECTS:
        (top / dialect).mkdir()
        (top / dialect / "example.mjs").write_text(example("node", through), encoding="utf-8")
    every = "\n".join(
        f"process.chdir({json.dumps(str(top / dialect))});"
        f"try {{ await import({json.dumps((top / dialect / 'example.mjs').as_uri())}); }}"
        "catch (error) { console.log(String(error)); }"
        for dialect in DIALECTS
    )
    (top / "every.mjs").write_text(every)
    door.scenarios.extend(f"{FAST},dialect={dialect}" for dialect in DIALECTS)
    node.run(top / "every.mjs", top)
    assert not door.scenarios, "each example sends one request"
    return top


@pytest.mark.parametrize("dialect", DIALECTS)
def test_node_saves_the_same_picture_in_dialect(dialect: str, node_folders: Path, chinese: str) -> None:
    assert digest_of((node_folders / dialect / "output.png").read_bytes()) == chinese
