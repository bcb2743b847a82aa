"""The models that a caller sees: those of his channels; where a channel takes any, the published ones."""

from collections.abc import Iterable
from typing import Any

from darkroom.channels.catalog import Channel
from darkroom.ledger.keys import Key

PUBLISHED: dict[str, int] = {
    "gpt-5.5": 1776729600,
    "gpt-5": 1754524800,
    "gpt-image-2.6-sunburst": 1793750400,
    "gpt-image-2.6-flare": 1793750400,
    "gpt-image-2.5-sunburst": 1788825600,
    "gpt-image-2.5-flare": 1788825600,
    "gpt-image-2": 1776729600,
}
"""Models that any OpenAI-compatible upstream is likely to know, with their dates (wire.md section 0)."""


def offered(channels: Iterable[Channel], key: Key) -> list[dict[str, Any]]:
    """The model objects for `key`, published ones first, each once."""
    names: dict[str, int] = {}
    for channel in channels:
        listed = PUBLISHED if channel.models == "*" else dict.fromkeys(channel.models, 0)
        for name in listed:
            names.setdefault(name, PUBLISHED.get(name, 1764547200))
    return [
        {"id": name, "object": "model", "created": created, "owned_by": "darkroom"}
        for name, created in names.items()
        if key.models is None or name in key.models
    ]
