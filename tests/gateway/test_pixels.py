"""Pictures decoded for a look: whole ones pass whatever their kind, damaged ones never, and memory stays small."""

import io
import random
import struct
import tracemalloc
import zlib

import pytest
from PIL import Image

from darkroom.gateway.pixels import PIXELS, Broken, Look, TooManyPixels, look
from tests.gateway.samples import picture


@pytest.fixture
def looked(tmp_path):
    """Looks at bytes that lie in the middle of a file."""

    def looked(data):
        path = tmp_path / "spool"
        path.write_bytes(b"before" + data + b"after")
        with path.open("rb") as file:
            return look(file.fileno(), 6, 6 + len(data))

    return looked


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width, height, pixels, *, depth=8, colour=2, interlace=0, more=b""):
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    middle = more + chunk(b"IDAT", zlib.compress(pixels))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + middle + chunk(b"IEND", b"")


def palette():
    out = io.BytesIO()
    Image.new("P", (9, 7)).save(out, "PNG", transparency=0)
    return out.getvalue()


@pytest.mark.parametrize(
    "data, expected",
    [
        (picture("PNG", mode="RGB"), Look("png", 48, 32, False)),
        (picture("PNG", mode="RGBA"), Look("png", 48, 32, True)),
        (picture("PNG", mode="LA"), Look("png", 48, 32, True)),
        (picture("PNG", mode="L", size=(1, 1)), Look("png", 1, 1, False)),
        (palette(), Look("png", 9, 7, True)),
        (picture("JPEG"), Look("jpeg", 48, 32, False)),
        (picture("JPEG", progressive=True, size=(801, 603)), Look("jpeg", 801, 603, False)),
        (picture("JPEG", mode="CMYK"), Look("jpeg", 48, 32, False)),
        (picture("JPEG", mode="L", comment=b"x" * 60_000 + b"y" * 5_000), Look("jpeg", 48, 32, False)),
        (picture("WEBP"), Look("webp", 48, 32, False)),
        (picture("WEBP", mode="RGBA", lossless=True), Look("webp", 48, 32, True)),
    ],
    ids=lambda value: str(value) if isinstance(value, Look) else "",
)
def test_whole_picture_is_described_and_each_of_its_beginnings_is_broken(looked, data, expected):
    assert looked(data) == expected
    for size in {len(data) * part // 10 for part in range(10)} | {len(data) - 20}:
        with pytest.raises(Broken):
            looked(data[: max(0, size)])


@pytest.mark.parametrize("width, height", [(1, 1), (3, 2), (5, 9), (8, 8), (33, 17)])
@pytest.mark.parametrize("depth, colour, samples", [(1, 0, 1), (8, 2, 3), (16, 6, 4)])
def test_interlaced_png_needs_exactly_the_bytes_of_its_passes(looked, width, height, depth, colour, samples):
    steps = [(0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2)]
    size = 0
    for left, across, top, down in steps:
        columns = len(range(left, width, across))
        rows = len(range(top, height, down))
        size += rows * (1 + (columns * samples * depth + 7) // 8) if columns else 0
    made = png(width, height, bytes(size), depth=depth, colour=colour, interlace=1)
    Image.open(io.BytesIO(made)).load()
    assert looked(made).width == width
    with pytest.raises(Broken, match="fewer pixels"):
        looked(png(width, height, bytes(size - 1), depth=depth, colour=colour, interlace=1))


def test_damaged_byte_in_png_is_found_wherever_it_is(looked):
    data = picture("PNG", size=(6, 6))
    for at in range(8, len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 0x55
        with pytest.raises(Broken):
            looked(bytes(damaged))


@pytest.mark.parametrize(
    "data",
    [
        png(10_000, 5_001, b""),
        png(2**31 - 1, 2**31 - 1, b""),
        picture("JPEG").replace(struct.pack(">HH", 32, 48), struct.pack(">HH", 65_000, 65_000)),
        b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0" + b"\xff\x3f\0\xff\x3f\0" + bytes(100),
    ],
    ids=["png", "png-huge", "jpeg", "webp"],
)
def test_picture_of_too_many_pixels_is_refused_before_it_is_decoded(looked, data):
    tracemalloc.start()
    with pytest.raises(TooManyPixels, match="at most 50 million"):
        looked(data)
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def test_jpeg_whose_size_stands_far_behind_is_bounded_too(looked):
    data = picture("JPEG", comment=b"x" * 65_000, exif=b"Exif\0\0" + bytes(60_000))
    bomb = data.replace(struct.pack(">HH", 32, 48), struct.pack(">HH", 65_000, 65_000))
    assert looked(data).width == 48
    with pytest.raises(TooManyPixels):
        looked(bomb)


@pytest.mark.slow
def test_png_that_inflates_without_end_costs_little_memory(looked):
    bomb = png(100, 100, bytes(30_300) + bytes(200_000_000))
    tracemalloc.start()
    assert looked(bomb).width == 100, "what follows the pixels is not inflated"
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    "data",
    [
        png(4, 4, bytes(52), colour=5),
        png(4, 4, bytes(52), depth=3),
        png(4, 4, bytes(20), colour=3),
        png(0, 4, b""),
        png(4, 4, bytes(52), more=chunk(b"tEXt", b"") * 100_001),
        b"\x89PNG\r\n\x1a\n" + chunk(b"IDAT", b""),
        b"GIF89a" + bytes(40),
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ],
    ids=["colour", "depth", "palette", "no width", "chunks", "no head", "gif", "empty", "svg"],
)
def test_picture_that_makes_no_sense_is_broken(looked, data):
    with pytest.raises(Broken):
        looked(data)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow thinks aloud about damaged EXIF
def test_pictures_damaged_at_random_are_looked_at_or_broken_and_nothing_else(looked):
    chance = random.Random(3)
    whole = [picture("PNG"), picture("JPEG", exif=b"Exif\0\0MM\0*" + bytes(50)), picture("WEBP", mode="RGBA")]
    whole += [picture("WEBP", lossless=True), picture("JPEG", progressive=True), palette()]
    found = 0
    for _ in range(3000):
        data = bytearray(chance.choice(whole))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(data))
            data[at : at + chance.choice((1, 1, 4))] = chance.randbytes(chance.choice((0, 1, 4)))
        try:
            seen = looked(bytes(data))
            assert seen.width * seen.height <= PIXELS
            found += 1
        except Broken as exc:
            assert str(exc)
    assert 0 < found < 3000
