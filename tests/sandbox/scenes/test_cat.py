"""The cat sits in the middle of its window, and is what a cut-out shows."""

from darkroom.sandbox.scenes.cat import draw_cat
from tests.sandbox.drawing import colour, share, sheet


def test_cat_is_the_subject_in_the_middle_of_the_window():
    for size in ((192, 128), (128, 192), (300, 100)):
        canvas = sheet(draw_cat, size=size, cut=True)
        wide, high = size
        left, top, right, bottom = canvas.alpha.getbbox()
        assert left < wide / 2 < right
        assert top < high * 0.6 < bottom, "head above the sill, paws on it"
        assert share(canvas.alpha, (0, 0, wide, high // 8)) == 0
        assert (
            share(canvas.alpha, (wide // 2 - 3, round(high * 0.7), wide // 2 + 3, round(high * 0.8))) > 0.95
        )


def test_two_ears_stand_apart():
    alpha = sheet(draw_cat, size=(256, 256), cut=True).alpha
    top = alpha.point(lambda level: 255 if level > 200 else 0).getbbox()[1]
    row = alpha.crop((0, top + 6, 256, top + 7)).tobytes()
    runs = [level > 128 for level in row]
    assert sum(one and not before for before, one in zip([False, *runs], runs, strict=False)) == 2


def test_window_frames_the_view_in_wood():
    image = sheet(draw_cat).image
    frame, view = colour(image, (0, 20, 4, 80)), colour(image, (20, 10, 40, 40))
    assert sum(frame) < sum(view) - 150
    assert frame[0] > frame[2], "wood is warm"
