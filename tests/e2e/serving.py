"""Real processes for the end-to-end tests: `darkroom serve` and `darkroom sandbox`, as a shell would start them."""

import contextlib
import ctypes
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BIN = Path(sys.executable).parent
START_S = 30
SERVES = re.compile(r'"port": (\d+), .*"event": "serving"')
DRAWS = re.compile(r"ready at http://127\.0\.0\.1:(\d+)/v1")


@dataclass(frozen=True)
class Target:
    """A running relay: the base URL and a key, which is all that a client is told."""

    url: str
    key: str
    data: Path

    @property
    def origin(self) -> str:
        """The base URL without its /v1."""
        return self.url.removesuffix("/v1")


def _end_with_parent() -> None:
    """On Linux, no server outlives the test run, however that ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


@contextlib.contextmanager
def running(ready: re.Pattern[str], *arguments: str | Path) -> Iterator[int]:
    """A `darkroom` command that serves inside the block; gives the port that it says it listens on."""
    with tempfile.NamedTemporaryFile("w+") as said:
        command = [str(part) for part in (BIN / "darkroom", *arguments)]
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=said, preexec_fn=_end_with_parent
        )
        try:
            yield _port(process, Path(said.name), ready)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _port(process: "subprocess.Popen[bytes]", said: Path, ready: re.Pattern[str]) -> int:
    """The port, as soon as the process has said it."""
    for _ in range(START_S * 20):
        if found := ready.search(said.read_text()):
            return int(found[1])
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise AssertionError(f"{process.args} does not serve: {said.read_text()}")


@contextlib.contextmanager
def relay(data: Path, config: str = "") -> Iterator[Target]:
    """A relay that keeps everything in `data`; without a channel in `config` the built-in sandbox answers."""
    data.mkdir(parents=True)
    (data / "darkroom.toml").write_text(f"stop_grace_s = 0\n{config}")
    with running(SERVES, "serve", "--port", "0", "--data", data) as port:
        found = re.search(r"sk-[\w-]+", (data / "first-start.txt").read_text())
        assert found, "the first start leaves a key"
        yield Target(f"http://127.0.0.1:{port}/v1", found[0], data)


def sandbox() -> contextlib.AbstractContextManager[int]:
    """The sandbox alone; gives its port."""
    return running(DRAWS, "sandbox", "--port", "0")


def channel(name: str, port: int, model: str) -> str:
    """A channel of a config file, for one outer model."""
    lines = [
        "[[channel]]",
        f'name = "{name}"',
        f'base_url = "http://127.0.0.1:{port}/v1"',
        'api_key = "sk-for-the-upstream"',
        f'models = ["{model}", "gpt-image-2"]',
        'speaks = ["responses"]',
    ]
    return "\n".join(lines) + "\n"
