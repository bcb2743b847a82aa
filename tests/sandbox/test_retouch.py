"""Edits: what is outside the mask stays to the bit, and files that are no pictures are refused with the field named."""

import io
import struct
import zlib
from random import Random

import pytest
from PIL import Image

from darkroom.errors import Invalid
from darkroom.sandbox.palette import read_mood
from darkroom.sandbox.retouch import check_mask, fitted, read_picture, retouch
from tests.sandbox.drawing import colour, far, file

RED = Image.new("RGB", (96, 64), (200, 40, 40))
BLUE = Image.new("RGB", (96, 64), (30, 60, 200))
MOOD = read_mood("a quiet day", 1)


def drawn(size):
    return Image.new("RGB", size, (0, 250, 0))


def edited(images, mask=None, prompt="a quiet day", size=(96, 64)):
    return retouch(images, mask, drawn, size, read_mood(prompt, 1))


def hole(size=(96, 64), box=(48, 0, 96, 64)):
    mask = Image.new("RGBA", size, (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), box)
    return mask


def png(width, height, *chunks):
    """A PNG with a header of that size and any chunks."""
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), *chunks, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )


def lying_jpeg():
    """A JPEG that says 16x16 in its first frame header and 65,000x65,000 in a second one."""
    whole = file(Image.new("RGB", (16, 16)), "JPEG")
    at = whole.index(b"\xff\xc0")
    length = 2 + struct.unpack(">H", whole[at + 2 : at + 4])[0]
    second = bytearray(whole[at : at + length])
    second[5:9] = struct.pack(">HH", 65_000, 65_000)
    return whole[: at + length] + bytes(second) + whole[at + length :]


def lying_gif():
    """A GIF of 16x16 whose only frame is 40,000x40,000."""
    whole = bytearray(file(Image.new("P", (16, 16)), "GIF"))
    at = whole.index(b"\x2c", 13 + 3 * 2)
    while struct.unpack("<HHHH", whole[at + 1 : at + 9]) != (0, 0, 16, 16):
        at = whole.index(b"\x2c", at + 1)
    whole[at + 5 : at + 9] = struct.pack("<HH", 40_000, 40_000)
    return bytes(whole)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_every_kind_of_picture_is_read_and_edited(mode, format):
    kept = {"JPEG": ("1", "L", "RGB"), "WEBP": ("RGB", "RGBA", "L", "LA", "P")}.get(format, (mode,))
    content = file(
        Image.new(mode, (40, 30)).convert("RGB") if mode not in kept else Image.new(mode, (40, 30)), format
    )
    image = read_picture(content, "image")
    assert image.size == (40, 30)
    assert edited([image, image]).mode == "RGB"


def test_four_colour_jpeg_is_read():
    assert fitted(read_picture(file(Image.new("CMYK", (40, 30)), "JPEG"), "image"), (40, 30)).mode == "RGB"


def test_picture_stands_as_its_camera_says():
    turned = Image.Exif()
    turned[0x0112] = 6
    assert read_picture(file(RED, "JPEG", exif=turned), "image").size == (64, 96)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"hello", b"\x89PNG\r\n\x1a\n", b"<svg/>", b"BM" + bytes(60), file(RED)[:-40], file(RED)[:60],
        file(RED, "JPEG")[:300], file(RED, "WEBP")[:40], png(96, 64), png(96, 64, (b"IDAT", b"garbage")),
        png(96, 64, (b"IDAT", zlib.compress(bytes(9))[:-3])),
    ],
)  # fmt: skip
def test_file_that_is_no_picture_or_broken_is_refused_with_its_field(content):
    with pytest.raises(Invalid) as refused:
        read_picture(content, "image")
    assert (refused.value.status, refused.value.param, refused.value.code) == (
        400,
        "image",
        "invalid_image_file",
    )


def test_picture_of_too_many_pixels_is_refused_before_it_is_decoded():
    bomb = png(30_000, 30_000, (b"IDAT", zlib.compress(bytes(1_000_000))))
    with pytest.raises(Invalid, match="30000x30000") as refused:
        read_picture(bomb, "mask")
    assert (refused.value.param, refused.value.code) == ("mask", "image_too_large")


