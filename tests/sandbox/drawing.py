"""What the tests of the sandbox share: small sheets, how far pictures are apart, and a sandbox on loopback."""

import asyncio
import contextlib
import io
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any

import httpx2
from PIL import Image, ImageChops, ImageStat

from darkroom.sandbox import make_app
from darkroom.sandbox.canvas import Canvas
from darkroom.sandbox.palette import PALETTES
from darkroom.web.server import serving

Tree = dict[str, Any]
SMALL = "fast, deliver_size=96x64"
"""Makes the sandbox quick: no delays, and a picture that is drawn in a few milliseconds."""
ASK: Tree = {
    "model": "gpt-5.5",
    "input": "a lighthouse at night",
    "stream": True,
    "tools": [{"type": "image_generation", "model": "gpt-image-2", "size": "1024x1024", "partial_images": 1}],
    "tool_choice": {"type": "image_generation"},
}
"""A picture with one preview."""


def sheet(
    draw: Callable[..., Any] | None = None,
    *arguments: Any,
    hour: str = "day",
    seed: int = 1,
    size: tuple[int, int] = (192, 128),
    detail: float = 1.0,
    cut: bool = False,
) -> Canvas:
    """A canvas, with something drawn on it."""
    canvas = Canvas(size, PALETTES[hour][0], Random(seed), detail, cut)
    if draw is not None:
        draw(canvas, *arguments)
    return canvas


def far(one: Image.Image, other: Image.Image) -> float:
    """How far two pictures of one size are apart: the mean distance of their levels, 0 to 255."""
    assert one.size == other.size
    stat = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB")))
    return sum(stat.mean) / 3


def colour(image: Image.Image, box: tuple[int, int, int, int] | None = None) -> tuple[float, ...]:
    """The mean colour of a picture or a part of it."""
    return tuple(ImageStat.Stat(image.crop(box) if box else image).mean)


def count(image: Image.Image, wanted: Callable[..., bool]) -> int:
    """How many pixels are of a wanted colour."""
    return sum(times for times, levels in image.getcolors(1 << 24) or () if wanted(*levels))


def share(alpha: Image.Image | None, box: tuple[int, int, int, int] | None = None) -> float:
    """How much of a sheet, or of a part of it, its subject covers, from 0 to 1."""
    assert alpha is not None
    return colour(alpha, box)[0] / 255


def file(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    """A picture as a file."""
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def opened(content: bytes) -> Image.Image:
    """A file as a picture, decoded to its last pixel."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def text_of(content: bytes) -> str:
    """A file in base64."""
    return b64encode(content).decode()


def picture_of(text: str) -> Image.Image:
    """The picture of a base64 text."""
    return opened(b64decode(text, validate=True))


def events(body: bytes) -> list[Tree]:
    """The events of a stream in which every frame is as it should be."""
    assert body.endswith(b"\n\n")
    found = []
    for frame in body.decode().removesuffix("\n\n").split("\n\n"):
        name, data = frame.split("\n")
        tree = json.loads(data.removeprefix("data: "))
        assert name == f"event: {tree['type']}"
        found.append(tree)
    return found


def kinds(trees: list[Tree]) -> list[str]:
    """The types of events, without their common beginning."""
    return [tree["type"].removeprefix("response.").removeprefix("image_generation_call.") for tree in trees]


@contextlib.asynccontextmanager
async def sandbox(scenario: str = SMALL, key: str | None = None) -> AsyncIterator[httpx2.AsyncClient]:
    """A sandbox that listens on loopback, and a client with its address."""
    async with serving(make_app(scenario, key), "127.0.0.1", 0) as server:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}/v1", timeout=30) as client:
            yield client


async def hear(
    client: httpx2.AsyncClient, body: Tree, scenario: str = "", path: str = "/responses"
) -> tuple[bytes, str]:
    """The bytes of an answer, and how it ended: `whole`, `cut` or `reset`."""
    heard = bytearray()
    headers = {"x-darkroom-scenario": scenario}
    try:
        async with client.stream("POST", path, json=body, headers=headers) as answer:
            async for piece in answer.aiter_bytes():
                heard += piece
    except httpx2.RemoteProtocolError:
        return bytes(heard), "cut"
    except httpx2.ReadError:
        return bytes(heard), "reset"
    return bytes(heard), "whole"


async def hear_until_silence(client: httpx2.AsyncClient, body: Tree, scenario: str, frames: int) -> bytes:
    """The bytes of an answer that says nothing more after that many events: nothing for a tenth of a second."""
    heard = bytearray()

    async def listen() -> None:
        async with client.stream(
            "POST", "/responses", json=body, headers={"x-darkroom-scenario": scenario}
        ) as answer:
            async for piece in answer.aiter_bytes():
                heard.extend(piece)
                if heard.count(b"\n\n") >= frames:
                    enough.set()
        ended.set()

    enough, ended = asyncio.Event(), asyncio.Event()
    task = asyncio.get_running_loop().create_task(listen())
    try:
        if frames:
            await asyncio.wait_for(enough.wait(), 30)
        await asyncio.wait({task}, timeout=0.1)
        assert not ended.is_set(), "the answer has ended"
        return bytes(heard)
    finally:
        task.cancel()
        await asyncio.wait({task})
