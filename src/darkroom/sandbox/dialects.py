"""The deviations from OpenAI's wire that relays were seen to speak (wire.md 2.2, 2.5 and 10.1), by name.

A dialect is a few changes to the `Style` that `writer` writes in; several are joined by `+`, later ones win. In every
one of them the finished image is somewhere in the answer; answers without it are faults.
"""

from typing import Any

import msgspec

PARTIAL_NAMES = (
    "partial_image",
    "b64_json",
    "base64",
    "data",
    "image",
    "image_b64",
    "image_base64",
    "result",
)
FINAL_NAMES = (
    "b64_json",
    "base64",
    "data",
    "image",
    "image_b64",
    "image_base64",
    "partial_image",
    "partial_image_b64",
)
URL_NAMES = ("url", "image_url", "output_url", "result_url")
CALL = "response.image_generation_call"


class Style(msgspec.Struct, frozen=True):
    """How an answer is written; the defaults are OpenAI's own wire."""

    partial_field: str | None = None
    final_field: str | None = None
    data_url: bool = False
    nest: str | None = None
    """None, or where the final image sits: `object` (item.result.b64_json) or `list` (data[0].b64_json)."""
    stuck: bool = False
    """Whether a finished item still says `generating`."""
    index_field: str | None = "partial_image_index"
    output: str = "full"
    """What response.completed holds: the `full` output, or one that is `empty`, `null` or `absent`."""
    drop: frozenset[str] = frozenset()
    """Event types that are never sent."""
    changing_ids: bool = False
    numbers: str = "from_0"
    order: str = "type_first"
    json: str = "compact"
    escapes: str | None = None
    event: str = "line"
    newline: bytes = b"\n"
    space: bytes = b" "
    split: bool = False
    comments: bool = False
    comment_inside: bool = False
    done_mark: bool = False
    id_lines: bool = False
    retry_line: bool = False
    keepalives: bool = False
    pings: bool = False
    empty_data: bool = False
    bom: bool = False
    unknown_events: bool = False
    unknown_keys: bool = False
    short_response: bool = False
    short_events: bool = False
    no_usage: bool = False
    last_blank: bool = True
    content_type: str | None = "text/event-stream; charset=utf-8"
    swap: bool = False
    """JSON where SSE was asked for, SSE where JSON was."""
    reasoning: bool = False
    message: bool = False
    generation_names: bool = False
    """Whether a stream of edits carries the event names of generations."""


class Dialect(msgspec.Struct, frozen=True):
    """A named deviation: what it is, in one line, and what it changes."""

    summary: str
    changes: dict[str, Any]


def _named() -> dict[str, Dialect]:
    table = {}
    for name in PARTIAL_NAMES:
        table[f"partial_as_{name}"] = Dialect(f"The partial image in `{name}`", {"partial_field": name})
    for name in FINAL_NAMES:
        table[f"final_as_{name}"] = Dialect(f"The final image in `{name}`", {"final_field": name})
    for name in URL_NAMES:
        table[f"final_as_{name}"] = Dialect(
            f"The final image as a data: URL in `{name}`", {"final_field": name}
        )
    return table


