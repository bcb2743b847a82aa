"""Skies: light where it was put, stars at night alone, ridges from edge to edge."""

from darkroom.sandbox.scenes.sky import draw_birds, draw_sky, draw_stars, ridge, under
from tests.sandbox.drawing import colour, count, far, sheet


def test_sky_says_where_its_light_stands():
    canvas = sheet(size=(200, 200))
    assert draw_sky(canvas, 150, (60, 40)) == (60, 40)
    x, y = draw_sky(canvas, 150)
    assert 50 <= x <= 150
    assert 45 <= y <= 108


def test_sun_and_moon_are_the_brightest_place():
    for hour in ("day", "night"):
        image = sheet(draw_sky, 200, (50, 60), hour=hour, size=(200, 200)).image
        assert sum(colour(image, (46, 56, 54, 64))) > sum(colour(image, (140, 20, 180, 60))) + 60


def test_stars_stand_above_the_horizon():
    canvas = sheet(size=(200, 200))
    canvas.backdrop(((0, 0, 0), (0, 0, 0)))
    draw_stars(canvas, 100)
    assert canvas.image.getbbox()[3] <= 103
    assert count(canvas.image, lambda red, green, blue: red > 100) > 20


def test_sky_below_the_horizon_goes_on_into_the_ground():
    canvas = sheet(draw_sky, 100, (100, 30), size=(200, 200))
    ground = canvas.palette.ground[0]
    assert max(abs(a - b) for a, b in zip(canvas.image.getpixel((5, 199)), ground, strict=True)) < 12


def test_cloudiness_changes_the_sky():
    assert far(sheet(draw_sky, 128, (90, 30), 0.0).image, sheet(draw_sky, 128, (90, 30), 1.0).image) > 1


def test_ridge_spans_the_sheet_and_keeps_near_its_base():
    canvas = sheet(size=(200, 100))
    line = ridge(canvas, 80, 20, 0.5)
    xs = [x for x, _ in line]
    assert (xs[0], xs[-1]) == (0, 200)
    assert xs == sorted(xs)
    assert all(80 - 20 * 2 <= y <= 80 + 20 * 0.2 for _, y in line)
    assert len({round(y, 3) for _, y in line}) > 100


def test_under_closes_a_skyline_beyond_the_edges():
    canvas = sheet(size=(200, 100))
    shape = under(canvas, [(0, 50), (200, 60)], 90)
    assert shape[2:] == [(202, 60), (202, 92), (-2, 92), (-2, 50)]


def test_birds_fly_around_their_place():
    canvas = sheet(size=(400, 400))
    before = canvas.image.copy()
    draw_birds(canvas, (200, 200), 5)
    assert far(canvas.image, before) > 0
    assert far(canvas.image.crop((0, 0, 400, 140)), before.crop((0, 0, 400, 140))) == 0
