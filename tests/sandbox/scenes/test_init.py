"""The scenes together: each can be asked for, each is its own picture, and none minds the shape of its sheet."""

import itertools
import random

import pytest
from PIL import ImageStat

from darkroom.sandbox.palette import PALETTES, SCENES
from darkroom.sandbox.scenes import PLACES, THINGS, draw_scene
from tests.sandbox.drawing import far, share, sheet

pytestmark = pytest.mark.slow

NAMES = sorted(SCENES)


def test_every_scene_that_a_prompt_can_name_is_drawn():
    assert set(PLACES) | set(THINGS) == set(SCENES)
    assert not set(PLACES) & set(THINGS)


def test_scenes_differ_from_one_another():
    drawn = {name: sheet(draw_scene, name, None).image for name in NAMES}
    near = {
        (one, other): far(drawn[one], drawn[other])
        for one, other in itertools.combinations(NAMES, 2)
        if far(drawn[one], drawn[other]) < 9
    }
    assert not near


@pytest.mark.parametrize("name", NAMES)
def test_scene_follows_from_its_seed_palette_and_size_alone(name):
    one, same, other = (sheet(draw_scene, name, None, seed=seed).image for seed in (1, 1, 2))
    assert one.tobytes() == same.tobytes()
    assert far(one, other) > 0.5
    hours = {hour: sheet(draw_scene, name, None, hour=hour).image for hour in PALETTES}
    for first, second in itertools.combinations(hours, 2):
        assert far(hours[first], hours[second]) > 1.5, (first, second)


@pytest.mark.parametrize("name", NAMES)
def test_scene_is_a_picture_and_not_a_flat_sheet(name):
    image = sheet(draw_scene, name, None).image
    assert len(image.getcolors(1 << 16)) > 800
    assert min(ImageStat.Stat(image).stddev) > 12


@pytest.mark.parametrize("name", NAMES)
def test_scene_takes_every_shape(name):
    for size in ((1, 1), (2, 3), (1, 90), (90, 1), (48, 16)):
        for detail in (0.5, 1.0):
            assert (
                sheet(draw_scene, name, None, hour="night", size=size, detail=detail, cut=True).image.size
                == size
            )


@pytest.mark.parametrize("name", sorted(THINGS))
def test_thing_stands_alone_on_nothing_and_takes_the_tint(name):
    def drawn(tint):
        canvas = sheet(cut=True)
        canvas.thing = "bottle"
        draw_scene(canvas, name, tint)
        return canvas

    plain, tinted = drawn(None), drawn((209, 56, 61))
    assert 0.03 < share(plain.alpha) < 0.95
    assert far(plain.image, tinted.image) > 0.5
    for canvas in (plain, tinted):
        canvas.image.paste((0, 0, 0), mask=plain.alpha.point([0] + [255] * 255))
    assert far(plain.image, tinted.image) < 1.5, "a tint colours the thing, not what is around it"


def test_chance_comes_from_the_canvas_alone():
    state = random.getstate()
    for name in NAMES:
        sheet(draw_scene, name, None, size=(48, 32))
    assert random.getstate() == state
