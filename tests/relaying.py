"""A relay on loopback for tests: a real gateway and server, in front of an upstream that plays what the test says."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from darkroom.channels.catalog import Channel
from darkroom.gateway.gateway import Gateway
from darkroom.ledger.accounts import Accounts
from darkroom.settings import Settings
from darkroom.store.engine import Store
from darkroom.traces import queries
from darkroom.traces.trace import Trace
from darkroom.web.outlet import Protocol
from darkroom.web.server import serving
from darkroom.web.v1 import make_app
from darkroom.wire import events
from darkroom.wire.codecs.responses import encode
from darkroom.wire.sse import write_frame

Play = Callable[["Heard"], Awaitable[None]]
IMAGE_BODY = {
    "model": "gpt-5.5",
    "input": "a lighthouse",
    "stream": True,
    "tools": [{"type": "image_generation", "model": "gpt-image-2", "partial_images": 1}],
    "tool_choice": {"type": "image_generation"},
}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAABAAAAAQACAIAAADwf7zU" + "A" * 60_000


class Heard:
    """One request as the upstream heard it, and the ways to answer it."""

    def __init__(
        self, head: str, body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.head = head
        self.body = body
        self.reader = reader
        self.writer = writer

    @property
    def tree(self) -> Any:
        """The body's JSON."""
        return json.loads(self.body)

    async def begin(self, status: str = "200 OK", content_type: str = "text/event-stream") -> None:
        """A chunked answer begins."""
        head = f"HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\nx-request-id: req_up\r\n"
        self.writer.write(head.encode() + b"transfer-encoding: chunked\r\n\r\n")
        await self.writer.drain()

    async def say(self, *pieces: bytes) -> None:
        """Chunks of the answer."""
        for piece in pieces:
            self.writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        await self.writer.drain()

    async def end(self) -> None:
        """The answer's proper end."""
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()

    async def whole(self, status: str, content_type: str, body: bytes, more: str = "") -> None:
        """A whole answer of known length."""
        head = (
            f"HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\n{more}content-length: {len(body)}\r\n\r\n"
        )
        self.writer.write(head.encode() + body)
        await self.writer.drain()

    async def left(self) -> None:
        """Until the relay closes this connection."""
        await self.reader.read()


class Upstream:
    """Plays scripts, one a request, the last one again and again; remembers what it heard."""

    def __init__(self, *plays: Play) -> None:
        self.plays = list(plays)
        self.heard: list[Heard] = []
        self.closed = 0
        self.port = 0
        self.talking: dict[asyncio.Task[Any] | None, asyncio.StreamWriter] = {}

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.talking[asyncio.current_task()] = writer
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, RuntimeError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next(
                    (
                        int(line.split(":")[1])
                        for line in head.split("\r\n")
                        if line.lower().startswith("content-length")
                    ),
                    0,
                )
                heard = Heard(head, await reader.readexactly(length), reader, writer)
                self.heard.append(heard)
                await (self.plays.pop(0) if len(self.plays) > 1 else self.plays[0])(heard)
                if writer.is_closing():
                    break
        self.closed += 1
        writer.close()


@contextlib.asynccontextmanager
async def upstream(*plays: Play) -> AsyncIterator[Upstream]:
    """An upstream that listens on loopback."""
    played = Upstream(*plays)
    server = await asyncio.start_server(played.talk, "127.0.0.1", 0, limit=1 << 26)
    played.port = server.sockets[0].getsockname()[1]
    try:
        yield played
    finally:
        server.close()
        for writer in played.talking.values():
            writer.transport.abort()
        # A play that is still told notices at its next word.
        if tasks := [task for task in played.talking if task is not None and not task.done()]:
            await asyncio.wait(tasks, timeout=5)


