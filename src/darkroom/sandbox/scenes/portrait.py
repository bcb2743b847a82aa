"""A head and shoulders in flat shapes before a disc: a poster of no particular person."""

import math

from darkroom.sandbox.canvas import Canvas, Point
from darkroom.sandbox.light import RGB, WHITE, mix

SKINS: tuple[RGB, ...] = ((250, 220, 196), (236, 190, 154), (214, 160, 118), (166, 112, 78), (112, 74, 54))
HAIRS: tuple[RGB, ...] = (
    (38, 30, 34),
    (72, 46, 36),
    (128, 78, 44),
    (196, 148, 84),
    (150, 62, 40),
    (74, 66, 96),
)


def draw_portrait(canvas: Canvas, tint: RGB | None) -> None:
    """A calm poster of a head and shoulders before a sun disc; no particular person."""
    palette, rng = canvas.palette, canvas.rng
    canvas.backdrop(
        (
            mix(palette.sky[1], palette.sky[-1], 0.35),
            palette.sky[-1],
            mix(palette.sky[-2], palette.sky[-1], 0.4),
        )
    )
    x, chin = canvas.width / 2, canvas.height * 0.6
    unit = min(canvas.u(1000), canvas.height * 0.9) / 1000
    canvas.disc(
        (x + unit * rng.uniform(-70, 70), chin - unit * 210),
        unit * 340,
        (mix(palette.accent, WHITE, 0.25), mix(palette.accent, palette.sky[-1], 0.35)),
    )
    for _ in range(canvas.count(5)):
        y, left = canvas.height * rng.uniform(0.1, 0.8), canvas.width * rng.uniform(-0.1, 0.8)
        canvas.slab(
            (left, y, left + unit * rng.uniform(120, 420), y + unit * 9),
            WHITE,
            unit * 5,
            rng.uniform(0.12, 0.3),
        )
    canvas.subject = True
    skin, hair = rng.choice(SKINS), rng.choice(HAIRS)
    cloth = tint or palette.second
    if palette.dark:
        skin, hair = mix(skin, palette.sky[2], 0.25), mix(hair, palette.sky[1], 0.3)
    long = rng.random() < 0.6
    _hair_back(canvas, x, chin, unit, hair, long)
    _shoulders(canvas, x, chin, unit, cloth, skin)
    _face(canvas, x, chin, unit, skin, hair)
    _fringe(canvas, x, chin, unit, hair, rng.choice((-1, 1)))
    canvas.subject = False


def _hair_back(canvas: Canvas, x: float, chin: float, unit: float, hair: RGB, long: bool) -> None:
    top, low = chin - unit * 400, chin + unit * (210 if long else -20)
    wide = unit * 178
    outline: list[Point] = []
    for at in range(41):
        a = math.pi * at / 40
        outline.append((x - wide * math.cos(a), top + unit * 190 - unit * 200 * math.sin(a)))
    flare = 1.16 if long else 0.86
    outline += [
        (x + wide * flare, low - unit * 60),
        (x + wide * flare * 0.84, low),
        (x - wide * flare * 0.84, low),
        (x - wide * flare, low - unit * 60),
    ]
    canvas.polygon(outline, (mix(hair, WHITE, 0.14), hair, mix(hair, (8, 6, 14), 0.35)))


def _shoulders(canvas: Canvas, x: float, chin: float, unit: float, cloth: RGB, skin: RGB) -> None:
    shade = mix(skin, (96, 40, 52), 0.36)
    canvas.slab(
        (x - unit * 62, chin - unit * 90, x + unit * 62, chin + unit * 205),
        (shade, skin, mix(skin, shade, 0.3)),
        unit * 30,
    )
    outline: list[Point] = [(x - unit * 70, chin + unit * 96)]
    for at in range(21):
        t = at / 20
        outline.append(
            (x - unit * (74 + 300 * t), chin + unit * (96 + 150 * t**2.2 + 26 * math.sin(t * math.pi)))
        )
    low = canvas.height + 4
    outline += [(x - unit * 400, low), (x + unit * 400, low)]
    outline += [(2 * x - px, py) for px, py in reversed(outline[:22])]
    outline.append((x, chin + unit * 190))
    canvas.polygon(outline, (mix(cloth, WHITE, 0.28), cloth, mix(cloth, canvas.palette.shade, 0.45)))
    for side in (-1, 1):
        fold = [
            (x + side * unit * 70, chin + unit * 98),
            (x + side * unit * 34, chin + unit * 250),
            (x, chin + unit * 190),
        ]
        canvas.polygon(fold, (mix(cloth, WHITE, 0.5), mix(cloth, WHITE, 0.18)))
    canvas.line([(x, chin + unit * 196), (x, low)], unit * 5, mix(cloth, canvas.palette.shade, 0.5), 0.6)


