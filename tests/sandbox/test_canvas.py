"""The sheet: shapes land where they are put, light only adds, and the alpha holds the subject alone."""

import pytest
from PIL import Image, ImageChops

from tests.sandbox.drawing import colour, share, sheet

RED, BLUE = (250, 0, 0), (0, 0, 250)


def blank():
    canvas = sheet(size=(100, 60))
    canvas.image.paste((0, 0, 0), (0, 0, 100, 60))
    return canvas


def test_unit_is_a_thousandth_of_the_shorter_edge_whichever_that_is():
    assert sheet(size=(100, 60)).u(500) == sheet(size=(60, 100)).u(500) == 30


def test_count_follows_the_detail_and_is_never_nothing():
    assert [sheet(detail=detail).count(10) for detail in (0.5, 1.0, 1.7)] == [5, 10, 17]
    assert sheet(detail=0.5).count(0.1) == 1


def test_backdrop_fills_its_band_alone():
    canvas = blank()
    canvas.backdrop((RED, RED), 20, 40)
    assert [canvas.image.getpixel((50, y)) for y in (19, 20, 39, 40)] == [(0, 0, 0), RED, RED, (0, 0, 0)]
    canvas.backdrop((BLUE, BLUE), 40, 30)
    assert canvas.image.getpixel((50, 35)) == RED, "a band of no height paints nothing"


@pytest.mark.parametrize(
    "draw",
    [
        lambda canvas: canvas.polygon([(20, 10), (80, 10), (80, 50), (20, 50)], RED),
        lambda canvas: canvas.ellipse((10, 5, 90, 55), RED),
        lambda canvas: canvas.disc((50, 30), 20, RED),
        lambda canvas: canvas.slab((20, 10, 80, 50), RED, 6),
        lambda canvas: canvas.line([(10, 30), (90, 30)], 12, RED),
        lambda canvas: canvas.marks([(45, 25, 55, 35), (5, 5, 8, 8)], RED),
        lambda canvas: canvas.veil(Image.new("L", (20, 20), 255), RED, (40, 20)),
    ],
)
def test_every_shape_covers_its_middle_and_leaves_the_corner(draw):
    canvas = blank()
    draw(canvas)
    assert canvas.image.getpixel((50, 30)) == RED
    assert canvas.image.getpixel((99, 59)) == (0, 0, 0)


def test_edges_are_antialiased():
    canvas = blank()
    canvas.disc((50, 30), 20, RED)
    assert len({level for _, level in canvas.image.getchannel("R").getcolors()}) > 8


def test_opacity_lets_the_ground_through_and_blur_spreads_the_shape():
    canvas, soft = blank(), blank()
    canvas.disc((50, 30), 10, RED, 0.5)
    assert 120 <= canvas.image.getpixel((50, 30))[0] <= 130
    soft.disc((50, 30), 10, RED, blur=4)
    assert 0 < soft.image.getpixel((50, 43))[0] < 250 > canvas.image.getpixel((50, 43))[0] == 0


def test_slab_has_round_corners():
    canvas = blank()
    canvas.slab((20, 10, 80, 50), RED, 15)
    assert canvas.image.getpixel((21, 11)) == (0, 0, 0)


@pytest.mark.parametrize("across, places", [(False, [(50, 12), (50, 48)]), (True, [(22, 30), (78, 30)])])
def test_blended_fill_goes_from_the_first_colour_to_the_last(across, places):
    canvas = blank()
    canvas.slab((20, 10, 80, 50), (RED, BLUE), across=across)
    first, last = map(canvas.image.getpixel, places)
    assert first[0] > 200 > 50 > first[2]
    assert last[2] > 200 > 50 > last[0]


def test_blended_fill_spans_the_shape_and_not_what_is_visible_of_it():
    canvas = blank()
    canvas.slab((-100, 0, 100, 60), (RED, BLUE), across=True)
    red, _, blue = canvas.image.getpixel((2, 30))
    assert abs(red - blue) < 20, "the left edge of the sheet is the middle of the shape"


def test_shapes_beside_the_sheet_paint_nothing():
    canvas = blank()
    canvas.disc((300, 300), 20, RED)
    canvas.glow((-200, -200), 20, RED)
    canvas.marks([], RED)
    assert canvas.image.getbbox() is None


def test_glow_only_adds_light():
    canvas = sheet(size=(100, 60))
    before = canvas.image.copy()
    canvas.glow((90, 30), 40, (80, 60, 20))
    assert ImageChops.subtract(before, canvas.image).getbbox() is None
    left, _, right, _ = ImageChops.subtract(canvas.image, before).getbbox()
    assert left >= 50
    assert right == 100


def test_alpha_holds_what_is_drawn_while_the_subject_is_drawn():
    canvas = sheet(size=(100, 60), cut=True)
    canvas.slab((0, 0, 50, 60), RED)
    assert share(canvas.alpha) == 0
    canvas.subject = True
    canvas.slab((50, 0, 100, 30), RED, opacity=0.5)
    assert 0.12 < share(canvas.alpha) < 0.14
    canvas.slab((50, 0, 100, 30), BLUE)
    canvas.subject = False
    canvas.backdrop((BLUE, BLUE))
    assert share(canvas.alpha, (50, 0, 100, 30)) > 0.97
    assert share(canvas.alpha, (0, 0, 48, 60)) == 0


def test_sheet_without_cut_has_no_alpha():
    canvas = sheet()
    canvas.subject = True
    canvas.disc((50, 30), 20, RED)
    assert canvas.alpha is None
    assert colour(canvas.image, (45, 25, 55, 35))[0] > 200
