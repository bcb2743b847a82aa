"""Light and texture: every promise of a stroke, and that chance comes from the generator that is passed in."""

from random import Random

import pytest
from PIL import Image, ImageChops

from darkroom.sandbox.light import (
    ball,
    blend,
    clouds,
    faded,
    grained,
    hexed,
    levels,
    mix,
    raw_noise,
    vignette,
)
from tests.sandbox.drawing import colour

GREY = Image.new("RGB", (64, 48), (120, 120, 120))


def test_mix_goes_from_one_colour_to_the_other():
    assert [mix((0, 10, 255), (100, 20, 155), t) for t in (0, 0.5, 1)] == [
        (0, 10, 255),
        (50, 15, 205),
        (100, 20, 155),
    ]


def test_hexed_reads_six_digits():
    assert hexed("ff0a10") == (255, 10, 16)


@pytest.mark.parametrize("across", [False, True])
def test_blend_passes_its_stops_in_order(across):
    image = blend((40, 40), ((255, 0, 0), (0, 255, 0), (0, 0, 255)), across)
    places = [(at, 7) if across else (7, at) for at in (0, 20, 39)]
    strongest = [max(range(3), key=image.getpixel(place).__getitem__) for place in places]
    assert strongest == [0, 1, 2]
    other = (20, 39) if across else (39, 20)
    assert image.getpixel(other) == image.getpixel((20, 20)), "a gradient runs one way"


def test_blend_of_one_colour_is_flat():
    assert blend((5, 7), ((9, 8, 7),)).getcolors() == [(35, (9, 8, 7))]


def test_ball_is_bright_in_the_middle_and_nothing_at_the_rim():
    image = ball((65, 65))
    row = [image.getpixel((x, 32)) for x in range(33)]
    assert row[0] == 0
    assert row[32] > 240
    assert row == sorted(row)
    assert image.getpixel((2, 2)) == 0


def test_softness_keeps_the_light_nearer_the_middle():
    assert colour(ball((64, 64), 3))[0] < colour(ball((64, 64), 0.2))[0]


def test_noise_follows_from_its_generator_alone():
    one, same, other = (raw_noise(Random(seed), (32, 32)).tobytes() for seed in (1, 1, 2))
    assert one == same != other


def test_clouds_fill_their_size_with_lumps_around_the_middle_level():
    one, same = (clouds(Random(3), (200, 90), (4, 2)) for _ in range(2))
    assert one.size == (200, 90)
    assert one.tobytes() == same.tobytes()
    assert 100 < colour(one)[0] < 156
    low, high = one.getextrema()
    assert high - low > 60


def test_levels_stretch_between_low_and_high():
    ramp = Image.frombytes("L", (256, 1), bytes(range(256)))
    stretched = list(levels(ramp, 100, 200, 0.5).tobytes())
    assert stretched[:101] == [0] * 101
    assert set(stretched[200:]) == {128}
    assert stretched == sorted(stretched)


def test_faded_scales_and_full_opacity_leaves_the_mask_alone():
    mask = Image.new("L", (2, 2), 200)
    assert faded(mask, 0.5).getpixel((0, 0)) == 100
    assert faded(mask, 1.0) is mask
    assert faded(mask, -1).getpixel((0, 0)) == 0


def test_grain_is_weak_and_equal_in_all_channels():
    image = grained(GREY, Random(1), 3)
    red, green, blue = image.split()
    assert ImageChops.difference(red, green).getbbox() is ImageChops.difference(red, blue).getbbox() is None
    low, high = red.getextrema()
    assert 117 <= low < 120 < high <= 123


def test_no_grain_leaves_the_picture_as_it_is():
    assert grained(GREY, Random(1), 0) is GREY


def test_vignette_darkens_the_corners_and_not_the_middle():
    image = vignette(GREY, 0.5)
    assert image.getpixel((32, 24))[0] >= 118
    assert image.getpixel((0, 0))[0] < 90
