"""The whole product on loopback for acceptance tests: `app.opened` behind a real server, sandboxes as its upstreams."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2

from darkroom.app import opened
from darkroom.gateway.gateway import Gateway
from darkroom.sandbox import make_app as make_sandbox
from darkroom.settings import Settings
from darkroom.traces import queries
from darkroom.traces.trace import Trace
from darkroom.web.outlet import Protocol
from darkroom.web.server import serving
from darkroom.web.v1 import make_app

SUPPORT = "help@darkroom.example"
UPSTREAM_KEY = "sk-upstream-key-that-nobody-may-see"
TOOL = {"type": "image_generation", "model": "gpt-image-2", "size": "1024x1024", "quality": "low"}


def picture(scenario: str = "", *, stream: bool = True, **fields: Any) -> dict[str, Any]:
    """A request for a picture; the upstream plays `scenario`, without any delay that it does not name."""
    asked = {"model": "gpt-5.5", "input": f"a lighthouse [scenario: fast, {scenario}]", "stream": stream}
    return {**asked, "tools": [TOOL], "tool_choice": {"type": "image_generation"}, **fields}


def text(scenario: str = "", **fields: Any) -> dict[str, Any]:
    """A request without the tool."""
    return {"model": "gpt-5.5", "input": f"hello [scenario: fast, {scenario}]", **fields}


class Composed:
    """The running product, its address, and a key of its first account."""

    def __init__(self, gateway: Gateway, port: int, secret: str, client: httpx2.AsyncClient) -> None:
        self.gateway = gateway
        self.client = client
        self.talks: list[Talk] = []
        self.port = port
        self.secret = secret
        self.base = f"http://127.0.0.1:{port}/v1"

    async def call(
        self, path: str = "/responses", body: Any = None, *, method: str = "POST", **more: Any
    ) -> httpx2.Response:
        """One request; `body` is JSON, or bytes sent as they are."""
        headers = {"authorization": f"Bearer {more.pop('secret', self.secret)}", **more.pop("headers", {})}
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        url = f"{self.base}{path}" if path.startswith("/") else path
        headers = {"content-type": "application/json", **headers}
        return await self.client.request(method, url, content=content, headers=headers, **more)

    async def talk(self, body: Any, *, limit: int = 1 << 16) -> "Talk":
        """A request on a plain socket, for callers who read slowly or leave."""
        content = json.dumps(body).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=limit)
        head = f"POST /v1/responses HTTP/1.0\r\nauthorization: Bearer {self.secret}\r\n"
        writer.write(f"{head}content-length: {len(content)}\r\n\r\n".encode() + content)
        self.talks.append(Talk(reader, writer))
        return self.talks[-1]

    async def traces(self) -> list[Trace]:
        """What has been recorded, newest first."""
        await self.gateway.recorder.flush()
        found = await self.gateway.traces.read(lambda c: queries.newest(c))
        return [
            await self.gateway.traces.read(lambda c, t=t: queries.find(c, t.request_id)) for t in found.traces
        ]

    async def idle(self, within_s: float = 5) -> float:
        """Until no exchange is under way; how long that took."""
        began = time.monotonic()
        async with asyncio.timeout(within_s):
            while self.gateway.in_flight:
                await asyncio.sleep(0.005)
        return time.monotonic() - began


class Talk:
    """An answer on a plain socket; HTTP/1.0, so that its body has no frames of its own and goes to the close."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def until(self, marker: bytes) -> bytes:
        """All bytes up to and with `marker`."""
        return await self.reader.readuntil(marker)

    async def rest(self) -> bytes:
        """All bytes to the close."""
        return await self.reader.read()

    def leave(self) -> None:
        """Hang up."""
        self.writer.transport.abort()


def upstream_table(port: int, **fields: Any) -> dict[str, Any]:
    """A `[[channel]]` of the settings for a server on `port`."""
    base = {"name": "main", "base_url": f"http://127.0.0.1:{port}/v1", "api_key": UPSTREAM_KEY}
    return {**base, **fields}


@contextlib.asynccontextmanager
async def sandbox(scenario: str = "") -> AsyncIterator[int]:
    """A sandbox upstream that knows one key; gives its port."""
    async with serving(make_sandbox(scenario, key=UPSTREAM_KEY), "127.0.0.1", 0) as server:
        yield server.port


@contextlib.asynccontextmanager
async def running(folder: Path, *channels: dict[str, Any], **settings: Any) -> AsyncIterator[Composed]:
    """The product with these channels, everything of it in `folder`."""
    chosen = Settings(data=folder, channels=channels, **{"support": SUPPORT, **settings})
    async with opened(chosen) as gateway:
        _, secret = await gateway.keys.create("admin")
        async with (
            serving(make_app(gateway), "127.0.0.1", 0, http=Protocol) as server,
            httpx2.AsyncClient(timeout=20) as client,
        ):
            made = Composed(gateway, server.port, secret, client)
            try:
                yield made
            finally:
                for talk in made.talks:
                    talk.leave()


@contextlib.asynccontextmanager
async def composed(folder: Path, scenario: str = "", **fields: Any) -> AsyncIterator[Composed]:
    """The product before one sandbox upstream; `fields` of a channel are its, the others are settings."""
    own = ("connect_s", "first_event_s", "silence_s", "total_s", "streams", "models")
    mine = {name: value for name, value in fields.items() if name in own}
    settings = {name: value for name, value in fields.items() if name not in own}
    async with sandbox(scenario) as port, running(folder, upstream_table(port, **mine), **settings) as made:
        yield made


def refusal(answer: httpx2.Response, status: int, code: str | None = "any", param: str | None = "any") -> Any:
    """The error object of an answer, after what every refusal must be was checked."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    request_id = answer.headers["x-request-id"]
    error = answer.json()["error"]
    assert {"message", "type", "param", "code"} <= set(error)
    assert code in ("any", error["code"]), error
    assert param in ("any", error["param"]), error
    if status >= 500:
        assert error["message"].endswith(f"contact {SUPPORT} and mention request id {request_id}.")
    assert len(error["message"]) > 30, "a message says what to do"
    return error
