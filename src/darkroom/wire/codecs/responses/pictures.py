"""Pictures that a request sends or names: by address, by data URL, by a file's id. Source: wire.md 1.4, 5.2."""

import re
from typing import Any

from darkroom.errors import Invalid
from darkroom.wire.elide import Long, Path, Tree, Upload
from darkroom.wire.fields import read_word, show, spell, wrong_type, wrong_value
from darkroom.wire.request import InputPicture

_DATA = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)
_ADVICE = "Expected an https address, or a data URL (data:image/png;base64,…)."


def read_picture(part: Tree, at: Path) -> InputPicture | None:
    """The picture of an object that has `image_url` or `file_id`; None if it has neither. Raises Invalid."""
    id = read_word(part, "file_id", at)
    if id is None:
        return read_address(part, "image_url", at)
    path = (*at, "file_id")
    if part.get("image_url") is not None:
        raise wrong_value(path, "Send either `image_url` or `file_id`, not both.")
    if not id:
        raise wrong_value(path, "Name a file of `/v1/files`, or send the picture itself in `image_url`.")
    return InputPicture(path, "file", id)


def read_address(part: Tree, key: str, at: Path) -> InputPicture | None:
    """The picture whose address stands at `key`; None if there is none. Raises Invalid."""
    value = part.get(key)
    return None if value is None else as_picture(value, (*at, key))


def as_picture(value: Any, path: Path) -> InputPicture:
    """The picture that an address, a data URL or an upload is. Raises Invalid."""
    if isinstance(value, Upload):
        return InputPicture(path, "upload", value)
    if isinstance(value, Long):  # nothing but a data URL is that long
        return InputPicture(path, "data", value)
    if not isinstance(value, str):
        raise wrong_type(
            path, "a string", value, "Put the address or the data URL itself here, not an object."
        )
    if value[:5].lower() == "data:":
        if not _DATA.match(value):
            raise wrong_value(path, _ADVICE)
        return InputPicture(path, "data", value)
    if value[:8].lower().startswith(("http://", "https://")):
        return InputPicture(path, "url", value)
    raise wrong_value(path, _ADVICE)


def file_not_found(picture: InputPicture) -> Invalid:
    """The error for a file's id that is none of this customer's."""
    return Invalid(
        f"File with id '{show(str(picture.value))}' not found. Upload it to `/v1/files` first, or send the picture "
        "itself as a data URL (data:image/png;base64,…) or an https address.",
        code="image_file_not_found",
        param=spell(picture.path),
    )
