"""Writes an answer's events in a style: canonical trees in, bytes of the wire out.

With the default style a frame is exactly `event: T` LF `data: {json}` LF LF with `type` and `sequence_number` first.
The law of this file: it changes how things are said and never what is in the image.
"""

import json
from typing import Any

import msgspec

from darkroom.sandbox.dialects import Style

Tree = dict[str, Any]

FORMATS = ("size", "quality", "background", "output_format")
SHORT = ("id", "object", "status", "output", "error")
CALL_TYPE = "image_generation_call"
NOT_NUMBERED = ("image_generation.", "image_edit.")
"""Images events carry no sequence_number."""


class Writer:
    """Writes one answer; counts its events."""

    def __init__(self, style: Style, format: str = "png") -> None:
        self.style = style
        self._prefix = f"data:image/{format};base64,"
        self._number = 0
        self._frames = 0

    # --- frames ---

    def opening(self) -> bytes:
        """What stands before the first event."""
        retry = b"retry: 3000" + self.style.newline * 2 if self.style.retry_line else b""
        return (b"\xef\xbb\xbf" if self.style.bom else b"") + retry

    def event(self, tree: Tree) -> bytes:
        """One event as bytes, with what the style sets around it; nothing if the style drops it."""
        if tree["type"] in self.style.drop:
            return b""
        style = self.style
        out = [self._extra()] if self._frames else []
        self._frames += 1
        if style.unknown_events and tree["type"].startswith("response.image_generation_call"):
            out.append(
                self._frame("vendor.progress", self._numbered({"type": "vendor.progress", "percent": 42}))
            )
        bent = self._bent(tree)
        out.append(self._frame(bent["type"], self._numbered(bent)))
        return b"".join(out)

    def said(self, event: str | None, value: Any) -> bytes:
        """A frame of any value (an error in one of its shapes) under any event name, or none."""
        if isinstance(value, dict) and "sequence_number" in value:
            value = self._numbered(value)
        return self._frame(event, value)

    def raw(self, value: Any) -> bytes:
        """A bare line of JSON where an event should stand."""
        return msgspec.json.encode(value) + self.style.newline

    def heartbeat(self, kind: str) -> bytes:
        """A sign of life: a comment, a keepalive event or a blank line."""
        if kind == "comments":
            return b": keep-alive" + self.style.newline * 2
        if kind == "keepalive":
            return self._frame("keepalive", self._numbered({"type": "keepalive", "sequence_number": 0}))
        return self.style.newline

    def closing(self) -> bytes:
        """What stands after the last event."""
        return b"data: [DONE]" + self.style.newline * 2 if self.style.done_mark else b""

    def ended(self, frames: bytes) -> bytes:
        """The last bytes of the stream, without their blank line if the style has none."""
        blank = self.style.newline
        return frames if self.style.last_blank or not frames.endswith(blank * 2) else frames[: -len(blank)]

    def answer(self, tree: Tree) -> bytes:
        """A plain JSON answer (a Response or an Images result) in the style's fields and JSON."""
        if "data" in tree and "output" not in tree:
            return self._text(self._bent_result(tree))
        return self._text(self._bent_response(tree, whole=False))

    # --- what is said ---

    def _bent(self, tree: Tree) -> Tree:
        style, kind = self.style, tree["type"]
        if kind.endswith("partial_image"):
            tree = self._bent_partial(tree)
        elif kind.startswith(NOT_NUMBERED):
            tree = self._bent_result(tree)
        elif kind in ("response.output_item.added", "response.output_item.done"):
            item = self._bent_item(tree["item"])
            extra = {}
            if style.nest == "list" and "result" in item:
                extra = {"data": [{"b64_json": item.pop("result")}]}
            tree = {**tree, "item": item, **extra}
        elif isinstance(tree.get("response"), dict):
            tree = {**tree, "response": self._bent_response(tree["response"], kind == "response.completed")}
        if style.generation_names and kind.startswith("image_edit."):
            tree = {**tree, "type": kind.replace("image_edit.", "image_generation.")}
        if style.unknown_keys:
            tree = {**tree, "vendor_request": {"node": "b7", "cost": 0.04}}
        if style.changing_ids:
            tree = self._with_other_ids(tree)
        return tree

    def _bent_partial(self, tree: Tree) -> Tree:
        style = self.style
        own = "partial_image_b64" if "partial_image_b64" in tree else "b64_json"
        tree = self._renamed(tree, own, style.partial_field)
        out: Tree = {}
        for key, value in tree.items():
            if key == "partial_image_index":
                if style.index_field:
                    out[style.index_field] = value
            elif not (style.short_events and key in (*FORMATS, "created_at")):
                out[key] = value
        return out

    def _bent_item(self, item: Tree) -> Tree:
        style = self.style
        if item.get("type") != CALL_TYPE:
            return dict(item)
        if isinstance(item.get("result"), str) and item["result"]:
            if style.stuck:
                item = {**item, "status": "generating"}
            item = self._renamed(item, "result", style.final_field)
            if style.nest == "object" and "result" in item:
                item = {**item, "result": {"b64_json": item["result"]}}
        if style.short_events:
            item = {key: value for key, value in item.items() if key not in FORMATS}
        return {**item, "vendor_seed": 7} if style.unknown_keys else dict(item)

    def _bent_response(self, response: Tree, whole: bool) -> Tree:
        style = self.style
        out = dict(response)
        if isinstance(out.get("output"), list):
            out["output"] = [self._bent_item(item) for item in out["output"]]
        if whole and style.output != "full":
            out["output"] = None if style.output == "null" else []
            if style.output == "absent":
                del out["output"]
        if style.no_usage:
            out.pop("usage", None)
            out.pop("tool_usage", None)
        if style.short_response:
            out = {key: value for key, value in out.items() if key in SHORT}
        if style.unknown_keys:
            out["vendor_channel"] = "c-17"
        return out

    def _bent_result(self, tree: Tree) -> Tree:
        """An Images result, or the completed event of an Images stream."""
        style = self.style
        if "data" in tree:
            tree = {
                **tree,
                "data": [self._renamed(entry, "b64_json", style.final_field) for entry in tree["data"]],
            }
        else:
            tree = self._renamed(tree, "b64_json", style.final_field)
        left_out = (*FORMATS, "created_at") if style.short_events else ()
        tree = {key: value for key, value in tree.items() if key not in left_out}
        if style.no_usage:
            tree.pop("usage", None)
        return tree

    def _renamed(self, tree: Tree, own: str, name: str | None) -> Tree:
        """The tree with its image under another name, and with the prefix that the style or the name wants."""
        if own not in tree:
            return tree
        value = tree[own]
        if isinstance(value, str) and (self.style.data_url or (name or "").endswith("url")):
            value = self._prefix + value
        return {name or own if key == own else key: value if key == own else old for key, old in tree.items()}

    def _with_other_ids(self, tree: Tree) -> Tree:
        mark = f"{self._number:02d}"
        if "item_id" in tree:
            return {**tree, "item_id": tree["item_id"][:-2] + mark}
        for key in ("item", "response"):
            if isinstance(tree.get(key), dict):
                return {**tree, key: {**tree[key], "id": tree[key]["id"][:-2] + mark}}
        return tree

    # --- how it is written ---

    def _numbered(self, tree: Tree) -> Tree:
        style, kind = self.style, str(tree.get("type", ""))
        head: Tree = {"type": kind}
        if not kind.startswith(NOT_NUMBERED):
            if style.numbers != "absent":
                first = 1 if style.numbers == "from_1" else 0
                head["sequence_number"] = 0 if style.numbers == "zero" else self._number + first
            self._number += 1
        rest = {key: value for key, value in tree.items() if key not in ("type", "sequence_number")}
        return {**rest, **dict(reversed(head.items()))} if style.order == "type_last" else {**head, **rest}

    def _text(self, value: Any) -> bytes:
        style = self.style
        if style.json == "compact":
            text = msgspec.json.encode(value, order="sorted" if style.order == "sorted" else None)
        else:
            indent = 2 if style.json == "pretty" else None
            plain, sort = style.json != "ascii", style.order == "sorted"
            text = json.dumps(value, indent=indent, ensure_ascii=not plain, sort_keys=sort).encode()
        # These characters stand in JSON inside strings alone (no number here is written with an exponent).
        if style.escapes == "slashes":
            text = text.replace(b"/", b"\\/")
        elif style.escapes == "unicode":
            text = text.replace(b"/", b"\\u002f").replace(b"=", b"\\u003d").replace(b"+", b"\\u002b")
        return text

    def _frame(self, event: str | None, value: Any) -> bytes:
        style, end = self.style, self.style.newline
        lines = self._text(value).split(b"\n")
        if style.split and len(lines) == 1 and b"," in lines[0]:
            at = lines[0].index(b",") + 1
            lines = [lines[0][:at], lines[0][at:]]
        body = b"".join(b"data:" + style.space + line + end for line in lines)
        name = b"message" if style.event == "message" else (event or "").encode()
        line = b"event:" + style.space + name + end if event is not None and style.event != "none" else b""
        note = b": comment" + end if style.comment_inside else b""
        tag = f"id: {self._frames}".encode() + end if style.id_lines else b""
        frame = body + note + line if style.event == "after" else line + note + body
        return tag + frame + end

    def _extra(self) -> bytes:
        """What the style puts between two events."""
        style, end = self.style, self.style.newline
        out = b": PING" + end * 2 if style.comments else b""
        if style.keepalives:
            out += self.heartbeat("keepalive")
        if style.pings:
            out += b"event: ping" + end * 2
        if style.empty_data:
            out += b"data:" + end * 2
        return out
