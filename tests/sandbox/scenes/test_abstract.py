"""Ribbons: in the colours of the hour and of the tint, over nearly the whole sheet."""

import itertools

from darkroom.sandbox.scenes.abstract import draw_abstract
from tests.sandbox.drawing import colour, count, share, sheet

RED = (209, 56, 61)


def test_ribbons_cover_the_sheet_below_the_first_crest():
    alpha = sheet(draw_abstract, None, cut=True).alpha
    assert share(alpha, (0, 64, 192, 128)) > 0.99
    assert share(alpha, (0, 0, 192, 4)) < 0.6


def test_tint_takes_the_place_of_the_accent():
    def reddest(tint):
        image = sheet(draw_abstract, tint).image
        return count(image, lambda red, green, blue: red > 140 and green < 120 and blue < 120)

    assert reddest(RED) > 500 > reddest((60, 80, 200))


def test_ribbons_lie_one_over_the_other_from_top_to_bottom():
    image = sheet(draw_abstract, None, size=(64, 256)).image
    rows = [colour(image, (30, y, 34, y + 4)) for y in range(0, 256, 4)]
    jumps = sum(
        sum(abs(a - b) for a, b in zip(one, two, strict=True)) > 60 for one, two in itertools.pairwise(rows)
    )
    assert jumps >= 5
