"""A request's body as it is sent: bytes and parts of files, in pieces of bounded size.

Law: a body can be sent again from its start; no part of a file is read before it can be sent.
"""

import os
from binascii import b2a_base64
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from darkroom.errors import Internal
from darkroom.wire.elide import Upload

PIECE_BYTES = 256 * 1024
"""The largest piece: bounds both memory and the time that reading it from a file keeps the event loop."""
JOIN_BYTES = 64 * 1024
"""Smaller parts that follow each other leave together, up to about this size."""


class FilePart(msgspec.Struct, frozen=True):
    """The bytes from `start` to `stop` of a file, given by its path or by a descriptor that stays its owner's."""

    file: int | str | Path
    start: int
    stop: int


class Base64Part(msgspec.Struct, frozen=True):
    """The bytes from `start` to `stop` of a descriptor as base64 after `prefix`: a data URL's text, safe in JSON."""

    fd: int
    start: int
    stop: int
    prefix: bytes = b""


Part = bytes | FilePart | Base64Part


def inlined(upload: Upload, fd: int) -> Base64Part:
    """What stands for a picture between the quotes of a JSON text: its data URL."""
    return Base64Part(fd, upload.start, upload.stop, f"data:{upload.media};base64,".encode("ascii"))


def length(parts: Sequence[Part]) -> int:
    """The bytes of all parts together, as they are sent."""
    return sum(map(_length, parts))


def _length(part: Part) -> int:
    if isinstance(part, bytes):
        return len(part)
    size = part.stop - part.start
    return size if isinstance(part, FilePart) else len(part.prefix) + (size + 2) // 3 * 4


def pieces(parts: Sequence[Part]) -> Iterator[bytes | memoryview]:
    """The parts in order, in pieces of at most PIECE_BYTES. Raises Internal if a file does not hold its part."""
    small: list[bytes] = []
    size = 0
    for part in parts:
        if isinstance(part, bytes) and len(part) <= JOIN_BYTES:
            small.append(part)
            size += len(part)
            if size >= JOIN_BYTES:
                yield b"".join(small)
                small, size = [], 0
            continue
        # A large piece is not copied to be joined; what waits before it goes first.
        if small:
            yield b"".join(small)
            small, size = [], 0
        if isinstance(part, Base64Part):
            yield from _base64(part)
        else:
            yield from _slices(part) if isinstance(part, bytes) else _read(part)
    if small:
        yield b"".join(small)


def _slices(part: bytes) -> Iterator[memoryview]:
    view = memoryview(part)
    for start in range(0, len(part), PIECE_BYTES):
        yield view[start : start + PIECE_BYTES]


def _base64(part: Base64Part) -> Iterator[bytes]:
    """Groups of three bytes become four characters, so that only the last piece can need padding."""
    if part.prefix:
        yield part.prefix
    raw = PIECE_BYTES // 4 * 3
    for at in range(part.start, part.stop, raw):
        data = b"".join(_read(FilePart(part.fd, at, min(part.stop, at + raw))))
        yield b2a_base64(data, newline=False)


def _read(part: FilePart) -> Iterator[bytes]:
    own = not isinstance(part.file, int)
    try:
        fd = os.open(part.file, os.O_RDONLY | os.O_CLOEXEC) if not isinstance(part.file, int) else part.file
        try:
            at = part.start
            while at < part.stop:
                piece = os.pread(fd, min(PIECE_BYTES, part.stop - at), at)
                if not piece:
                    raise Internal(
                        "A part of the request was lost on this server.", internal="file too short"
                    )
                at += len(piece)
                yield piece
        finally:
            if own:
                os.close(fd)
    except OSError as exc:
        raise Internal("A part of the request was lost on this server.", internal=str(exc)) from exc
