"""What the studio scenes share."""

import itertools

from darkroom.sandbox.scenes.studio import draw_hoop, draw_shadow, draw_sweep, metal
from tests.sandbox.drawing import colour, far, share, sheet

PAPER = (230, 230, 235)


def test_sweep_is_one_sheet_of_paper_in_its_tone():
    canvas = sheet(draw_sweep, PAPER, 90, size=(200, 128))
    low, high = canvas.image.convert("L").getextrema()
    assert low > 180
    rows = [colour(canvas.image, (95, y, 105, y + 2))[0] for y in range(0, 126, 2)]
    assert max(abs(one - two) for one, two in itertools.pairwise(rows)) < 8, "no edge between wall and floor"
    assert high > low


def test_shadow_darkens_the_ground_below_a_thing_and_belongs_to_it():
    canvas = sheet(draw_sweep, PAPER, 90, size=(200, 128), cut=True)
    before = canvas.image.copy()
    draw_shadow(canvas, 100, 100, 40)
    assert sum(colour(canvas.image, (90, 98, 110, 103))) < sum(colour(before, (90, 98, 110, 103))) - 90
    assert far(canvas.image.crop((0, 0, 200, 60)), before.crop((0, 0, 200, 60))) == 0
    assert share(canvas.alpha, (90, 98, 110, 103)) > 0.4


def test_metal_has_its_highlight_left_of_the_middle_and_shadow_to_the_right():
    levels = [sum(tone) for tone in metal((120, 120, 130))]
    assert levels.index(max(levels)) == 2
    assert levels.index(min(levels)) == 6


def test_hoop_covers_the_front_half_of_a_ring():
    canvas = sheet(size=(200, 128), cut=True)
    canvas.subject = True
    draw_hoop(canvas, 100, 60, 50, 15, 8, ((200, 0, 0), (0, 0, 200)))
    assert canvas.alpha.getbbox()[1] >= 50
    assert share(canvas.alpha, (98, 68, 102, 74)) > 0.95, "the front hangs lower than the sides"
    assert share(canvas.alpha, (90, 54, 110, 62)) == 0
    left, right = canvas.image.getpixel((56, 60)), canvas.image.getpixel((144, 60))
    assert left[0] > left[2]
    assert right[2] > right[0]
