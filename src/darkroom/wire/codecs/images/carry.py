"""What a Responses request asks of its image tool, in the words of the Images API, and what these cannot say.

Law: whatever the customer asked for is either in the fields or among the lost; nothing is guessed. Its table for
people is docs/bridges.md. Counterpart of `bridge`, which goes the other way.
"""

from collections.abc import Mapping
from typing import Any

from darkroom.errors import Internal, Invalid
from darkroom.wire.codecs.images.request import LONGEST_PROMPT, MODEL, MOST_IMAGES
from darkroom.wire.codecs.responses.tools import IMAGE
from darkroom.wire.elide import Long, Path, Tree
from darkroom.wire.fields import Text, missing, show, spell, wrong_value
from darkroom.wire.request import Request

SHARED = (
    "size",
    "quality",
    "output_format",
    "output_compression",
    "background",
    "moderation",
    "input_fidelity",
    "complexity",
    "frame_count",
    "frame_duration_ms",
    "svg",
)
"""Fields that the tool and the Images API both have, under one name."""
OUTER = ("user", "safety_identifier")
"""Fields of the request itself that both APIs have."""
MOST_LOST = 30
"""More names than these are counted, not named: they go into a header."""

_QUIET = frozenset(
    (
        "model",
        "input",
        "instructions",
        "tools",
        "user",
        "safety_identifier",
        "stream",
        "stream_options",
        "store",
        "parallel_tool_calls",
        "tool_choice",
        "metadata",
        "include",
        "background",
        "background_options",
        "conversation",
        "prompt",
        "previous_response_id",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "truncation",
        "max_output_tokens",
        "max_tool_calls",
        "top_logprobs",
        "context_management",
        "reasoning",
    )
)
"""Carried elsewhere, or without a meaning where no language model takes part."""
_USUAL: dict[str, tuple[Any, ...]] = {
    "temperature": (1,),
    "top_p": (1,),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "service_tier": ("auto", "default"),
    "text": ({}, {"format": {"type": "text"}}, {"format": {"type": "text"}, "verbosity": "medium"}),
    "image": ({}, {"context_compression": "auto"}),
}
"""Values that ask for nothing."""
_SUMMARIES = ("summary", "generate_summary")


def bridgeable(request: Request) -> bool:
    """Whether an upstream that speaks Images alone can serve the request: a picture, and nothing else, is asked for.

    Always for an Images request. For a Responses request only if the image tool is forced, or is free to be called
    and the only one; if no other tool is there; and if nothing but pictures is referred to by its id.
    """
    if request.surface != "responses":
        return True
    if request.tool is None or not request.image or request.max_tool_calls == 0:
        return False
    pictures = {picture.path for picture in request.inputs}
    if any(path not in pictures for path in request.pins):
        return False
    if any(tool.get("type") != IMAGE for tool in request.tree["tools"]):
        return False
    return request.forced or request.tree.get("tool_choice") in (None, "auto", "required")


def carry(request: Request, texts: Mapping[Path, str]) -> tuple[Tree, list[str]]:
    """The fields of an Images request, without its pictures, and the names of what is lost. Raises Invalid.

    `texts`: the words of those texts that lie in a file.
    """
    tool = request.tool
    if tool is None or not bridgeable(request):
        raise Invalid(
            "This request cannot be served by an upstream that only makes pictures. "
            f'Let {{"type": "{IMAGE}"}} be its only tool, and send earlier turns in `input`.',
            param="tools",
        )
    mask = tool.input_image_mask
    if not request.inputs and (mask is not None or tool.action == "edit"):
        path = (*tool.path, "action") if mask is None else mask.path
        raise wrong_value(path, "There is no picture to edit in `input`. Put one there as `input_image`.")
    if len(request.inputs) > MOST_IMAGES:
        raise wrong_value(("input",), f"The Images API takes at most {MOST_IMAGES} pictures at a time.")
    before, lost = _input(request.tree)
    fields: Tree = {"model": tool.model or MODEL, "prompt": _prompt(before, request.texts, texts)}
    _tool(request, fields, lost)
    fields |= {name: request.tree[name] for name in OUTER if request.tree.get(name) is not None}
    for name, value in request.tree.items():
        if name == "reasoning" and isinstance(value, dict):
            asked = [key for key in value if key not in _SUMMARIES and value[key] is not None]
            lost += [spell(("reasoning", key)) for key in asked]
        elif name not in _QUIET and value is not None and value not in _USUAL.get(name, ()):
            lost.append(spell((name,)))
    return fields, lost


