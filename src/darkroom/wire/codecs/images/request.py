"""The Images request: the body of a generation or an edit, JSON or a form's fields, to the canonical ask.

Law: any tree is either read or refused with a 400 that names the field and what to do; fields, qualities and formats
that nobody here knows are the upstream's to judge, and stay in the tree. Source: wire.md 4.1, 4.2, 5.1, 5.2.
"""

from collections.abc import Sequence
from typing import Any, Literal

from darkroom.errors import Invalid
from darkroom.wire.codecs.images import form
from darkroom.wire.codecs.responses.pictures import as_picture, read_picture
from darkroom.wire.codecs.responses.state import refuse_state
from darkroom.wire.codecs.responses.tools import read_fields
from darkroom.wire.elide import Long, Path, Tree, Upload
from darkroom.wire.fields import (
    Text,
    check_depth,
    missing,
    read_flag,
    read_number,
    read_word,
    wrong_type,
    wrong_value,
)
from darkroom.wire.request import ImageTool, InputPicture, Request
from darkroom.wire.sizes import check_size

MODEL = "gpt-image-2"
"""The image model of a request that names none: the one that the contract recommends."""
LONGEST_PROMPT = 32_000
"""Characters."""
MOST_IMAGES = 16
MOST_N = 10

ESCAPED = 12
"""The most bytes that one character takes in JSON text: two escapes of half a surrogate pair each."""
_CUSTOMERS_OWN = frozenset(("metadata",))
_ELSEWHERE = ("input", "messages", "text", "contents")
"""Where other APIs have the prompt."""
_ASTRAY = (
    "file",
    "files",
    "img",
    "picture",
    "pictures",
    "photo",
    "image_file",
    "image_url",
    "image_urls",
    "image_urls[]",
    "input_image",
    "input_images",
    "init_image",
    "reference_images",
)
"""Names under which callers were seen to send the pictures of an edit."""
_PICTURES = (
    "Send the pictures to be edited as files of a form, named `image` or `image[]`, or in JSON as "
    '"images": [{"image_url": "data:image/png;base64,…"}].'
)


def read_generation(tree: Any) -> Request:
    """Read the JSON body of /v1/images/generations; strings may be `Long`. Raises Invalid."""
    return _read(_checked(tree), "generations")


def read_edit(tree: Any) -> Request:
    """Read the JSON body of /v1/images/edits; strings may be `Long`. Raises Invalid."""
    return _edit(_checked(tree))


def read_form(fields: Sequence[tuple[str, str | Upload]]) -> Request:
    """Read the parts of a multipart edit, in their order. Raises Invalid."""
    return _edit(_checked(form.read_fields(fields)))


def _checked(tree: Any) -> Tree:
    if not isinstance(tree, dict):
        raise Invalid(
            'The request body must be a JSON object, for example {"model": "gpt-image-2", "prompt": "a cat"}.',
            code="invalid_type",
        )
    check_depth(tree)
    return tree


def _edit(tree: Tree) -> Request:
    inputs = _images(tree)
    mask, markup = _one(tree, "mask"), _one(tree, "markup")
    if mask is not None and markup is not None:
        raise wrong_value(("markup",), "Send either `mask` or `markup`, not both.")
    return _read(tree, "edits", inputs, mask, markup)


def _read(
    tree: Tree,
    surface: Literal["generations", "edits"],
    inputs: tuple[InputPicture, ...] = (),
    mask: InputPicture | None = None,
    markup: InputPicture | None = None,
) -> Request:
    model = read_word(tree, "model") or MODEL
    prompt = _prompt(tree)
    fields = read_fields(tree, ())
    check_size(model, fields["size"], ("size",), fields["output_format"])
    known = [picture.path for picture in (*inputs, mask, markup) if picture is not None]
    refuse_state(tree, (), _CUSTOMERS_OWN, known)
    return Request(
        surface=surface,
        model=model,
        stream=read_flag(tree, "stream") or False,
        image=True,
        forced=True,
        tool=ImageTool(path=(), model=model, input_image_mask=mask, **fields),
        texts=(prompt,),
        inputs=inputs,
        refs=(),
        n=read_number(tree, "n", lowest=1, highest=MOST_N) or 1,
        response_format=_response_format(tree),
        markup=markup,
        tree=tree,
    )


def _prompt(tree: Tree) -> Text:
    prompt = tree.get("prompt")
    if prompt is None:
        other = next((name for name in _ELSEWHERE if tree.get(name) is not None), None)
        hint = f" The Images API does not read `{other}`." if other else ""
        raise missing(("prompt",), f"Say there what the picture shall show.{hint}")
    if isinstance(prompt, Upload) or not isinstance(prompt, str | Long):
        raise wrong_type(("prompt",), "a string", prompt)
    limit = LONGEST_PROMPT if isinstance(prompt, str) else LONGEST_PROMPT * ESCAPED
    if not 0 < len(prompt) <= limit:
        raise wrong_value(("prompt",), f"Expected 1 to {LONGEST_PROMPT} characters.")
    return prompt


def _response_format(tree: Tree) -> Literal["b64_json", "url"] | None:
    match read_word(tree, "response_format"):
        case None:
            return None
        case "url":
            return "url"
        case "b64_json":
            return "b64_json"
    raise wrong_value(("response_format",), 'Expected "b64_json" or "url".')


def _images(tree: Tree) -> tuple[InputPicture, ...]:
    """The pictures to be edited: `images`, or `image` as forms and older clients call it."""
    names = [name for name in ("images", "image") if tree.get(name) is not None]
    if not names:
        other = next((name for name in _ASTRAY if tree.get(name) is not None), None)
        hint = f" They are not looked for in `{other}`." if other else ""
        raise missing(("image",), f"{_PICTURES}{hint}")
    if len(names) > 1:
        raise wrong_value(("image",), "Send the pictures in `images` or in `image`, not in both.")
    name, value = names[0], tree[names[0]]
    if not isinstance(value, list):
        return (_picture(value, (name,)),)
    if not 0 < len(value) <= MOST_IMAGES:
        raise wrong_value((name,), f"Expected 1 to {MOST_IMAGES} pictures, got {len(value)}.")
    return tuple(_picture(entry, (name, index)) for index, entry in enumerate(value))


def _one(tree: Tree, name: str) -> InputPicture | None:
    value = tree.get(name)
    return None if value is None else _picture(value, (name,))


def _picture(value: Any, path: Path) -> InputPicture:
    """A picture as an object that says where it is, or as its address, data URL or file alone."""
    if not isinstance(value, dict):
        return as_picture(value, path)
    picture = read_picture(value, path)
    if picture is None:
        raise missing((*path, "image_url"), "Put the picture's https address or data URL there.")
    return picture
