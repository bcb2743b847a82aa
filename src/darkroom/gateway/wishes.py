"""What a request wants of its answer, from the request, its key and the settings."""

import time
from collections.abc import Callable
from typing import Any, Literal

from darkroom.ledger.keys import Key
from darkroom.settings import Settings
from darkroom.wire.request import Request
from darkroom.wire.wish import Wish

Storing = Literal["asked", "always", "never"]
_ASKED = ("size", "quality", "background", "output_format")
_NO_USAGE = {
    "input_tokens": 0,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 0,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 0,
}


def wish_for(
    settings: Settings,
    key: Key,
    request: Request,
    request_id: str,
    cut_plain: bool = False,
    link: Callable[[int, str | None], str] | None = None,
) -> Wish:
    """The wish of a request. `cut_plain`: its caller takes an error body under status 200 for a success."""
    contract = (key.dialect or settings.field_names) == "contract"
    images = request.surface != "responses"
    tool = request.tool
    asked = {name: getattr(tool, name) or "auto" for name in _ASKED} if images else {}
    if asked.get("output_format") == "auto":
        asked["output_format"] = "png"
    return Wish(
        stream=request.stream,
        image=request.image,
        forced=request.forced,
        model=request.model,
        response_id="resp_" + request_id[4:],
        created_at=int(time.time()),
        spelling="partial_image" if contract else "partial_image_b64",
        keep_alive_first_s=settings.keep_alive_first_s,
        keep_alive_every_s=settings.keep_alive_every_s,
        keep_alive_plain=settings.keep_alive_plain,
        keep_limit=settings.spool_limit_mb * 1024 * 1024,
        surface="images" if images else "responses",
        edit=request.surface == "edits",
        n=request.n,
        asked=asked,
        echo=_echo(request) if request.image and not images else {},
        keeps=_keeps(storing(settings, key), request),
        keeps_bridged=storing(settings, key) != "never" and not images and request.store is None,
        link=link if request.response_format == "url" else None,
        cut_plain=cut_plain,
    )


def storing(settings: Settings, key: Key) -> Storing:
    """Which finished pictures of a key are stored: as the operator wants it for this key, else for all."""
    return key.store or settings.store_pictures


def _keeps(storing: Storing, request: Request) -> bool:
    """Whether the finished pictures of a request are stored."""
    if storing != "asked":
        return storing == "always" and request.image
    if request.surface == "responses":
        return request.image and bool(request.store)
    return request.response_format == "url"


def _echo(request: Request) -> dict[str, Any]:
    """The request's fields as a response repeats them, where no upstream that speaks Responses does (wire.md 2.4)."""
    tree = request.tree
    usual: dict[str, Any] = {
        "instructions": None,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "temperature": 1.0,
        "top_p": 1.0,
        "metadata": {},
    }
    small = {name: tree[name] for name in usual if _small(tree.get(name))}
    return {**usual, **small, "store": False, "usage": _NO_USAGE}


def _small(value: Any) -> bool:
    """It is there, and no string of it lies in a file."""
    if isinstance(value, dict):
        return all(each is None or _small(each) for each in value.values())
    if isinstance(value, list):
        return all(map(_small, value))
    return isinstance(value, str | int | float | bool)
