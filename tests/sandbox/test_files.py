"""Files: what Pillow opens, in the format asked for, of exactly as many bytes as were wanted."""

from random import Random

import pytest
from PIL import Image

from darkroom.sandbox.files import PIECE, encode, pad
from darkroom.sandbox.light import clouds
from tests.sandbox.drawing import far, opened

PICTURE = Image.merge("RGB", [clouds(Random(seed), (90, 60), (4, 3)) for seed in range(3)])
CLEAR = PICTURE.copy()
CLEAR.putalpha(clouds(Random(9), (90, 60), (2, 2)))
FORMATS = ["png", "jpeg", "webp"]


@pytest.mark.parametrize("format", FORMATS)
def test_file_is_of_its_format_and_shows_the_picture(format):
    image = opened(encode(PICTURE, format))
    assert (image.format, image.size, image.mode) == (format.upper(), (90, 60), "RGB")
    assert far(image, PICTURE) <= (0 if format == "png" else 6)


@pytest.mark.parametrize("format, mode", [("png", "RGBA"), ("webp", "RGBA"), ("jpeg", "RGB")])
def test_transparency_is_kept_where_the_format_has_it(format, mode):
    image = opened(encode(CLEAR, format))
    assert image.mode == mode
    if mode == "RGBA":
        assert far(image.getchannel("A"), CLEAR.getchannel("A")) < 1


@pytest.mark.parametrize("format", ["jpeg", "webp"])
def test_compression_is_the_quality_and_zero_is_allowed(format):
    sizes = [len(encode(PICTURE, format, level)) for level in (0, 40, 100)]
    assert sizes == sorted(set(sizes))


def test_compression_is_nothing_to_png():
    assert encode(PICTURE, "png", 10) == encode(PICTURE, "png", 100)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("picture", [PICTURE, CLEAR], ids=["opaque", "clear"])
def test_padded_file_has_the_exact_size_and_the_same_pixels(format, picture):
    file = encode(picture, format)
    for gap in (
        64,
        65,
        77,
        1000,
        65_537,
        65_538,
        65_540,
        131_077,
        PIECE + 11,
        PIECE + 12,
        PIECE + 13,
        2 * PIECE + 25,
    ):
        padded = pad(file, len(file) + gap)
        odd = (len(file) + gap) % 2 if format == "webp" else 0
        assert len(padded) == len(file) + gap + odd, gap
        assert far(opened(padded), opened(file)) == 0, gap
        assert opened(padded).mode == opened(file).mode


@pytest.mark.parametrize("format", FORMATS)
def test_file_that_is_large_enough_stays_as_it_is(format):
    file = encode(PICTURE, format)
    assert pad(file, 0) is file
    assert pad(file, len(file) + 63) is file


def test_filler_does_not_compress_and_is_always_the_same():
    import zlib

    file = encode(PICTURE, "png")
    padded = pad(file, 500_000)
    assert len(zlib.compress(padded)) > 490_000
    assert padded == pad(file, 500_000)
