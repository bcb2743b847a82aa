"""Bounded temporary files, each owned by one exchange: what a repair or a slow caller may need again.

The files have no name, so that a crash leaves nothing behind. Small ones are used again: writing over pages that
the system holds already costs a fifth of a new file, and every stream with a picture writes one.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

PIECE_BYTES = 256 * 1024
_REUSE_BYTES = 16 * 1024 * 1024
"""Larger files give their space back at once."""
_IDLE_FILES = 16
"""Files kept for the next exchanges; together at most 256 MB of disk."""


class Full(Exception):
    """A spool's limit is reached."""


class NoRoom(Full):
    """The disk has no room for it, or refuses."""


class Folder:
    """Where a process keeps its spools."""

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.holds: set[Spool] = set()
        """The spools that are open now."""
        self._path = path
        self._idle: list[int] = []

    @property
    def used(self) -> int:
        """Bytes in the spools that are open now."""
        # Copied first: pictures are decoded into spools in other threads.
        return sum(spool.size for spool in list(self.holds))

    def open(self) -> int:
        """A file without a name; what an earlier owner left in it lies beyond every reader's reach."""
        if self._idle:
            return self._idle.pop()
        with tempfile.TemporaryFile(dir=self._path, buffering=0) as file:
            return os.dup(file.fileno())

    def close(self, fd: int, size: int) -> None:
        """The file's owner does not need it any more; `size` is what he wrote."""
        if size <= _REUSE_BYTES and len(self._idle) < _IDLE_FILES:
            self._idle.append(fd)
        else:
            os.close(fd)

    def clear(self) -> None:
        """Give the idle files back."""
        while self._idle:
            os.close(self._idle.pop())


class Spool:
    """Append at the end, read anywhere. Opened with its first byte. Sizes in bytes."""

    def __init__(self, folder: Folder, limit: int) -> None:
        self.size = 0
        self._folder = folder
        self._limit = limit
        self._fd = -1

    @property
    def fd(self) -> int:
        """The open file; -1 while nothing has been written."""
        return self._fd

    def append(self, data: bytes) -> None:
        """Write at the end. Raises Full beyond the limit, NoRoom when the disk refuses."""
        if self.size + len(data) > self._limit:
            raise Full
        try:
            if self._fd < 0:
                self._fd = self._folder.open()
                self._folder.holds.add(self)
            done = os.pwrite(self._fd, data, self.size)
        except OSError as exc:
            raise NoRoom(str(exc)) from exc
        self.size += done
        if done < len(data):
            self.append(data[done:])

    def read(self, start: int, stop: int) -> bytes:
        """The bytes `start` to `stop`, as far as they have been written."""
        stop = min(stop, self.size)
        return os.pread(self._fd, stop - start, start) if stop > start else b""

    def pieces(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes `start` to `stop`, at most 256 KB at a time."""
        while start < stop:
            piece = self.read(start, min(stop, start + PIECE_BYTES))
            if not piece:
                raise OSError("the spool ends early")
            start += len(piece)
            yield piece

    def close(self) -> None:
        """The bytes are not needed any more."""
        if self._fd >= 0:
            self._folder.holds.discard(self)
            self._folder.close(self._fd, self.size)
            self._fd = -1
