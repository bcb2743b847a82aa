"""What upstreams were seen to send, as small streams by name: the right one, and every deviation of wire.md section 10.

`RECORDED` are streams of events, `PLAIN` bodies that are one JSON document. `playing` plays them to the relay machine.
"""

import json
from collections.abc import Iterator
from typing import Any

from darkroom.wire.codecs.responses.events import CALL, PARTIAL
from darkroom.wire.sse import write_frame

Tree = dict[str, Any]
PNG = "iVBORw0KGgoAAAANSUhEUgAABAAAAAYACAIAAADwf7zU"
"""The first bytes of a PNG of 1024x1536."""
SMALL = PNG + "B" * 60
LARGE = PNG + "A" * 16_800 + "/+=="
"""Just long enough that its frame comes in pieces."""
INSTRUCTIONS = 'Say "cheese" \\ 你好\n' * 900
NAMES = ("result", "b64_json", "image", "image_b64", "partial_image", "partial_image_b64")
"""The names of a picture that the customers' contract knows."""
BASE: Tree = {
    "id": "resp_up", "object": "response", "created_at": 1764000000, "status": "in_progress", "model": "gpt-5.5",
    "output": [],
}  # fmt: skip
AT: Tree = {"output_index": 0, "item_id": "ig_up"}


# the story of a picture


def item(image: Any = LARGE, key: str = "result", **more: Any) -> Tree:
    """A finished image call."""
    call = {"id": "ig_up", "type": CALL, "status": "completed", "size": "1024x1536", "quality": "high"}
    return {**call, key: image, **more}


def partial(image: Any = SMALL, key: str = "partial_image_b64", **more: Any) -> Tree:
    """A preview."""
    return {"type": PARTIAL, **AT, "partial_image_index": 0, key: image, **more}


def done(found: Tree, index: int = 0) -> Tree:
    """An item is done."""
    return {"type": "response.output_item.done", "output_index": index, "item": found}


def ended(output: Any, kind: str = "completed", **more: Any) -> Tree:
    """The last event."""
    usage = {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
    head = {key: value for key, value in BASE.items() if key != "output"}
    return {
        "type": f"response.{kind}",
        "response": {**head, "status": kind, **more, "output": output, "usage": usage},
    }


def ended_empty(**more: Any) -> Tree:
    """The last event of an upstream that begins it with the output, of which it knows nothing."""
    return {"type": "response.completed", "response": {**BASE, "status": "completed", **more}}


def begun(**more: Any) -> list[Tree]:
    """Until the picture is being made."""
    call = {"id": "ig_up", "type": CALL, "status": "in_progress"}
    return [
        {"type": "response.created", "response": {**BASE, **more}},
        {"type": "response.in_progress", "response": {**BASE, **more}},
        {"type": "response.output_item.added", "output_index": 0, "item": call},
        {"type": f"response.{CALL}.in_progress", **AT},
        {"type": f"response.{CALL}.generating", **AT},
    ]


def finished(found: Tree | None = None, **more: Any) -> list[Tree]:
    """From the picture to the end."""
    found = found or item()
    return [{"type": f"response.{CALL}.completed", **AT}, done(found), ended([found], **more)]


def numbered(trees: list[Tree]) -> list[Tree]:
    return [
        {"type": tree["type"], "sequence_number": n, **{k: v for k, v in tree.items() if k != "type"}}
        for n, tree in enumerate(trees)
    ]


def right(trees: list[Tree]) -> bytes:
    """The stream of these events in the one right shape."""
    return b"".join(write_frame(tree) for tree in numbered(trees))


def compact(tree: Any, **named: Any) -> str:
    return json.dumps(tree, separators=(",", ":"), ensure_ascii=False, **named)


def sorted_keys(trees: list[Tree]) -> bytes:
    """As some languages write maps: keys sorted, so that what an event is comes last; no `event:` line."""
    return "".join(f"data: {compact(tree, sort_keys=True)}\n\n" for tree in numbered(trees)).encode()


def spread(trees: list[Tree]) -> bytes:
    """Each event's JSON on several `data:` lines."""
    out = ""
    for tree in numbered(trees):
        lines = json.dumps(tree, indent=1, ensure_ascii=False).split("\n")
        out += f"event: {tree['type']}\n" + "".join(f"data: {line}\n" for line in lines) + "\n"
    return out.encode()


def text_events() -> Iterator[Tree]:
    """A word instead of a picture."""
    message = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
               "content": [{"type": "output_text", "text": "I cannot 你好", "annotations": []}]}  # fmt: skip
    yield {"type": "response.output_item.added", "output_index": 0, "item": {**message, "content": []}}
    yield {"type": "response.output_text.delta", "output_index": 0, "item_id": "msg_1", "content_index": 0,
           "delta": "I cannot"}  # fmt: skip
    yield {"type": "response.output_item.done", "output_index": 0, "item": message}
    yield ended([message])


