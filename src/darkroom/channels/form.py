"""Writes a multipart/form-data body as parts to send: texts as they are, files by reference (RFC 7578).

The counterpart of `gateway/form`. Names are written as browsers do: UTF-8, and `%22`, `%0D`, `%0A` for the three
characters that would end them. A backslash is doubled, for many readers take it as the beginning of an escape.
"""

from collections.abc import Sequence

from darkroom.channels.body import FilePart, Part
from darkroom.wire.elide import Upload
from darkroom.wire.picture import mime

_EXTENSIONS = {mime(format): format for format in ("png", "jpeg", "webp", "gif")}
_QUOTED = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A", "\\": "\\\\"})


def content_type(boundary: str) -> bytes:
    """The Content-Type of a form with this boundary."""
    return b"multipart/form-data; boundary=" + boundary.encode("ascii")


def write_form(fields: Sequence[tuple[str, str | Upload]], fd: int, boundary: str) -> list[Part]:
    """The body: `fields` in their order, the bytes of each `Upload` from the file `fd`.

    `boundary` must stand in no field, so it is random: letters and digits, at most 70.
    """
    line = b"--" + boundary.encode("ascii")
    parts: list[Part] = []
    for name, value in fields:
        head = f'\r\nContent-Disposition: form-data; name="{_quoted(name)}"'
        if isinstance(value, Upload):
            filename = value.filename or f"{_stem(name)}.{_EXTENSIONS.get(value.media, 'bin')}"
            head += f'; filename="{_quoted(filename)}"\r\nContent-Type: {value.media}'
        head += "\r\n\r\n"
        parts.append(line + head.encode("utf-8", "replace"))
        if isinstance(value, Upload):
            parts.append(FilePart(fd, value.start, value.stop))
        else:
            parts.append(value.encode("utf-8", "replace"))
        parts.append(b"\r\n")
    parts.append(line + b"--\r\n")
    return parts


def _quoted(name: str) -> str:
    return name.translate(_QUOTED)


def _stem(name: str) -> str:
    """A file's name for a field's: `image` for `image[]`."""
    return "".join(letter for letter in name if letter.isalnum()) or "file"
