"""A picture as a customer gets it, and the ways in and out of base64.

Law: what is called a picture was decoded and begins as a picture does; nobody is handed an error page as `.png`.
"""

import base64
import binascii
from typing import Any

import msgspec

from darkroom import errors
from darkroom.client.failures import Damaged
from darkroom.wire.picture import mime, read_format, read_head
from darkroom.wire.stages import Mark

SENDABLE = ("png", "jpeg", "webp")
"""Formats that may be sent as input."""
_TO_STANDARD = str.maketrans("-_", "+/", " \t\r\n")


class Partial(msgspec.Struct, frozen=True):
    """A preview: `index` counts from 0."""

    index: int
    content: bytes
    format: str


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """The finished picture: its bytes, what they are, and how it came about."""

    content: bytes
    format: str
    """png, jpeg, webp, gif or svg, read from the bytes."""
    size: str | None
    """ "WxH" in pixels, read from the bytes; None where they do not tell."""
    revised_prompt: str | None = None
    usage: dict[str, Any] | None = None
    """What the image tool used (`tool_usage.image_gen`), None if the relay did not say."""
    request_id: str | None = None
    stages: tuple[Mark, ...] = ()
    """Every stage in seconds since `generate` was called, earlier attempts included."""
    took_s: float = 0.0


def decode(image: str) -> tuple[bytes, str, str | None]:
    """Content, format and size of a base64 picture. Raises Damaged."""
    text = image.translate(_TO_STANDARD)
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Damaged("The answer's picture is not base64.", code="invalid_image") from None
    if (head := read_head(content)) is not None:
        return content, head.format, head.size
    format = read_format(content) or _svg(content)
    if format is None:
        raise Damaged("The answer's picture is not an image file.", code="invalid_image")
    return content, format, None


def to_url(content: bytes, param: str) -> str:
    """A picture to send, as a data URL. Raises `Invalid` for what is no PNG, JPEG or WebP."""
    format = read_format(content)
    if format not in SENDABLE:
        raise errors.Invalid(
            "Input pictures must be PNG, JPEG or WebP files.", param=param, code="invalid_image"
        )
    return f"data:{mime(format)};base64,{base64.b64encode(content).decode()}"


def _svg(content: bytes) -> str | None:
    start = content[:256].lstrip()
    return "svg" if start.startswith((b"<svg", b"<?xml")) else None
