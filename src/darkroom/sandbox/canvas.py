"""The sheet that a scene is drawn on: antialiased shapes with flat or blended fills, glows, and the subject's alpha.

Coordinates are pixels of the sheet as floats; `u(n)` is n thousandths of its shorter edge, so scenes look alike in
every size. While `subject` is true every stroke also becomes part of the alpha channel that a transparent
background asks for.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeGuard, cast

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from darkroom.sandbox.light import RGB, Size, ball, blend, faded
from darkroom.sandbox.palette import Palette

Point = tuple[float, float]
Box = tuple[float, float, float, float]
Fill = RGB | Sequence[RGB] | Image.Image


class Canvas:
    """A sheet of `size` pixels with its palette, its random numbers and its detail (0.5 low, 1 medium, 2 high)."""

    def __init__(
        self, size: Size, palette: Palette, rng: Random, detail: float = 1.0, cut: bool = False
    ) -> None:
        self.size = size
        self.width, self.height = size
        self.palette = palette
        self.rng = rng
        self.detail = detail
        self.image = Image.new("RGB", size, palette.sky[-1])
        self.cut = cut
        """True if only the subject is wanted, on nothing."""
        self.alpha = Image.new("L", size, 0) if cut else None
        self.subject = False
        self.short = min(size)
        self.thing: str | None = None
        """The kind of thing that the prompt named."""

    def u(self, thousandths: float) -> float:
        """That many thousandths of the shorter edge, in pixels."""
        return thousandths * self.short / 1000

    def count(self, number: float) -> int:
        """How many of something to draw at this detail."""
        return max(1, round(number * self.detail))

    # --- whole-sheet strokes ---

    def backdrop(
        self, stops: Sequence[RGB], top: float = 0, bottom: float | None = None, across: bool = False
    ) -> None:
        """Fills a horizontal band (pixels; the whole sheet by default) with a gradient."""
        low = self.height if bottom is None else round(bottom)
        start = round(top)
        if low > start:
            self.image.paste(blend((self.width, low - start), stops, across), (0, start))

    def veil(self, mask: Image.Image, fill: Fill, at: tuple[int, int] = (0, 0)) -> None:
        """Lays a fill through an L mask whose corner is at `at`."""
        self._lay(mask, fill, at, False)

    def glow(
        self, centre: Point, radius: float, colour: RGB, opacity: float = 1.0, softness: float = 1.0
    ) -> None:
        """Adds light around a point; light is added, never painted over."""
        box = self._inside((centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius))
        if box is None:
            return
        size = max(2, min(512, round(radius)))
        lamp = faded(ball((size, size), softness), opacity)
        full = lamp.resize((max(1, round(radius * 2)),) * 2, Image.Resampling.BICUBIC)
        left, top = round(centre[0] - radius), round(centre[1] - radius)
        mask = full.crop((box[0] - left, box[1] - top, box[2] - left, box[3] - top))
        part = self.image.crop(box)
        light = Image.merge("RGB", [faded(mask, channel / 255) for channel in colour])
        self.image.paste(ImageChops.screen(part, light), box)

    # --- shapes ---

    def polygon(
        self, points: Sequence[Point], fill: Fill, opacity: float = 1.0, blur: float = 0, across: bool = False
    ) -> None:
        """A filled polygon."""
        xs, ys = [point[0] for point in points], [point[1] for point in points]

        def paint(draw: ImageDraw.ImageDraw, place: Callable[[float, float], Point]) -> None:
            draw.polygon([place(x, y) for x, y in points], fill=255)

        self.stamp((min(xs), min(ys), max(xs), max(ys)), paint, fill, opacity, blur, across)

    def ellipse(
        self, box: Box, fill: Fill, opacity: float = 1.0, blur: float = 0, across: bool = False
    ) -> None:
        """A filled ellipse."""

        def paint(draw: ImageDraw.ImageDraw, place: Callable[[float, float], Point]) -> None:
            draw.ellipse([place(box[0], box[1]), place(box[2], box[3])], fill=255)

        self.stamp(box, paint, fill, opacity, blur, across)

    def disc(self, centre: Point, radius: float, fill: Fill, opacity: float = 1.0, blur: float = 0) -> None:
        """A filled circle."""
        x, y = centre
        self.ellipse((x - radius, y - radius, x + radius, y + radius), fill, opacity, blur)

    def slab(
        self,
        box: Box,
        fill: Fill,
        radius: float = 0,
        opacity: float = 1.0,
        blur: float = 0,
        across: bool = False,
    ) -> None:
        """A filled rectangle with rounded corners."""

        def paint(draw: ImageDraw.ImageDraw, place: Callable[[float, float], Point]) -> None:
            scale = place(1, 0)[0] - place(0, 0)[0]
            draw.rounded_rectangle([place(box[0], box[1]), place(box[2], box[3])], radius * scale, fill=255)

        self.stamp(box, paint, fill, opacity, blur, across)

    def line(
        self, points: Sequence[Point], width: float, fill: Fill, opacity: float = 1.0, blur: float = 0
    ) -> None:
        """A stroke with round joints."""
        xs, ys = [point[0] for point in points], [point[1] for point in points]
        pad = width / 2 + 1

        def paint(draw: ImageDraw.ImageDraw, place: Callable[[float, float], Point]) -> None:
            scale = place(1, 0)[0] - place(0, 0)[0]
            draw.line(
                [place(x, y) for x, y in points], fill=255, width=max(1, round(width * scale)), joint="curve"
            )

        self.stamp((min(xs) - pad, min(ys) - pad, max(xs) + pad, max(ys) + pad), paint, fill, opacity, blur)

    def marks(
        self, boxes: Sequence[Box], fill: Fill, opacity: float = 1.0, round_ends: bool = True, blur: float = 0
    ) -> None:
        """Many small ellipses or rectangles of one fill in one stroke: stars, windows, glitter."""
        if not boxes:
            return
        around = (
            min(box[0] for box in boxes), min(box[1] for box in boxes),
            max(box[2] for box in boxes), max(box[3] for box in boxes),
        )  # fmt: skip

        def paint(draw: ImageDraw.ImageDraw, place: Callable[[float, float], Point]) -> None:
            shape = draw.ellipse if round_ends else draw.rectangle
            for x0, y0, x1, y1 in boxes:
                shape([place(x0, y0), place(max(x0, x1), max(y0, y1))], fill=255)

        self.stamp(around, paint, fill, opacity, blur)

    def stamp(
        self,
        box: Box,
        paint: Callable[[ImageDraw.ImageDraw, Callable[[float, float], Point]], None],
        fill: Fill,
        opacity: float = 1.0,
        blur: float = 0,
        across: bool = False,
    ) -> None:
        """Draws a mask with `paint` in a supersampled window around `box` and lays the fill through it."""
        pad = blur * 2.5 + 1
        window = self._inside((box[0] - pad, box[1] - pad, box[2] + pad, box[3] + pad))
        if window is None:
            return
        width, height = window[2] - window[0], window[3] - window[1]
        scale = 1 if blur > 6 else 4 if width * height < 90_000 else 3 if width * height < 400_000 else 2
        mask = Image.new("L", (width * scale, height * scale), 0)
        paint(ImageDraw.Draw(mask), lambda x, y: ((x - window[0]) * scale, (y - window[1]) * scale))
        if scale > 1:
            mask = mask.reduce(scale)
        if blur:
            mask = mask.filter(ImageFilter.GaussianBlur(blur))
        # A blended fill spans the shape, not the window that happens to be visible.
        self._lay(faded(mask, opacity), self._span(fill, box, window, across), (window[0], window[1]), across)

    # --- inner work ---

    def _span(self, fill: Fill, box: Box, window: tuple[int, int, int, int], across: bool) -> Fill:
        """The part of a blended fill that falls into the window; other fills as they are."""
        if isinstance(fill, Image.Image) or _flat(fill):
            return fill
        stops = cast(Sequence[RGB], fill)
        whole = blend((max(1, round(box[2] - box[0])), max(1, round(box[3] - box[1]))), stops, across)
        # Beyond the shape's box only a blur's rim is visible: it takes the first colour.
        sheet = Image.new("RGB", (window[2] - window[0], window[3] - window[1]), stops[0])
        sheet.paste(whole, (round(box[0]) - window[0], round(box[1]) - window[1]))
        return sheet

    def _lay(self, mask: Image.Image, fill: Fill, at: tuple[int, int], across: bool) -> None:
        box = (at[0], at[1], at[0] + mask.width, at[1] + mask.height)
        if isinstance(fill, Image.Image) or _flat(fill):
            self.image.paste(fill, box, mask)
        else:
            self.image.paste(blend(mask.size, cast(Sequence[RGB], fill), across), box, mask)
        if self.alpha is not None and self.subject:
            part = self.alpha.crop(box)
            self.alpha.paste(ImageChops.screen(part, mask), box)

    def _inside(self, box: Box) -> tuple[int, int, int, int] | None:
        """The whole pixels of a box that lie on the sheet, or None."""
        left, top = max(0, int(box[0] // 1)), max(0, int(box[1] // 1))
        right, bottom = min(self.width, int(box[2] // 1) + 1), min(self.height, int(box[3] // 1) + 1)
        return (left, top, right, bottom) if right > left and bottom > top else None


def _flat(fill: Fill) -> TypeGuard[RGB]:
    """One colour, not a row of them."""
    return not isinstance(fill, Image.Image) and isinstance(fill[0], int)
