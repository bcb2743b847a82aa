"""A skyline over a river."""

from PIL import Image, ImageFilter

from darkroom.sandbox.canvas import Box, Canvas
from darkroom.sandbox.light import RGB, WHITE, clouds, levels, mix
from darkroom.sandbox.scenes.sky import draw_birds, draw_sky


def draw_city(canvas: Canvas) -> None:
    """A skyline in three depths with lit windows, mirrored in a river."""
    palette, rng = canvas.palette, canvas.rng
    shore = canvas.height * rng.uniform(0.7, 0.76)
    draw_sky(
        canvas, canvas.height, (canvas.width * rng.uniform(0.2, 0.8), shore * rng.uniform(0.28, 0.55)), 0.9
    )
    canvas.subject = True
    tower = canvas.width * rng.uniform(0.3, 0.7)
    for layer in range(3):
        t = layer / 2
        colour = mix(mix(palette.ground[1], palette.sky[-1], 0.42), palette.shade, 0.12 + 0.8 * t)
        draw_row(
            canvas,
            shore,
            layer,
            colour,
            0.16 + 0.66 * t if palette.dark or palette.name != "day" else 0.12 + 0.2 * t,
        )
        if layer == 1:
            _landmark(canvas, tower, shore, mix(colour, palette.shade, 0.3))
        canvas.glow(
            (canvas.width * rng.random(), shore),
            canvas.u(420),
            mix(palette.accent, palette.sky[-1], 0.4),
            0.24,
        )
    canvas.subject = False
    _river(canvas, shore)
    if not palette.dark:
        draw_birds(canvas, (tower + canvas.u(200), shore * 0.3), canvas.count(4))


def draw_row(canvas: Canvas, shore: float, layer: int, colour: RGB, lit: float) -> None:
    rng, palette = canvas.rng, canvas.palette
    tall = (300, 235, 150)[layer]
    x = -canvas.u(30)
    windows: tuple[list[Box], list[Box]] = ([], [])
    while x < canvas.width:
        # On a sheet of a few rows a building still is some pixels wide, or there were thousands of them.
        wide = max(3.0, canvas.u(rng.uniform(42, 96)))
        lean = 1 - 0.5 * abs(x / canvas.width - 0.5)
        high = canvas.u(tall) * rng.uniform(0.45, 1.5) * lean
        top = shore - high
        side = mix(colour, palette.shade, 0.22)
        canvas.slab(
            (x, top, x + wide, shore + 2),
            (mix(colour, palette.sky[-2], 0.18), colour, mix(colour, palette.sky[-1], 0.16)),
        )
        canvas.slab((x + wide * 0.72, top, x + wide, shore + 2), side, opacity=0.45)
        _roof(canvas, x, top, wide, colour)
        step_x, step_y = max(3.0, canvas.u(11)), max(4.0, canvas.u(15))
        columns, rows = int((wide - step_x * 0.6) / step_x), int((high - step_y) / step_y)
        for row in range(rows):
            for column in range(columns):
                if rng.random() < lit * (0.75 if row % 5 else 0.2):
                    left, up = x + step_x * (0.5 + column), top + step_y * (0.7 + row)
                    box = (left, up, left + step_x * 0.5, up + step_y * 0.5)
                    windows[rng.random() < 0.18].append(box)
        x += wide * rng.uniform(0.86, 1.12)
    warm = mix(palette.light, (255, 205, 110), 0.6)
    canvas.marks(windows[0], warm, 0.45 + 0.2 * layer, round_ends=False)
    canvas.marks(windows[1], mix(palette.second, WHITE, 0.45), 0.45 + 0.2 * layer, round_ends=False)