class Relaying:
    """A running relay: its gateway, address and a key."""

    def __init__(self, gateway: Gateway, port: int, secret: str) -> None:
        self.gateway = gateway
        self.port = port
        self.secret = secret
        self.url = f"http://127.0.0.1:{port}"

    @property
    def headers(self) -> dict[str, str]:
        """A caller's headers."""
        return {"authorization": f"Bearer {self.secret}", "content-type": "application/json"}

    async def traces(self) -> list[Trace]:
        """What has been recorded, newest first."""
        await self.gateway.recorder.flush()
        found = await self.gateway.traces.read(lambda c: queries.newest(c))
        return [
            await self.gateway.traces.read(lambda c, t=t: queries.find(c, t.request_id)) for t in found.traces
        ]

    async def idle(self, within_s: float = 5) -> None:
        """Until no exchange is under way."""
        async with asyncio.timeout(within_s):
            while self.gateway.in_flight:
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def relaying(folder: Any, *channels: Channel, **settings: Any) -> AsyncIterator[Relaying]:
    """A relay in front of `channels`, everything of it in `folder`."""
    store = await Store.open(f"sqlite:///{folder}/main.db")
    traces = await Store.open(f"sqlite:///{folder}/traces.db", part="traces", sync="relaxed")
    await Accounts(store).ensure_admin()
    nowhere = Channel(name="sandbox", base_url="http://127.0.0.1:9/v1", api_key="sk-none")
    gateway = Gateway(Settings(data=folder, **settings), store, traces, channels, nowhere, open_sandbox=False)
    await gateway.open()
    try:
        _, secret = await gateway.keys.create("admin")
        async with serving(make_app(gateway), "127.0.0.1", 0, http=Protocol) as server:
            yield Relaying(gateway, server.port, secret)
    finally:
        await gateway.close()
        await store.close()
        await traces.close()


def channel(played: Upstream, **fields: Any) -> Channel:
    """A channel to `played`."""
    base = {"name": "up", "base_url": f"http://127.0.0.1:{played.port}/v1", "api_key": "sk-upstream-secret"}
    return Channel(**{**base, **fields})


def picture_events(image: str = PIXEL, response_id: str = "resp_up") -> list[bytes]:
    """The frames of a right answer with one partial and one final picture."""
    response = {
        "id": response_id, "object": "response", "created_at": 1764000000, "status": "in_progress",
        "model": "gpt-5.5", "output": [],
    }  # fmt: skip
    call = {"id": "ig_up", "type": "image_generation_call", "status": "in_progress"}
    done = {**call, "status": "completed", "size": "1024x1024", "quality": "high", "result": image}
    at = {"output_index": 0, "item_id": "ig_up"}
    usage = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
    story = [
        events.Created(response=response),
        events.InProgress(response=response),
        events.ItemAdded(output_index=0, item=call),
        events.ImageInProgress(**at),
        events.ImageGenerating(**at),
        events.PartialImage(**at, index=0, image=image),
        events.ImageCompleted(**at),
        events.ItemDone(output_index=0, item=done),
        events.Completed(response={**response, "status": "completed", "output": [done], "usage": usage}),
    ]
    return [write_frame(encode(event, number)) for number, event in enumerate(story)]


def frames(body: bytes | str) -> list[dict[str, Any]]:
    """The events of a stream that reached the caller; every frame must be well-formed."""
    text = body.decode() if isinstance(body, bytes) else body
    assert text.endswith("\n\n"), "the last frame has no end"
    found = []
    for frame in text.removesuffix("\n\n").split("\n\n"):
        if frame.startswith(":"):
            continue
        name, data = frame.split("\n")
        tree = json.loads(data.removeprefix("data: "))
        assert tree["type"] in (name.removeprefix("event: "), "error")
        found.append(tree)
    assert [tree["sequence_number"] for tree in found] == list(range(len(found)))
    return found


async def play_picture(heard: Heard) -> None:
    """A right answer, told in one go."""
    await heard.begin()
    await heard.say(*picture_events())
    await heard.end()
