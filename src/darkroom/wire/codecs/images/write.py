"""What goes to an upstream that speaks Images: JSON for a generation, a form for an edit, whichever API was called.

Law: nothing that the customer asked for is dropped in silence; what the Images API cannot say is among the `lost`.
Pictures and texts that lie elsewhere were brought here by the caller of this file. Source: wire.md 4.1, 5.1.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.json import encode

from darkroom.errors import Internal, Invalid
from darkroom.wire.codecs.images.carry import bridgeable, carry, in_words, named, sources
from darkroom.wire.codecs.images.form import PICTURES
from darkroom.wire.codecs.images.request import ESCAPED, LONGEST_PROMPT
from darkroom.wire.codecs.responses.pictures import file_not_found
from darkroom.wire.elide import Long, Path, Tree, Upload
from darkroom.wire.fields import show, spell, wrong_value
from darkroom.wire.request import InputPicture, Request

__all__ = ["Written", "bridgeable", "long_texts", "write_request"]

GENERATIONS, EDITS = "/images/generations", "/images/edits"
_TOLD = ("stream", "n", "partial_images", "response_format")
"""Fields that the relay decides."""
_GPT = ("gpt-image-", "chatgpt-image-")
"""How the models begin that give base64 by default and refuse to be asked for it."""

Form = tuple[tuple[str, str | Upload], ...]


class Written(Struct, frozen=True):
    """A request to an Images upstream: its path, a JSON body or a form, and the names of what it could not carry."""

    path: str
    tree: Tree | None
    form: Form | None
    lost: tuple[str, ...]


def long_texts(request: Request) -> tuple[Long, ...]:
    """The strings that lie in a file and that `write_request` may need in words, as `texts`.

    Raises Invalid if they are too long to be read into memory: longer, all together, than any prompt.
    """
    if request.surface == "generations":
        return ()
    found: list[Long] = []
    stack: list[Any] = [_own(request) if request.surface == "edits" else sources(request)]
    while stack:
        node = stack.pop()
        for value in node.values() if isinstance(node, dict) else node:
            if isinstance(value, dict | list):
                stack.append(value)
            elif isinstance(value, Long):
                found.append(value)
    if sum(map(len, found)) > LONGEST_PROMPT * ESCAPED:
        longest = max(found, key=len)
        raise wrong_value(longest.path, f"It is too long. A prompt has at most {LONGEST_PROMPT} characters.")
    return tuple(sorted(found, key=lambda long: long.start))


def write_request(
    request: Request,
    *,
    stream: bool,
    n: int,
    pictures: Mapping[Path, Upload],
    texts: Mapping[Path, str] | None = None,
) -> Written:
    """The request for an upstream that is to stream or not, and to make `n` pictures. Raises Invalid.

    `pictures`: each of `request.pictures` as a file, by its path; one that came as a file may be left out. `texts`:
    the words of `long_texts`, by their paths, needed for a form and where several texts become one prompt.
    """
    texts = texts or {}
    fields, lost = (_own(request), []) if request.surface != "responses" else carry(request, texts)
    partials = request.tool.partial_images if request.tool is not None else None
    if partials is not None and request.stream:
        if stream:
            fields["partial_images"] = partials
        elif partials:
            at = request.tool.path if request.tool is not None else ()
            lost.append(spell((*at, "partial_images")))
    if stream:
        fields["stream"] = True
    if n != 1 or request.tree.get("n") is not None:
        fields["n"] = n
    if not str(fields["model"]).startswith(_GPT):
        fields["response_format"] = "b64_json"
    if not request.inputs:
        return Written(GENERATIONS, fields, None, named(lost))
    return Written(EDITS, None, (*_texts(fields, texts), *_files(request, pictures)), named(lost))


def _own(request: Request) -> Tree:
    """The fields of an Images request as they came, without its pictures and what the relay decides."""
    skip = {*_TOLD, *(PICTURES if request.surface == "edits" else ())}
    return {"model": request.model} | {
        name: request.model if name == "model" else value
        for name, value in request.tree.items()
        if name not in skip
    }


def _files(request: Request, pictures: Mapping[Path, Upload]) -> list[tuple[str, Upload]]:
    name = "image" if len(request.inputs) == 1 else "image[]"
    files = [(name, _file(picture, pictures)) for picture in request.inputs]
    mask = request.tool.input_image_mask if request.tool is not None else None
    if mask is not None:
        files.append(("mask", _file(mask, pictures)))
    if request.markup is not None:
        files.append(("markup", _file(request.markup, pictures)))
    return files


def _file(picture: InputPicture, pictures: Mapping[Path, Upload]) -> Upload:
    """The picture as a file."""
    if picture.path in pictures:
        return pictures[picture.path]
    if isinstance(picture.value, Upload):
        return picture.value
    if picture.kind == "file":
        raise file_not_found(picture)
    if picture.kind == "item":
        raise Invalid(
            f"Item with id '{show(str(picture.value))}' not found. Send the picture with its `result`, or take it out "
            "of `input`.",
            code="item_not_found",
            param=spell(picture.path),
        )
    raise Internal("A part of the request was lost on this server.", internal=f"unread picture {picture!r}")


def _texts(fields: Tree, texts: Mapping[Path, str]) -> list[tuple[str, str]]:
    """A tree as the text fields of a form: `svg[reasoning][effort]`, `tags[]` for each of a list."""
    found: list[tuple[str, str]] = []
    # A stack in place of recursion, with what comes first on top.
    stack: list[tuple[str, Any]] = [*reversed(fields.items())]
    while stack:
        name, value = stack.pop()
        if isinstance(value, dict):
            stack += [(f"{name}[{key}]", value[key]) for key in reversed(value)]
        elif isinstance(value, list):
            each = name if name.endswith("[]") else f"{name}[]"
            stack += [(each, entry) for entry in reversed(value)]
        elif isinstance(value, str | Long):
            found.append((name, in_words(value, texts)))
        elif value is not None:
            found.append((name, encode(value).decode()))
    return found
