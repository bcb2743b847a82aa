"""The cup on its table."""

from darkroom.sandbox.scenes.table import draw_cup
from tests.sandbox.drawing import colour, far, share, sheet

BROWN, BLUE = (141, 92, 58), (47, 111, 208)


def test_cup_stands_on_wood():
    canvas = sheet(draw_cup, None, size=(200, 200), cut=True)
    wood = colour(canvas.image, (0, 150, 25, 200))
    assert wood[0] > wood[2] + 25
    left, top, right, bottom = canvas.alpha.getbbox()
    assert left < 100 < right
    assert 90 < top < bottom < 190
    assert share(canvas.alpha, (85, 130, 115, 150)) > 0.99


def test_cup_takes_the_tint_but_wood_is_the_table():
    red, _, blue = colour(sheet(draw_cup, BLUE, size=(200, 200)).image, (90, 140, 112, 155))
    assert blue > red + 20
    assert far(sheet(draw_cup, BROWN).image, sheet(draw_cup, None).image) == 0


def test_steam_rises_over_the_drink_in_strands():
    image = sheet(draw_cup, None, hour="night", size=(200, 200)).image.convert("L")

    def bumps(rows):
        found = 0
        for y in rows:
            row = image.crop((0, y, 200, y + 1)).tobytes()
            found += max(row[x] - (row[x - 14] + row[x + 14]) / 2 for x in range(75, 125)) > 8
        return found / len(rows)

    assert bumps(range(60, 92)) > bumps(range(10, 30)) + 0.3


def test_window_light_falls_from_one_side():
    sides = set()
    for seed in range(6):
        image = sheet(draw_cup, None, size=(200, 200), seed=seed).image
        sides.add(sum(colour(image, (0, 0, 66, 80))) > sum(colour(image, (134, 0, 200, 80))))
    assert sides == {True, False}


def test_table_on_a_sheet_of_one_row_is_drawn_too():
    assert sheet(draw_cup, None, size=(40, 1)).image.size == (40, 1)
