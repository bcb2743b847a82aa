"""What a customer asks for, as the body of `POST /responses` that the contract recommends (its section 3)."""

from collections.abc import Sequence
from typing import Any

import msgspec

from darkroom.client.picture import to_url

MODEL = "gpt-5.5"
"""The outer model, which calls the image tool."""
IMAGE_MODEL = "gpt-image-2"
EFFORT = "xhigh"


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One picture to be made. None: the relay's own choice. `images` and `mask` are the bytes of picture files."""

    prompt: str
    model: str = MODEL
    image_model: str | None = IMAGE_MODEL
    effort: str | None = EFFORT
    """The outer model's reasoning effort; None leaves `reasoning` out, for models that do not know it."""
    size: str | None = None
    quality: str | None = None
    format: str | None = None
    background: str | None = None
    partials: int = 0
    """Previews wanted, 0 to 3."""
    images: Sequence[bytes] = ()
    """Pictures to edit or to take as a pattern."""
    mask: bytes | None = None
    """Its transparent pixels are what may change in the first of `images`."""


def write_body(ask: Ask) -> bytes:
    """The JSON body. Raises `Invalid` for input pictures that are none."""
    content: list[dict[str, Any]] = [{"type": "input_text", "text": ask.prompt}]
    content += [{"type": "input_image", "image_url": to_url(image, "image")} for image in ask.images]
    tool: dict[str, Any] = {
        "type": "image_generation",
        "model": ask.image_model,
        "size": ask.size,
        "quality": ask.quality,
        "output_format": ask.format,
        "background": ask.background,
        "partial_images": ask.partials or None,
        "input_image_mask": None if ask.mask is None else {"image_url": to_url(ask.mask, "mask")},
    }
    body: dict[str, Any] = {
        "model": ask.model,
        "input": [{"type": "message", "role": "user", "content": content}],
        "stream": True,
        "store": False,
        "parallel_tool_calls": True,
        "tool_choice": {"type": "image_generation"},
    }
    if ask.effort:
        body["reasoning"] = {"effort": ask.effort, "summary": "auto"}
    body["tools"] = [{name: value for name, value in tool.items() if value is not None}]
    return msgspec.json.encode(body)
