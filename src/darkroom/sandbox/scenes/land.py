"""Mountains and forest."""

import math

from PIL import Image, ImageChops

from darkroom.sandbox.canvas import Canvas, Point
from darkroom.sandbox.light import RGB, WHITE, clouds, levels, mix
from darkroom.sandbox.scenes.coast import draw_water
from darkroom.sandbox.scenes.sky import draw_birds, draw_sky, ridge, under


def draw_mountain(canvas: Canvas) -> None:
    """Ridge behind ridge, each nearer one darker, mist between them; a lake or pines in front."""
    rng, palette = canvas.rng, canvas.palette
    lake = rng.random() < 0.55
    shore = canvas.height * (rng.uniform(0.66, 0.74) if lake else 1.02)
    sun = draw_sky(
        canvas,
        canvas.height * 0.62,
        (canvas.width * rng.uniform(0.2, 0.8), canvas.height * rng.uniform(0.16, 0.34)),
    )
    _peak(canvas, shore - canvas.u(130))
    for layer in range(4):
        t = layer / 3
        base = shore * (0.74 + 0.26 * t) if not lake else shore * (0.86 + 0.14 * t)
        line = ridge(canvas, base, canvas.u(170 - 70 * t), 0.52 + 0.06 * t, 2.5 + t)
        far, near = palette.ground[layer], palette.ground[min(3, layer + 1)]
        canvas.polygon(under(canvas, line, shore), (mix(far, near, 0.4), mix(far, palette.sky[-1], 0.3)))
        _mist(canvas, base, 0.5 - 0.1 * layer)
    canvas.subject = True
    if lake:
        draw_water(canvas, shore, sun[0])
        _pine_row(canvas, canvas.height + canvas.u(20), 9, (150, 330), palette.shade, edge=True)
    else:
        _pine_row(canvas, canvas.height + canvas.u(26), 26, (90, 240), palette.shade, edge=False)
    canvas.subject = False
    draw_birds(canvas, (sun[0], sun[1] + canvas.u(120)), canvas.count(3))


def _peak(canvas: Canvas, base: float) -> None:
    """One great summit with a lit and a shaded face and snow."""
    rng, palette = canvas.rng, canvas.palette
    x = canvas.width * rng.uniform(0.3, 0.7)
    tall = min(canvas.u(430), base * 0.72) * rng.uniform(0.85, 1.0)
    wide = tall * rng.uniform(1.25, 1.6)
    rock = mix(palette.ground[1], palette.sky[-2], 0.25)
    left = _slope(canvas, (x - wide, base), (x, base - tall))
    right = _slope(canvas, (x, base - tall), (x + wide * 1.1, base))
    canvas.polygon(
        [*left, *right, (x + wide, base + 40), (x - wide, base + 40)],
        (mix(rock, palette.light, 0.35), mix(rock, palette.sky[-1], 0.45)),
    )
    spine = _slope(canvas, (x, base - tall), (x + wide * 0.12, base))
    canvas.polygon(
        [*spine, (x + wide, base + 40), *reversed(right)],
        (mix(rock, palette.shade, 0.38), mix(rock, palette.sky[-1], 0.25)),
    )
    _facets(canvas, (x, base - tall), tall, wide, rock)
    snow = mix(WHITE, palette.sky[-1], 0.12)
    line = base - tall * rng.uniform(0.5, 0.62)
    for edge, colour in ((left, snow), (right, mix(snow, rock, 0.42))):
        high = [point for point in edge if point[1] < line]
        if len(high) < 3:
            continue
        if edge is left:
            high.append((x, base - tall))
        inner = [point for point in spine if point[1] < line]
        teeth: list[Point] = []
        start, end = (inner[-1][0], high[0][0]) if edge is left else (high[-1][0], inner[-1][0])
        for at in range(1, 28):
            t = (at + rng.uniform(-0.35, 0.35)) / 28
            tongue = max(0.0, math.sin(at * 0.9 + x) + 0.6 * math.sin(at * 2.3 + start)) ** 1.5
            drop = tall * (0.09 * tongue + rng.uniform(-0.02, 0.012)) * math.sin(t * math.pi) ** 0.5
            teeth.append((start + (end - start) * t, line + drop))
        outline = [*high, *inner, *teeth] if edge is left else [*high, *teeth, *reversed(inner)]
        canvas.polygon(outline, colour, 0.92)


