"""A bunch that stands in its vase, to both sides, however few its flowers are."""

import pytest

from darkroom.sandbox.scenes.flower import draw_flower
from tests.sandbox.drawing import count, share, sheet

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("detail", [0.5, 1.0, 1.7])
def test_bunch_spreads_to_both_sides(detail):
    for seed in range(2):
        alpha = sheet(draw_flower, None, size=(200, 200), seed=seed, detail=detail, cut=True).alpha
        left, right = share(alpha, (0, 0, 90, 130)), share(alpha, (110, 0, 200, 130))
        assert min(left, right) > 0.05
        assert max(left, right) < 2.5 * min(left, right)


def test_vase_stands_below_the_flowers():
    canvas = sheet(draw_flower, None, size=(200, 200), cut=True)
    assert share(canvas.alpha, (92, 145, 108, 165)) > 0.99
    assert share(canvas.alpha, (0, 190, 200, 200)) < 0.1


def test_flowers_take_the_tint():
    def red(tint):
        image = sheet(draw_flower, tint, size=(200, 200)).image
        return count(image, lambda r, g, b: r > b + 50 and r > g + 50)

    assert red((209, 56, 61)) > 1.5 * red((47, 111, 208)) + 500
