"""How many tokens a picture costs: OpenAI's published tables and formulas, and estimates for the rest.

Law: whole numbers in, whole numbers out, and never an exception. A size, quality or model that nobody knows
counts as the dearest that fits, because these figures back holds: a hold that is too small loses money, one
that is too large is given back. What the upstream reports is always preferred to what is computed here.

Sources: wire.md 8.2 (tables of the 1.x models), 8.3 (formula of 2 and 2.5, estimate for 2.6), 8.4 (input).
"""

import re
from math import ceil, floor, sqrt

STANDARD_SIZES = ("1024x1024", "1024x1536", "1536x1024")
PARTIAL_TOKENS = 100  # image output tokens of each streamed partial image
PROMPT_TOKENS = 16  # what an image model counts on top of the prompt's own text tokens

_SIZE = re.compile(r"([1-9]\d{0,5})x([1-9]\d{0,5})", re.ASCII)

# gpt-image-1, 1.5, 1-mini: output tokens by quality, in the order of STANDARD_SIZES.
_TABLE = {"low": (272, 408, 400), "medium": (1056, 1584, 1568), "high": (4160, 6240, 6208)}

# gpt-image-2 and later: the base of the formula, by quality.
_BASE_2 = {"low": 16, "medium": 48, "high": 96}
_BASE_25 = {"low": 16, "medium": 24, "high": 48, "xhigh": 64, "max": 96}

_LEGACY = {"standard": "medium", "hd": "high"}

_PATCH = 32  # pixels along the edge of an input patch
_PATCHES = 1536  # an input image never costs more patches than this
_SMALLEST_LONG_EDGE = 1024  # a smaller input image is scaled up to this first

_CJK = re.compile(
    "[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff]+"
)
_RARE = re.compile("[\U00010000-\U0001ffff\U00040000-\U0010ffff]+")  # emoji and historic scripts
_ASCII = re.compile("[\x00-\x7f]+")


def parse_size(size: str | None) -> tuple[int, int] | None:
    """Width and height in pixels of "WxH"; None for "auto", nothing, and anything else."""
    match = _SIZE.fullmatch(size) if size else None
    return (int(match[1]), int(match[2])) if match else None


def image_output_tokens(model: str | None, size: str | None, quality: str | None, partials: int = 0) -> int:
    """Image output tokens of one picture with its streamed partial images.

    `size` is "WxH" in pixels; "auto", None and unreadable sizes mean the dearest of the three standard sizes.
    `quality` "auto" or None means "high" (the dearest that upstreams were seen to choose by themselves), and
    "max" on 2.6 flare, which was measured to go that far. A quality that the model lacks is its dearest.
    Unknown models count as gpt-image-2, the dearest for each quality.
    """
    family = _family(model or "")
    level = _level(family, quality)
    exact = parse_size(size)
    if exact is None:
        tokens = max(_tokens(family, level, *_pixels(standard)) for standard in STANDARD_SIZES)
    else:
        tokens = _tokens(family, level, *exact)
    return tokens + PARTIAL_TOKENS * max(0, partials)


def image_input_tokens(width: int, height: int) -> int:
    """Estimated image input tokens of one input picture of this many pixels: 32-pixel patches, at most 1536.

    A long edge below 1024 is scaled up to 1024 first; a picture of more than 1536 patches is scaled down to
    fit (OpenAI's published patch rule). Masks are not counted at all: do not ask for them.
    """
    if width <= 0 or height <= 0:
        return _PATCHES
    long_edge = max(width, height)
    scale = max(1.0, _SMALLEST_LONG_EDGE / long_edge)
    w, h = width * scale, height * scale
    if ceil(w / _PATCH) * ceil(h / _PATCH) > _PATCHES:
        shrink = sqrt(_PATCH * _PATCH * _PATCHES / (w * h))
        across, down = w * shrink / _PATCH, h * shrink / _PATCH
        shrink *= min(max(1, floor(across)) / across, max(1, floor(down)) / down)
        # Rounding keeps 33.000000000000004 patches from becoming 34.
        w, h = round(w * shrink, 6), round(h * shrink, 6)
    return min(_PATCHES, ceil(w / _PATCH) * ceil(h / _PATCH))


def text_tokens(text: str) -> int:
    """Estimated tokens of a text, counted without a tokenizer and rather too high than too low.

    A quarter of a token for each ASCII character, one for each Chinese, Japanese or Korean character, two for
    each emoji, half a token for each character of other scripts. Linear in the text's length.
    """
    if text.isascii():
        return -(-len(text) // 4)
    plain = _length(_ASCII, text)
    wide = _length(_CJK, text)
    rare = _length(_RARE, text)
    other = len(text) - plain - wide - rare
    return -(-(plain + 4 * wide + 8 * rare + 2 * other) // 4)


def _length(pattern: re.Pattern[str], text: str) -> int:
    return sum(len(run[0]) for run in pattern.finditer(text))


def _pixels(size: str) -> tuple[int, int]:
    width, height = size.split("x")
    return int(width), int(height)


def _family(model: str) -> str:
    if model.startswith("gpt-image-2.6"):
        return "2.6-flare" if "flare" in model else "2.6"
    if model.startswith("gpt-image-2.5"):
        return "2.5"
    if model.startswith("gpt-image-1") or model == "chatgpt-image-latest":
        return "1"
    return "2"


def _level(family: str, quality: str | None) -> str:
    level = _LEGACY.get(quality or "auto", quality or "auto")
    if level == "auto":
        return "max" if family == "2.6-flare" else "high"
    known = tuple(_TABLE) if family == "1" else tuple(_BASE_2) if family == "2" else tuple(_BASE_25)
    return level if level in known else known[-1]


def _tokens(family: str, level: str, width: int, height: int) -> int:
    if family == "1":
        row = _TABLE[level]
        size = f"{width}x{height}"
        if size in STANDARD_SIZES:
            return row[STANDARD_SIZES.index(size)]
        # These models have the three sizes only; another one is counted by its area.
        return -(-row[0] * width * height // (1024 * 1024))
    if family == "2":
        return _formula(_BASE_2[level], width, height)
    tokens = _formula(_BASE_25[level], width, height)
    # No table is published for 2.6: measured, low and medium cost three to four times the count of 2.5.
    return tokens * 4 if family.startswith("2.6") and level in ("low", "medium") else tokens


def _formula(base: int, width: int, height: int) -> int:
    """ceil(b · round_half_even(b / r) · (2 000 000 + w·h) / 4 000 000), r = long edge / short edge; exact."""
    long_edge, short_edge = max(width, height), min(width, height)
    units, rest = divmod(base * short_edge, long_edge)
    if 2 * rest > long_edge or (2 * rest == long_edge and units % 2):
        units += 1
    return -(-base * units * (2_000_000 + width * height) // 4_000_000)
