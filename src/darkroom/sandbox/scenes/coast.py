"""Scenes by the water: the open sea and the lighthouse."""

import math

from PIL import Image, ImageFilter

from darkroom.sandbox.canvas import Box, Canvas, Point
from darkroom.sandbox.light import WHITE, clouds, levels, mix
from darkroom.sandbox.scenes.sky import draw_birds, draw_sky, ridge, under


def draw_sea(canvas: Canvas) -> None:
    """Sea under a low sun: glitter towards the viewer, swell, a sail or an island, birds."""
    horizon = canvas.height * canvas.rng.uniform(0.5, 0.62)
    sun = (canvas.width * canvas.rng.uniform(0.3, 0.7), horizon - canvas.u(canvas.rng.uniform(70, 240)))
    draw_sky(canvas, horizon, sun)
    if canvas.rng.random() < 0.6:
        _island(canvas, horizon)
    draw_water(canvas, horizon, sun[0])
    canvas.subject = True
    side = -1 if sun[0] > canvas.width / 2 else 1
    _boat(canvas, (canvas.width / 2 + side * canvas.width * 0.18, horizon + canvas.u(60)), canvas.u(95))
    canvas.subject = False
    draw_birds(canvas, (sun[0] + side * canvas.u(150), sun[1] - canvas.u(60)), canvas.count(4))


def draw_water(canvas: Canvas, horizon: float, light_x: float) -> None:
    """Water from the horizon to the bottom edge, mirroring the sky, with the light's path at `light_x`."""
    palette, rng = canvas.palette, canvas.rng
    depth = canvas.height - horizon
    deep = mix(palette.sky[0], palette.shade, 0.35)
    canvas.backdrop(
        (mix(palette.sky[-1], palette.sky[-2], 0.6), mix(palette.sky[-3], deep, 0.4), deep), horizon
    )
    _mirror(canvas, horizon)
    swell = clouds(rng, (canvas.width, max(2, round(depth))), (3.0 * canvas.width / canvas.height, 22), 3)
    canvas.veil(levels(swell, 118, 190, 0.34), deep, (0, canvas.height - round(depth)))
    canvas.veil(
        levels(swell, 150, 205, 0.22), mix(palette.sky[-1], WHITE, 0.3), (0, canvas.height - round(depth))
    )
    for share, opacity in ((0.5, 0.35), (1.0, 0.55), (0.55, 0.95)):
        boxes: list[Box] = []
        for _ in range(canvas.count(420 * share)):
            t = rng.random() ** 1.25
            y = horizon + depth * t
            spread = canvas.u(26 + 190 * t) * (1.35 if opacity < 0.9 else 0.6)
            x = rng.gauss(light_x, spread)
            half = canvas.u(3 + 26 * t) * rng.uniform(0.4, 1.3)
            thick = max(0.5, canvas.u(0.7 + 3.0 * t) * rng.uniform(0.5, 1.1))
            boxes.append((x - half, y - thick, x + half, y + thick))
        canvas.marks(boxes, mix(palette.light, palette.sky[-1], 0.5 - opacity * 0.4), opacity)
    canvas.veil(
        Image.new("L", (canvas.width, max(1, round(canvas.u(2)))), 90), palette.light, (0, round(horizon))
    )