def _facets(canvas: Canvas, top: Point, tall: float, wide: float, rock: RGB) -> None:
    """Gullies running down the faces."""
    rng, palette = canvas.rng, canvas.palette
    for _ in range(canvas.count(16)):
        side = rng.choice((-1, 1))
        start, length = rng.uniform(0.1, 0.6), rng.uniform(0.2, 0.4)
        out = rng.uniform(0.1, 0.85)
        x0, y0 = top[0] + side * wide * start * out, top[1] + tall * start
        x1, y1 = top[0] + side * wide * (start + length) * out * 1.06, top[1] + tall * (start + length)
        half = tall * rng.uniform(0.012, 0.035)
        tone = mix(rock, palette.shade, 0.5) if rng.random() < 0.6 else mix(rock, palette.light, 0.4)
        bend = (x0 + x1) / 2 + rng.uniform(-1, 1) * half * 2
        canvas.polygon(
            [(x0, y0), (bend + half, (y0 + y1) / 2), (x1, y1), (bend - half, (y0 + y1) / 2)],
            tone,
            0.16,
            canvas.u(1.5),
        )


def _slope(canvas: Canvas, start: Point, end: Point) -> list[Point]:
    """A broken line between two points."""
    points = [start]
    for at in range(1, 20):
        t = at / 20
        jag = canvas.u(11) * math.sin(t * math.pi)
        points.append(
            (
                start[0] + (end[0] - start[0]) * t + canvas.rng.uniform(-jag, jag),
                start[1] + (end[1] - start[1]) * t + canvas.rng.uniform(-jag, jag),
            )
        )
    return [*points, end]


def _mist(canvas: Canvas, y: float, strength: float) -> None:
    """A band of drifting mist around a height."""
    high = max(4, round(canvas.u(130)))
    noise = clouds(canvas.rng, (canvas.width, high), (2 * canvas.width / canvas.height, 2), 3)
    band = levels(noise, 92, 190, max(0.0, strength))
    fade = levels(_hump(canvas.width, high), 0, 255)
    canvas.veil(
        ImageChops.multiply(band, fade), mix(canvas.palette.sky[-1], WHITE, 0.25), (0, round(y - high * 0.62))
    )


def _hump(width: int, height: int) -> Image.Image:
    """A mask that is full in its middle rows and empty at its upper and lower edge."""
    column = bytes(round(255 * math.sin(math.pi * row / 63)) for row in range(64))
    return Image.frombytes("L", (1, 64), column).resize((width, height), Image.Resampling.BICUBIC)


def draw_pine(canvas: Canvas, x: float, foot: float, tall: float, colour: RGB, opacity: float = 1.0) -> None:
    """A conifer: tiers of drooping branches with ragged edges, as one outline."""
    rng = canvas.rng
    tiers = 6 if canvas.detail < 1 else 9
    left: list[Point] = []
    right: list[Point] = []
    for tier in range(1, tiers + 1):
        t = tier / tiers
        reach = tall * 0.2 * t**0.85
        y = foot - tall * (1 - t * 0.92)
        for side, edge in ((-1, left), (1, right)):
            out = reach * rng.uniform(0.82, 1.14)
            edge.append((x + side * out, y + tall * 0.028))
            edge.append((x + side * out * 0.46, y - tall * 0.004))
    stem = tall * 0.018
    outline = [
        (x, foot - tall),
        *right,
        (x + stem, foot - tall * 0.06),
        (x + stem, foot),
        (x - stem, foot),
        (x - stem, foot - tall * 0.06),
        *reversed(left),
    ]
    canvas.polygon(outline, colour, opacity)


