"""A cup of something hot on a wooden table by a window."""

import math

from darkroom.sandbox.canvas import Canvas
from darkroom.sandbox.light import RGB, WHITE, clouds, levels, mix
from darkroom.sandbox.scenes.studio import draw_hoop, metal


def draw_cup(canvas: Canvas, tint: RGB | None) -> None:
    """A cup of something hot on a wooden table, window light from one side."""
    palette = canvas.palette
    table = canvas.height * 0.66
    wall = mix(mix(palette.sky[-1], palette.ground[0], 0.35), palette.shade, 0.3 if palette.dark else 0.05)
    canvas.backdrop((mix(wall, palette.shade, 0.25), wall, mix(wall, palette.light, 0.35)), 0, table)
    _window_light(canvas, table)
    _table(canvas, table)
    x, foot = canvas.width / 2, canvas.height * 0.82
    body = tint if tint and tint != (141, 92, 58) else mix(WHITE, palette.sky[-1], 0.2)
    _cup(canvas, x, foot, body)
    _steam(canvas, x, foot - canvas.u(330))


def _window_light(canvas: Canvas, table: float) -> None:
    side = canvas.rng.choice((0.2, 0.8))
    x = canvas.width * side
    canvas.glow((x, table * 0.3), canvas.u(720), canvas.palette.light, 0.5, 0.5)
    lean = canvas.u(90) * (1 if side < 0.5 else -1)
    for pane in range(2):
        for row in range(2):
            left, top = x + canvas.u(-150 + 150 * pane), table * 0.12 + canvas.u(190) * row
            box = [
                (left, top),
                (left + canvas.u(135), top + lean * 0.1),
                (left + canvas.u(135) + lean * 0.3, top + canvas.u(172)),
                (left + lean * 0.3, top + canvas.u(168)),
            ]
            canvas.polygon(box, canvas.palette.light, 0.4, canvas.u(7))
    for _ in range(canvas.count(18)):
        spot = (canvas.width * canvas.rng.random(), table * canvas.rng.uniform(0.1, 0.98))
        canvas.disc(
            spot,
            canvas.u(canvas.rng.uniform(14, 44)),
            canvas.palette.light,
            canvas.rng.uniform(0.04, 0.13),
            canvas.u(3),
        )


def _table(canvas: Canvas, top: float) -> None:
    """Planks with grain."""
    palette, rng = canvas.palette, canvas.rng
    wood = mix((150, 102, 66), palette.shade, 0.35 if palette.dark else 0.1)
    high = max(1, canvas.height - round(top))
    canvas.backdrop((mix(wood, palette.light, 0.4), wood, mix(wood, palette.shade, 0.45)), top)
    grain = clouds(rng, (canvas.width, high), (1.6 * canvas.width / canvas.height, 46), 3)
    canvas.veil(levels(grain, 120, 200, 0.36), mix(wood, palette.shade, 0.6), (0, round(top)))
    canvas.veil(levels(grain, 165, 225, 0.25), mix(wood, palette.light, 0.6), (0, round(top)))
    y, step = top + canvas.u(40), canvas.u(46)
    while y < canvas.height:
        canvas.slab(
            (0, y, canvas.width, y + max(1, canvas.u(2.5))), mix(wood, palette.shade, 0.8), opacity=0.55
        )
        canvas.slab(
            (0, y + canvas.u(3), canvas.width, y + canvas.u(5)), mix(wood, palette.light, 0.5), opacity=0.3
        )
        y, step = y + step, step * 1.35


