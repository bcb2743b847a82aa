"""A planet among stars and nebulas."""

import math

from PIL import Image, ImageChops, ImageDraw

from darkroom.sandbox.canvas import Canvas, Point
from darkroom.sandbox.light import RGB, WHITE, ball, clouds, levels, mix
from darkroom.sandbox.scenes.sky import draw_stars


def draw_space(canvas: Canvas, tint: RGB | None) -> None:
    """A ringed planet, its moons, a nebula and stars."""
    palette, rng = canvas.palette, canvas.rng
    deep = mix((6, 7, 22), palette.sky[0], 0.16)
    canvas.backdrop((deep, mix(deep, palette.second, 0.12), deep))
    for colour in (palette.accent, palette.second, mix(palette.accent, palette.second, 0.5)):
        noise = clouds(rng, canvas.size, (2.0 * canvas.width / canvas.height, 2.0), 5)
        core = ball(canvas.size, 0.2)
        canvas.veil(ImageChops.multiply(levels(noise, 112, 200, 0.9), core), mix(colour, deep, 0.12))
    draw_stars(canvas, canvas.height)
    for _ in range(canvas.count(7)):
        star = (canvas.width * rng.random(), canvas.height * rng.random())
        canvas.glow(star, canvas.u(rng.uniform(14, 40)), WHITE, 0.9, 2.2)
    canvas.subject = True
    at: Point = (canvas.width * rng.uniform(0.42, 0.58), canvas.height * rng.uniform(0.46, 0.58))
    radius = canvas.u(rng.uniform(205, 265))
    body = tint or rng.choice((palette.accent, palette.second, (212, 160, 108)))
    ringed = rng.random() < 0.7
    if ringed:
        _ring(canvas, at, radius, body, front=False)
    _planet(canvas, at, radius, body)
    if ringed:
        _ring(canvas, at, radius, body, front=True)
    side = rng.choice((-1, 1))
    for out, small in ((1.55, 0.16), (1.2, 0.09)):
        moon = (at[0] + side * radius * out, at[1] - radius * rng.uniform(0.7, 1.15))
        _planet(canvas, moon, radius * small, mix((190, 186, 184), palette.second, 0.3))
        side = -side
    canvas.subject = False


def _planet(canvas: Canvas, at: Point, radius: float, body: RGB) -> None:
    rng = canvas.rng
    edge = max(4, round(radius * 2))
    canvas.glow(at, radius * 1.45, mix(body, WHITE, 0.3), 0.5, 0.4)
    disc = Image.new("L", (edge * 2, edge * 2), 0)
    ImageDraw.Draw(disc).ellipse((0, 0, edge * 2 - 1, edge * 2 - 1), fill=255)
    disc = disc.reduce(2)
    corner = (round(at[0] - radius), round(at[1] - radius))
    bands = clouds(rng, (edge, edge), (1.4, 9 if radius > canvas.u(100) else 3), 4)
    skin = Image.new("RGB", (edge, edge), body)
    skin.paste(mix(body, WHITE, 0.55), (0, 0), levels(bands, 120, 200, 0.8))
    skin.paste(mix(body, (40, 16, 40), 0.55), (0, 0), levels(ImageChops.invert(bands), 130, 210, 0.75))
    # The night side: a soft light that sits up and to the left of the middle.
    lamp = ball((edge * 2, edge * 2), 0.15).crop(
        (round(edge * 0.72), round(edge * 0.72), round(edge * 0.72) + edge, round(edge * 0.72) + edge)
    )
    day = lamp.point([min(255, round(level * 1.75)) for level in range(256)])
    skin = Image.composite(skin, skin.point([round(level * 0.1) for level in range(256)] * 3), day)
    box = (corner[0], corner[1], corner[0] + edge, corner[1] + edge)
    canvas.image.paste(skin, box, disc)
    if canvas.alpha is not None:
        canvas.alpha.paste(255, box, disc)


def _ring(canvas: Canvas, at: Point, radius: float, body: RGB, front: bool) -> None:
    tilt, flat = -0.32, 0.24
    for size, thick, opacity in ((1.42, 26, 0.55), (1.62, 40, 0.75), (1.86, 24, 0.5), (2.0, 8, 0.6)):
        points: list[Point] = []
        for step in range(61):
            a = math.pi * step / 60 + (0 if front else math.pi)
            ex, ey = radius * size * math.cos(a), radius * size * flat * math.sin(a)
            points.append(
                (
                    at[0] + ex * math.cos(tilt) - ey * math.sin(tilt),
                    at[1] + ex * math.sin(tilt) + ey * math.cos(tilt),
                )
            )
        tone = mix(mix(body, WHITE, 0.5), (60, 44, 70), 0.0 if front else 0.35)
        canvas.line(points, max(1, thick * radius / 520), tone, opacity)
