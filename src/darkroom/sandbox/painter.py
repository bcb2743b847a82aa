"""Draws what a request asks for: a real picture in the exact size, the same one for the same words.

The law of this file: a picture follows from its `Ask` alone, so it can be drawn again, in any process, to the bit.
Nothing here waits or knows of requests; `easel` runs it in threads.
"""

from random import Random

import msgspec
from PIL import Image, ImageChops, ImageDraw, ImageFont

from darkroom.sandbox.canvas import Canvas
from darkroom.sandbox.light import WHITE, Size, clouds, grained, levels, vignette
from darkroom.sandbox.palette import Mood, read_mood, seed_of
from darkroom.sandbox.retouch import check_mask, read_picture, retouch
from darkroom.sandbox.scenes import PLACES, draw_scene

DETAIL = {"low": (0.5, 400_000, 0), "medium": (1.0, 1_600_000, 2), "high": (1.7, 3_000_000, 3)}
"""For each quality: how much is drawn, on how many pixels at most (larger pictures are scaled up), and the grain."""
Inputs = tuple[list[Image.Image], Image.Image | None]
LEVELS = {"auto": "medium", "standard": "medium", "hd": "high", "xhigh": "high", "max": "high"}


STAND_IN = b"stand-in:"
"""Begins the place holder of a picture that is elsewhere: the sandbox fetches nothing, and draws one for it."""


class Ask(msgspec.Struct, frozen=True):
    """Everything that a picture follows from. `quality` may be any of the API's words; `seed` tells variants apart."""

    prompt: str
    width: int = 1024
    height: int = 1024
    quality: str = "medium"
    transparent: bool = False
    format: str = "png"
    compression: int = 100
    mark: bool = False
    seed: int = 0
    images: tuple[bytes, ...] = ()
    mask: bytes | None = None


def paint(ask: Ask, inputs: Inputs | None = None) -> Image.Image:
    """The finished picture: RGB, or RGBA if a transparent background was asked for.

    `inputs` are what `read_inputs` gave, if it was asked before. Raises `Invalid` as it does.
    """
    images, mask = inputs or read_inputs(ask)
    seed = seed_of(ask.prompt, ask.seed)
    mood = read_mood(ask.prompt, seed)
    size = (ask.width, ask.height)
    if images:
        image = retouch(images, mask, lambda part: _draw(ask, mood, part)[0], size, mood)
        return _marked(image) if ask.mark else image
    image, canvas = _draw(ask, mood, size)
    if ask.transparent:
        image.putalpha(_cut_out(canvas, mood.scene in PLACES, size))
    return _marked(image) if ask.mark else image


