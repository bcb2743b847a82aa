"""Dunes: warm sand under the sky, a lit and a shaded side, and a caravan that a cut-out keeps."""

from darkroom.sandbox.scenes.desert import draw_desert
from tests.sandbox.drawing import colour, share, sheet


def test_sand_is_warm_and_the_sky_is_not():
    image = sheet(draw_desert, size=(192, 192)).image
    sky, sand = colour(image, (0, 0, 192, 60)), colour(image, (0, 130, 192, 192))
    assert sky[2] > sky[0]
    assert sand[0] > sand[2] + 30


def test_sand_is_cool_at_night():
    day, night = (colour(sheet(draw_desert, hour=hour).image, (0, 90, 192, 128)) for hour in ("day", "night"))
    assert sum(night) < sum(day) / 1.5
    assert night[2] > night[0]


def test_dunes_have_a_lit_and_a_shaded_side():
    image = sheet(draw_desert, size=(256, 256)).image.crop((0, 140, 256, 200)).convert("L")
    low, high = image.getextrema()
    assert high - low > 60


def test_caravan_walks_on_the_sand():
    alpha = sheet(draw_desert, size=(256, 256), cut=True).alpha
    _, top, _, bottom = alpha.getbbox()
    assert 0.001 < share(alpha) < 0.02
    assert 100 < top < bottom < 240
    fewer, more = (
        share(sheet(draw_desert, size=(256, 256), detail=detail, cut=True).alpha) for detail in (0.5, 1.7)
    )
    assert fewer < more
