"""The skyline: towers up to the shore, lit at night, and standing on their heads in the river."""

from PIL import Image

from darkroom.sandbox.scenes.city import draw_city, draw_row
from tests.sandbox.drawing import colour, count, far, share, sheet


def test_river_mirrors_the_skyline():
    image = sheet(draw_city, size=(256, 256), hour="sunset").image
    shore = 186
    river = image.crop((0, shore + 8, 256, shore + 56))
    above = image.crop((0, shore - 56, 256, shore - 8))
    mirrored = above.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    columns = [part.convert("L").resize((64, 1), Image.Resampling.BOX) for part in (river, mirrored)]
    strangers = (
        mirrored.convert("L").transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((64, 1), Image.Resampling.BOX)
    )
    assert far(*map(_centred, columns)) < far(_centred(columns[0]), _centred(strangers))


def _centred(row):
    mean = colour(row)[0]
    return row.point([max(0, min(255, round(128 + level - mean))) for level in range(256)])


def test_windows_are_lit_as_much_as_is_asked():
    def bright(lit):
        canvas = sheet(hour="night", size=(256, 128))
        canvas.backdrop(((0, 0, 0), (0, 0, 0)))
        draw_row(canvas, 128, 0, (20, 20, 40), lit)
        return count(canvas.image, lambda red, green, blue: red > 120 and red > blue)

    assert bright(0.9) > 2 * bright(0.2) > 0


def test_row_stands_on_the_shore_and_spans_the_sheet():
    canvas = sheet(size=(256, 128), cut=True)
    canvas.subject = True
    draw_row(canvas, 90, 0, (20, 20, 40), 0)
    left, top, right, bottom = canvas.alpha.getbbox()
    assert (left, right) == (0, 256)
    assert 0 < top < 80
    assert bottom <= 94


def test_farther_rows_are_the_taller_ones():
    heights = []
    for layer in range(3):
        canvas = sheet(size=(512, 256), cut=True)
        canvas.subject = True
        draw_row(canvas, 250, layer, (0, 0, 0), 0)
        heights.append(share(canvas.alpha))
    assert heights == sorted(heights, reverse=True)


def test_landmark_rises_over_the_rest():
    alpha = sheet(draw_city, size=(256, 256), cut=True).alpha
    top = alpha.point(lambda level: 255 if level > 60 else 0).getbbox()[1]
    assert share(alpha, (0, top, 256, top + 10)) < 0.05
