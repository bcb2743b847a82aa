"""Reads what a client asks for: checked as OpenAI checks it, with its words where they are known.

The law of this file: a request that the real API would refuse is refused here with the field named, and fields that
nobody knows are let through.
"""

import base64
import binascii
from typing import Any

import msgspec

from darkroom.errors import Invalid
from darkroom.sandbox import models
from darkroom.sandbox.models import check_size, find_model
from darkroom.sandbox.painter import STAND_IN
from darkroom.wire.picture import read_head

Tree = dict[str, Any]
DEFAULT_IMAGE_MODEL = "gpt-image-2.6-sunburst"


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """The picture asked for, resolved: no `auto` is left but in `asked`."""

    model: str
    width: int
    height: int
    quality: str
    format: str
    compression: int
    transparent: bool
    partials: int
    action: str
    images: tuple[bytes, ...] = ()
    mask: bytes | None = None

    @property
    def size(self) -> str:
        """The size as the wire says it."""
        return f"{self.width}x{self.height}"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A Responses request: a picture, a function call or a few words."""

    body: Tree
    model: str
    stream: bool
    prompt: str
    text: str
    """All the words of the input."""
    wish: Wish | None
    function: Tree | None


def missing(param: str) -> Invalid:
    """A required field is not there."""
    return Invalid(f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")


def wrong_type(param: str, wanted: str) -> Invalid:
    """A field is of another kind than it should be."""
    return Invalid(f"Invalid type for '{param}': expected {wanted}.", param=param, code="invalid_type")


def choice(tree: Tree, key: str, allowed: tuple[str, ...], default: str, where: str = "") -> str:
    """A field that takes one of a few words."""
    value = tree.get(key)
    if value is None:
        return default
    if value not in allowed:
        raise Invalid(
            f"Invalid value: '{value}'. Supported values are: {', '.join(map(repr, allowed))}.",
            param=where + key,
        )
    return str(value)


def number(tree: Tree, key: str, low: int, high: int, default: int, where: str = "") -> int:
    """A field that takes a whole number."""
    value = tree.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type(where + key, "an integer")
    if not low <= value <= high:
        raise Invalid(
            f"Invalid value for '{where}{key}': {value}. It must be from {low} to {high}.", param=where + key
        )
    return value


def flag(tree: Tree, key: str) -> bool:
    """A field that is true or false."""
    value = tree.get(key)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise wrong_type(key, "a boolean")


def read_wish(tree: Tree, images: tuple[bytes, ...], mask: bytes | None, where: str = "") -> Wish:
    """The picture that a tool, or an Images request, asks for; `where` is the prefix of its field names."""
    model = tree.get("model", DEFAULT_IMAGE_MODEL)
    if not isinstance(model, str):
        raise wrong_type(f"{where}model", "a string")
    find_model(model, f"{where}model", models.IMAGE_MODELS)
    asked = tree.get("size") or "auto"
    if not isinstance(asked, str):
        raise wrong_type(f"{where}size", "a string")
    size = check_size(asked, model, f"{where}size") or _auto_size(images, model)
    format = choice(tree, "output_format", models.FORMATS, "png", where)
    background = choice(tree, "background", models.BACKGROUNDS, "auto", where)
    if background == "transparent" and format == "jpeg":
        raise Invalid(
            "Transparent background is not supported for JPEG; use png or webp.", param=f"{where}background"
        )
    choice(tree, "moderation", models.MODERATIONS, "auto", where)
    quality = choice(tree, "quality", models.qualities(model), "auto", where)
    action = choice(tree, "action", ("generate", "edit", "auto"), "auto", where)
    if action == "edit" and not images:
        raise Invalid("The action 'edit' needs an image in the input.", param=f"{where}action")
    editing = bool(images) and action != "generate"
    return Wish(
        model=model,
        width=size[0],
        height=size[1],
        quality="medium" if quality == "auto" else quality,
        format=format,
        compression=number(tree, "output_compression", 0, 100, 100, where),
        transparent=background == "transparent",
        partials=number(tree, "partial_images", 0, 3, 0, where),
        action="edit" if editing else "generate",
        images=images if editing else (),
        mask=mask if editing else None,
    )


def _auto_size(images: tuple[bytes, ...], model: str) -> tuple[int, int]:
    """What `auto` means: the first input picture's own size where the model can make it, else a square."""
    head = read_head(images[0][:65536]) if images else None
    if head is not None:
        try:
            check_size(f"{head.width}x{head.height}", model, "size")
        except Invalid:
            return 1024, 1024
        return head.width, head.height
    return 1024, 1024


