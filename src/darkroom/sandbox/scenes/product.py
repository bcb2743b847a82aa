"""A product on a sweep of paper: a speaker, a bottle, or stones on a plinth."""

import math

from darkroom.sandbox.canvas import Box, Canvas, Point
from darkroom.sandbox.light import RGB, WHITE, mix
from darkroom.sandbox.scenes.studio import draw_hoop, draw_shadow, draw_sweep, metal


def draw_product(canvas: Canvas, tint: RGB | None) -> None:
    """A studio shot of a speaker, a bottle or a boxed set, with shadow and reflection."""
    tone = _tone(canvas, None)
    if canvas.palette.dark:
        tone = mix(canvas.palette.sky[1], canvas.palette.sky[2], 0.5)
    floor = canvas.height * 0.72
    draw_sweep(canvas, tone, floor)
    body = tint or canvas.rng.choice(
        [(188, 192, 199), canvas.palette.accent, canvas.palette.second, (52, 54, 62)]
    )
    thing = canvas.thing or canvas.rng.choice(("speaker", "bottle", "stones"))
    draw = {"speaker": _speaker, "bottle": _bottle, "stones": _pebbles}[thing]
    draw(canvas, canvas.width / 2, floor + canvas.u(70), body)


def _tone(canvas: Canvas, tint: RGB | None) -> RGB:
    """The paper's colour: near white, or a light shade of the palette."""
    base = mix(canvas.palette.sky[-1], WHITE, 0.72)
    return mix(base, (238, 239, 242), 0.75) if tint is None else mix(base, tint, 0.1)


def _speaker(canvas: Canvas, x: float, foot: float, body: RGB) -> None:
    half, tall = canvas.u(165), min(canvas.u(520), foot * 0.72)
    top, lid = foot - tall, half * 0.3
    draw_shadow(canvas, x, foot, half)
    # Wall and round foot are one shape: two would leave a seam between them.
    bottom = [
        (x + half * math.cos(a), foot + lid * math.sin(a)) for a in (math.pi * i / 40 for i in range(41))
    ]
    canvas.polygon([(x - half, top), (x + half, top), *bottom], metal(body), across=True)
    _mesh(canvas, x, top + tall * 0.2, foot - tall * 0.06, half, mix(body, (20, 22, 30), 0.75))
    for y, thick in ((top + tall * 0.165, 0.02), (foot - tall * 0.045, 0.012)):
        draw_hoop(canvas, x, y, half * 1.003, lid, tall * thick, metal(mix(body, WHITE, 0.35)))
    canvas.ellipse(
        (x - half, top - lid, x + half, top + lid),
        (mix(body, WHITE, 0.75), mix(body, WHITE, 0.2), body),
        across=True,
    )
    canvas.ellipse(
        (x - half * 0.82, top - lid * 0.82, x + half * 0.82, top + lid * 0.82),
        (mix(body, (12, 14, 20), 0.82), mix(body, (12, 14, 20), 0.6)),
    )
    glow = canvas.palette.accent if not canvas.cut else mix(body, WHITE, 0.5)
    canvas.ellipse(
        (x - half * 0.6, top - lid * 0.58, x + half * 0.6, top + lid * 0.6), glow, 0.8, canvas.u(4)
    )
    canvas.ellipse(
        (x - half * 0.54, top - lid * 0.52, x + half * 0.54, top + lid * 0.54), mix(body, (12, 14, 20), 0.8)
    )
    for spot in (-0.2, 0, 0.2):
        canvas.ellipse(
            (x + half * (spot - 0.04), top - lid * 0.06, x + half * (spot + 0.04), top + lid * 0.06),
            WHITE,
            0.75,
        )
    canvas.slab(
        (x - half * 0.62, top + tall * 0.24, x - half * 0.5, foot - tall * 0.1),
        WHITE,
        canvas.u(8),
        0.28,
        canvas.u(7),
    )
    canvas.subject = False


def _mesh(canvas: Canvas, x: float, top: float, foot: float, half: float, hole: RGB) -> None:
    """Rows of holes, foreshortened towards both sides and curved like the cylinder."""
    boxes: list[Box] = []
    pitch = canvas.u(12.5 if canvas.detail >= 1 else 19)
    rows, columns = int((foot - top) / pitch), 40 if canvas.detail >= 1 else 26
    for row in range(rows):
        for column in range(columns):
            angle = math.pi * (column + 0.5 * (row % 2) + 0.5) / columns
            face = math.sin(angle)
            if face < 0.16:
                continue
            cx, cy = x - half * math.cos(angle), top + pitch * row + half * 0.3 * face
            rx, ry = pitch * 0.27 * face, pitch * 0.27
            boxes.append((cx - rx, cy - ry, cx + rx, cy + ry))
    canvas.marks([box for box in boxes if box[3] < foot + half * 0.3], hole, 0.62)


