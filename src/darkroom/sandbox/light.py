"""Light and texture for the sandbox's pictures: gradients, glows, clouds, grain. Pillow only, deterministic.

The law of this file: every random number comes from the `Random` passed in. Pillow's own `effect_noise` is not used,
because it draws from the C library's unseeded generator and the same prompt must give the same picture.
"""

from collections.abc import Sequence
from random import Random

from PIL import Image, ImageChops

RGB = tuple[int, int, int]
Size = tuple[int, int]

WHITE: RGB = (255, 255, 255)
BLACK: RGB = (0, 0, 0)


def mix(a: RGB, b: RGB, t: float) -> RGB:
    """The colour at `t` (0 = a, 1 = b) between two colours."""
    return (
        round(a[0] + (b[0] - a[0]) * t),
        round(a[1] + (b[1] - a[1]) * t),
        round(a[2] + (b[2] - a[2]) * t),
    )


def hexed(text: str) -> RGB:
    """A colour from six hexadecimal digits."""
    return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)


def blend(size: Size, stops: Sequence[RGB], across: bool = False) -> Image.Image:
    """A smooth gradient through evenly spaced colours, top to bottom, or left to right if `across`."""
    steps = 128
    line = bytearray()
    for step in range(steps):
        place = step / (steps - 1) * (len(stops) - 1)
        at = min(int(place), len(stops) - 2) if len(stops) > 1 else 0
        line += bytes(mix(stops[at], stops[min(at + 1, len(stops) - 1)], place - at))
    strip = Image.frombytes("RGB", (steps, 1) if across else (1, steps), bytes(line))
    return strip.resize(size, Image.Resampling.BICUBIC)


def ball(size: Size, softness: float = 1.0) -> Image.Image:
    """A round fall-off from 255 in the middle to 0 at the rim; `softness` keeps the light nearer the middle."""
    table = [round(255 * max(0.0, 1 - level / 255) ** (1 + softness)) for level in range(256)]
    # The library's radial gradient reaches 255 only in the corners of its square; scaled so that the rim is 0.
    radial = Image.radial_gradient("L").point([min(255, round(level * 1.42)) for level in range(256)])
    return radial.point(table).resize(size, Image.Resampling.BICUBIC)


def raw_noise(rng: Random, size: Size) -> Image.Image:
    """One random level per pixel."""
    return Image.frombytes("L", size, rng.randbytes(size[0] * size[1]))


def clouds(rng: Random, size: Size, cells: tuple[float, float], octaves: int = 4) -> Image.Image:
    """Soft fractal noise (L, mean about 128); `cells` is how many lumps fit across and down."""
    small = (max(2, min(size[0], 512)), max(2, min(size[1], 512)))
    total: Image.Image | None = None
    for octave in range(octaves):
        grid = (max(2, round(cells[0] * 2**octave)) + 1, max(2, round(cells[1] * 2**octave)) + 1)
        layer = raw_noise(rng, grid).resize(small, Image.Resampling.BICUBIC)
        # Halving the share of each finer layer makes it a fractal.
        total = layer if total is None else Image.blend(total, layer, 0.5 / (1 + 0.35 * octave))
    assert total is not None
    return total.resize(size, Image.Resampling.BICUBIC)


def levels(image: Image.Image, low: int, high: int, top: float = 1.0) -> Image.Image:
    """Stretches an L image: `low` and darker becomes 0, `high` and lighter becomes 255 * top, smoothly between."""
    table = []
    for level in range(256):
        t = min(1.0, max(0.0, (level - low) / max(1, high - low)))
        table.append(round(255 * top * t * t * (3 - 2 * t)))
    return image.point(table)


def faded(mask: Image.Image, opacity: float) -> Image.Image:
    """The mask with its levels multiplied by `opacity`."""
    return mask if opacity >= 1 else mask.point([round(level * max(0.0, opacity)) for level in range(256)])


def grained(image: Image.Image, rng: Random, strength: int) -> Image.Image:
    """The picture with film grain of about ±`strength` levels, equal in all three channels (it compresses better)."""
    if strength <= 0:
        return image
    tile = raw_noise(rng, (min(image.width, 1024), min(image.height, 1024)))
    tile = tile.point([128 + round((level - 127.5) / 127.5 * strength) for level in range(256)])
    grain = Image.new("L", image.size, 128)
    for left in range(0, image.width, tile.width):
        for top in range(0, image.height, tile.height):
            grain.paste(tile, (left, top))
    return ImageChops.add(image, Image.merge("RGB", (grain, grain, grain)), offset=-128)


def vignette(image: Image.Image, strength: float) -> Image.Image:
    """The picture darkened towards its corners by at most `strength` (0 to 1)."""
    table = [round(255 * strength * (level / 255) ** 2.2) for level in range(256)]
    mask = Image.radial_gradient("L").point(table).resize(image.size, Image.Resampling.BICUBIC)
    dark = image.point([round(level * 0.35) for level in range(256)] * 3)
    return Image.composite(dark, image, mask)