def _face(canvas: Canvas, x: float, chin: float, unit: float, skin: RGB, hair: RGB) -> None:
    shade, blush = mix(skin, (96, 40, 52), 0.3), mix(skin, (226, 92, 92), 0.42)
    outline: list[Point] = []
    for at in range(61):
        a = math.tau * at / 60
        wide = 124 * (1 - 0.2 * max(0.0, math.sin(a)) ** 2.4)
        outline.append((x + unit * wide * math.cos(a), chin - unit * 150 + unit * 158 * math.sin(a)))
    canvas.polygon(outline, (mix(skin, WHITE, 0.12), skin, mix(skin, shade, 0.35)))
    for side in (-1, 1):
        canvas.ellipse(
            (
                x + unit * (side * 122 - 20),
                chin - unit * 172,
                x + unit * (side * 122 + 20),
                chin - unit * 112,
            ),
            mix(skin, shade, 0.3),
        )
        canvas.ellipse(
            (x + unit * (side * 72 - 32), chin - unit * 112, x + unit * (side * 72 + 32), chin - unit * 72),
            blush,
            0.5,
            unit * 13,
        )
        lid = [
            (x + unit * (side * 54 - 27 + 54 * t), chin - unit * (148 - 15 * math.sin(math.pi * t)))
            for t in (i / 14 for i in range(15))
        ]
        canvas.line(lid, unit * 7, mix(hair, (10, 8, 16), 0.55))
        brow = [
            (x + unit * (side * 56 - 32 + 64 * t), chin - unit * (194 + 10 * math.sin(math.pi * t)))
            for t in (i / 10 for i in range(11))
        ]
        canvas.line(brow, unit * 8, hair, 0.85)
    canvas.line(
        [
            (x + unit * 3, chin - unit * 150),
            (x + unit * 13, chin - unit * 96),
            (x - unit * 6, chin - unit * 90),
        ],
        unit * 5,
        shade,
        0.8,
    )
    lips = mix((206, 72, 84), skin, 0.25)
    canvas.ellipse((x - unit * 32, chin - unit * 62, x + unit * 32, chin - unit * 38), lips)
    canvas.ellipse(
        (x - unit * 32, chin - unit * 68, x + unit * 32, chin - unit * 52), mix(lips, (120, 20, 40), 0.3)
    )
    canvas.glow((x - unit * 60, chin - unit * 220), unit * 170, canvas.palette.light, 0.18)


def _fringe(canvas: Canvas, x: float, chin: float, unit: float, hair: RGB, side: int) -> None:
    part = x + side * unit * 46
    top = chin - unit * 398
    for toward in (-1, 1):
        edge = x + toward * unit * 168
        outline: list[Point] = [(part, top + unit * 10)]
        for at in range(1, 17):
            t = at / 16
            outline.append(
                (
                    part + (edge - part) * math.sin(t * math.pi / 2),
                    top + unit * 8 + unit * 230 * (1 - math.cos(t * math.pi / 2)),
                )
            )
        outline.append((edge - toward * unit * 36, chin - unit * 120))
        for at in range(12, -1, -1):
            t = at / 12
            outline.append(
                (part + (edge - toward * unit * 40 - part) * t**0.7, top + unit * 88 + unit * 120 * t**2.2)
            )
        canvas.polygon(outline, (mix(hair, WHITE, 0.2), hair))
    for strand in range(4):
        t = 0.25 + 0.16 * strand
        start, end = (
            (part - side * unit * 10, top + unit * 22),
            (x - side * unit * (150 * t + 30), top + unit * (60 + 110 * t)),
        )
        canvas.line(
            [start, ((start[0] + end[0]) / 2, start[1] + (end[1] - start[1]) * 0.3), end],
            unit * 4,
            mix(hair, WHITE, 0.4),
            0.3,
            unit * 2,
        )
