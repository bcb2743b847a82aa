"""Which sizes an image model makes: the rules of OpenAI's own models, said before anything is spent.

Law: a model whose rules nobody here knows is its upstream's to judge, and so is `auto`. Source: wire.md 4.2.
"""

import re

from darkroom.errors import Invalid
from darkroom.wire.elide import Path
from darkroom.wire.fields import show, spell
from darkroom.wire.tokens import STANDARD_SIZES, parse_size

STEP = 16
"""Both edges are multiples of this many pixels."""
LONGEST_EDGE = 3840
WIDEST = 3
"""How many times the short edge the long one may be."""
LEAST_PIXELS, MOST_PIXELS = 655_360, 8_294_400

_FREE = re.compile(r"gpt-image-2(\.[56])?(-.*)?", re.DOTALL)
_FIXED = re.compile(r"gpt-image-1(\.5)?(-.*)?|chatgpt-image-latest", re.DOTALL)
_TILED = ("gif", "svg")


def check_size(model: str | None, size: str | None, path: Path, format: str | None = None) -> None:
    """Raise Invalid if `model` cannot make `size`, which stands at `path`.

    A request that names no model is held to the form "WxH" alone, one for a model that nobody here knows to nothing.
    The pixels of an animation or a drawing (`format` gif, svg) follow other rules, which are the upstream's.
    """
    if size is None or size == "auto":
        return
    free = _FREE.fullmatch(model) if model else None
    fixed = _FIXED.fullmatch(model) if model else None
    if model and not free and not fixed:
        return
    pixels = parse_size(size)
    if pixels is None:
        raise _wrong(size, path, 'Expected "auto" or width x height in pixels, for example "1024x1024".')
    if format in _TILED:
        return
    if fixed and size not in STANDARD_SIZES:
        raise _wrong(size, path, f"{show(str(model))} makes {', '.join(STANDARD_SIZES)} and auto.")
    if free and (reason := _broken_rule(*pixels)):
        raise _wrong(size, path, reason)


def _broken_rule(width: int, height: int) -> str | None:
    long_edge, short_edge = max(width, height), min(width, height)
    if long_edge > LONGEST_EDGE:
        return f"The longest edge must be less than or equal to {LONGEST_EDGE}."
    if width % STEP or height % STEP:
        return f"Width and height must both be divisible by {STEP}."
    if long_edge > WIDEST * short_edge:
        return f"The longer edge must be at most {WIDEST} times the shorter one."
    if width * height < LEAST_PIXELS:
        return (
            "Requested resolution is below the current minimum pixel budget. "
            f"Ask for at least {LEAST_PIXELS:,} pixels, for example 1024x1024."
        )
    if width * height > MOST_PIXELS:
        return (
            "Requested resolution is above the current maximum pixel budget. "
            f"Ask for at most {MOST_PIXELS:,} pixels, for example 3840x2160."
        )
    return None


def _wrong(size: str, path: Path, reason: str) -> Invalid:
    return Invalid(f"Invalid size '{show(size)}'. {reason}", code="invalid_value", param=spell(path))
