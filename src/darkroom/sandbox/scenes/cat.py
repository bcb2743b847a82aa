"""A cat at a window, looking out over the town."""

import math

from darkroom.sandbox.canvas import Canvas, Point
from darkroom.sandbox.light import RGB, mix
from darkroom.sandbox.scenes.city import draw_row
from darkroom.sandbox.scenes.sky import draw_sky


def draw_cat(canvas: Canvas) -> None:
    """A cat on a window sill, looking out."""
    palette, rng = canvas.palette, canvas.rng
    horizon = canvas.height * 0.74
    draw_sky(
        canvas,
        horizon,
        (canvas.width * 0.5 + canvas.u(rng.uniform(120, 200)) * rng.choice((-1, 1)), canvas.height * 0.3),
    )
    for layer in range(2):
        draw_row(
            canvas,
            canvas.height * (0.8 + 0.03 * layer),
            layer + 1,
            mix(mix(palette.ground[1 + layer], palette.sky[-1], 0.35), palette.shade, 0.35 * layer),
            0.3,
        )
    _window(canvas)
    canvas.subject = True
    _cat(canvas, canvas.width * 0.5, canvas.height * 0.865, min(canvas.u(560), canvas.height * 0.6))
    canvas.subject = False


def _window(canvas: Canvas) -> None:
    palette = canvas.palette
    frame = mix(mix((118, 82, 60), palette.shade, 0.3), palette.sky[-1], 0.06)
    light, dark = mix(frame, palette.light, 0.22), mix(frame, palette.shade, 0.55)
    sill = canvas.height * 0.85
    edge = canvas.u(46)
    canvas.slab((0, 0, edge, canvas.height), (dark, frame, light), across=True)
    canvas.slab((canvas.width - edge, 0, canvas.width, canvas.height), (light, frame, dark), across=True)
    canvas.slab((0, 0, canvas.width, edge), (dark, light))
    bar = canvas.u(9)
    canvas.slab((canvas.width / 2 - bar, 0, canvas.width / 2 + bar, sill), (light, frame, dark), across=True)
    canvas.slab((0, canvas.height * 0.4 - bar, canvas.width, canvas.height * 0.4 + bar), (light, dark))
    canvas.slab((0, sill, canvas.width, canvas.height), (mix(light, palette.light, 0.25), frame, dark))
    canvas.slab(
        (0, sill + canvas.u(44), canvas.width, sill + canvas.u(50)), dark, opacity=0.5, blur=canvas.u(3)
    )


def _cat(canvas: Canvas, x: float, foot: float, tall: float) -> None:
    palette, rng = canvas.palette, canvas.rng
    fur = rng.choice([(46, 42, 50), (196, 126, 66), (118, 112, 118), (228, 218, 204)])
    fur = mix(fur, palette.shade, 0.55 if palette.dark else 0.3)
    rim, deep = mix(fur, palette.light, 0.35), mix(fur, palette.shade, 0.6)
    s = tall
    canvas.ellipse(
        (x - s * 0.34, foot - s * 0.03, x + s * 0.36, foot + s * 0.07), palette.shade, 0.5, s * 0.02
    )
    side = rng.choice((-1, 1))
    tail: list[Point] = []
    for at in range(25):
        t = at / 24
        tail.append(
            (
                x + side * s * (0.18 + 0.3 * math.sin(t * 2.5)),
                foot - s * (0.05 - 0.17 * t * t * math.sin(t * 2.2)) + s * 0.18 * t,
            )
        )
    canvas.line(tail, s * 0.062, mix(fur, palette.shade, 0.3))
    canvas.disc(tail[-1], s * 0.031, mix(fur, palette.shade, 0.3))
    body: list[Point] = []
    for at in range(49):
        angle = at / 48 * math.tau
        wide = 0.25 + 0.07 * math.sin(angle)
        body.append((x + s * wide * math.cos(angle), foot - s * 0.31 + s * 0.33 * math.sin(angle)))
    canvas.polygon(body, (rim, fur, deep))
    canvas.ellipse((x - s * 0.165, foot - s * 0.66, x + s * 0.165, foot - s * 0.3), (rim, fur))
    for stripe in range(4):
        y = foot - s * (0.5 - 0.085 * stripe)
        canvas.line(
            [(x - s * 0.07, y), (x, y + s * 0.02), (x + s * 0.07, y)], s * 0.018, deep, 0.35, s * 0.006
        )
    _head(canvas, x, foot - s * 0.7, s, (rim, fur, deep))


def _head(canvas: Canvas, x: float, head_y: float, s: float, tones: tuple[RGB, RGB, RGB]) -> None:
    rim, fur, deep = tones
    for ear in (-1, 1):
        canvas.polygon(
            [
                (x + ear * s * 0.165, head_y + s * 0.02),
                (x + ear * s * 0.16, head_y - s * 0.245),
                (x + ear * s * 0.025, head_y - s * 0.11),
            ],
            (rim, fur),
        )
        canvas.polygon(
            [
                (x + ear * s * 0.145, head_y - s * 0.03),
                (x + ear * s * 0.143, head_y - s * 0.19),
                (x + ear * s * 0.06, head_y - s * 0.1),
            ],
            mix(deep, (190, 110, 110), 0.25),
            0.6,
        )
    canvas.ellipse(
        (x - s * 0.19, head_y - s * 0.155, x + s * 0.19, head_y + s * 0.15), (rim, fur, mix(fur, deep, 0.4))
    )
    for stripe in (-0.06, 0, 0.06):
        canvas.line(
            [(x + s * stripe, head_y - s * 0.14), (x + s * stripe * 0.8, head_y - s * 0.07)],
            s * 0.016,
            deep,
            0.6,
            s * 0.004,
        )
    canvas.glow((x, head_y - s * 0.1), s * 0.36, canvas.palette.light, 0.16)