@pytest.mark.parametrize("bomb", [lying_jpeg(), lying_gif()], ids=["jpeg", "gif"])
def test_picture_that_lies_about_its_size_is_refused(bomb):
    with pytest.raises(Invalid) as refused:
        read_picture(bomb, "image")
    assert refused.value.code == "invalid_image_file"


@pytest.mark.slow
def test_text_that_unpacks_to_a_hundred_megabytes_is_refused():
    bomb = png(
        96,
        64,
        (b"zTXt", b"a\0\0" + zlib.compress(bytes(100_000_000))),
        (b"IDAT", zlib.compress(bytes(289 * 64))),
    )
    with pytest.raises(Invalid):
        read_picture(bomb, "image")


def test_broken_bytes_are_read_or_refused_and_nothing_else():
    rng = Random(3)
    turned = Image.Exif()
    turned[0x0112], turned[0x010E] = 6, "a word"
    whole = [
        file(RED.convert(mode), format)
        for format, mode in (("PNG", "P"), ("PNG", "RGBA"), ("GIF", "P"), ("WEBP", "RGB"))
    ]
    whole += [file(RED, format, exif=turned) for format in ("PNG", "JPEG", "WEBP")]
    refused = 0
    for content in whole * 40:
        broken = bytearray(content)
        for _ in range(rng.choice((1, 2, 8))):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        try:
            read_picture(bytes(broken), "image")
        except Invalid:
            refused += 1
    assert 40 < refused < 280


def test_mask_has_the_size_of_the_picture_and_an_alpha_channel():
    check_mask(hole(), RED)
    for mask, reason in ((hole((95, 64)), "95x64, the image 96x64"), (RED, "alpha channel")):
        with pytest.raises(Invalid, match=reason) as refused:
            check_mask(mask, RED)
        assert refused.value.param == "mask"


def test_palette_with_a_transparent_colour_counts_as_alpha():
    see_through = Image.open(io.BytesIO(file(Image.new("P", (96, 64)), "PNG", transparency=0)))
    see_through.load()
    check_mask(see_through, RED)


def test_nothing_outside_the_mask_changes():
    image = edited([RED], hole())
    assert far(image.crop((0, 0, 48, 64)), RED.crop((0, 0, 48, 64))) == 0
    assert colour(image, (60, 10, 96, 54))[1] > 200


def test_mask_without_a_hole_changes_nothing_and_one_of_nothing_but_hole_everything():
    assert far(edited([RED], hole(box=(0, 0, 0, 0))), RED) == 0
    assert colour(edited([RED], hole(box=(0, 0, 96, 64))))[1] > 240


def test_mask_follows_the_picture_into_another_size():
    image = edited([RED], hole(), size=(192, 128))
    assert image.size == (192, 128)
    assert far(image.crop((0, 0, 94, 128)), Image.new("RGB", (94, 128), (200, 40, 40))) == 0


def test_edit_without_a_mask_takes_the_light_of_the_prompt_and_keeps_the_picture():
    night, snow = (edited([RED], prompt=prompt) for prompt in ("at night", "in the snow"))
    assert sum(colour(night)) < sum(colour(snow))
    halves = Image.new("RGB", (96, 64), (250, 250, 250))
    halves.paste((10, 10, 10), (0, 0, 48, 64))
    image = edited([halves])
    assert sum(colour(image, (60, 20, 90, 44))) > sum(colour(image, (6, 20, 36, 44))) + 200


def test_further_pictures_are_laid_on_as_prints():
    alone, pair, crowd = edited([RED]), edited([RED, BLUE]), edited([RED, BLUE, BLUE])
    assert far(alone, pair) > 0.5
    corner = pair.crop((6, 44, 16, 54))
    assert colour(corner)[2] > colour(corner)[0]
    assert far(pair, crowd) > 0.5
    many = edited([RED, *[BLUE] * 15])
    assert many.size == (96, 64)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 3)])
def test_every_size_is_edited(size):
    assert edited([RED, BLUE], size=size).size == size
    assert edited([RED], hole(), size=size).size == size


def test_fitted_fills_the_size_from_the_middle_on_white():
    assert far(fitted(RED, (96, 64)), RED) == 0
    assert fitted(RED, (40, 90)).size == (40, 90)
    assert colour(fitted(Image.new("RGBA", (10, 10), (9, 9, 9, 0)), (10, 10))) == (255, 255, 255)
