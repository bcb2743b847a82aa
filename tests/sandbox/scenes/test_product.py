"""Products: the thing that is named, in its tint, on paper."""

import itertools

import pytest
from PIL import ImageStat

from darkroom.sandbox.scenes.product import draw_product, draw_sphere
from tests.sandbox.drawing import colour, count, far, share, sheet

THINGS = ("speaker", "bottle", "stones")


def product(thing, tint=None, **options):
    def draw(canvas):
        canvas.thing = thing
        draw_product(canvas, tint)

    return sheet(draw, size=(200, 200), **options)


def test_named_things_differ_and_none_named_is_one_of_them():
    drawn = {thing: product(thing).image for thing in THINGS}
    for one, other in itertools.combinations(THINGS, 2):
        assert far(drawn[one], drawn[other]) > 5
    chosen = {product(None, seed=seed, cut=True).alpha.tobytes() for seed in range(12)}
    assert chosen == {product(thing, cut=True).alpha.tobytes() for thing in THINGS}


@pytest.mark.parametrize("thing", THINGS)
def test_thing_takes_the_tint_and_stands_on_paper(thing):
    canvas = product(thing, (209, 56, 61), cut=True)
    left, top, right, bottom = canvas.alpha.getbbox()
    assert left < 100 < right
    assert 10 < top < bottom < 198
    tinted = count(canvas.image, lambda red, green, blue: red > green + 60)
    assert tinted > 400
    assert min(colour(canvas.image, (0, 0, 200, 8))) > 190


def test_paper_is_dark_at_night():
    assert sum(colour(product("bottle", hour="night").image, (0, 0, 30, 30))) < 300


def test_wall_of_the_speaker_goes_down_to_its_foot_without_a_seam():
    image = product("speaker", (185, 190, 198)).image.convert("L")
    # The foot's line is at 158; beside the middle nothing but the wall is drawn below the last ring.
    column = [image.getpixel((88, y)) for y in range(162, 166)]
    assert max(column) - min(column) < 14


def test_sphere_is_lit_from_the_upper_left():
    canvas = sheet(size=(100, 100), cut=True)
    canvas.subject = True
    draw_sphere(canvas, (50, 50), 30, (200, 40, 40))
    light, shade = colour(canvas.image, (34, 28, 48, 42)), colour(canvas.image, (54, 60, 68, 72))
    assert sum(light) > sum(shade) + 100
    assert share(canvas.alpha, (35, 35, 65, 65)) > 0.99
    assert min(ImageStat.Stat(canvas.image).stddev) > 10
