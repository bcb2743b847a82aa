"""Mountains and forest: depth goes from pale to dark, snow lies on top, trees stand on their foot."""

from darkroom.sandbox.scenes.land import draw_forest, draw_mountain, draw_pine
from tests.sandbox.drawing import colour, share, sheet


def test_pine_stands_on_its_foot_and_ends_in_a_tip():
    canvas = sheet(size=(200, 200), cut=True)
    canvas.subject = True
    draw_pine(canvas, 100, 180, 150, (10, 60, 30))
    left, top, right, bottom = canvas.alpha.getbbox()
    assert 28 <= top <= 34
    assert 178 <= bottom <= 182
    assert 40 < left < right < 160
    wide = [share(canvas.alpha, (0, y, 200, y + 12)) for y in (40, 90, 150)]
    assert wide == sorted(wide)
    assert canvas.image.getpixel((100, 120)) == (10, 60, 30)


def test_forest_grows_darker_towards_the_viewer():
    image = sheet(draw_forest, size=(192, 192)).image
    assert sum(colour(image, (0, 0, 192, 40))) > sum(colour(image, (0, 150, 192, 192))) + 120


def test_mountain_has_snow_and_something_in_front():
    pictures = [sheet(draw_mountain, size=(192, 192), seed=seed, cut=True) for seed in range(6)]
    for canvas in pictures:
        assert share(canvas.alpha) > 0.01, "a lake or pines"
        peak = canvas.image.crop((20, 20, 172, 120)).convert("L")
        assert peak.getextrema()[1] > 215
    lakes = [share(canvas.alpha, (0, 150, 192, 192)) > 0.5 for canvas in pictures]
    assert len(set(lakes)) == 2, "some seeds have a lake, some have pines"
