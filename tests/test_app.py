"""The composition: what is made at the start and closed at the end, and the stop, seen from outside as a process."""

import contextlib
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from darkroom import errors
from darkroom.app import opened
from darkroom.settings import Settings
from darkroom.store.engine import Store
from darkroom.traces.queries import newest
from darkroom.traces.recorder import Recorder
from tests.e2e.serving import SERVES
from tests.relaying import IMAGE_BODY, frames
from tests.traces.samples import simple

CHANNEL = {"name": "main", "base_url": "http://127.0.0.1:9/v1", "api_key": "sk-x"}


@pytest.mark.anyio
async def test_sandbox_serves_everybody_until_a_first_channel_was_configured(tmp_path: Path) -> None:
    async with opened(Settings(data=tmp_path / "new")) as gateway:
        key, _ = await gateway.keys.create("admin")
        assert gateway.choose(key) == (gateway.sandbox,)


@pytest.mark.anyio
async def test_sandbox_never_serves_in_place_of_channels_that_are_gone(tmp_path: Path) -> None:
    async with opened(Settings(data=tmp_path, channels=(CHANNEL,))) as gateway:
        key, _ = await gateway.keys.create("admin")
        assert [channel.name for channel in gateway.choose(key)] == ["main"]
    async with opened(Settings(data=tmp_path)) as gateway:
        assert gateway.choose(key) == ()
        test_key, _ = await gateway.keys.create("admin", test=True)
        assert gateway.choose(test_key) == (gateway.sandbox,)


@pytest.mark.anyio
async def test_built_in_sandbox_lets_in_this_process_alone_and_ends_with_it(tmp_path: Path) -> None:
    async with opened(Settings(data=tmp_path)) as gateway, httpx2.AsyncClient() as client:
        url = f"{gateway.sandbox.base_url}/models"
        assert (await client.get(url, headers={"authorization": "Bearer sk-x"})).status_code == 401
        ours = {"authorization": f"Bearer {gateway.sandbox.api_key}"}
        assert (await client.get(url, headers=ours)).status_code == 200
    async with httpx2.AsyncClient() as client:
        with pytest.raises(httpx2.ConnectError):
            await client.get(url)


@pytest.mark.anyio
async def test_wrong_channel_stops_the_start_before_anything_is_made(tmp_path: Path) -> None:
    wrong = {**CHANNEL, "api_key": "env:NO_SUCH_KEY"}
    with pytest.raises(errors.Invalid, match="NO_SUCH_KEY"):
        async with opened(Settings(data=tmp_path, channels=(wrong,))):
            pass
    assert not (tmp_path / "darkroom.db").exists()


@pytest.mark.anyio
async def test_old_traces_are_forgotten_and_the_last_ones_written(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, trace_days=1)
    store = await Store.open(settings.trace_store_url, part="traces")
    recorder = Recorder(store)
    recorder.put(simple("req_old", started_at=1))
    await recorder.flush()
    async with opened(settings) as gateway:
        while (await store.read(newest)).traces:
            pass
        gateway.recorder.put(simple("req_last", started_at=time.time_ns() // 1000))
    assert [trace.request_id for trace in (await store.read(newest)).traces] == ["req_last"]
    await store.close()


@contextlib.contextmanager
def served(data: Path) -> Iterator[tuple["subprocess.Popen[bytes]", str, dict[str, str]]]:
    """A relay with a long grace: its process, base URL and a caller's headers."""
    (data / "darkroom.toml").write_text("stop_grace_s = 300\n")
    said = data / "said"
    command = [Path(sys.executable).parent / "darkroom", "serve", "--port", "0", "--data", str(data)]
    with said.open("wb") as stderr, subprocess.Popen(command, stderr=stderr) as process:
        try:
            while not (found := SERVES.search(said.read_text())) and process.poll() is None:
                time.sleep(0.02)
            assert found, said.read_text()
            secret = re.search(r"sk-[\w-]+", (data / "first-start.txt").read_text())
            assert secret
            yield process, f"http://127.0.0.1:{found[1]}/v1", {"authorization": f"Bearer {secret[0]}"}
        finally:
            process.kill()


def begun(pieces: Iterator[bytes]) -> bytes:
    """What came until the picture is being made."""
    text = b""
    while b"event: response.image_generation_call.generating" not in text:
        text += next(pieces)
    return text


def refused(url: str) -> None:
    """Wait until nobody listens any more."""
    address = ("127.0.0.1", int(url.rpartition(":")[2].removesuffix("/v1")))
    with contextlib.suppress(ConnectionRefusedError):
        while True:
            socket.create_connection(address).close()
            time.sleep(0.02)


def types(body: bytes) -> list[Any]:
    return [tree["type"] for tree in frames(body)]


@pytest.mark.slow
def test_stop_closes_the_listener_and_lets_a_picture_be_finished(tmp_path: Path) -> None:
    with served(tmp_path) as (process, url, headers):
        headers["x-darkroom-scenario"] = "fast,delay_image_ms=1000"
        with httpx2.stream(
            "POST", f"{url}/responses", json=IMAGE_BODY, headers=headers, timeout=60
        ) as answer:
            pieces = answer.iter_raw()
            text = begun(pieces)
            process.send_signal(signal.SIGTERM)
            refused(url)
            text += b"".join(pieces)
        assert types(text)[-1] == "response.completed"
        assert process.wait(30) == 0
        assert '"event": "stopping"' in (tmp_path / "said").read_text()


@pytest.mark.slow
def test_second_signal_hurries_and_streams_end_well_formed_all_the_same(tmp_path: Path) -> None:
    with served(tmp_path) as (process, url, headers):
        headers["x-darkroom-scenario"] = "fast,stall=after_generating"
        with httpx2.stream(
            "POST", f"{url}/responses", json=IMAGE_BODY, headers=headers, timeout=60
        ) as answer:
            pieces = answer.iter_raw()
            text = begun(pieces)
            process.send_signal(signal.SIGTERM)
            refused(url)
            process.send_signal(signal.SIGINT)
            text += b"".join(pieces)
        assert types(text)[-2:] == ["error", "response.failed"]
        assert frames(text)[-1]["response"]["error"]["code"] == "stopping"
        assert process.wait(30) == 0
        assert "Traceback" not in (tmp_path / "said").read_text()
