"""Flowers in a vase before a sweep of paper."""

import math

from darkroom.sandbox.canvas import Canvas, Point
from darkroom.sandbox.light import RGB, WHITE, mix
from darkroom.sandbox.scenes.studio import draw_hoop, draw_shadow, draw_sweep, metal


def draw_flower(canvas: Canvas, tint: RGB | None) -> None:
    """A bunch of flowers in a vase."""
    palette, rng = canvas.palette, canvas.rng
    floor = canvas.height * 0.8
    tone = mix(mix(palette.sky[-1], palette.second, 0.12), palette.shade, 0.55 if palette.dark else 0)
    draw_sweep(canvas, tone, floor)
    x, foot = canvas.width / 2, floor + canvas.u(70)
    draw_shadow(canvas, x, foot, canvas.u(120))
    stems: list[tuple[Point, float, RGB]] = []
    colours = [
        tint or palette.accent,
        mix(tint or palette.accent, WHITE, 0.5),
        palette.second,
        mix(palette.light, (250, 226, 160), 0.5),
    ]
    number = min(11, canvas.count(11))
    for at in range(number):
        angle = -math.pi / 2 + (2 * at / (number - 1) - 1) * 0.85 + rng.uniform(-0.1, 0.1)
        reach = canvas.u(rng.uniform(300, 460)) * (1 if at % 2 else 0.8)
        head = (
            x + math.cos(angle) * reach,
            foot - canvas.u(190) + math.sin(angle) * reach * min(1.0, canvas.height / canvas.width),
        )
        stems.append((head, canvas.u(rng.uniform(52, 86)), colours[at % 4]))
    leaf = mix((72, 124, 78), palette.shade, 0.4 if palette.dark else 0.12)
    for head, radius, _ in stems:
        bend = ((x + head[0]) / 2 + (head[0] - x) * 0.12, (foot - canvas.u(190) + head[1]) / 2)
        curve = [_bend((x, foot - canvas.u(120)), bend, head, t / 16) for t in range(17)]
        canvas.line(curve, canvas.u(7), mix(leaf, palette.shade, 0.2))
        _leaf(canvas, curve[9], radius * 1.5, rng.uniform(-0.6, 0.6) + (-0.6 if head[0] > x else 3.7), leaf)
    for head, radius, colour in sorted(stems, key=lambda stem: stem[0][1]):
        _bloom(canvas, head, radius, colour)
    _vase(canvas, x, foot)
    canvas.subject = False


def _bend(a: Point, b: Point, c: Point, t: float) -> Point:
    return (
        (1 - t) ** 2 * a[0] + 2 * t * (1 - t) * b[0] + t * t * c[0],
        (1 - t) ** 2 * a[1] + 2 * t * (1 - t) * b[1] + t * t * c[1],
    )


def _leaf(canvas: Canvas, at: Point, length: float, angle: float, colour: RGB) -> None:
    for share, tone in ((1.0, colour), (0.5, mix(colour, WHITE, 0.16))):
        outline = []
        for step in range(25):
            t = step / 24 * math.tau
            along, across = length * (0.5 - 0.5 * math.cos(t)), length * 0.2 * share * math.sin(t)
            outline.append(
                (
                    at[0] + along * math.cos(angle) - across * math.sin(angle),
                    at[1] + along * math.sin(angle) + across * math.cos(angle),
                )
            )
        canvas.polygon(outline, tone, 0.95)


def _bloom(canvas: Canvas, at: Point, radius: float, colour: RGB) -> None:
    rng = canvas.rng
    turn = rng.uniform(0, math.tau)
    shade = mix(colour, canvas.palette.shade, 0.5)
    for ring, (size, petals) in enumerate(((1.0, 11), (0.74, 9), (0.48, 7))):
        tone = mix(colour, shade, 0.36 - 0.18 * ring)
        for petal in range(petals):
            angle = turn + ring * 0.3 + petal / petals * math.tau
            cx, cy = (
                at[0] + math.cos(angle) * radius * size * 0.58,
                at[1] + math.sin(angle) * radius * size * 0.58,
            )
            outline = []
            for step in range(17):
                t = step / 16 * math.tau
                along, across = radius * size * 0.46 * math.cos(t), radius * size * 0.27 * math.sin(t)
                outline.append(
                    (
                        cx + along * math.cos(angle) - across * math.sin(angle),
                        cy + along * math.sin(angle) + across * math.cos(angle),
                    )
                )
            canvas.polygon(outline, (mix(tone, WHITE, 0.3), mix(tone, shade, 0.12)), 0.96)
    heart = mix((240, 196, 92), colour, 0.2)
    canvas.disc(at, radius * 0.2, (mix(heart, WHITE, 0.3), mix(heart, shade, 0.4)))


def _vase(canvas: Canvas, x: float, foot: float) -> None:
    body = mix(
        mix(WHITE, canvas.palette.second, 0.3), canvas.palette.shade, 0.2 if canvas.palette.dark else 0.0
    )
    tall, half = canvas.u(250), canvas.u(108)
    left = []
    for step in range(31):
        t = step / 30
        wide = 0.52 + 0.5 * math.sin(math.pi * min(1.0, 0.12 + t * 0.8)) ** 1.3 - 0.1 * t
        left.append((x - half * wide, foot - tall * (1 - t)))
    canvas.polygon([*left, *[(2 * x - px, py) for px, py in reversed(left)]], metal(body), across=True)
    rim = x - left[0][0]
    canvas.ellipse(
        (x - rim, foot - tall - rim * 0.18, x + rim, foot - tall + rim * 0.18),
        mix(body, canvas.palette.shade, 0.6),
    )
    draw_hoop(canvas, x, foot - tall + 1, rim, rim * 0.18, canvas.u(5), metal(mix(body, WHITE, 0.4)))
