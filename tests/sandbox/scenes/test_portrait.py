"""Nobody in particular: head and shoulders in the middle, dressed in the tint."""

from PIL import Image

from darkroom.sandbox.scenes.portrait import HAIRS, SKINS, draw_portrait
from tests.sandbox.drawing import colour, far, share, sheet


def test_person_stands_in_the_middle_from_head_to_the_lower_edge():
    for size in ((200, 200), (300, 150), (150, 300)):
        alpha = sheet(draw_portrait, None, size=size, cut=True).alpha
        left, top, right, bottom = alpha.getbbox()
        assert abs((left + right) / 2 - size[0] / 2) < 4
        assert bottom == size[1]
        assert top > 0
        assert share(alpha, (size[0] // 2 - 2, top + 8, size[0] // 2 + 2, size[1])) > 0.95


def test_outline_is_nearly_symmetrical():
    alpha = sheet(draw_portrait, None, size=(200, 200), cut=True).alpha
    assert far(alpha, alpha.transpose(Image.Transpose.FLIP_LEFT_RIGHT)) < 8


def test_clothes_take_the_tint():
    red, _, blue = colour(sheet(draw_portrait, (209, 56, 61), size=(200, 200)).image, (70, 180, 90, 200))
    assert red > blue + 60


def test_people_differ():
    faces = {
        sheet(draw_portrait, None, size=(200, 200), seed=seed).image.getpixel((90, 105)) for seed in range(12)
    }
    assert len(faces) >= 4
    assert len(set(SKINS)) == 5
    assert len(set(HAIRS)) == 6
