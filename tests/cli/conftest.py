"""The command line as a test calls it: in this process, in an empty folder, with an environment of its own."""

import asyncio
import json
import os
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from darkroom.cli import run
from darkroom.sandbox import make_app
from darkroom.web.server import serving

KEY = "sk-for-the-sandbox"


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def tree(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


Call = Callable[..., Done]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Runs one command line."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("DARKROOM_", "OPENAI_")):
            monkeypatch.delenv(name)

    def call(*arguments: object) -> Done:
        code = run([str(argument) for argument in arguments])
        return Done(code, *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def drawing() -> Iterator[str]:
    """The base URL of a sandbox that draws fast and lets in KEY alone; it runs in a thread of this process."""
    told: queue.SimpleQueue[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = queue.SimpleQueue()

    async def serve() -> None:
        stop = asyncio.Event()
        async with serving(make_app("fast", KEY), "127.0.0.1", 0) as server:
            told.put((server.port, asyncio.get_running_loop(), stop))
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    port, loop, stop = told.get(timeout=30)
    yield f"http://127.0.0.1:{port}/v1"
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)


@pytest.fixture
def customer(cli: Call, drawing: str, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Runs one command line of a customer of that sandbox."""
    monkeypatch.setenv("DARKROOM_BASE_URL", drawing)
    monkeypatch.setenv("DARKROOM_API_KEY", KEY)
    return cli