def _bottle(canvas: Canvas, x: float, foot: float, body: RGB) -> None:
    half, tall = canvas.u(130), min(canvas.u(560), foot * 0.76)
    draw_shadow(canvas, x, foot, half)
    glass = metal(mix(body, WHITE, 0.18))
    shoulder = foot - tall * 0.62
    outline: list[Point] = [(x - half, foot - canvas.u(14)), (x - half, shoulder)]
    for at in range(1, 13):
        t = at / 12
        outline.append(
            (x - half + half * 0.66 * (0.5 - 0.5 * math.cos(math.pi * t)), shoulder - tall * 0.14 * t)
        )
    outline.append((x - half * 0.34, foot - tall * 0.8))
    right = [(2 * x - px, py) for px, py in reversed(outline)]
    bottom = [
        (x + half * math.cos(a), foot - canvas.u(14) + canvas.u(16) * math.sin(a))
        for a in (math.pi * i / 20 for i in range(21))
    ]
    canvas.polygon([*outline, *right, *bottom], glass, across=True)
    canvas.slab(
        (x - half * 0.36, foot - tall, x + half * 0.36, foot - tall * 0.79),
        metal(mix(canvas.palette.shade, (40, 42, 50), 0.5)),
        canvas.u(8),
        across=True,
    )
    canvas.slab(
        (x - half * 0.4, foot - tall * 0.805, x + half * 0.4, foot - tall * 0.785),
        metal((212, 184, 120)),
        canvas.u(3),
        across=True,
    )
    _label(canvas, x, foot, half, tall, body)
    canvas.subject = False


def _label(canvas: Canvas, x: float, foot: float, half: float, tall: float, body: RGB) -> None:
    """The bottle's label with its sign, and two streaks of light over it."""
    label = mix(WHITE, canvas.palette.sky[-1], 0.2)
    canvas.slab(
        (x - half * 0.98, foot - tall * 0.46, x + half * 0.98, foot - tall * 0.16),
        (mix(label, body, 0.5), label, WHITE, label, mix(label, body, 0.6)),
        across=True,
        opacity=0.94,
    )
    canvas.slab(
        (x - half * 0.98, foot - tall * 0.447, x + half * 0.98, foot - tall * 0.44),
        canvas.palette.accent,
        opacity=0.8,
    )
    canvas.slab(
        (x - half * 0.98, foot - tall * 0.18, x + half * 0.98, foot - tall * 0.173),
        canvas.palette.accent,
        opacity=0.8,
    )
    canvas.disc((x, foot - tall * 0.32), half * 0.32, canvas.palette.accent, 0.9)
    canvas.disc((x + half * 0.12, foot - tall * 0.33), half * 0.26, label)
    canvas.slab(
        (x - half * 0.72, foot - tall * 0.6, x - half * 0.56, foot - tall * 0.04),
        WHITE,
        canvas.u(10),
        0.5,
        canvas.u(5),
    )
    canvas.slab(
        (x + half * 0.72, foot - tall * 0.58, x + half * 0.8, foot - tall * 0.06),
        WHITE,
        canvas.u(6),
        0.3,
        canvas.u(3),
    )


def _pebbles(canvas: Canvas, x: float, foot: float, body: RGB) -> None:
    """Spheres and a plinth: an object shot."""
    half = canvas.u(250)
    draw_shadow(canvas, x, foot + canvas.u(40), half)
    stone = mix(WHITE, canvas.palette.sky[-1], 0.35)
    canvas.slab((x - half, foot - canvas.u(70), x + half, foot + canvas.u(24)), metal(stone), across=True)
    canvas.ellipse(
        (x - half, foot - canvas.u(26), x + half, foot + canvas.u(74)),
        metal(mix(stone, (60, 60, 70), 0.12)),
        across=True,
    )
    canvas.slab(
        (x - half, foot - canvas.u(70), x + half, foot + canvas.u(22)),
        metal(mix(stone, (60, 60, 70), 0.12)),
        across=True,
    )
    canvas.ellipse(
        (x - half, foot - canvas.u(120), x + half, foot - canvas.u(20)), (mix(stone, WHITE, 0.6), stone)
    )
    sizes = ((-0.1, 175, body), (0.58, 84, canvas.palette.accent), (-0.66, 62, canvas.palette.second))
    for out, radius, colour in sizes:
        draw_sphere(
            canvas, (x + half * out, foot - canvas.u(66) - canvas.u(radius) * 0.86), canvas.u(radius), colour
        )
    canvas.subject = False


def draw_sphere(canvas: Canvas, at: Point, radius: float, colour: RGB) -> None:
    """A shaded ball with its contact shadow."""
    x, y = at
    canvas.ellipse(
        (x - radius * 0.8, y + radius * 0.8, x + radius * 0.95, y + radius * 1.08),
        mix(colour, (20, 20, 30), 0.75),
        0.5,
        radius * 0.06,
    )
    canvas.disc(at, radius, (mix(colour, WHITE, 0.2), colour, mix(colour, (16, 16, 28), 0.62)))
    canvas.ellipse(
        (x - radius * 0.7, y - radius * 0.86, x + radius * 0.35, y + radius * 0.1),
        mix(colour, WHITE, 0.75),
        0.5,
        radius * 0.16,
    )
    canvas.ellipse(
        (x - radius * 0.48, y - radius * 0.68, x - radius * 0.1, y - radius * 0.4), WHITE, 0.75, radius * 0.06
    )
    canvas.ellipse(
        (x - radius * 0.5, y + radius * 0.62, x + radius * 0.6, y + radius * 0.9),
        mix(colour, WHITE, 0.4),
        0.22,
        radius * 0.08,
    )
