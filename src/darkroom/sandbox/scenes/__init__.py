"""The scenes that the sandbox can paint, by name; each draws on a `Canvas` and marks its subject."""

from collections.abc import Callable

from darkroom.sandbox.canvas import Canvas
from darkroom.sandbox.light import RGB
from darkroom.sandbox.scenes.abstract import draw_abstract
from darkroom.sandbox.scenes.cat import draw_cat
from darkroom.sandbox.scenes.city import draw_city
from darkroom.sandbox.scenes.coast import draw_lighthouse, draw_sea
from darkroom.sandbox.scenes.desert import draw_desert
from darkroom.sandbox.scenes.flower import draw_flower
from darkroom.sandbox.scenes.land import draw_forest, draw_mountain
from darkroom.sandbox.scenes.portrait import draw_portrait
from darkroom.sandbox.scenes.product import draw_product
from darkroom.sandbox.scenes.space import draw_space
from darkroom.sandbox.scenes.table import draw_cup

PLACES: dict[str, Callable[[Canvas], None]] = {
    "cat": draw_cat,
    "city": draw_city,
    "desert": draw_desert,
    "forest": draw_forest,
    "lighthouse": draw_lighthouse,
    "mountain": draw_mountain,
    "sea": draw_sea,
}
"""Scenes with a sky; a transparent background cuts them to a badge."""

THINGS: dict[str, Callable[[Canvas, RGB | None], None]] = {
    "abstract": draw_abstract,
    "cup": draw_cup,
    "flower": draw_flower,
    "portrait": draw_portrait,
    "product": draw_product,
    "space": draw_space,
}
"""Scenes of one thing, in the tint that the prompt names; a transparent background leaves the thing alone."""


def draw_scene(canvas: Canvas, scene: str, tint: RGB | None) -> None:
    """Draws the named scene."""
    if scene in PLACES:
        PLACES[scene](canvas)
    else:
        THINGS[scene](canvas, tint)