def _cup(canvas: Canvas, x: float, foot: float, body: RGB) -> None:
    half, tall = canvas.u(170), canvas.u(250)
    top, lid = foot - tall, canvas.u(170) * 0.27
    shade = mix(canvas.palette.shade, (40, 24, 18), 0.5)
    canvas.subject = True
    canvas.ellipse(
        (x - half * 1.5, foot - half * 0.22, x + half * 1.9, foot + half * 0.36), shade, 0.4, canvas.u(16)
    )
    _saucer(canvas, x, foot, half, body, shade)
    grip = [
        (x + half * (0.88 + 0.5 * math.sin(a)), top + tall * (0.47 - 0.29 * math.cos(a)))
        for a in (math.pi * i / 30 for i in range(31))
    ]
    canvas.line(grip, canvas.u(36), mix(body, shade, 0.42))
    canvas.line(
        [(px - canvas.u(4), py - canvas.u(4)) for px, py in grip],
        canvas.u(20),
        mix(body, WHITE, 0.2),
        blur=canvas.u(2),
    )
    left = [
        (x - half * (1 - 0.36 * t**2.6), top + (tall - canvas.u(4)) * t) for t in (i / 24 for i in range(25))
    ]
    bottom = [
        (x - half * 0.64 * math.cos(a), foot - canvas.u(4) + lid * 0.5 * math.sin(a))
        for a in (math.pi * i / 20 for i in range(21))
    ]
    canvas.polygon(
        [*left, *bottom, *[(2 * x - px, py) for px, py in reversed(left)]],
        metal(mix(body, (120, 116, 120), 0.1)),
        across=True,
    )
    band = canvas.palette.accent
    draw_hoop(
        canvas,
        x,
        top + tall * 0.3,
        half * 0.985,
        lid,
        canvas.u(13),
        (mix(band, shade, 0.3), mix(band, WHITE, 0.35), band, mix(band, shade, 0.5)),
    )
    _drink(canvas, x, top, half, lid, body, shade)
    canvas.subject = False


def _saucer(canvas: Canvas, x: float, foot: float, half: float, body: RGB, shade: RGB) -> None:
    saucer = mix(body, WHITE, 0.25)
    canvas.ellipse(
        (x - half * 1.45, foot - half * 0.2, x + half * 1.45, foot + half * 0.36),
        metal(mix(saucer, shade, 0.2)),
        across=True,
    )
    canvas.ellipse(
        (x - half * 1.43, foot - half * 0.23, x + half * 1.43, foot + half * 0.3),
        (mix(saucer, WHITE, 0.6), saucer, mix(saucer, shade, 0.25)),
        across=True,
    )
    canvas.ellipse(
        (x - half * 0.8, foot - half * 0.1, x + half * 0.95, foot + half * 0.17), shade, 0.5, canvas.u(8)
    )


def _drink(canvas: Canvas, x: float, top: float, half: float, lid: float, body: RGB, shade: RGB) -> None:
    """The cup's mouth and what is in it."""
    canvas.ellipse(
        (x - half, top - lid, x + half, top + lid),
        (mix(body, WHITE, 0.8), body, mix(body, shade, 0.2)),
        across=True,
    )
    canvas.ellipse(
        (x - half * 0.93, top - lid * 0.88, x + half * 0.93, top + lid * 0.92),
        (mix(body, shade, 0.5), mix(body, shade, 0.15)),
    )
    drink = canvas.rng.choice([(74, 42, 24), (108, 62, 30), (150, 96, 40), (96, 116, 52)])
    canvas.ellipse(
        (x - half * 0.87, top - lid * 0.66, x + half * 0.87, top + lid * 0.86),
        (mix(drink, (0, 0, 0), 0.45), drink, mix(drink, WHITE, 0.18)),
    )
    canvas.ellipse(
        (x - half * 0.42, top - lid * 0.2, x + half * 0.3, top + lid * 0.4),
        mix(drink, (255, 236, 205), 0.75),
        0.75,
        canvas.u(5),
    )


def _steam(canvas: Canvas, x: float, y: float) -> None:
    for strand in range(3):
        phase, wide = canvas.rng.uniform(0, math.tau), canvas.u(24)
        start = x + canvas.u(-70 + 70 * strand)
        points = [
            (start + wide * math.sin(phase + t * 5) * (0.3 + t), y - canvas.u(280) * t + canvas.u(80))
            for t in (i / 24 for i in range(25))
        ]
        canvas.line(points, canvas.u(20), WHITE, 0.3, canvas.u(11))