def _pine_row(
    canvas: Canvas,
    foot: float,
    number: int,
    tall: tuple[float, float],
    colour: RGB,
    edge: bool,
) -> None:
    rng = canvas.rng
    for _ in range(canvas.count(number)):
        t = rng.random()
        if edge:
            # Trees frame the lake from both sides and leave its middle free.
            t = t * 0.2 if rng.random() < 0.5 else 1 - t * 0.2
        draw_pine(
            canvas,
            canvas.width * t,
            foot + canvas.u(rng.uniform(0, 24)),
            canvas.u(rng.uniform(*tall)),
            colour,
        )


def draw_forest(canvas: Canvas) -> None:
    """Rows of conifers fading into mist, light falling through, grass in front."""
    rng, palette = canvas.rng, canvas.palette
    sun = (canvas.width * rng.uniform(0.3, 0.7), canvas.height * rng.uniform(0.12, 0.3))
    draw_sky(canvas, canvas.height, sun, 0.5)
    rows = 5
    for row in range(rows):
        t = row / (rows - 1)
        colour = mix(mix(palette.sky[-1], palette.ground[1], 0.55), palette.shade, t**1.15)
        foot = canvas.height * (0.62 + 0.4 * t)
        tall = 300 + 330 * t
        line = ridge(canvas, foot, canvas.u(50), 0.5, 2)
        canvas.polygon(under(canvas, line), (colour, mix(colour, palette.sky[-1], 0.25 * (1 - t))))
        gap = max(3.0, canvas.u(62 + 74 * t) / max(0.7, min(1.2, canvas.detail)))
        x = -gap * rng.random()
        while x < canvas.width + gap:
            clear = abs(x - sun[0]) < canvas.u(120) and t > 0.7
            if not clear:
                draw_pine(canvas, x, foot + canvas.u(10), canvas.u(tall) * rng.uniform(0.55, 1.05), colour)
            x += gap * rng.uniform(0.55, 1.35)
        if row < rows - 1:
            _mist(canvas, foot, 0.62 - 0.1 * row)
        if row == 2:
            _rays(canvas, sun)
    _grass(canvas)
    canvas.glow(sun, canvas.u(460), palette.light, 0.3)


def _rays(canvas: Canvas, sun: Point) -> None:
    for _ in range(canvas.count(6)):
        angle = math.pi / 2 + canvas.rng.uniform(-0.75, 0.75)
        reach, half = canvas.height * 1.2, canvas.rng.uniform(0.015, 0.05)
        ends = [
            (sun[0] + math.cos(angle + s * half) * reach, sun[1] + math.sin(angle + s * half) * reach)
            for s in (-1, 1)
        ]
        canvas.polygon([sun, *ends], canvas.palette.light, canvas.rng.uniform(0.08, 0.18), canvas.u(8))


def _grass(canvas: Canvas) -> None:
    """Tufts of bent blades along the lower edge."""
    palette, rng = canvas.palette, canvas.rng
    for _ in range(canvas.count(26)):
        x, foot = canvas.width * rng.random(), canvas.height + canvas.u(6)
        colour = mix(palette.ground[3], palette.shade, rng.uniform(0.2, 1.0))
        for _ in range(5):
            length, lean = canvas.u(rng.uniform(26, 90)), rng.uniform(-0.55, 0.55)
            half = canvas.u(rng.uniform(2.2, 4.5))
            tip = (x + length * lean * 1.3, foot - length)
            mid = (x + length * lean * 0.45, foot - length * 0.6)
            canvas.polygon(
                [
                    (x - half, foot),
                    (mid[0] - half * 0.7, mid[1]),
                    tip,
                    (mid[0] + half * 0.7, mid[1]),
                    (x + half, foot),
                ],
                colour,
            )
            x += canvas.u(rng.uniform(2, 9))