def read_order(body: Any) -> Order:
    """A Responses request body."""
    if not isinstance(body, dict):
        raise wrong_type("body", "an object")
    model, given = body.get("model"), body.get("input")
    if model is None:
        raise missing("model")
    if not isinstance(model, str):
        raise wrong_type("model", "a string")
    if find_model(model) in models.IMAGE_MODELS:
        raise Invalid(f"The model '{model}' is not supported with the Responses API.", param="model")
    if given is None:
        raise missing("input")
    if not isinstance(given, str | list):
        raise wrong_type("input", "a string or an array")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    prompt, text, images = _read_input(items)
    tools = body.get("tools") or []
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        raise wrong_type("tools", "an array of objects")
    at = _chosen(body, tools, items)
    wish = function = None
    if at is not None and tools[at].get("type") == "image_generation":
        mask = tools[at].get("input_image_mask")
        where = f"tools[{at}]."
        if not isinstance(mask, dict | None):
            raise wrong_type(f"{where}input_image_mask", "an object")
        masked = take_picture(mask, f"{where}input_image_mask") if mask is not None else None
        wish = read_wish(tools[at], images, masked, where)
    elif at is not None:
        function = tools[at]
    return Order(
        body=body,
        model=model,
        stream=flag(body, "stream"),
        prompt=prompt,
        text=text,
        wish=wish,
        function=function,
    )


def _chosen(body: Tree, tools: list[Tree], items: list[Any]) -> int | None:
    """Which tool is called, if any: the one demanded, else the image tool, else a function that has no answer yet."""
    choice = body.get("tool_choice")
    kinds = [tool.get("type") for tool in tools]
    if choice == "none":
        return None
    if isinstance(choice, dict):
        kind, name = choice.get("type"), choice.get("name")
        if kind == "allowed_tools":
            allowed = choice.get("tools") or []
            if not isinstance(allowed, list):
                raise wrong_type("tool_choice.tools", "an array of objects")
            wanted = [tool.get("type") for tool in allowed if isinstance(tool, dict)]
            kinds = [kind if kind in wanted else None for kind in kinds]
        else:
            for at, tool in enumerate(tools):
                if tool.get("type") == kind and (name is None or tool.get("name") == name):
                    return at
            raise Invalid(
                f"Tool choice '{name or kind}' not found in 'tools' parameter.", param="tool_choice"
            )
    if "image_generation" in kinds:
        return kinds.index("image_generation")
    answered = any(isinstance(item, dict) and item.get("type") == "function_call_output" for item in items)
    if "function" in kinds and (choice == "required" or not answered):
        return kinds.index("function")
    return None


def _read_input(items: list[Any]) -> tuple[str, str, tuple[bytes, ...]]:
    """The last user message's words, all words, and the pictures: the last message's, else the last one made."""
    prompt, words = "", []
    shown: list[bytes] = []
    made: list[bytes] = []
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise wrong_type(f"input[{index}]", "an object")
        if item.get("type") == "image_generation_call":
            result = item.get("result")
            held = (
                {"image_url": result}
                if isinstance(result, str) and result
                else {"file_id": str(item.get("id"))}
            )
            made = [take_picture(held, f"input[{index}].result")]
        if item.get("role") is None:
            continue
        content = item.get("content")
        parts = [{"type": "input_text", "text": content}] if isinstance(content, str) else content or []
        if not isinstance(parts, list):
            raise wrong_type(f"input[{index}].content", "a string or an array")
        texts, pictures = _read_parts(parts, f"input[{index}].content")
        words += texts
        if item["role"] == "user":
            prompt, shown = "\n".join(texts), pictures
    return prompt, "\n".join(words), tuple(shown or made)


def _read_parts(parts: list[Any], where: str) -> tuple[list[str], list[bytes]]:
    texts, pictures = [], []
    for index, part in enumerate(parts):
        if not isinstance(part, dict):
            raise wrong_type(f"{where}[{index}]", "an object")
        if part.get("type") in ("input_text", "output_text", "text"):
            if not isinstance(part.get("text"), str):
                raise wrong_type(f"{where}[{index}].text", "a string")
            texts.append(part["text"])
        elif part.get("type") == "input_image":
            pictures.append(take_picture(part, f"{where}[{index}].image_url"))
    return texts, pictures


def take_picture(part: Tree, param: str) -> bytes:
    """The picture of `image_url` or `file_id`: its bytes if they are there, else a place holder that names it."""
    address = part.get("image_url")
    if isinstance(address, dict):
        address = address.get("url")
    if address is None:
        file_id = part.get("file_id")
        if not isinstance(file_id, str):
            raise missing(param)
        return STAND_IN + file_id.encode()
    if not isinstance(address, str):
        raise wrong_type(param, "a string")
    if address.startswith(("http://", "https://")):
        return STAND_IN + address.encode()
    return decode_picture(address, param)


def decode_picture(text: str, param: str) -> bytes:
    """The bytes of a data: URL or of bare base64; a 400 naming the field if they are no picture."""
    encoded = text.partition(",")[2] if text.startswith("data:") else text
    try:
        file = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as reason:
        raise Invalid(
            "The image data is not valid base64.", param=param, code="invalid_base64_image"
        ) from reason
    head = read_head(file[:65536])
    if head is None or head.format not in models.FORMATS:
        raise Invalid(
            "The image data you provided does not represent a valid image. Supported are png, jpeg and webp.",
            param=param,
            code="invalid_image_format",
        )
    return file
