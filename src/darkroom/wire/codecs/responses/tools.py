"""`tools` and `tool_choice` of a Responses request: the image tool, whether it may be used, and whether it must be.

Law: only what would break this relay, or is surely refused upstream, is refused here; values that nobody here knows
are the upstream's to judge. Source: wire.md 1.1, 1.2.
"""

from typing import Any

from darkroom.wire.codecs.responses.pictures import read_picture
from darkroom.wire.codecs.responses.state import refuse_state
from darkroom.wire.elide import Path, Tree
from darkroom.wire.fields import (
    missing,
    read_number,
    read_object,
    read_word,
    wrong_type,
    wrong_value,
)
from darkroom.wire.request import ImageTool
from darkroom.wire.sizes import check_size

IMAGE = "image_generation"
_WORDS = (
    "size",
    "quality",
    "output_format",
    "background",
    "moderation",
    "input_fidelity",
    "complexity",
)
_SCHEMAS = frozenset(("parameters", "input_schema", "filters", "headers"))
"""Fields of tools that hold the customer's own names."""
_OTHERS = frozenset(
    (
        "function",
        "custom",
        "mcp",
        "apply_patch",
        "shell",
        "local_shell",
        "programmatic_tool_calling",
        "file_search",
        "web_search",
        "web_search_preview",
        "web_search_preview_2025_03_11",
        "computer",
        "computer_use",
        "computer_use_preview",
        "code_interpreter",
    )
)
"""Types of `tool_choice` that force another tool."""


def read_tools(tree: Tree) -> tuple[ImageTool | None, list[str]]:
    """The image tool, and the types of all tools. Raises Invalid."""
    value = tree.get("tools")
    if value is None:
        return None, []
    if not isinstance(value, list):
        raise wrong_type(("tools",), "an array of objects", value)
    image: ImageTool | None = None
    types: list[str] = []
    for index, tool in enumerate(value):
        at: Path = ("tools", index)
        if not isinstance(tool, dict):
            raise wrong_type(at, "an object", tool, f'Write {{"type": "{IMAGE}"}}, for example.')
        type = read_word(tool, "type", at)
        if not type:
            raise missing((*at, "type"), f'Name the tool, for example "{IMAGE}".')
        types.append(type)
        if type == IMAGE:
            found = _image_tool(tool, at)
            image = image or found
        mask = image.input_image_mask if image is not None else None
        # Another image tool's mask is nobody's picture here, so it may not name a file.
        refuse_state(tool, at, _SCHEMAS, () if mask is None else (mask.path,))
    return image, types


def read_fields(tree: Tree, at: Path) -> dict[str, Any]:
    """What both APIs say about the picture to be made, under the names of `ImageTool`. Raises Invalid."""
    return {
        "output_compression": read_number(tree, "output_compression", at, lowest=0, highest=100),
        "partial_images": read_number(tree, "partial_images", at, lowest=0, highest=3),
        "frame_count": read_number(tree, "frame_count", at),
        "frame_duration_ms": read_number(tree, "frame_duration_ms", at),
        "svg": read_object(tree, "svg", at),
        **{name: read_word(tree, name, at) for name in _WORDS},
    }


def _image_tool(tool: Tree, at: Path) -> ImageTool:
    model, fields = read_word(tool, "model", at), read_fields(tool, at)
    check_size(model, fields["size"], (*at, "size"), fields["output_format"])
    mask = read_object(tool, "input_image_mask", at)
    return ImageTool(
        path=at,
        model=model,
        action=read_word(tool, "action", at),
        input_image_mask=None if mask is None else read_picture(mask, (*at, "input_image_mask")),
        **fields,
    )


def read_choice(tree: Tree, types: list[str]) -> tuple[bool, bool]:
    """Whether the image tool may be used, and whether it must be; `types` are those of `tools`. Raises Invalid."""
    choice: Any = tree.get("tool_choice")
    offered = IMAGE in types
    if choice is None or isinstance(choice, str):
        alone = offered and all(type == IMAGE for type in types)
        return offered and choice != "none", alone and choice == "required"
    if not isinstance(choice, dict):
        raise wrong_type(("tool_choice",), "a string or an object", choice, f'Write {{"type": "{IMAGE}"}}.')
    type = read_word(choice, "type", ("tool_choice",))
    if type == IMAGE:
        if not offered:
            raise wrong_value(
                ("tool_choice",),
                f'It asks for the tool "{IMAGE}", which is not in `tools`. Add {{"type": "{IMAGE}"}} to `tools`.',
            )
        return True, True
    if type == "allowed_tools":
        return _allowed(choice, offered)
    return offered and type not in _OTHERS, False


def _allowed(choice: Tree, offered: bool) -> tuple[bool, bool]:
    tools = choice.get("tools")
    if not isinstance(tools, list):
        raise wrong_type(("tool_choice", "tools"), "an array of objects", tools)
    allowed = [tool.get("type") for tool in tools if isinstance(tool, dict)]
    usable = offered and IMAGE in allowed
    return usable, usable and choice.get("mode") == "required" and all(type == IMAGE for type in allowed)