STORY = [*begun(), partial(), *finished()]
RIGHT = right(STORY)
TWO = [item(), item(PNG + "C" * 16_700, id="ig_two", revised_prompt='a "lighthouse" \\ 灯塔' * 20)]
WORDY = item(PNG + "\\/" * 8_400, revised_prompt="tab\t" * 100, action="generate")
MANY = [{"i": n, "word": "x" * 40} for n in range(3_000)]
"""Larger than what a reader keeps."""
MODERATION = {"code": "moderation_blocked", "message": "Refused by the safety system.", "param": None}

RECORDED: dict[str, bytes] = {
    "right": RIGHT,
    "right, small pictures": right([*begun(), partial(), *finished(item(SMALL))]),
    "right, large preview": right([*begun(), partial(LARGE), *finished(item(SMALL))]),
    "two pictures": right([*begun(), done(TWO[0]), done(TWO[1], 1), ended(TWO)]),
    "escapes": RIGHT.replace(b"AAAAAAAA", b"AA\\/A\\u0041"),
    "escaped prompt after the picture": right([*begun(), *finished(WORDY)]),
    "long instructions": right([*begun(instructions=INSTRUCTIONS), *finished(instructions=INSTRUCTIONS)]),
    "long instructions, no output": right(
        [*begun(), done(item()), ended([], instructions=INSTRUCTIONS)]
    ),
    "long instructions after an empty output": right(
        [*begun(), done(item()), ended_empty(instructions=INSTRUCTIONS)]
    ),
    "long instructions, picture at the end": right([*begun(), ended([item()], instructions=INSTRUCTIONS)]),
    "long instructions, no picture": right([*begun(), ended([], instructions=INSTRUCTIONS)]),
    "long instructions, failed": right(
        [*begun(), ended([], "failed", instructions=INSTRUCTIONS, error=MODERATION)]
    ),
    "CRLF": RIGHT.replace(b"\n", b"\r\n"),
    "CR": RIGHT.replace(b"\n", b"\r"),
    "byte order mark": b"\xef\xbb\xbf" + RIGHT,
    "comments": RIGHT.replace(b"event: ", b": PING\n\nid: 7\nretry: 10\n:\nevent: "),
    "comments inside frames": RIGHT.replace(b"\ndata: ", b"\n: " + b"z" * 40 + b"\nid: 1\ndata: "),
    "long comment": b": " + b"z" * 17_000 + b"\n" + RIGHT,
    "no space after the colon": RIGHT.replace(b"data: ", b"data:").replace(b"event: ", b"event:"),
    "several data lines": spread([*begun(), *finished()]),
    "line break inside a picture": RIGHT.replace(b"A" * 16_800, b"A" * 16_500 + b"\ndata: " + b"A" * 300),
    "no event lines": b"".join(b"data: " + f.partition(b"\ndata: ")[2] + b"\n\n" for f in RIGHT.split(b"\n\n")),
    "sorted keys": sorted_keys(STORY),
    "DONE": RIGHT + b"data: [DONE]\n\n",
    "no blank line at the end": RIGHT.removesuffix(b"\n\n"),
    "one line break at the end": RIGHT.removesuffix(b"\n"),
    "keepalive events": right([*begun(), {"type": "keepalive"}, *finished()]),
    "wrong numbers": RIGHT.replace(b'"sequence_number":', b'"sequence_number":4'),
    "ids change": right([*begun(), *finished(item(id="ig_other"), id="resp_other")]),
    "data prefix": right([*begun(), partial("data:image/png;base64," + SMALL),
                          *finished(item("data:image/png;base64," + LARGE))]),
    "data prefix without an end": right([*begun(), *finished(item("data:" + "x" * 16_600 + ",AAAA"))]),
    "status generating, no completed event": right([*begun(), done(item(status="generating")), ended([item()])]),
    "status at the end": right([*begun(), done({"result": LARGE, "id": "ig_up", "status": "generating"}), ended([])]),
    "no status, no type": right([*begun(), done({"id": "ig_up", "result": LARGE}), ended([])]),
    "empty output": right([*begun(), done(item()), ended([])]),
    "null output": right([*begun(), done(item()), ended(None)]),
    "no output": right([*begun(), done(item()), {"type": "response.completed", "response": {"id": "resp_up"}}]),
    "no response": right([*begun(), done(item()), {"type": "response.completed"}]),
    "picture without its call at the end": right([*begun(), done(item()), ended([item(None)])]),
    "no completed": right([*begun(), done(item())]),
    "picture only at the end": right([*begun(), ended([item()])]),
    "nothing but the end": right([ended([item()])]),
    "picture only as a preview": right([*begun(), partial(LARGE), ended([])]),
    "no picture at all": right([*begun(), ended([])]),
    "preview without its fields": right([*begun(), {"type": PARTIAL, "index": 0, "b64_json": SMALL}, *finished()]),
    "picture under data[]": right([*begun(), done({"id": "ig_up", "type": CALL, "data": [{"b64_json": LARGE}]}),
                                   ended([])]),
    "address instead of a picture": right(
        [*begun(), done(item(None, "b64_json", url="https://x.example/1.png")), ended([])]
    ),
    "bare responses": b"".join(
        b"data: %b\n\n" % compact({**BASE, "status": s, "output": o}).encode()
        for s, o in (("in_progress", []), ("completed", [item()]))
    ),
    "bare response under a name": b"event: response.completed\ndata: %b\n\n"
    % compact({"output": [item()], "object": "response", "status": "completed", "id": "resp_up"}).encode(),
    "a word instead of a picture": right([*begun()[:2], *text_events()]),
    "incomplete": right([*begun(), ended([], "incomplete", incomplete_details={"reason": "content_filter"})]),
    "failed": right([*begun(), ended([], "failed", error=MODERATION)]),
    "flat error": right([*begun(), {"type": "error", **MODERATION}]),
    "nested error": right([*begun(), {"type": "error", "error": MODERATION}]),
    "named error": right(begun()) + b"event: upstream_error\ndata: " + compact(MODERATION).encode() + b"\n\n",
    "error of a vendor": right([*begun(), {"type": "packy_image_generation_user_error", "message": "no"}]),
    "error after the stream": right(begun()) + compact({"error": MODERATION}).encode(),
    "error in a string": right(begun())
    + f"event: error\ndata: {compact(compact({'error': MODERATION}))}\n\n".encode(),
    "error with an item": right([*begun(), {"type": "error", **MODERATION, "item": {"id": "ig_up"}}]),
    "error as a text": right([*begun(), {"error": compact({"error": MODERATION})}  | {"type": "error"}]),
    "error with a long text": right([*begun(), {"type": "error", "error": {**MODERATION, "log": "x" * 17_000}}]),
    "error that comes last in its frame": right(begun())
    + f"data: {compact({'error': {'log': 'x' * 17_000, **MODERATION}})}\n\n".encode(),
    "error first": right([{"type": "error", "error": MODERATION}]),
    "web page": b"<!DOCTYPE html>\n<html>\n\ndata: {}\n\n" + RIGHT,
    "nothing": b"",
    "white space": b" \n\n \r\n",
    "cut inside a picture": RIGHT[: RIGHT.rindex(b"A" * 40)],
    "cut inside the first picture": RIGHT[: RIGHT.index(b"A" * 9_000) + 8_000],
    "cut after a picture": RIGHT[: RIGHT.index(b"/+==") + 9],
    "cut inside an escape": RIGHT.replace(b"/+==", b"\\u00", 1)[: RIGHT.index(b"/+==") + 3],
    "cut inside a small frame": RIGHT[:1_200],
    "cut between frames": right(begun()),
    "not JSON": right(begun()) + b"event: x\ndata: {oops\n\ndata: [1,]\n\ndata: }}\n\n" + RIGHT,
    "not JSON after a picture": RIGHT.replace(b"/+==", b'"]]]', 1),
    "key twice": right(begun()) + b'data: {"item":{"a":"' + b"A" * 17_000 + b'"},"item":3}\n\n',
    "arrays and texts": b'data: [{"b64_json":"' + b"A" * 17_000 + b'"}]\n\ndata: "' + b"A" * 17_000
    + b'"\n\ndata: 7\n\ndata: null\n\n' + RIGHT,
    "too complex": right([*begun(), {"type": "response.tool.search", "found": MANY}, *finished()]),
    "too complex after a picture": right([*begun(), done(item(found=MANY)), ended([])]),
    "too complex before the picture": right([*begun(), ended([{"found": MANY, "type": "search"}, item()])]),
    "too complex behind the last picture": right([*begun(), ended([item(), {"found": MANY, "type": "search"}])]),
    "too complex without a name": b"data: " + compact({"found": MANY}).encode() + b"\n\n" + RIGHT,
    **{f"picture in {key}": right([*begun(), done(item(LARGE, key)), ended([item(LARGE, key)])]) for key in NAMES},
    **{f"preview in {key}": right([*begun(), partial(LARGE, key), *finished(item(SMALL))]) for key in NAMES},
}  # fmt: skip

