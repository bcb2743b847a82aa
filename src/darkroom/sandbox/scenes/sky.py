"""Skies and what stands in them: sun, moon, stars, clouds, birds. Every outdoor scene begins here."""

import math

from darkroom.sandbox.canvas import Box, Canvas, Point
from darkroom.sandbox.light import WHITE, clouds, levels, mix


def draw_sky(canvas: Canvas, horizon: float, sun: Point | None = None, cloudy: float = 1.0) -> Point:
    """Sky down to the horizon line with its light and clouds; gives where the sun or moon stands."""
    palette, rng = canvas.palette, canvas.rng
    canvas.backdrop(palette.sky, 0, horizon)
    if horizon < canvas.height:
        canvas.backdrop((palette.sky[-1], palette.ground[0]), horizon)
    place = sun or (canvas.width * rng.uniform(0.25, 0.75), horizon * rng.uniform(0.3, 0.72))
    if palette.dark:
        draw_stars(canvas, horizon)
        draw_clouds(canvas, horizon, 0.35 * cloudy)
        draw_moon(canvas, place)
    else:
        draw_sun(canvas, place)
        draw_clouds(canvas, horizon, cloudy)
    return place


def draw_sun(canvas: Canvas, place: Point) -> None:
    """A sun with three rings of light."""
    light = canvas.palette.light
    warm = mix(light, canvas.palette.sky[-2], 0.6)
    canvas.glow(place, canvas.u(760), warm, 0.55, 0.6)
    canvas.glow(place, canvas.u(300), light, 0.6)
    canvas.disc(place, canvas.u(56), light, 0.96, canvas.u(1.6))
    canvas.glow(place, canvas.u(110), light, 0.5, 0.4)


def draw_moon(canvas: Canvas, place: Point) -> None:
    """A moon with soft seas on it."""
    light, radius = canvas.palette.light, canvas.u(62)
    canvas.glow(place, canvas.u(520), mix(light, canvas.palette.sky[-1], 0.5), 0.5, 0.8)
    canvas.glow(place, canvas.u(160), light, 0.35)
    canvas.disc(place, radius, light)
    for _ in range(6):
        angle, out = canvas.rng.uniform(0, math.tau), canvas.rng.uniform(0, 0.62)
        spot = (place[0] + math.cos(angle) * out * radius, place[1] + math.sin(angle) * out * radius)
        size = radius * canvas.rng.uniform(0.1, 0.26)
        canvas.disc(spot, size, mix(light, canvas.palette.sky[-2], 0.35), 0.5, canvas.u(3))


def draw_stars(canvas: Canvas, horizon: float) -> None:
    """Many faint stars and a few bright ones, thinning towards the horizon."""
    for count, size, strength in ((260, 0.9, 0.5), (90, 1.5, 0.8), (16, 2.3, 1.0)):
        boxes: list[Box] = []
        for _ in range(canvas.count(count)):
            x, y = canvas.rng.uniform(0, canvas.width), horizon * canvas.rng.random() ** 1.5
            radius = max(0.55, canvas.u(size) * canvas.rng.uniform(0.6, 1.2))
            boxes.append((x - radius, y - radius, x + radius, y + radius))
        canvas.marks(boxes, mix(WHITE, canvas.palette.sky[-1], 0.1), strength)


def draw_clouds(canvas: Canvas, horizon: float, amount: float) -> None:
    """Streaks of cloud, denser towards the horizon, lit from below in warm skies."""
    height = max(2, round(horizon))
    noise = clouds(
        canvas.rng,
        (canvas.width, height),
        (2.2 * canvas.width / canvas.height, 5.5),
        round(3 + canvas.detail),
    )
    bright = mix(canvas.palette.sky[-1], WHITE, 0.45)
    canvas.veil(
        levels(noise, 128, 205, min(1.0, 0.72 * amount)), (mix(canvas.palette.sky[1], bright, 0.35), bright)
    )
    low = clouds(canvas.rng, (canvas.width, max(2, height // 2)), (1.6 * canvas.width / canvas.height, 7), 4)
    dusky = mix(canvas.palette.sky[1], canvas.palette.sky[2], 0.5)
    canvas.veil(
        levels(low, 145, 215, min(1.0, 0.5 * amount)), dusky, (0, height - height // 2 - round(height * 0.06))
    )


def draw_birds(canvas: Canvas, around: Point, number: int) -> None:
    """A few birds as two arcs each."""
    for _ in range(number):
        x = around[0] + canvas.u(canvas.rng.uniform(-160, 160))
        y = around[1] + canvas.u(canvas.rng.uniform(-70, 70))
        wing = canvas.u(canvas.rng.uniform(9, 19))
        dip = wing * canvas.rng.uniform(0.25, 0.5)
        wide = max(1.2, canvas.u(2.6))
        for side in (-1, 1):
            curve = [
                (x + side * wing * t, y - dip * math.sin(t * math.pi * 0.8) * 1.3 + dip * 0.2 * t)
                for t in _steps(8)
            ]
            canvas.line(curve, wide, canvas.palette.shade, 0.8)


def ridge(canvas: Canvas, base: float, rise: float, roughness: float, lumps: float = 3) -> list[Point]:
    """The skyline of a ridge across the sheet: midpoint displacement over a few broad lumps; pixels."""
    rng = canvas.rng
    count = 2 ** (7 if canvas.detail < 1 else 8)
    heights = [0.0] * (count + 1)
    step, spread = count, 1.0
    phase = rng.uniform(0, math.tau)
    while step > 1:
        half = step // 2
        for at in range(half, count, step):
            heights[at] = (heights[at - half] + heights[at + half]) / 2 + rng.uniform(-spread, spread) * 0.5
        step, spread = half, spread * roughness
    waves = canvas.width / canvas.height * lumps
    points = []
    for at, height in enumerate(heights):
        t = at / count
        swell = 0.5 + 0.5 * math.sin(phase + t * waves * 2.2) * math.cos(phase * 1.7 + t * waves * 0.9)
        points.append(
            (t * canvas.width, base - rise * (0.55 * swell + 0.75 * max(0.0, height) + 0.1 * height))
        )
    return points


def under(canvas: Canvas, line: list[Point], bottom: float | None = None) -> list[Point]:
    """The polygon from a skyline down to the bottom edge."""
    low = canvas.height if bottom is None else bottom
    return [
        *line,
        (canvas.width + 2, line[-1][1]),
        (canvas.width + 2, low + 2),
        (-2, low + 2),
        (-2, line[0][1]),
    ]


def _steps(number: int) -> list[float]:
    return [step / number for step in range(number + 1)]
