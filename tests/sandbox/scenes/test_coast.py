"""The sea, its water and the lighthouse."""

import itertools

from PIL import Image

from darkroom.sandbox.scenes.coast import draw_lighthouse, draw_sea, draw_water
from tests.sandbox.drawing import colour, far, share, sheet


def test_water_lies_below_the_horizon_alone():
    before = sheet()
    canvas = sheet(draw_water, 60, 96)
    assert far(canvas.image.crop((0, 0, 192, 59)), before.image.crop((0, 0, 192, 59))) == 0
    assert far(canvas.image.crop((0, 62, 192, 128)), before.image.crop((0, 62, 192, 128))) > 20


def test_light_glitters_below_the_sun():
    def brightest(x):
        image = sheet(draw_water, 20, x, hour="night", size=(256, 128)).image
        row = image.convert("L").resize((8, 1), Image.Resampling.BOX).tobytes()
        return row.index(max(row))

    assert brightest(32) in (0, 1, 2)
    assert brightest(224) in (5, 6, 7)


def test_water_mirrors_what_stands_over_the_horizon():
    def pole(x):
        canvas = sheet(size=(200, 200))
        canvas.slab((x, 0, x + 20, 100), (250, 0, 0))
        draw_water(canvas, 100, 100)
        colours = [colour(canvas.image, (at, 104, at + 20, 130)) for at in (20, 160)]
        return [red - blue for red, _, blue in colours]

    assert pole(20)[0] > pole(160)[0] + 10
    assert pole(160)[1] > pole(20)[1] + 10


def test_boat_is_the_subject_of_the_sea():
    alpha = sheet(draw_sea, cut=True).alpha
    left, top, right, bottom = alpha.getbbox()
    assert right - left < 96
    assert top > 20
    assert 0.002 < share(alpha) < 0.3
    assert bottom <= 128


def test_tower_is_tall_stands_beside_the_middle_and_has_bands():
    canvas = sheet(draw_lighthouse, size=(256, 256), cut=True)
    alpha = canvas.alpha.point(lambda level: 255 if level > 200 else 0)
    top = alpha.getbbox()[1]
    row = alpha.crop((0, top + 20, 256, top + 21)).getbbox()
    middle = (row[0] + row[2]) // 2
    assert abs(middle - 128) > 30
    assert row[2] - row[0] < 30
    reds = [canvas.image.getpixel((middle, y)) for y in range(top + 20, 165)]
    strong = [red - blue > 90 for red, _, blue in reds]
    changes = sum(one != two for one, two in itertools.pairwise(strong))
    assert changes >= 3


def test_beam_is_brighter_at_night():
    dark = sheet(draw_lighthouse, hour="night").image
    assert max(level for _, level in dark.convert("L").getcolors()) > 200
    assert sum(colour(dark)) < sum(colour(sheet(draw_lighthouse).image)) - 150
