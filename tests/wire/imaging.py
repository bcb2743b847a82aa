"""Answers of both APIs with one or more pictures, as an upstream writes them, and a relay that reads them."""

import base64
import json
from typing import Any

from darkroom.errors import Error
from darkroom.wire.actions import Cut, Earn, Keep, Replay, Send
from darkroom.wire.relay import Relay, Wish
from darkroom.wire.stages import StageClock

USAGE = {"input_tokens": 10, "output_tokens": 20, "total_tokens": 30}


def picture(seed: int = 0, size: int = 60_000) -> str:
    """Base64 of something that begins like a PNG of 64 x 48 pixels."""
    head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x40\0\0\0\x30\x08\x06\0\0\0"
    return base64.b64encode(head + bytes((seed + i * 7) % 256 for i in range(size))).decode()


def sse(*events: dict[str, Any]) -> bytes:
    """Events in the one right shape."""
    return b"".join(b"event: %b\ndata: %b\n\n" % (e["type"].encode(), json.dumps(e).encode()) for e in events)


def images_events(pictures: list[str], prefix: str = "image_generation", partials: int = 1) -> bytes:
    """What an Images upstream streams."""
    more = {
        "created_at": 5,
        "size": "64x48",
        "quality": "low",
        "background": "opaque",
        "output_format": "png",
    }
    out = []
    for image in pictures:
        out += [
            {"type": f"{prefix}.partial_image", "b64_json": image, "partial_image_index": i, **more}
            for i in range(partials)
        ]
        out.append({"type": f"{prefix}.completed", "b64_json": image, **more, "usage": USAGE})
    return sse(*out)


def images_plain(pictures: list[str]) -> bytes:
    """What an Images upstream answers in one document."""
    more = {"size": "64x48", "quality": "low", "usage": USAGE}
    return json.dumps({"created": 5, "data": [{"b64_json": p} for p in pictures], **more}).encode()


def response(pictures: list[str]) -> dict[str, Any]:
    """A Responses upstream's whole answer."""
    output = [
        {
            "id": f"ig_{i}",
            "type": "image_generation_call",
            "status": "completed",
            "size": "64x48",
            "result": p,
        }
        for i, p in enumerate(pictures)
    ]
    head = {"id": "resp_up", "object": "response", "created_at": 5, "status": "completed", "model": "gpt-5.5"}
    return {**head, "output": output, "tool_usage": {"image_gen": USAGE}}


def responses_events(pictures: list[str], partials: int = 1) -> bytes:
    """What a Responses upstream streams."""
    whole = response(pictures)
    begun = {**whole, "status": "in_progress", "output": [], "tool_usage": None}
    out: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
    ]
    call = "response.image_generation_call."
    for i, item in enumerate(whole["output"]):
        at = {"output_index": i, "item_id": item["id"]}
        added = {"id": item["id"], "type": item["type"], "status": "in_progress"}
        out.append({"type": "response.output_item.added", "output_index": i, "item": added})
        out += [{"type": call + "in_progress", **at}, {"type": call + "generating", **at}]
        out += [
            {
                "type": call + "partial_image",
                **at,
                "partial_image_index": k,
                "partial_image_b64": item["result"],
            }
            for k in range(partials)
        ]
        out.append({"type": call + "completed", **at})
        out.append({"type": "response.output_item.done", "output_index": i, "item": item})
    out.append({"type": "response.completed", "response": whole})
    return sse(*({"type": event["type"], "sequence_number": i, **event} for i, event in enumerate(out)))


class Ran:
    """A relay that has read an answer, and what its caller got."""

    def __init__(self, *, surface: str, stream: bool, **wish: Any) -> None:
        base: dict[str, Any] = {"image": True, "forced": True, "model": "m", "response_id": "resp_own"}
        base |= {"created_at": 7, "surface": surface, "stream": stream}
        self.relay = Relay(Wish(**base | wish), StageClock(0))
        self.body = b""
        self.kept = b""
        self.order: list[str] = []
        self.cut = False
        self.began_after: int | None = None
        """Bytes of the upstream's body that had been read when the first of a picture left."""

    def play(self, actions: list[Any], read: int = 0) -> None:
        """Carry actions out, as the exchange does."""
        for action in actions:
            self.order.append(type(action).__name__)
            if isinstance(action, Send):
                self.body += action.data
            elif isinstance(action, Keep):
                self.kept += action.data
            elif isinstance(action, Replay):
                self.body += self.kept[action.start : action.stop]
            elif isinstance(action, Cut):
                self.cut = True
            else:
                assert isinstance(action, Earn)
            if self.began_after is None and b"iVBORw0KGgo" in self.body:
                self.began_after = read

    def read(
        self, data: bytes, kind: str, surface: str, *, step: int = 5000, error: Error | None = None
    ) -> "Ran":
        """Read a whole answer in steps of so many bytes."""
        self.relay.begin(kind.encode(), surface)  # type: ignore[arg-type]
        for pos in range(0, len(data), step):
            self.play(self.relay.receive(data[pos : pos + step], 1), pos + step)
        self.play(self.relay.close(error, 2), len(data))
        return self

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events that the caller got, comments left out; each has its name and its blank line."""
        found = []
        for frame in self.body.decode().split("\n\n")[:-1]:
            if not frame.startswith(":"):
                name, text = frame.split("\n")
                found.append(json.loads(text.removeprefix("data: ")))
                assert name == "event: " + found[-1]["type"] or found[-1]["type"] == "error", name
        assert self.body.endswith(b"\n\n")
        return found
