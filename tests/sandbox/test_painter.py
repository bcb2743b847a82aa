"""Pictures follow from what is asked: to the bit, in any process; and from nothing else."""

import hashlib
import itertools
import os
import subprocess
import sys

import pytest
from PIL import Image

from darkroom.errors import Invalid
from darkroom.sandbox.painter import STAND_IN, Ask, coarse, paint, read_inputs
from tests.sandbox.drawing import far, file, share

SMALL = {"width": 96, "height": 64}
RED = file(Image.new("RGB", (96, 64), (200, 40, 40)))


def ask(prompt="a lighthouse", **fields):
    return Ask(prompt=prompt, **{**SMALL, **fields})


ASKS = (
    ask("a cat at night"),
    ask("雪山"),
    ask("rose", transparent=True, mark=True),
    ask("dusk", images=(RED,)),
)


@pytest.mark.parametrize("size", [(1, 1), (97, 64), (64, 97), (300, 100), (1024, 16)])
def test_picture_has_the_exact_size(size):
    image = paint(ask(width=size[0], height=size[1]))
    assert (image.size, image.mode) == (size, "RGB")


def test_large_picture_is_drawn_smaller_and_scaled_to_its_exact_size():
    assert paint(ask("a speaker", width=1408, height=800, quality="low")).size == (1408, 800)


@pytest.mark.slow
def test_picture_is_the_same_in_another_process():
    program = (
        "import hashlib, sys; sys.path.insert(0, '.')\n"
        "from tests.sandbox.test_painter import ASKS, paint\n"
        "for one in ASKS:\n"
        "    sys.stdout.write(hashlib.sha256(paint(one).tobytes()).hexdigest() + '\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": "77"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [hashlib.sha256(paint(one).tobytes()).hexdigest() for one in ASKS]


def test_other_words_give_another_picture_even_of_the_same_scene():
    prompts = ("a cat", "a black cat", "two cats", "a cat at night", "一只猫", "hello", "")
    drawn = [paint(ask(prompt)) for prompt in prompts]
    for one, other in itertools.combinations(drawn, 2):
        assert far(one, other) > 1


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"quality": "low"}, {"quality": "high"}, {"mark": True}, {"transparent": True}]
)
def test_every_wish_changes_the_picture(change):
    assert far(paint(ask()), paint(ask(**change))) > 0.05


def test_qualities_of_other_models_are_those_of_ours():
    for same in (("high", "max", "xhigh", "hd"), ("medium", "auto", "standard", "nonsense")):
        assert len({paint(ask(quality=quality)).tobytes() for quality in same}) == 1


@pytest.mark.parametrize(
    "prompt, cut",
    [("a rose", True), ("a cup", True), ("a planet", True), ("a lighthouse", False), ("a cat", False)],
)
def test_transparent_background_leaves_the_thing_or_a_badge_of_the_place(prompt, cut):
    image = paint(ask(prompt, transparent=True))
    assert image.mode == "RGBA"
    alpha = image.getchannel("A")
    assert [alpha.getpixel(corner) for corner in ((0, 0), (95, 0))] == [0, 0]
    covered = share(alpha)
    assert (0.05 < covered < 0.6) if cut else (0.7 < covered < 0.95)


def test_mark_stands_in_the_lower_right_corner():
    plain, marked = (paint(ask(width=300, height=200, mark=mark)) for mark in (False, True))
    assert far(plain.crop((0, 0, 150, 200)), marked.crop((0, 0, 150, 200))) == 0
    assert far(plain.crop((220, 170, 300, 200)), marked.crop((220, 170, 300, 200))) > 10
    see_through = paint(ask("a rose", width=300, height=200, transparent=True, mark=True))
    assert share(see_through.getchannel("A"), (240, 180, 280, 190)) > 0.4


def test_edit_follows_from_its_pictures_and_words():
    blue = file(Image.new("RGB", (96, 64), (30, 60, 200)))
    edits = [
        paint(ask(prompt, images=images))
        for prompt in ("dawn", "night")
        for images in ((RED,), (blue,), (RED, blue))
    ]
    for one, other in itertools.combinations(edits, 2):
        assert far(one, other) > 0.5
    assert edits[0].tobytes() == paint(ask("dawn", images=(RED,))).tobytes()


def test_inputs_read_before_give_the_same_picture():
    wish = ask("dawn", images=(RED,))
    assert paint(wish, read_inputs(wish)).tobytes() == paint(wish).tobytes()


@pytest.mark.slow
def test_picture_that_is_elsewhere_is_stood_in_for_by_its_name():
    def stood(name):
        return paint(ask("dawn", images=(STAND_IN + name,), mask=None))

    assert stood(b"https://a/1.png").tobytes() == stood(b"https://a/1.png").tobytes()
    assert far(stood(b"https://a/1.png"), stood(b"https://a/2.png")) > 0.5


def test_mask_that_is_elsewhere_hides_the_lower_half():
    image = paint(ask("dawn", images=(RED,), mask=STAND_IN + b"file_1"))
    upper = (0, 0, 96, 32)
    assert far(image.crop(upper), Image.new("RGB", (96, 32), (200, 40, 40))) == 0
    assert far(image.crop((0, 40, 96, 64)), Image.new("RGB", (96, 24), (200, 40, 40))) > 10


@pytest.mark.parametrize(
    "images, mask, param",
    [
        ((b"no",), None, "image"),
        ((RED, b"no"), None, "image"),
        ((RED,), b"no", "mask"),
        ((RED,), RED, "mask"),
    ],
)
def test_inputs_that_are_no_pictures_or_do_not_fit_are_refused(images, mask, param):
    for read in (read_inputs, paint):
        with pytest.raises(Invalid) as refused:
            read(ask(images=images, mask=mask))
        assert refused.value.param == param


def test_mask_without_a_picture_is_not_looked_at():
    assert read_inputs(ask(mask=b"no")) == ([], None)


@pytest.mark.parametrize("count", [1, 2, 3, 10])
def test_partials_come_nearer_to_the_picture_one_by_one(count):
    image = paint(ask("a lighthouse", width=192, height=128))
    distances = [far(coarse(image, index, count), image) for index in range(count)]
    assert distances == sorted(distances, reverse=True)
    assert len(set(distances)) == count
    assert distances[0] > 3
    assert distances[-1] > 0


def test_partial_has_the_size_and_the_outline_of_its_picture():
    image = paint(ask("a rose", width=192, height=128, transparent=True))
    partial = coarse(image, 0, 3)
    assert (partial.size, partial.mode) == (image.size, "RGBA")
    assert abs(share(partial.getchannel("A")) - share(image.getchannel("A"))) < 0.1
    assert coarse(image, 0, 3).tobytes() == partial.tobytes()


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (300, 2)])
def test_partial_of_every_size(size):
    assert coarse(Image.new("RGB", size), 0, 1).size == size
