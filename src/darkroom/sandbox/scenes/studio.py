"""What the studio scenes share: the paper sweep, shadows on the ground, shaded cylinders and rings."""

import math

from PIL import Image

from darkroom.sandbox.canvas import Canvas
from darkroom.sandbox.light import RGB, WHITE, levels, mix


def draw_sweep(canvas: Canvas, tone: RGB, floor: float) -> None:
    """A seamless paper backdrop with a soft lamp behind the subject."""
    canvas.backdrop((mix(tone, canvas.palette.shade, 0.1), tone, mix(tone, WHITE, 0.4)), 0, floor)
    canvas.backdrop((mix(tone, WHITE, 0.4), tone, mix(tone, canvas.palette.shade, 0.12)), floor)
    canvas.glow((canvas.width / 2, floor - canvas.u(180)), canvas.u(620), mix(WHITE, tone, 0.3), 0.5, 0.6)
    seam = round(canvas.u(90))
    canvas.veil(
        levels(_band(canvas.width, seam * 2), 0, 255, 0.35), mix(tone, WHITE, 0.6), (0, round(floor) - seam)
    )


def _band(width: int, height: int) -> Image.Image:
    column = bytes(round(255 * math.sin(math.pi * row / 63)) for row in range(64))
    return Image.frombytes("L", (1, 64), column).resize((width, max(2, height)), Image.Resampling.BICUBIC)


def draw_shadow(canvas: Canvas, x: float, y: float, half: float) -> None:
    shade = mix(canvas.palette.shade, (40, 42, 52), 0.6)
    canvas.subject = True
    canvas.ellipse(
        (x - half * 1.5, y - half * 0.2, x + half * 1.7, y + half * 0.34), shade, 0.22, canvas.u(24)
    )
    canvas.ellipse(
        (x - half * 1.04, y - half * 0.15, x + half * 1.1, y + half * 0.2), shade, 0.55, canvas.u(7)
    )


def metal(body: RGB) -> tuple[RGB, ...]:
    """A cylinder's shading from left to right: rim light, core, highlight, core, shadow, bounce."""
    dark = mix(body, (18, 20, 28), 0.55)
    return (
        mix(dark, body, 0.35),
        mix(body, WHITE, 0.15),
        mix(body, WHITE, 0.72),
        mix(body, WHITE, 0.2),
        body,
        mix(body, dark, 0.6),
        dark,
        mix(dark, body, 0.45),
    )


def draw_hoop(
    canvas: Canvas, x: float, y: float, half: float, lid: float, thick: float, fill: tuple[RGB, ...]
) -> None:
    """The visible front half of a ring around a cylinder."""
    lower = [(x + half * math.cos(a), y + lid * math.sin(a)) for a in (math.pi * i / 40 for i in range(41))]
    upper = [(px, py - thick) for px, py in reversed(lower)]
    canvas.polygon([*lower, *upper], fill, across=True)