PLAIN: dict[str, bytes] = {
    "document": compact(ended([item()])["response"]).encode(),
    "small document": compact(ended([item(SMALL)])["response"]).encode(),
    "printed document": b" \n\n\n" + json.dumps(ended([item()])["response"], indent=2).encode() + b"\n",
    "document in another name": compact(
        ended([item("data:image/png;base64," + LARGE, "b64_json")])["response"]
    ).encode(),
    "two pictures": compact(ended(TWO)["response"]).encode(),
    "failed document": compact(ended([], "failed", error=MODERATION)["response"]).encode(),
    "failed at its end": compact(ended([item()], "failed", error=MODERATION)["response"], sort_keys=True).encode(),
    "incomplete document": compact(ended([item()], "incomplete")["response"]).encode(),
    "error document": compact({"error": MODERATION}).encode(),
    "cut document": compact(ended([item()])["response"]).encode()[:-9],
    "document cut inside its picture": compact(ended([item()])["response"]).encode()[:14_000],
    "line break in its picture": compact(ended([item()])["response"]).encode().replace(b"/+==", b"\n\ndata: {}\n\n"),
    "line break early in it": compact(ended([item()])["response"]).encode().replace(b"AAAA", b"AA\r\n", 9),
    "no document": b"{oops}",
    "too complex document": compact({**BASE, "output": [item(), {"found": MANY}]}).encode(),
}  # fmt: skip
