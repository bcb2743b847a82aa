"""A request's body as it is sent: bytes and parts of files, in pieces of bounded size.

Law: a body can be sent again from its start; no part of a file is read before it can be sent.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from darkroom.errors import Internal

PIECE_BYTES = 256 * 1024
"""The largest piece: bounds both memory and the time that reading it from a file keeps the event loop."""
JOIN_BYTES = 64 * 1024
"""Smaller parts that follow each other leave together, up to about this size."""


class FilePart(msgspec.Struct, frozen=True):
    """The bytes from `start` to `stop` of a file, given by its path or by a descriptor that stays its owner's."""

    file: int | str | Path
    start: int
    stop: int


Part = bytes | FilePart


def length(parts: Sequence[Part]) -> int:
    """The bytes of all parts together."""
    return sum(len(part) if isinstance(part, bytes) else part.stop - part.start for part in parts)


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
        yield from _slices(part) if isinstance(part, bytes) else _read(part)
    if small:
        yield b"".join(small)


def _slices(part: bytes) -> Iterator[memoryview]:
    view = memoryview(part)
    for start in range(0, len(part), PIECE_BYTES):
        yield view[start : start + PIECE_BYTES]


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
