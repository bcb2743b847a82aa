"""An Images request as a Responses request whose one tool makes the picture.

Law: whatever the customer asked for is either in the tree or among the lost. How many pictures is not said in it: the
gateway sends it once for each. Its table for people is docs/bridges.md. Counterpart of `carry`, which goes the other
way. Source: wire.md 1.1 to 1.4, 4.1, 5.1.
"""

from collections.abc import Mapping
from typing import Any

from darkroom.wire.codecs.images.carry import OUTER, SHARED, named
from darkroom.wire.codecs.images.form import PICTURES
from darkroom.wire.codecs.responses.pictures import file_not_found
from darkroom.wire.codecs.responses.tools import IMAGE
from darkroom.wire.elide import Path, Tree, Upload
from darkroom.wire.fields import Text, spell
from darkroom.wire.request import InputPicture, Request

_QUIET = frozenset(("model", "prompt", "n", "stream", "partial_images", "response_format", *OUTER, *SHARED))
"""Carried elsewhere, or the relay's own business."""


def to_responses(
    request: Request, *, model: str, stream: bool, pictures: Mapping[Path, Upload] | None = None
) -> tuple[Tree, tuple[str, ...]]:
    """The tree for a Responses upstream, and the names of what it could not carry. Raises Invalid.

    `model`: the outer model. `pictures`: those of `request.pictures` that lie in a file, by path; ids of files must be
    among them, everything else goes as it came. How hard the outer model thinks is left to the upstream: the picture
    does not depend on it, the time and the price do.
    """
    pictures = pictures or {}
    asked, image = request.tree, request.tool
    assert image is not None
    lost: list[str] = []
    tool: Tree = {"type": IMAGE, "model": request.model}
    if request.inputs:
        tool["action"] = "edit"
    tool |= {name: asked[name] for name in SHARED if asked.get(name) is not None}
    if image.input_image_mask is not None:
        tool["input_image_mask"] = {"image_url": _address(image.input_image_mask, pictures)}
    if image.partial_images is not None and request.stream:
        if stream:
            tool["partial_images"] = image.partial_images
        elif image.partial_images:
            lost.append("partial_images")
    tree: Tree = {
        "model": model,
        "input": [{"type": "message", "role": "user", "content": _content(request, pictures)}],
        "tools": [tool],
        "tool_choice": {"type": IMAGE},
        "stream": stream,
        "store": False,
        **{name: asked[name] for name in OUTER if asked.get(name) is not None},
    }
    carried = {*_QUIET, *(PICTURES if request.surface == "edits" else ())} - {"markup"}
    for name, value in asked.items():
        if name == "metadata" and _is_metadata(value):
            tree["metadata"] = value
        elif value is not None and name not in carried:
            lost.append(spell((name,)))
    return tree, named(lost)


def _content(request: Request, pictures: Mapping[Path, Upload]) -> list[Tree]:
    texts = [{"type": "input_text", "text": text} for text in request.texts]
    shown = [_address(picture, pictures) for picture in request.inputs]
    return [*texts, *({"type": "input_image", "image_url": address} for address in shown)]


def _address(picture: InputPicture, pictures: Mapping[Path, Upload]) -> Text:
    """A picture as `image_url` takes it: an address, a data URL, or a file that is written as one."""
    if picture.path in pictures:
        return pictures[picture.path]
    if picture.kind == "file":
        raise file_not_found(picture)
    return picture.value


def _is_metadata(value: Any) -> bool:
    """What Responses takes as `metadata`: words under names."""
    return isinstance(value, dict) and all(isinstance(word, str) for word in value.values())
