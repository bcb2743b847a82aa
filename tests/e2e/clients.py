"""The clients that the end-to-end tests run: the contract's examples, and Node with its SDKs."""

import base64
import fcntl
import hashlib
import io
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.e2e.serving import Target

HERE = Path(__file__).parent
CONTRACT = HERE / "contract"
FOLDER = HERE / "node"
SIZE = (1024, 1024)
NO_REGISTRY = ("ENOTFOUND", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EAI_AGAIN")
"""What npm says where it cannot reach a registry at all."""


def example(name: str, target: Target) -> str:
    """An example of the contract with nothing changed but URL and key."""
    text = (CONTRACT / f"{name}.txt").read_text(encoding="utf-8")
    assert text.count("https://junfeiai.com/v1/responses") == text.count("YOUR_API_KEY") == 1
    return text.replace("https://junfeiai.com/v1", target.url).replace("YOUR_API_KEY", target.key)


def digest_of(file: bytes, format: str = "PNG") -> str:
    """The digest of a picture, after a look at it: a real file of the size that was asked for, whole."""
    with Image.open(io.BytesIO(file)) as image:
        image.load()
        assert (image.format, image.size) == (format, SIZE)
        colours = image.resize((16, 16)).getcolors(256)
        assert colours is not None
        assert len(colours) > 16, "nothing is drawn on it"
    return hashlib.sha256(file).hexdigest()


def digest_of_text(text: str) -> str:
    """The digest of a picture in base64."""
    return hashlib.sha256(base64.b64decode(text, validate=True)).hexdigest()


@dataclass(frozen=True)
class Node:
    """Node of a major version, with the clients of `node/package.json` beside it."""

    program: str
    major: int

    def run(self, script: Path, folder: Path, stdin: Any = None, timeout_s: float = 100) -> str:
        """What a script prints; it must succeed."""
        done = subprocess.run(
            [self.program, script],
            cwd=folder,
            input="" if stdin is None else json.dumps(stdin),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ask(self, client: str, **job: Any) -> Any:
        """What one of the clients in `node/sdk.mjs` got for a job."""
        return json.loads(self.run(FOLDER / "sdk.mjs", FOLDER, {"client": client, **job}))


def find_node() -> Node:
    """Node on this machine, the clients installed from the lock; skips the test where there is none."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None:
        pytest.skip("Node is not installed here: its clients are not tested")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    major = int(version.strip().removeprefix("v").partition(".")[0])
    if major < 18:
        pytest.skip(f"Node {major} is too old for the clients that are tested: 18 at least")
    _install(npm, version)
    return Node(program, major)


def _install(npm: str, version: str) -> None:
    """Install what the lock says into `node/node_modules`, unless that was done before."""
    with (FOLDER / "package-lock.json").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        _install_once(npm, version)


def _install_once(npm: str, version: str) -> None:
    stamp = FOLDER / "node_modules" / ".installed"
    lock = (FOLDER / "package-lock.json").read_bytes() + version.encode()
    wanted = hashlib.sha256(lock).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]
    done = subprocess.run(
        command, cwd=FOLDER, capture_output=True, text=True, check=False, env={**os.environ, "CI": "1"}
    )
    if done.returncode != 0 and any(code in done.stderr for code in NO_REGISTRY):
        pytest.skip("npm cannot reach a registry from here: Node's clients are not tested")
    assert done.returncode == 0, done.stderr
    stamp.write_text(wanted)