def _roof(canvas: Canvas, x: float, top: float, wide: float, colour: RGB) -> None:
    kind = canvas.rng.random()
    middle = x + wide / 2
    if kind < 0.25:
        canvas.line([(middle, top), (middle, top - wide * 0.7)], max(1, canvas.u(2.4)), colour)
        canvas.disc((middle, top - wide * 0.7), max(1, canvas.u(2.6)), canvas.palette.accent)
    elif kind < 0.45:
        canvas.polygon([(x, top + 1), (middle, top - wide * 0.42), (x + wide, top + 1)], colour)
    elif kind < 0.65:
        canvas.slab((x + wide * 0.2, top - wide * 0.2, x + wide * 0.8, top + 1), colour)
        canvas.slab((x + wide * 0.36, top - wide * 0.36, x + wide * 0.64, top), colour)


def _landmark(canvas: Canvas, x: float, shore: float, colour: RGB) -> None:
    """One tower that rises over the rest."""
    tall = min(canvas.u(560), shore * 0.86)
    palette = canvas.palette
    if canvas.rng.random() < 0.5:
        points = [
            (x - tall * 0.05, shore),
            (x - tall * 0.045, shore - tall * 0.55),
            (x - tall * 0.008, shore - tall),
            (x + tall * 0.008, shore - tall),
            (x + tall * 0.045, shore - tall * 0.55),
            (x + tall * 0.05, shore),
        ]
        canvas.polygon(points, (mix(colour, palette.light, 0.3), colour), across=False)
        canvas.marks(
            [
                (x - tall * 0.03, shore - tall * f, x + tall * 0.03, shore - tall * f + max(1, canvas.u(2.4)))
                for f in (0.1, 0.16, 0.22, 0.28, 0.34, 0.4, 0.46, 0.52)
            ],
            mix(palette.light, (255, 205, 110), 0.6),
            0.6,
            round_ends=False,
        )
    else:
        canvas.polygon(
            [
                (x - tall * 0.02, shore),
                (x - tall * 0.006, shore - tall),
                (x + tall * 0.006, shore - tall),
                (x + tall * 0.02, shore),
            ],
            colour,
        )
        for at, radius in ((0.42, 0.06), (0.74, 0.042), (0.88, 0.018)):
            canvas.disc(
                (x, shore - tall * at),
                tall * radius,
                (mix(palette.accent, WHITE, 0.3), mix(palette.accent, palette.shade, 0.45)),
            )
            canvas.line(
                [(x - tall * radius, shore - tall * at), (x + tall * radius, shore - tall * at)],
                max(1, canvas.u(2)),
                palette.light,
                0.6,
            )
        for foot in (-1, 1):
            canvas.line(
                [(x, shore - tall * 0.3), (x + foot * tall * 0.07, shore)], max(1.5, canvas.u(7)), colour
            )
    canvas.glow((x, shore - tall), canvas.u(60), palette.accent, 0.8)


def _river(canvas: Canvas, shore: float) -> None:
    """The town upside down, broken by ripples."""
    palette = canvas.palette
    high = canvas.height - round(shore)
    if high < 4:
        return
    part = canvas.image.crop((0, max(0, round(shore) - high), canvas.width, round(shore)))
    flipped = part.transpose(Image.Transpose.FLIP_TOP_BOTTOM).resize((canvas.width, high))
    rows = (
        flipped.resize((canvas.width, max(4, high // 3)))
        .filter(ImageFilter.BoxBlur((1, 4)))
        .resize((canvas.width, high))
    )
    canvas.image.paste(rows, (0, round(shore)))
    canvas.veil(
        Image.new("L", (canvas.width, high), 88),
        (mix(palette.sky[-2], palette.shade, 0.4), palette.shade),
        (0, round(shore)),
    )
    ripple = clouds(canvas.rng, (canvas.width, high), (4 * canvas.width / canvas.height, 40), 2)
    canvas.veil(levels(ripple, 140, 215, 0.4), mix(palette.sky[-1], palette.light, 0.3), (0, round(shore)))
    canvas.slab(
        (0, shore - canvas.u(5), canvas.width, shore + canvas.u(2)),
        mix(palette.shade, palette.ground[2], 0.3),
    )
