"""A relay that plays recorded bytes over a real loopback connection, for what no sandbox would send."""

import contextlib
import io
import json
import socket
import struct
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from darkroom.wire.sse import write_frame

RESET = object()
"""In a script: break the connection with a reset."""
Step = bytes | float | object


@dataclass
class Played:
    """What was asked of a relay that plays: one entry a request."""

    url: str = ""
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    at: list[float] = field(default_factory=list)

    def body(self, number: int = 0) -> Any:
        return json.loads(self.bodies[number])


@contextlib.contextmanager
def play(*scripts: list[Step]) -> Iterator[Played]:
    """Answer request after request with the bytes of one script each; floats are pauses in seconds."""
    listener = socket.create_server(("127.0.0.1", 0))
    played = Played(url=f"http://127.0.0.1:{listener.getsockname()[1]}/v1")
    thread = threading.Thread(target=_serve, args=(listener, list(scripts), played), daemon=True)
    thread.start()
    try:
        yield played
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def _serve(listener: socket.socket, scripts: list[list[Step]], played: Played) -> None:
    for script in scripts:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        with peer, contextlib.suppress(OSError):
            _answer(peer, script, played)


def _answer(peer: socket.socket, script: list[Step], played: Played) -> None:
    text = b""
    while b"\r\n\r\n" not in text:
        text += peer.recv(65536)
    head, _, body = text.partition(b"\r\n\r\n")
    length = next(
        int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    )
    while len(body) < length:
        body += peer.recv(65536)
    played.heads.append(head)
    played.bodies.append(body)
    played.at.append(time.monotonic())
    for step in script:
        if isinstance(step, bytes):
            peer.sendall(step)
        elif isinstance(step, float):
            time.sleep(step)
        else:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def head(status: int = 200, media_type: str = "text/event-stream; charset=utf-8", **headers: str) -> bytes:
    """A status line and headers; the body ends with the connection."""
    lines = [f"HTTP/1.1 {status} Word", f"content-type: {media_type}", "connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def refusal(status: int, code: str | None, message: str = "No.", **headers: str) -> list[Step]:
    """A whole error answer."""
    body = {"error": {"message": message, "type": "some_error", "param": None, "code": code}}
    return [head(status, "application/json", **headers), json.dumps(body).encode()]


def picture(format: str = "PNG", size: tuple[int, int] = (64, 48), noise: bool = False) -> bytes:
    """A real picture file; `noise` makes it large."""
    image = Image.effect_noise(size, 90).convert("RGB") if noise else Image.new("RGB", size, (40, 90, 160))
    out = io.BytesIO()
    image.save(out, format)
    return out.getvalue()


def text_of(content: bytes) -> str:
    """A picture's base64."""
    return b64encode(content).decode()


IMAGE = {"type": "image_generation_call", "id": "ig_1"}
USED = {"input_tokens": 12, "output_tokens": 1756, "total_tokens": 1768}


def created() -> dict[str, Any]:
    return {
        "type": "response.created",
        "response": {"id": "resp_1", "object": "response", "status": "in_progress"},
    }


def added() -> dict[str, Any]:
    return {
        "type": "response.output_item.added",
        "output_index": 0,
        "item": {**IMAGE, "status": "in_progress"},
    }


def call(stage: str) -> dict[str, Any]:
    return {"type": f"response.image_generation_call.{stage}", "output_index": 0, "item_id": "ig_1"}


def partial(index: int, content: bytes) -> dict[str, Any]:
    return {**call("partial_image"), "partial_image_index": index, "partial_image_b64": text_of(content)}


def done(content: bytes, **fields: Any) -> dict[str, Any]:
    item = {
        **IMAGE,
        "status": "completed",
        "revised_prompt": "A quiet blue",
        **fields,
        "result": text_of(content),
    }
    return {"type": "response.output_item.done", "output_index": 0, "item": item}


def completed(output: list[dict[str, Any]] | None = None, **fields: Any) -> dict[str, Any]:
    response = {"id": "resp_1", "object": "response", "status": "completed", "output": output}
    return {
        "type": "response.completed",
        "response": {**response, "tool_usage": {"image_gen": USED}, **fields},
    }


def story(content: bytes, partials: int = 0) -> list[dict[str, Any]]:
    """Every event of a picture that is made as it should be."""
    previews = [partial(index, picture(size=(8, 8))) for index in range(partials)]
    item = done(content)["item"]
    opening = [created(), added(), call("in_progress"), call("generating")]
    return [*opening, *previews, call("completed"), done(content), completed([item])]


def frames(*trees: dict[str, Any]) -> bytes:
    return b"".join(map(write_frame, trees))


def stream(*trees: dict[str, Any], **headers: str) -> list[Step]:
    """A whole answer of these events."""
    return [head(**headers), frames(*trees)]
