"""Addresses of input pictures in a Responses request. Source: wire.md 1.4."""

import re

from darkroom.wire.elide import Long, Path, Tree
from darkroom.wire.fields import wrong_type, wrong_value
from darkroom.wire.request import InputPicture

_DATA = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)
_ADVICE = "Expected an https address, or a data URL (data:image/png;base64,…)."


def read_address(part: Tree, key: str, at: Path) -> InputPicture | None:
    """The picture whose address stands at `key`; None if there is none. Raises Invalid."""
    value = part.get(key)
    if value is None:
        return None
    path = (*at, key)
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
