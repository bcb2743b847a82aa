"""Edits: a picture made from pictures. The law: with a mask, every pixel outside its transparent area stays as it was.

Without a mask the whole picture is regraded in the light of the hour that the prompt names, framed, and further
input pictures are laid upon it as small prints.
"""

import io
from collections.abc import Callable
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from darkroom.errors import Invalid
from darkroom.sandbox.canvas import Canvas
from darkroom.sandbox.light import WHITE, Size, mix, vignette
from darkroom.sandbox.palette import Mood
from darkroom.sandbox.scenes.sky import draw_stars
from darkroom.wire.picture import read_head

MOST_PIXELS = 50_000_000


def read_picture(file: bytes, param: str) -> Image.Image:
    """A decoded input picture; raises `Invalid` naming `param` if it is none, or larger than 50 megapixels."""
    head = read_head(file[:65536])
    if head is None or head.format not in ("png", "jpeg", "webp", "gif"):
        raise Invalid(
            f"The {param} is not a PNG, JPEG or WebP picture.", param=param, code="invalid_image_file"
        )
    if head.width * head.height > MOST_PIXELS:
        raise Invalid(
            f"The {param} has {head.width}x{head.height} pixels: too many.",
            param=param,
            code="image_too_large",
        )
    try:
        image = Image.open(io.BytesIO(file))
        # A file may say one size in its first header and another where the decoder looks.
        if image.size == (head.width, head.height):
            image.load()
            return ImageOps.exif_transpose(image)
    except Exception as reason:
        # A decoder fails in as many ways as files can be broken.
        raise _broken(param) from reason
    raise _broken(param)


def _broken(param: str) -> Invalid:
    return Invalid(f"The {param} is broken and cannot be decoded.", param=param, code="invalid_image_file")


def check_mask(mask: Image.Image, image: Image.Image) -> None:
    """The contract's rule: a mask has an alpha channel and the first picture's size in pixels."""
    if mask.size != image.size:
        sizes = f"{mask.width}x{mask.height}, the image {image.width}x{image.height}"
        raise Invalid(
            f"The mask must have the size of the image. The mask is {sizes}.",
            param="mask",
            code="invalid_value",
        )
    if "A" not in mask.getbands() and "transparency" not in mask.info:
        raise Invalid("The mask must have an alpha channel.", param="mask", code="invalid_value")


def retouch(
    images: list[Image.Image],
    mask: Image.Image | None,
    draw: Callable[[Size], Image.Image],
    size: Size,
    mood: Mood,
) -> Image.Image:
    """The edited picture (RGB) in `size`; `draw` gives what the prompt alone would look like in any size."""
    base = fitted(images[0], size)
    if mask is not None:
        return _filled(base, mask, draw)
    graded = _grade(base, mood)
    for place, image in enumerate(images[1:4]):
        _print(graded, image, place, mood)
    return _frame(vignette(graded, 0.35), mood)


def _filled(base: Image.Image, mask: Image.Image, draw: Callable[[Size], Image.Image]) -> Image.Image:
    """The picture with a new one, drawn to fit, in the mask's transparent area."""
    hole = ImageOps.fit(mask.convert("RGBA").getchannel("A"), base.size, Image.Resampling.NEAREST)
    region = ImageChops.invert(hole)
    box = region.getbbox()
    if box is None:
        return base
    width, height = box[2] - box[0], box[3] - box[1]
    # A scene wants some room in both directions; what is too narrow gets the middle of a wider one.
    drawn = draw((max(width, height // 3, 64), max(height, width // 3, 64)))
    new = base.copy()
    new.paste(ImageOps.fit(drawn.convert("RGB"), (width, height), Image.Resampling.LANCZOS), box)
    # The seam is softened inwards alone: what is outside stays untouched.
    soft = region.filter(ImageFilter.GaussianBlur(max(1.0, min(base.size) / 160)))
    return Image.composite(new, base, ImageChops.darker(region, soft))


def fitted(image: Image.Image, size: Size) -> Image.Image:
    """The picture in RGB, scaled and cropped to fill the size; an equal size changes nothing."""
    if image.mode in ("RGBA", "LA", "P", "PA"):
        sheet = Image.new("RGBA", image.size, WHITE)
        image = Image.alpha_composite(sheet, image.convert("RGBA"))
    return ImageOps.fit(image.convert("RGB"), size, Image.Resampling.LANCZOS)


def _grade(base: Image.Image, mood: Mood) -> Image.Image:
    palette = mood.palette
    grey = ImageOps.autocontrast(ImageOps.grayscale(base), cutoff=1)
    tint = mood.tint or palette.sky[len(palette.sky) // 2]
    toned = ImageOps.colorize(grey, palette.shade, mix(palette.light, palette.sky[-1], 0.3), tint)
    graded = Image.blend(base, toned, 0.55)
    canvas = Canvas(base.size, palette, Random(mood.seed))
    canvas.image = graded
    if palette.dark:
        canvas.image = graded.point([round(level * 0.72) for level in range(256)] * 3)
        draw_stars(canvas, canvas.height * 0.4)
    if palette.name == "winter":
        _snow(canvas)
    if not palette.dark:
        canvas.glow((canvas.width * 0.82, canvas.height * 0.12), canvas.u(900), palette.sky[-1], 0.5, 0.6)
    return canvas.image


def _snow(canvas: Canvas) -> None:
    for count, size, strength in ((260, 2.2, 0.5), (110, 4.2, 0.7), (26, 8, 0.6)):
        flakes = []
        for _ in range(count):
            x, y = canvas.rng.uniform(0, canvas.width), canvas.rng.uniform(0, canvas.height)
            radius = canvas.u(size) * canvas.rng.uniform(0.6, 1.2)
            flakes.append((x - radius, y - radius, x + radius, y + radius))
        canvas.marks(flakes, WHITE, strength, blur=canvas.u(size / 5))


def _print(sheet: Image.Image, image: Image.Image, place: int, mood: Mood) -> None:
    """A small tilted print with a white border and a shadow, in the lower left corner and onwards."""
    edge = round(min(sheet.size) * 0.2)
    border = max(2, edge // 18)
    card = ImageOps.expand(fitted(image, (edge, edge)), border, mix(WHITE, mood.palette.light, 0.5))
    tilt = (-6, 4, -3)[place % 3]
    whole = Image.new("L", card.size, 255).rotate(tilt, Image.Resampling.BICUBIC, expand=True)
    turned = card.rotate(tilt, Image.Resampling.BICUBIC, expand=True)
    left = round(min(sheet.size) * 0.06) + place * round(edge * 1.15)
    top = sheet.height - turned.height - round(min(sheet.size) * 0.06)
    sheet.paste(
        mood.palette.shade, (left + border, top + border), whole.point([level // 3 for level in range(256)])
    )
    sheet.paste(turned, (left, top), whole)


def _frame(image: Image.Image, mood: Mood) -> Image.Image:
    """A thin light line some way inside the edge."""
    inset, width = round(min(image.size) * 0.028), max(1, round(min(image.size) * 0.003))
    draw = ImageDraw.Draw(image)
    box = (inset, inset, image.width - inset - 1, image.height - inset - 1)
    draw.rectangle(box, outline=mix(mood.palette.light, WHITE, 0.4), width=width)
    return image
