"""`input` of a Responses request: texts, pictures, and the ids of upstream state in its items.

Law: every form is read (a string, items, shorthand messages, replayed answers), unknown types and fields are left to
the upstream. Only what would break this relay, or is surely refused upstream, is refused here. Source: wire.md 1.4.
"""

from typing import Any

from darkroom.wire.codecs.responses.pictures import read_picture
from darkroom.wire.codecs.responses.state import refuse_state
from darkroom.wire.elide import Long, Path, Tree
from darkroom.wire.fields import Text, missing, read_word, wrong_type
from darkroom.wire.request import InputPicture, Ref

NAMED = {
    "image_generation_call": "ig",
    "web_search_call": "ws",
    "file_search_call": "fs",
    "computer_call": "cu",
    "code_interpreter_call": "ci",
    "local_shell_call": "lsh",
    "mcp_call": "mcp",
    "mcp_list_tools": "mcpl",
    "mcp_approval_request": "mcpr",
}
"""Items that an upstream does not take without an id, and how those ids begin; all others may lack theirs."""

_SKIP = frozenset(("annotations",))
_SHORTHAND = 'Write {"role": "user", "content": "…"}, for example.'


class Items:
    """What the input's items hold, read one by one; afterwards `texts`, `inputs` and `refs` are whole."""

    def __init__(self, tree: Tree) -> None:
        self.texts: list[Text] = []
        self.inputs: list[InputPicture] = []
        self.refs: list[Ref] = []
        self._files: set[Path] = set()
        value = tree.get("input")
        if isinstance(value, str | Long):
            self.texts.append(value)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self._item(item, ("input", index))
        elif value is not None:
            raise wrong_type(("input",), "a string or an array of objects", value)
        elif tree.get("previous_response_id") is None:
            raise missing(("input",), "Put your prompt there, as a string or as a list of messages.")

    def _item(self, item: Any, at: Path) -> None:
        if not isinstance(item, dict):
            raise wrong_type(at, "an object", item, _SHORTHAND)
        type = read_word(item, "type", at)
        if type is None and "role" not in item and "content" not in item and item.get("id") is not None:
            type = "item_reference"
        if type == "item_reference":
            self._reference(item, at)
        elif type == "image_generation_call":
            self._image_call(item, at)
        else:
            id = read_word(item, "id", at)
            if id:
                self.refs.append(Ref((*at, "id"), id, "name" if type in NAMED else "own"))
            if type is None or type == "message":
                self._message(item, at)
            else:
                self._other(item, at)
        refuse_state({k: v for k, v in item.items() if k != "container_id"}, at, _SKIP, self._files)

    def _reference(self, item: Tree, at: Path) -> None:
        id = read_word(item, "id", at)
        if not id:
            raise missing((*at, "id"), "Name the item that is meant, or send the item itself.")
        self.refs.append(Ref((*at, "id"), id, "item"))

    def _image_call(self, item: Tree, at: Path) -> None:
        id, result = read_word(item, "id", at), item.get("result")
        if result is not None and not isinstance(result, str | Long):
            raise wrong_type((*at, "result"), "a string", result, "Put the picture's base64 there.")
        if result:
            self.inputs.append(InputPicture((*at, "result"), "result", result))
            self.refs.append(Ref((*at, "id"), id or "", "name"))
        elif id:
            self.inputs.append(InputPicture((*at, "id"), "item", id))
            self.refs.append(Ref((*at, "id"), id, "item"))
        else:
            raise missing((*at, "result"), "An image_generation_call needs the picture's base64, or its id.")

    def _message(self, item: Tree, at: Path) -> None:
        role, content = read_word(item, "role", at), item.get("content")
        user = role in (None, "user")
        at = (*at, "content")
        if isinstance(content, str | Long):
            if user:
                self.texts.append(content)
        elif isinstance(content, list):
            for index, part in enumerate(content):
                self._part(part, (*at, index), user)
        elif content is None:
            raise missing(at, "Put the message's text there, or a list of its parts.")
        else:
            raise wrong_type(at, "a string or an array of objects", content)

    def _other(self, item: Tree, at: Path) -> None:
        """A replayed call, its output, a reasoning item, or something that nobody here knows."""
        container = read_word(item, "container_id", at)
        if container:
            self.refs.append(Ref((*at, "container_id"), container, "container"))
        request = item.get("approval_request_id")
        if isinstance(request, str) and request:
            self.refs.append(Ref((*at, "approval_request_id"), request, "item"))
        for key in ("output", "content"):
            parts = item.get(key)
            if isinstance(parts, list):
                for index, part in enumerate(parts):
                    if isinstance(part, dict):
                        self._part(part, (*at, key, index), False)

    def _part(self, part: Any, at: Path, user: bool) -> None:
        if not isinstance(part, dict):
            raise wrong_type(at, "an object", part, 'Write {"type": "input_text", "text": "…"}, for example.')
        type = read_word(part, "type", at)
        if type == "input_text":
            text = part.get("text")
            if text is None:
                raise missing((*at, "text"), "Put the text there.")
            if not isinstance(text, str | Long):
                raise wrong_type((*at, "text"), "a string", text)
            if user:
                self.texts.append(text)
        elif type == "input_image":
            self._picture(part, at)
        annotations = part.get("annotations")
        if isinstance(annotations, list):
            self._citations(annotations, (*at, "annotations"))

    def _picture(self, part: Tree, at: Path) -> None:
        picture = read_picture(part, at)
        if picture is None:
            raise missing((*at, "image_url"), "Put the picture's https address or data URL there.")
        if picture.kind == "file":
            self._files.add(picture.path)
        self.inputs.append(picture)

    def _citations(self, annotations: list[Any], at: Path) -> None:
        """Annotations of an earlier answer that cite files of the upstream account."""
        for index, annotation in enumerate(annotations):
            if isinstance(annotation, dict):
                for key in ("file_id", "container_id"):
                    value = annotation.get(key)
                    if isinstance(value, str) and value:
                        self.refs.append(Ref((*at, index, key), value, "citation"))
