"""Dunes, ripples in the sand and a small caravan."""

import math

from PIL import Image, ImageChops

from darkroom.sandbox.canvas import Canvas, Point
from darkroom.sandbox.light import RGB, clouds, levels, mix
from darkroom.sandbox.scenes.sky import draw_sky, under


def draw_desert(canvas: Canvas) -> None:
    """Dunes with a lit and a shaded side, ripples, and a small caravan."""
    rng, palette = canvas.rng, canvas.palette
    horizon = canvas.height * rng.uniform(0.44, 0.54)
    sun = draw_sky(
        canvas, horizon, (canvas.width * rng.uniform(0.2, 0.8), horizon - canvas.u(rng.uniform(90, 200))), 0.6
    )
    sand = (
        mix((226, 158, 88), palette.sky[-1], 0.2)
        if not palette.dark
        else mix((120, 96, 110), palette.sky[2], 0.4)
    )
    side = 1 if sun[0] < canvas.width / 2 else -1
    for layer in range(4):
        t = layer / 3
        base = horizon + (canvas.height - horizon) * (0.04 + 0.6 * t)
        top: Point = (
            canvas.width * (rng.uniform(0.08, 0.45) if layer % 2 else rng.uniform(0.55, 0.92)),
            base - canvas.u(70 + 95 * t),
        )
        crest = _crest(canvas, base, top)
        lit = mix(mix(sand, palette.sky[-1], 0.5 * (1 - t)), palette.light, 0.14)
        low = mix(sand, palette.ground[2], 0.22 + 0.2 * t)
        canvas.polygon(under(canvas, crest), (lit, mix(lit, sand, 0.8), low))
        dark = mix(lit, mix(palette.shade, palette.ground[1], 0.5), 0.4 + 0.15 * t)
        _lee(canvas, crest, top, (dark, mix(dark, low, 0.7), low), side)
        if layer == 2:
            canvas.subject = True
            _caravan(canvas, crest)
            canvas.subject = False
    _ripples(canvas, horizon)


def _crest(canvas: Canvas, base: float, top: Point) -> list[Point]:
    """A dune's outline over the whole sheet: a concave rise to one sharp top, a longer fall, gentle swells."""
    phase = canvas.rng.uniform(0, math.tau)
    reach = canvas.width * canvas.rng.uniform(0.5, 0.75)
    points = []
    for at in range(161):
        x = canvas.width * at / 160
        near = max(0.0, 1 - abs(x - top[0]) / reach)
        swell = canvas.u(9) * math.sin(phase + at * 0.06)
        points.append((x, base + swell * (1 - near) - (base - top[1]) * near**1.7))
    return points


def _lee(canvas: Canvas, crest: list[Point], top: Point, fill: tuple[RGB, ...], side: int) -> None:
    """The shaded face: from the top down on the side away from the sun, behind a winding edge."""
    rim = [point for point in crest if (point[0] - top[0]) * side >= 0]
    rim.sort(key=lambda point: (point[0] - top[0]) * side)
    drop = canvas.height - top[1]
    edge = []
    for at in range(31):
        t = at / 30
        sway = math.sin(t * 4.4) * 0.1 - 0.16 * t
        edge.append((top[0] + side * sway * canvas.short, top[1] + drop * t))
    canvas.polygon([top, *rim, (rim[-1][0], canvas.height), *reversed(edge)], fill, 0.85, canvas.u(0.8))


def _ripples(canvas: Canvas, horizon: float) -> None:
    """Wind ripples in the near sand, fading with distance."""
    high = max(2, round((canvas.height - horizon) * 0.6))
    noise = clouds(canvas.rng, (canvas.width, high), (2.5 * canvas.width / canvas.height, 30), 2)
    fade = Image.linear_gradient("L").resize((canvas.width, high))
    at = (0, canvas.height - high)
    canvas.veil(ImageChops.multiply(levels(noise, 130, 210, 0.2), fade), canvas.palette.shade, at)
    canvas.veil(
        ImageChops.multiply(levels(ImageChops.invert(noise), 130, 210, 0.22), fade), canvas.palette.light, at
    )


def _caravan(canvas: Canvas, crest: list[Point]) -> None:
    start = canvas.rng.randint(20, 60)
    for camel in range(canvas.count(4)):
        x, y = crest[min(len(crest) - 1, start + camel * 7)]
        size, shade = canvas.u(26), canvas.palette.shade
        canvas.ellipse((x - size * 0.5, y - size * 0.95, x + size * 0.5, y - size * 0.5), shade)
        canvas.ellipse((x - size * 0.2, y - size * 1.15, x + size * 0.2, y - size * 0.7), shade)
        canvas.line(
            [
                (x + size * 0.42, y - size * 0.75),
                (x + size * 0.66, y - size * 1.12),
                (x + size * 0.86, y - size * 1.08),
            ],
            size * 0.13,
            shade,
        )
        for leg in (-0.38, -0.22, 0.24, 0.4):
            canvas.line([(x + size * leg, y - size * 0.6), (x + size * leg, y)], max(1, size * 0.07), shade)
