"""A planet in the dark: the only bright thing, lit from one side, its rings before and behind it."""

from darkroom.sandbox.scenes.space import draw_space
from tests.sandbox.drawing import colour, share, sheet


def test_planet_shines_in_the_dark():
    for hour in ("day", "night"):
        canvas = sheet(draw_space, None, hour=hour, size=(200, 200), cut=True)
        assert sum(colour(canvas.image, (0, 0, 20, 20))) < 150
        assert share(canvas.alpha, (85, 90, 110, 112)) > 0.99
        assert 0.1 < share(canvas.alpha) < 0.5


def test_planet_takes_the_tint():
    red, _, blue = colour(sheet(draw_space, (209, 56, 61), size=(200, 200)).image, (80, 80, 100, 100))
    assert red > blue + 30


def test_planet_has_a_night_side():
    image = sheet(draw_space, (239, 240, 238), size=(200, 200), cut=True)
    disc = image.alpha.point(lambda level: 255 if level > 250 else 0).getbbox()
    assert disc is not None
    light, dark = colour(image.image, (82, 78, 98, 94)), colour(image.image, (120, 125, 136, 141))
    assert sum(light) > sum(dark) + 60


def test_some_planets_have_rings():
    wide = []
    for seed in range(8):
        left, _, right, _ = sheet(draw_space, None, size=(200, 200), seed=seed, cut=True).alpha.getbbox()
        wide.append(right - left > 150)
    assert len(set(wide)) == 2
