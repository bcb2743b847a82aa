"""Pictures as files: PNG, JPEG and WebP in the compression asked for, and files padded to an exact number of bytes.

The law of this file: a padded file is still a valid one. What is added stands where the format lets strangers put
something: private ancillary chunks in PNG, comment segments in JPEG, an unknown chunk of an extended WebP file.
"""

import hashlib
import io
import struct
import zlib

from PIL import Image

PIECE = 1_000_000
"""Bytes in one PNG chunk: libpng refuses chunks of more than 8 MB."""


def encode(image: Image.Image, format: str, compression: int = 100) -> bytes:
    """The file of a picture; `compression` (0 to 100) is the quality of JPEG and WebP and nothing to PNG."""
    out = io.BytesIO()
    if format == "jpeg":
        image.convert("RGB").save(out, "JPEG", quality=max(5, min(95, compression)), subsampling=0)
    elif format == "webp":
        image.save(out, "WEBP", quality=compression, method=1)
    else:
        image.save(out, "PNG", compress_level=2)
    return out.getvalue()


def pad(file: bytes, size: int) -> bytes:
    """The file grown to exactly `size` bytes of content that does not compress.

    A file that is as large already, or less than 64 bytes smaller, stays as it is. WebP files have an even length.
    """
    gap = size - len(file)
    if gap < 64:
        return file
    if file.startswith(b"\x89PNG"):
        return _pad_png(file, gap)
    if file.startswith(b"\xff\xd8"):
        return _pad_jpeg(file, gap)
    return _pad_webp(file, size)


def _filler(size: int) -> bytes:
    """Bytes without pattern, always the same ones."""
    return hashlib.shake_128(b"darkroom").digest(size)


def _pad_png(file: bytes, gap: int) -> bytes:
    """Chunks `daRk` before IEND: ancillary, private, safe to copy; 12 bytes each besides their content."""
    chunks = []
    while gap:
        # The last chunk must not be left with less than its own frame.
        take = gap if gap <= PIECE + 12 else min(PIECE + 12, gap - 12)
        body = b"daRk" + _filler(take - 12)
        chunks.append(struct.pack(">I", take - 12) + body + struct.pack(">I", zlib.crc32(body)))
        gap -= take
    return b"".join([file[:-12], *chunks, file[-12:]])


def _pad_jpeg(file: bytes, gap: int) -> bytes:
    """Comment segments after the first segment (JFIF wants to be first); at most 65,537 bytes each."""
    after = 4 + struct.unpack(">H", file[4:6])[0]
    segments = []
    while gap:
        take = gap if gap <= 65_537 else min(65_537, gap - 4)
        segments.append(b"\xff\xfe" + struct.pack(">H", take - 2) + _filler(take - 4))
        gap -= take
    return b"".join([file[:after], *segments, file[after:]])


def _pad_webp(file: bytes, size: int) -> bytes:
    """The extended file format (VP8X) with one unknown chunk at its end."""
    chunks = file[12:]
    if chunks[:4] != b"VP8X":
        with Image.open(io.BytesIO(file)) as image:
            width, height = image.size
            flags = 0x10 if image.mode == "RGBA" else 0
        canvas = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
        chunks = b"VP8X" + struct.pack("<IB3x", 10, flags) + canvas + chunks
    room = max(0, size - 12 - len(chunks) - 8)
    room += room % 2
    chunks += b"daRk" + struct.pack("<I", room) + _filler(room)
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks
