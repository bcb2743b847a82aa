"""What was asked for against what was delivered: size, quality, format, background and count of the pictures.

Law: pure, and told only where both sides are known: `auto`, a word left out and a picture that nobody could read are
no promise and no breach. Counterpart of `record`, whose `requested` and `delivered` are read here.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from darkroom.wire.actions import Picture
from darkroom.wire.request import ImageTool

HEADER = b"x-darkroom-fidelity"
EXACT = "exact"
HEADER_MAX = 500
"""Letters of the header's value: ten pictures can differ in many ways."""
_KINDS = (("size", "size"), ("quality", "quality"), ("format", "output_format"), ("background", "background"))
"""What may differ, and the field that asks for it."""
_SAME = {"jpg": "jpeg", "standard": "medium", "hd": "high"}
"""Other words for the same thing."""


class Difference(NamedTuple):
    """One way in which the pictures are not what was asked for. As text: `size: asked 1024x1024, got 1254x1254`."""

    kind: str
    asked: str
    got: str

    def __str__(self) -> str:
        return f"{self.kind}: asked {_short(self.asked)}, got {_short(self.got)}"


def differences(
    asked: Mapping[str, Any], delivered: Sequence[Mapping[str, Any]], n: int = 1
) -> list[Difference]:
    """Every way once, as `Trace.requested` and `Trace.delivered` tell it; `n` pictures were asked for.

    None at all delivered is a failure, which has its own words.
    """
    found: dict[Difference, None] = {}
    for kind, field in _KINDS:
        want = _word(asked.get(field))
        for picture in delivered:
            got = _word(picture.get(kind))
            if want and got and want != got:
                found[Difference(kind, want, got)] = None
    if delivered and len(delivered) != n:
        found[Difference("count", str(n), str(len(delivered)))] = None
    return list(found)


def asked_for(tool: ImageTool | None) -> dict[str, Any]:
    """What a request asks for, as `differences` takes it."""
    return {field: value for _, field in _KINDS if (value := getattr(tool, field, None)) is not None}


def delivered_as(pictures: Sequence[Picture]) -> list[dict[str, Any]]:
    """What came, as `differences` takes it."""
    return [
        {
            "size": f"{picture.width}x{picture.height}" if picture.width and picture.height else None,
            "quality": picture.quality,
            "format": picture.format,
            "background": picture.background,
        }
        for picture in pictures
    ]


def header_value(
    asked: Mapping[str, Any], delivered: Sequence[Mapping[str, Any]], n: int = 1
) -> bytes | None:
    """The value of HEADER: `exact`, or the differences; None where there is no picture to speak of."""
    if not delivered:
        return None
    told = "; ".join(map(str, differences(asked, delivered, n))) or EXACT
    return (told if len(told) <= HEADER_MAX else told[: HEADER_MAX - 3] + "...").encode("ascii")


def _word(value: Any) -> str | None:
    if not isinstance(value, str) or value.lower() == "auto":
        return None
    return _SAME.get(value.lower(), value.lower()) or None


def _short(word: str) -> str:
    """Both sides' words come from elsewhere: nothing of them may break a header."""
    return re.sub(r"[^A-Za-z0-9_.+-]", "?", word)[:40]
