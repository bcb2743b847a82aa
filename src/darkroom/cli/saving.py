"""Where a picture goes: a file that appears whole or not at all, and its previews beside it.

Law: whether the file can be written is found out before a request is sent, because afterwards it has been paid for.
"""

import contextlib
import os
import tempfile
from pathlib import Path

from darkroom import errors
from darkroom.client.picture import SENDABLE
from darkroom.wire.picture import read_format

FORMATS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"}
INPUT_LIMIT = 50 * 1024 * 1024
"""Bytes that an input picture may have (wire.md 5.1)."""


def format_of(path: Path) -> str | None:
    """The format that a file's name asks for; PNG for a name without an extension, None for a strange one."""
    return FORMATS.get(path.suffix.lower()) if path.suffix else "png"


class Target:
    """The file that a picture is to be saved in. What is there already is overwritten, as `curl -o` does."""

    def __init__(self, path: Path) -> None:
        """Raises `Invalid` if a file could not be made there."""
        self.path = path
        # A link stays a link: what it points to is written.
        self._file = path.resolve()
        if self._file.is_dir():
            raise _refused(path, "is a folder; name a file")
        if self._is_special():
            return
        folder = self._file.parent
        if not folder.is_dir():
            raise _refused(path, f"there is no folder {folder}")
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise _refused(path, f"cannot be written: {error.strerror}") from None

    def save(self, content: bytes) -> None:
        """Write the picture. Raises OSError."""
        if self._is_special():
            self._file.write_bytes(content)
        else:
            _write(self._file, content)

    def save_partial(self, index: int, content: bytes) -> Path:
        """Write a preview beside the picture, `name.partial0.png`; where. Raises OSError."""
        path = self.path.with_name(f"{self.path.stem}.partial{index}{self.path.suffix}")
        if not self._is_special():
            _write(path.resolve(), content)
        return path

    def _is_special(self) -> bool:
        """A pipe, a terminal or /dev/null: nothing that another file may take the place of."""
        return self._file.exists() and not self._file.is_file()


def read_input(path: Path) -> bytes:
    """The bytes of a picture to send. Raises `Invalid` for one that is too large or no picture, OSError."""
    if path.stat().st_size > INPUT_LIMIT:
        raise errors.Invalid(
            f"{path}: input pictures may have at most 50 MB.", param="image", code="image_too_large"
        )
    content = path.read_bytes()
    if read_format(content) not in SENDABLE:
        raise errors.Invalid(
            f"{path}: input pictures must be PNG, JPEG or WebP files.", param="image", code="invalid_image"
        )
    return content


def _write(path: Path, content: bytes) -> None:
    """A file that is whole or not there: written beside its place, then moved."""
    part = path.with_name(f".{path.name[:200]}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def _refused(path: Path, why: str) -> errors.Invalid:
    return errors.Invalid(f"{path}: {why}. Nothing was sent.", param="output", code="invalid_output")