def read_inputs(ask: Ask) -> Inputs:
    """The decoded input pictures and the mask; raises `Invalid` if one of them is none, or they do not fit."""
    images = [
        _stand_in(file) if file.startswith(STAND_IN) else read_picture(file, "image") for file in ask.images
    ]
    if ask.mask is None or not images:
        return images, None
    if ask.mask.startswith(STAND_IN):
        # Nobody knows what that mask hides: let it be the lower half.
        mask = Image.new("RGBA", images[0].size, (0, 0, 0, 255))
        mask.paste((0, 0, 0, 0), (0, mask.height // 2, mask.width, mask.height))
        return images, mask
    mask = read_picture(ask.mask, "mask")
    check_mask(mask, images[0])
    return images, mask


def _stand_in(name: bytes) -> Image.Image:
    """A picture for one that is elsewhere, always the same for the same address or id."""
    text = name.decode("utf-8", "replace")
    return _draw(Ask(prompt=text), read_mood(text, seed_of(text)), (1024, 1024))[0]


def _draw(ask: Ask, mood: Mood, size: Size) -> tuple[Image.Image, Canvas]:
    """The scene of a prompt in any size (RGB), and the canvas that it was drawn on."""
    detail, most, grain = DETAIL.get(LEVELS.get(ask.quality, ask.quality), DETAIL["medium"])
    cut = ask.transparent and not ask.images
    canvas = Canvas(_work_size(size, most), mood.palette, Random(mood.seed), detail, cut)
    canvas.thing = mood.thing
    draw_scene(canvas, mood.scene, mood.tint)
    image = canvas.image if cut else vignette(canvas.image, 0.3)
    if image.size != size:
        image = image.resize(size, Image.Resampling.LANCZOS)
    # Grain is what a file's bytes go to; large pictures have enough of them.
    return grained(
        image, Random(mood.seed), grain if size[0] * size[1] <= 2_500_000 else min(grain, 1)
    ), canvas


def coarse(image: Image.Image, index: int, of: int) -> Image.Image:
    """The partial image `index` (from 0) of `of`: the picture as it emerges, each one nearer to the final."""
    share = (index + 1) / (of + 1)
    short = min(image.size)
    lumps = max(8.0, 9 * (short / 9) ** (0.25 + 0.6 * share))
    small = (max(2, round(image.width * lumps / short)), max(2, round(image.height * lumps / short)))
    seen = image.resize(small, Image.Resampling.BOX)
    haze = clouds(Random(index), small, (small[0] / 3, small[1] / 3), 2)
    strength = 0.5 * (1 - share) ** 1.5
    tint = Image.merge(
        "RGB", (haze, ImageChops.offset(haze, small[0] // 2, 0), ImageChops.offset(haze, 0, small[1] // 2))
    )
    mixed = Image.blend(seen.convert("RGB"), tint, strength)
    if image.mode == "RGBA":
        mixed.putalpha(levels(seen.getchannel("A"), 0, 255))
    return mixed.resize(image.size, Image.Resampling.BICUBIC)


def _work_size(size: Size, most: int) -> Size:
    """The size to draw at: the size asked, or smaller with the same shape if that has too many pixels."""
    share = (most / (size[0] * size[1])) ** 0.5
    if share >= 1:
        return size
    return max(16, round(size[0] * share)), max(16, round(size[1] * share))


def _cut_out(canvas: Canvas, badge: bool, size: Size) -> Image.Image:
    """The alpha channel: the subject alone, or for a landscape a badge with round corners."""
    if not badge and canvas.alpha is not None:
        return canvas.alpha.resize(size, Image.Resampling.LANCZOS)
    mask = Image.new("L", size, 0)
    inset, radius = min(size) * 0.06, min(size) * 0.2
    draw = ImageDraw.Draw(mask)
    draw.rounded_rectangle((inset, inset, size[0] - inset, size[1] - inset), radius, fill=255)
    # Scaled down and up again, which is cheap antialiasing for so large a shape.
    return mask.reduce(2).resize(size, Image.Resampling.BICUBIC)


def _marked(image: Image.Image) -> Image.Image:
    """A small visible SANDBOX in the lower right corner, so that nobody takes a test for the real thing."""
    tall = max(11, round(min(image.size) * 0.024))
    font = ImageFont.load_default(tall)
    left, top, right, bottom = ImageDraw.Draw(image).textbbox((0, 0), "SANDBOX", font=font)
    wide, high = round(right - left), round(bottom - top)
    pad = round(tall * 0.5)
    x, y = image.width - wide - pad * 3, image.height - high - pad * 3
    pill = Image.new("L", image.size, 0)
    ImageDraw.Draw(pill).rounded_rectangle((x - pad, y - pad, x + wide + pad, y + high + pad), pad, fill=150)
    dark = (16, 18, 26, 255) if image.mode == "RGBA" else (16, 18, 26)
    image.paste(dark, (0, 0, *image.size), pill)
    ink = (*WHITE, 255) if image.mode == "RGBA" else WHITE
    ImageDraw.Draw(image).text((x - left, y - top), "SANDBOX", font=font, fill=ink)
    return image