def _mirror(canvas: Canvas, horizon: float) -> None:
    """A blurred mirror image of what stands over the horizon, fading with distance from it."""
    high = min(round(horizon), canvas.height - round(horizon))
    if high < 4:
        return
    part = canvas.image.crop((0, round(horizon) - high, canvas.width, round(horizon)))
    small = part.transpose(Image.Transpose.FLIP_TOP_BOTTOM).resize(
        (max(2, canvas.width // 4), max(2, high // 2))
    )
    soft = small.filter(ImageFilter.BoxBlur((1, max(2, high / 60)))).resize((canvas.width, high))
    fade = Image.linear_gradient("L").transpose(Image.Transpose.FLIP_TOP_BOTTOM).resize((canvas.width, high))
    canvas.veil(fade.point([round(level * 0.62) for level in range(256)]), soft, (0, round(horizon)))


def _island(canvas: Canvas, horizon: float) -> None:
    left = canvas.width * canvas.rng.uniform(-0.1, 0.75)
    wide = canvas.width * canvas.rng.uniform(0.2, 0.45)
    for layer in range(2):
        rise = canvas.u(canvas.rng.uniform(40, 110)) * (1 - 0.35 * layer)
        points: list[Point] = [(left, horizon + 1)]
        for at in range(41):
            t = at / 40
            bump = math.sin(t * math.pi) ** 0.8 * (0.7 + 0.3 * math.sin(t * 7 + left))
            points.append((left + wide * t, horizon - rise * bump - canvas.u(canvas.rng.uniform(0, 5))))
        points.append((left + wide, horizon + 1))
        canvas.polygon(
            points, mix(canvas.palette.ground[1 + layer], canvas.palette.sky[-1], 0.35 - 0.2 * layer)
        )
        left += wide * canvas.rng.uniform(0.2, 0.5)
        wide *= 0.7


def _boat(canvas: Canvas, at: Point, size: float) -> None:
    x, y = at
    palette = canvas.palette
    sail = mix(palette.light, WHITE, 0.4)
    canvas.polygon(
        [
            (x - size * 0.55, y - size * 0.12),
            (x + size * 0.6, y - size * 0.14),
            (x + size * 0.38, y + size * 0.08),
            (x - size * 0.4, y + size * 0.08),
        ],
        (mix(palette.accent, palette.shade, 0.2), palette.shade),
    )
    canvas.line([(x, y - size * 0.1), (x, y - size * 1.5)], max(1.2, size * 0.025), palette.shade)
    main = [
        (x + size * 0.04, y - size * 1.46),
        (x + size * 0.3, y - size * 0.9),
        (x + size * 0.5, y - size * 0.22),
        (x + size * 0.04, y - size * 0.2),
    ]
    canvas.polygon(main, (sail, mix(sail, palette.accent, 0.35)))
    canvas.polygon(
        [
            (x - size * 0.04, y - size * 1.35),
            (x - size * 0.42, y - size * 0.22),
            (x - size * 0.04, y - size * 0.2),
        ],
        (mix(sail, palette.second, 0.2), mix(sail, palette.second, 0.45)),
    )
    canvas.ellipse(
        (x - size * 0.5, y + size * 0.04, x + size * 0.5, y + size * 0.16), palette.shade, 0.35, size * 0.03
    )


def draw_lighthouse(canvas: Canvas) -> None:
    """A lighthouse on its rock, its beam over the sea."""
    horizon = canvas.height * canvas.rng.uniform(0.6, 0.68)
    side = canvas.rng.choice((-1, 1))
    foot_x = canvas.width / 2 + side * canvas.width * 0.2
    sun = (canvas.width / 2 - side * canvas.width * 0.22, horizon - canvas.u(canvas.rng.uniform(60, 200)))
    draw_sky(canvas, horizon, sun)
    far = ridge(canvas, horizon, canvas.u(60), 0.5, 2)
    canvas.polygon(under(canvas, far, horizon), mix(canvas.palette.ground[0], canvas.palette.sky[-1], 0.3))
    draw_water(canvas, horizon, sun[0])
    canvas.subject = True
    foot = horizon + canvas.u(70)
    _rock(canvas, foot_x, foot, canvas.u(330))
    _tower(canvas, foot_x, foot - canvas.u(40), min(canvas.u(430), horizon * 0.8), side)
    canvas.subject = False
    draw_birds(canvas, (canvas.width / 2 - side * canvas.width * 0.05, horizon * 0.35), canvas.count(4))


def _tower(canvas: Canvas, x: float, foot: float, tall: float, side: int) -> None:
    palette = canvas.palette
    wide = tall * 0.115
    top = foot - tall
    white, red = mix((246, 243, 236), palette.sky[-1], 0.15), palette.accent
    lamp: Point = (x, top - tall * 0.045)
    canvas.subject = False
    reach = canvas.width * 1.1
    for spread, opacity in ((0.16, 0.2), (0.08, 0.3)):
        beam = [
            lamp,
            (x - side * reach, lamp[1] - reach * (0.1 + spread)),
            (x - side * reach, lamp[1] - reach * (0.1 - spread)),
        ]
        canvas.polygon(
            beam, mix(palette.light, WHITE, 0.3), opacity * (1.4 if palette.dark else 0.8), canvas.u(7)
        )
    canvas.subject = True
    for band in range(5):
        upper, lower = top + tall * band / 5, top + tall * (band + 1) / 5
        half_up, half_low = wide * (0.62 + 0.38 * band / 5), wide * (0.62 + 0.38 * (band + 1) / 5)
        colour = red if band % 2 == 0 else white
        light, dark = mix(colour, WHITE, 0.22), mix(colour, palette.shade, 0.45)
        stops = (light, colour, dark) if side > 0 else (dark, colour, light)
        canvas.polygon(
            [(x - half_up, upper), (x + half_up, upper), (x + half_low, lower), (x - half_low, lower)],
            stops,
            across=True,
        )
    canvas.slab((x - wide * 0.85, top - tall * 0.012, x + wide * 0.85, top + tall * 0.012), palette.shade)
    canvas.slab(
        (x - wide * 0.42, top - tall * 0.085, x + wide * 0.42, top), mix(palette.light, (255, 214, 120), 0.5)
    )
    for post in (-0.42, -0.14, 0.14, 0.42):
        canvas.line(
            [(x + wide * post, top), (x + wide * post, top - tall * 0.085)],
            max(1, wide * 0.05),
            palette.shade,
        )
    canvas.polygon(
        [
            (x - wide * 0.55, top - tall * 0.083),
            (x, top - tall * 0.15),
            (x + wide * 0.55, top - tall * 0.083),
        ],
        palette.shade,
    )
    for window in range(3):
        at = top + tall * (0.28 + 0.22 * window)
        canvas.slab(
            (x - wide * 0.1, at, x + wide * 0.1, at + tall * 0.045),
            mix(palette.shade, palette.light, 0.15),
            wide * 0.09,
        )
    canvas.glow(lamp, tall * 0.45, mix(palette.light, (255, 220, 140), 0.5), 0.9)


def _rock(canvas: Canvas, x: float, y: float, wide: float) -> None:
    palette, rng = canvas.palette, canvas.rng
    for layer in range(3):
        reach = wide * (1 - 0.22 * layer)
        lift = canvas.u(62 - 20 * layer)
        low = y + canvas.u(20 + 34 * layer)
        points: list[Point] = [(x - reach, low)]
        for at in range(1, 24):
            t = at / 24
            points.append(
                (
                    x - reach + 2 * reach * t,
                    low - lift * math.sin(t * math.pi) ** 0.55 * rng.uniform(0.82, 1.12) - canvas.u(14),
                )
            )
        points.append((x + reach, low))
        tone = mix(palette.ground[2], palette.shade, 0.25 + 0.25 * layer)
        canvas.polygon(points, (mix(tone, palette.light, 0.12), tone, mix(tone, palette.shade, 0.6)))
    foam: list[Box] = []
    for _ in range(canvas.count(46)):
        fx, half = x + rng.uniform(-1.02, 1.02) * wide, canvas.u(rng.uniform(6, 24))
        fy = y + canvas.u(92 + rng.uniform(-9, 11) - 60 * (abs(fx - x) / wide) ** 2)
        foam.append((fx - half, fy - canvas.u(1.6), fx + half, fy + canvas.u(1.6)))
    canvas.marks(foam, mix(WHITE, palette.sky[-1], 0.2), 0.7, blur=canvas.u(1))