DIALECTS: dict[str, Dialect] = {
    **_named(),
    "data_url": Dialect("`data:image/png;base64,` before every image", {"data_url": True}),
    "final_in_object": Dialect("The final image inside an object: `result.b64_json`", {"nest": "object"}),
    "final_in_list": Dialect("The final image beside the item: `data[0].b64_json`", {"nest": "list"}),
    "status_generating": Dialect(
        "The finished item still says `generating`, and `image_generation_call.completed` never comes",
        {"stuck": True, "drop": {f"{CALL}.completed"}},
    ),
    "index": Dialect("`index` instead of `partial_image_index`", {"index_field": "index"}),
    "no_index": Dialect("Partials without a number", {"index_field": None}),
    "output_empty": Dialect("`response.completed` with `output: []`", {"output": "empty"}),
    "output_null": Dialect("`response.completed` with `output: null`", {"output": "null"}),
    "output_absent": Dialect("`response.completed` without `output`", {"output": "absent"}),
    "no_completed": Dialect("The stream ends without `response.completed`", {"drop": {"response.completed"}}),
    "no_created": Dialect("No `response.created`", {"drop": {"response.created"}}),
    "no_in_progress": Dialect(
        "No `in_progress` events", {"drop": {"response.in_progress", f"{CALL}.in_progress"}}
    ),
    "no_generating": Dialect("No `image_generation_call.generating`", {"drop": {f"{CALL}.generating"}}),
    "no_item_added": Dialect("No `response.output_item.added`", {"drop": {"response.output_item.added"}}),
    "no_item_done": Dialect(
        "No `response.output_item.done`: the image is in `response.completed` alone",
        {"drop": {"response.output_item.done"}},
    ),
    "bare_stages": Dialect(
        "Nothing but partials, the finished item and `response.completed`",
        {"drop": {"response.created", "response.in_progress", "response.output_item.added",
                  *(f"{CALL}.{stage}" for stage in ("in_progress", "generating", "completed"))}},
    ),
    "changing_ids": Dialect("Response and item ids that change from event to event", {"changing_ids": True}),
    "numbers_from_1": Dialect("`sequence_number` from 1", {"numbers": "from_1"}),
    "numbers_zero": Dialect("`sequence_number` always 0", {"numbers": "zero"}),
    "no_numbers": Dialect("No `sequence_number`", {"numbers": "absent"}),
    "sorted_keys": Dialect("Keys in alphabetical order, so `type` comes last", {"order": "sorted"}),
    "type_last": Dialect("`sequence_number` and `type` after the payload", {"order": "type_last"}),
    "no_event_lines": Dialect("`data:` lines alone", {"event": "none"}),
    "event_after_data": Dialect("The `event:` line after the `data:` line", {"event": "after"}),
    "event_message": Dialect("`event: message` on every frame", {"event": "message"}),
    "crlf": Dialect("Lines end with CR LF", {"newline": b"\r\n"}),
    "no_space": Dialect("`data:{…}` without a space", {"space": b""}),
    "split_data": Dialect("One event's JSON over two `data:` lines", {"split": True}),
    "pretty": Dialect("Indented JSON, a `data:` line for each of its lines", {"json": "pretty"}),
    "spaced": Dialect("JSON with spaces after `:` and `,`", {"json": "spaced"}),
    "ascii": Dialect("Every character beyond ASCII escaped", {"json": "ascii"}),
    "escaped_slashes": Dialect("`\\/` for every slash, in base64 too", {"escapes": "slashes"}),
    "escaped_unicode": Dialect("`\\u002f`, `\\u003d` and `\\u002b` in base64", {"escapes": "unicode"}),
    "comments": Dialect("Comment lines such as `: PING` between events", {"comments": True}),
    "comment_inside": Dialect("A comment line inside each event", {"comment_inside": True}),
    "done_mark": Dialect("`data: [DONE]` at the end", {"done_mark": True}),
    "id_lines": Dialect("`id:` lines", {"id_lines": True}),
    "retry_line": Dialect("A `retry:` line at the start", {"retry_line": True}),
    "keepalives": Dialect("`keepalive` events that take a number", {"keepalives": True}),
    "pings": Dialect("`event: ping` without data", {"pings": True}),
    "empty_data": Dialect("Empty `data:` lines", {"empty_data": True}),
    "bom": Dialect("A byte order mark at the start", {"bom": True}),
    "unknown_events": Dialect("Events of types that nobody knows", {"unknown_events": True}),
    "unknown_keys": Dialect("Keys that nobody knows, in events, items and responses", {"unknown_keys": True}),
    "short_response": Dialect("Response objects of id, object, status and output alone", {"short_response": True}),
    "short_events": Dialect("Image events without size, quality, background and format", {"short_events": True}),
    "no_usage": Dialect("No `usage` and no `tool_usage`", {"no_usage": True}),
    "no_last_blank": Dialect("No blank line after the last event", {"last_blank": False}),
    "type_plain": Dialect("SSE sent as `text/plain`", {"content_type": "text/plain"}),
    "type_octets": Dialect("SSE sent as `application/octet-stream`", {"content_type": "application/octet-stream"}),
    "type_json": Dialect("SSE sent as `application/json`", {"content_type": "application/json"}),
    "type_bare": Dialect("`text/event-stream` without a charset", {"content_type": "text/event-stream"}),
    "no_type": Dialect("No Content-Type at all", {"content_type": None}),
    "swap": Dialect("JSON where SSE was asked for, and SSE where JSON was", {"swap": True}),
    "reasoning": Dialect("A reasoning item before the image: its `output_index` is 1", {"reasoning": True}),
    "message": Dialect("An assistant message after the image", {"message": True}),
    "generation_names": Dialect("`image_generation.…` events for an edit", {"generation_names": True}),
}  # fmt: skip


def style_of(names: tuple[str, ...]) -> Style:
    """The style of several dialects together: later ones win, and dropped events add up."""
    changes: dict[str, Any] = {}
    drop: set[str] = set()
    for name in names:
        dialect = DIALECTS[name].changes
        drop |= set(dialect.get("drop", ()))
        changes |= dialect
    return msgspec.structs.replace(Style(), **{**changes, "drop": frozenset(drop)})