def sources(request: Request) -> list[Any]:
    """All that `carry` makes texts of: the parts of the prompt, and the fields."""
    if request.tool is None:
        return []
    fields: Tree = {name: request.tree.get(name) for name in OUTER}
    _tool(request, fields, [])
    return [*_input(request.tree)[0], *request.texts, fields]


def named(lost: list[str]) -> tuple[str, ...]:
    """The names of what is lost, each once and printable, and not too many of them."""
    names = list(dict.fromkeys(show(name) for name in lost))
    rest = len(names) - MOST_LOST
    return (*names[:MOST_LOST], *([f"and {rest} more"] if rest > 0 else []))


def in_words(text: Text, texts: Mapping[Path, str]) -> str:
    """A text that may lie in a file. Raises Internal if nobody has read it."""
    if isinstance(text, str):
        return text
    if text.path not in texts:
        raise Internal("A part of the request was lost on this server.", internal=f"unread text {text!r}")
    return texts[text.path]


def _prompt(before: list[Text], user: tuple[Text, ...], texts: Mapping[Path, str]) -> Text:
    parts = [text for text in (*before, *user) if len(text)]
    if len(parts) == 1 and isinstance(parts[0], Long) and parts[0].path not in texts:
        return parts[0]
    said = "\n".join(in_words(text, texts) for text in user if len(text))
    words = [*(in_words(text, texts) for text in before if len(text)), *([said] if said else [])]
    prompt = "\n\n".join(words)
    if not prompt:
        raise missing(("input",), "Say there, as text, what the picture shall show.")
    if len(prompt) > LONGEST_PROMPT:
        raise wrong_value(
            ("input",),
            f"The Images API takes at most {LONGEST_PROMPT} characters of text, all turns together.",
        )
    return prompt


def _tool(request: Request, fields: Tree, lost: list[str]) -> None:
    """The image tool's fields. What a second one says is lost, as one picture is made at a time."""
    tool = request.tool
    assert tool is not None
    node: Any = request.tree
    for step in tool.path:
        node = node[step]
    for name, value in node.items():
        path = spell((*tool.path, name))
        if value is None or name in ("type", "model", "input_image_mask", "partial_images"):
            continue
        if name == "action":
            if value != "auto" and value != ("edit" if request.inputs else "generate"):
                lost.append(path)
        elif name in SHARED and (name != "input_fidelity" or request.inputs):
            fields[name] = value
        elif (name, value) != ("n", 1):
            lost.append(path)
    others = [
        ("tools", index) for index in range(len(request.tree["tools"])) if ("tools", index) != tool.path
    ]
    lost += [spell(path) for path in others]


def _input(tree: Tree) -> tuple[list[Text], list[str]]:
    """The texts that stand before the user's, and what in `instructions` and `input` is lost."""
    before: list[Text] = []
    lost: list[str] = []
    instructions = tree.get("instructions")
    if isinstance(instructions, str | Long):
        before.append(instructions)
    elif instructions is not None:
        lost.append("instructions")
    items = tree.get("input")
    for index, item in enumerate(items if isinstance(items, list) else ()):
        at: Path = ("input", index)
        type, role, content = item.get("type"), item.get("role"), item.get("content")
        if type in (IMAGE + "_call", "reasoning"):
            continue
        if type not in (None, "message") or role not in (None, "user", "system", "developer", "assistant"):
            lost.append(spell(at))
        elif role == "assistant":
            if _says(content):
                lost.append(spell(at))
        else:
            spoken = before if role in ("system", "developer") else []
            if isinstance(content, list):
                _parts(content, (*at, "content"), spoken, lost)
            else:
                spoken.append(content)
    return before, lost


def _parts(parts: list[Tree], at: Path, spoken: list[Text], lost: list[str]) -> None:
    for index, part in enumerate(parts):
        if part.get("type") == "input_text":
            spoken.append(part["text"])
        elif part.get("type") != "input_image":
            lost.append(spell((*at, index)))
        elif part.get("detail") not in (None, "auto"):
            lost.append(spell((*at, index, "detail")))


def _says(content: Any) -> bool:
    """An earlier answer has words."""
    if isinstance(content, list):
        return any(part.get("text") or part.get("refusal") for part in content)
    return bool(content)
