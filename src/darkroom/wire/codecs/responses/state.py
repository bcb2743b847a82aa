"""State of an upstream account that a Responses request can name, and that is not offered here yet.

Law: upstream accounts are shared by all customers of this relay, so a name of something that lives in one must never
pass by accident: files, containers, vector stores, skills, stored prompts, conversations, background runs. Files of
pictures live at this relay: their ids pass where a picture is read, and are replaced by what they name.
"""

from collections.abc import Collection
from typing import Any

from darkroom.wire.elide import Long, Path, Tree
from darkroom.wire.fields import read_flag, unsupported, wrong_type

_PICTURE = (
    "Send the picture itself in `image_url`, as a data URL (data:image/png;base64,…) or an https address."
)
_FILE = "Send the file itself in `file_data`, or its address in `file_url`."
_ADVICE = {
    "file_id": _PICTURE,
    "file_ids": "Send what the files hold in `input` instead.",
    "vector_store_ids": "Send the text to be searched in `input` instead.",
    "container_id": 'Use {"type": "auto"} without files instead.',
    "container": 'Use {"type": "auto"} without files instead.',
    "skill_id": "Put the skill's text into `instructions` instead.",
}


def refuse_state(
    tree: Tree, at: Path, skip: frozenset[str] = frozenset(), known: Collection[Path] = ()
) -> None:
    """Raise Invalid if anything in `tree`, which stands at `at`, names a file, a container and the like.

    Fields named in `skip` are not looked into. `known` are the paths of file ids that were read as pictures.
    """
    stack: list[tuple[Any, Path]] = [(tree, at)]
    while stack:
        node, at = stack.pop()
        pairs = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in pairs:
            if key in _ADVICE and _names(value) and (*at, key) not in known:
                advice = _FILE if key == "file_id" and node.get("type") == "input_file" else _ADVICE[key]
                raise unsupported((*at, key), advice)
            if isinstance(value, dict | list) and key not in skip:
                stack.append((value, (*at, key)))


def _names(value: Any) -> bool:
    if isinstance(value, list):
        return any(isinstance(each, str | Long) for each in value)
    return isinstance(value, str | Long) and len(value) > 0


def refuse_top(tree: Tree) -> None:
    """Raise Invalid if the request itself asks for state: background, conversation, prompt."""
    if read_flag(tree, "background"):
        raise unsupported(("background",), "Leave it out, and use `stream: true` for long requests.")
    if tree.get("conversation") is not None:
        raise unsupported(
            ("conversation",), "Use `previous_response_id`, or send the earlier turns in `input`, instead."
        )
    prompt = tree.get("prompt")
    if prompt is not None:
        if not isinstance(prompt, dict):
            raise wrong_type(("prompt",), "an object", prompt, "Put the text of your prompt into `input`.")
        raise unsupported(("prompt", "id"), "Put the prompt's text into `instructions` and `input` instead.")
    options = tree.get("background_options")
    if isinstance(options, dict) and _names(options.get("continuation_id")):
        raise unsupported(("background_options", "continuation_id"), "Send the request without it.")
