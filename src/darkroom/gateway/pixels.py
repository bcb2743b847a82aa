"""Whether a picture is whole: the file is really decoded, in bounded memory, and nothing of it is kept.

PNG is inflated piece by piece here and takes a few hundred KB, whatever its size. JPEG is decoded at an eighth of its
width by Pillow, WebP in full: at most `PIXELS` of them, which is looked at before anything is decoded.
Law: whatever the bytes are, the answer is a `Look` or a `Broken`.
"""

import io
import os
import struct
import zlib

from msgspec import Struct
from PIL import Image

from darkroom.wire.picture import read_format, read_head

PIXELS = 50_000_000
PIECE_BYTES = 64 * 1024
CHUNKS = 100_000
"""PNG: more of them cost time and mean nothing."""
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""PNG: the bits of a sample, by colour type."""
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PASSES = ((0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2))
"""PNG: where each pass of an interlaced picture begins and how far it steps, across and down."""
_FAULTS = (
    OSError,
    SyntaxError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    EOFError,
    RuntimeError,
    struct.error,
    zlib.error,
    RuntimeWarning,
)
"""What Pillow's readers of strangers' headers raise."""


class Broken(Exception):
    """The picture cannot be used; says why, to be read on from "the picture …"."""


class TooManyPixels(Broken):
    """It has more than PIXELS, as its head says."""


class Look(Struct, frozen=True):
    """A whole picture: its format, its size in pixels, and whether parts of it can be transparent."""

    format: str
    width: int
    height: int
    alpha: bool


def look(fd: int, start: int, stop: int) -> Look:
    """Decode the picture in the bytes `start` to `stop` of a file. Raises Broken. To be called off the event loop."""
    window = Window(fd, start, stop)
    prefix = window.at(0, PIECE_BYTES)
    format = read_format(prefix)
    if format not in ("png", "jpeg", "webp"):
        raise Broken("is not a PNG, JPEG or WebP file")
    head = read_head(prefix)
    if head is not None:
        _bounded(head.width, head.height)
    if format == "png":
        return _png(window)
    return _by_pillow(window, format)


class Window(io.RawIOBase):
    """A part of a file as a file of its own; the descriptor's own position is left alone."""

    def __init__(self, fd: int, start: int, stop: int) -> None:
        super().__init__()
        self.size = stop - start
        self._fd = fd
        self._start = start
        self._pos = 0

    def at(self, pos: int, size: int) -> bytes:
        """The bytes from `pos` on, fewer at the end."""
        size = min(size, self.size - pos)
        return os.pread(self._fd, size, self._start + pos) if size > 0 else b""

    def readable(self) -> bool:
        """It is for reading alone."""
        return True

    def seekable(self) -> bool:
        """Pillow jumps."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As every file does."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._pos, os.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise OSError("before the beginning")
        self._pos = base + offset
        return self._pos

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """As every file does."""
        data = self.at(self._pos, len(buffer))
        buffer[: len(data)] = data
        self._pos += len(data)
        return len(data)


def _bounded(width: int, height: int) -> None:
    if width * height > PIXELS:
        raise TooManyPixels(
            f"has {width}x{height} pixels; at most {PIXELS // 1_000_000} million are accepted"
        )


def _by_pillow(window: Window, format: str) -> Look:
    if format == "webp" and int.from_bytes(window.at(4, 4), "little") + 8 > window.size:
        raise Broken("is cut off")
    try:
        with Image.open(io.BufferedReader(window, PIECE_BYTES), formats=(format.upper(),)) as image:
            width, height = image.size
            _bounded(width, height)
            if format == "jpeg":
                image.draft(None, (max(1, width // 8), max(1, height // 8)))
            image.load()
            alpha = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
            return Look(format, width, height, alpha)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise TooManyPixels(
            f"has too many pixels; at most {PIXELS // 1_000_000} million are accepted"
        ) from None
    except _FAULTS as exc:
        cut = "truncat" in str(exc) or isinstance(exc, EOFError)
        raise Broken("is cut off" if cut else f"cannot be decoded as {format.upper()}") from exc


def _png(window: Window) -> Look:
    """Every critical chunk with its checksum, and as many inflated bytes as the head says."""
    header = window.at(8, 25)
    if len(header) < 25 or header[:8] != b"\x00\x00\x00\rIHDR":
        raise Broken("is cut off" if len(header) < 25 else "cannot be decoded as PNG")
    width, height, depth, colour, method, filter, interlace = struct.unpack(">IIBBBBB", header[8:21])
    right = depth in _DEPTHS.get(colour, ()) and not method and not filter and interlace in (0, 1)
    if not right or not width or not height:
        raise Broken("cannot be decoded as PNG: its head makes no sense")
    _bounded(width, height)
    pixels = _Pixels(_inflated_size(width, height, _SAMPLES[colour] * depth, interlace))
    alpha = colour in (4, 6)
    seen: set[bytes] = set()
    pos, chunks = 8, 0
    while b"IEND" not in seen:
        frame = window.at(pos, 8)
        size, name = int.from_bytes(frame[:4], "big"), frame[4:]
        if len(frame) < 8 or pos + size + 12 > window.size:
            raise Broken("is cut off")
        if name[:1].isupper():
            _critical(window, pos, size, name, pixels)
        seen.add(name)
        pos += size + 12
        chunks += 1
        if chunks > CHUNKS:
            raise Broken("cannot be decoded as PNG: it has too many chunks")
    if colour == 3 and b"PLTE" not in seen:
        raise Broken("cannot be decoded as PNG: it has no palette")
    if pixels.missing > 0:
        raise Broken("has fewer pixels than its head says")
    return Look("png", width, height, alpha or b"tRNS" in seen)


def _critical(window: Window, pos: int, size: int, name: bytes, pixels: "_Pixels") -> None:
    """Read one chunk that no decoder may skip."""
    crc = zlib.crc32(name)
    for at in range(pos + 8, pos + 8 + size, PIECE_BYTES):
        piece = window.at(at, min(PIECE_BYTES, pos + 8 + size - at))
        crc = zlib.crc32(piece, crc)
        if name == b"IDAT":
            pixels.feed(piece)
    if window.at(pos + 8 + size, 4) != crc.to_bytes(4, "big"):
        raise Broken("is damaged: a checksum is wrong")


class _Pixels:
    """Counts what the compressed pixels inflate to, never more than a piece at a time and not beyond the count."""

    def __init__(self, size: int) -> None:
        self.missing = size
        self._inflate = zlib.decompressobj()

    def feed(self, piece: bytes) -> None:
        while piece and self.missing > 0 and not self._inflate.eof:
            try:
                out = self._inflate.decompress(piece, 4 * PIECE_BYTES)
            except zlib.error as exc:
                raise Broken("is damaged: its pixels cannot be inflated") from exc
            self.missing -= len(out)
            piece = self._inflate.unconsumed_tail


def _inflated_size(width: int, height: int, bits: int, interlace: int) -> int:
    """The bytes of all rows, each with its filter byte."""
    passes = [(0, 1, 0, 1)] if not interlace else _PASSES
    size = 0
    for left, across, top, down in passes:
        columns, rows = -((left - width) // across), -((top - height) // down)
        if columns > 0 and rows > 0:
            size += rows * (1 + (columns * bits + 7) // 8)
    return size
