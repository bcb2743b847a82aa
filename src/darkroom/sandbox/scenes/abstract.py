"""Ribbons of colour: what is painted when nothing in particular was asked for."""

import math

from darkroom.sandbox.canvas import Canvas, Point
from darkroom.sandbox.light import RGB, WHITE, mix


def draw_abstract(canvas: Canvas, tint: RGB | None) -> None:
    """Ribbons of colour flowing over each other with soft shadows, and a few discs."""
    palette, rng = canvas.palette, canvas.rng
    tones = [
        palette.sky[0],
        palette.sky[2],
        tint or palette.accent,
        palette.second,
        palette.sky[-2],
        palette.sky[-1],
    ]
    start = rng.randrange(len(tones))
    canvas.backdrop((mix(palette.sky[-1], WHITE, 0.5), mix(palette.sky[-2], WHITE, 0.2)))
    phase, pitch = rng.uniform(0, math.tau), rng.uniform(2.2, 4.6)
    ribbons = 6 if canvas.detail < 1 else 9
    canvas.subject = True
    for at in range(ribbons):
        t = at / (ribbons - 1)
        base = canvas.height * (0.12 + 0.92 * t)
        colour = tones[(start + at) % len(tones)]
        crest: list[Point] = []
        for step in range(97):
            s = step / 96
            wave = math.sin(phase + pitch * s + at * 0.55) + 0.45 * math.sin(
                phase * 2 + pitch * 1.9 * s + at * 0.9
            )
            crest.append((canvas.width * s, base + canvas.u(88) * wave))
        area = [*crest, (canvas.width + 2, canvas.height + 2), (-2, canvas.height + 2)]
        canvas.polygon([(x, y - canvas.u(10)) for x, y in area], palette.shade, 0.3, canvas.u(16))
        canvas.polygon(area, (mix(colour, WHITE, 0.38), colour, mix(colour, palette.shade, 0.35)))
        canvas.line([(x, y + canvas.u(2)) for x, y in crest], max(1, canvas.u(3)), WHITE, 0.45)
        if at in (1, 4):
            spot = (canvas.width * rng.uniform(0.15, 0.85), base - canvas.u(rng.uniform(30, 120)))
            size = canvas.u(rng.uniform(50, 120))
            canvas.disc((spot[0] + size * 0.1, spot[1] + size * 0.16), size, palette.shade, 0.3, canvas.u(14))
            canvas.disc(
                spot,
                size,
                (mix(palette.light, WHITE, 0.4), mix(tones[(start + at + 3) % len(tones)], WHITE, 0.2)),
            )
    canvas.subject = False
