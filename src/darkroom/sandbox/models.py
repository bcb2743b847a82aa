"""The models that the sandbox says it has, and the sizes, qualities and formats that they take (wire.md 0, 4.2, 7)."""

from typing import Any

from darkroom.errors import Invalid, NotFound
from darkroom.wire.tokens import STANDARD_SIZES, parse_size

TEXT_MODELS = (
    "gpt-5.5",
    "gpt-5.4",
    "gpt-5",
    "gpt-5-mini",
    "gpt-4.1",
    "gpt-4.1-mini",
    "gpt-4o",
    "gpt-4o-mini",
)
IMAGE_MODELS = (
    "gpt-image-2.6-sunburst",
    "gpt-image-2.6-flare",
    "gpt-image-2.5-sunburst",
    "gpt-image-2.5-sunburst-2026-09-08",
    "gpt-image-2.5-flare",
    "gpt-image-2.5-flare-2026-09-08",
    "gpt-image-2",
    "gpt-image-2-2026-04-21",
    "gpt-image-1.5",
    "gpt-image-1.5-2025-12-16",
    "gpt-image-1-mini",
    "chatgpt-image-latest",
)
SHUTDOWN = {"gpt-image-1.5", "gpt-image-1.5-2025-12-16", "gpt-image-1-mini", "chatgpt-image-latest"}
CREATED = 1_764_000_000

FORMATS = ("png", "jpeg", "webp")
BACKGROUNDS = ("auto", "opaque", "transparent")
MODERATIONS = ("auto", "low")
FEW_QUALITIES = ("auto", "low", "medium", "high")
ALL_QUALITIES = (*FEW_QUALITIES, "xhigh", "max")
LEAST_PIXELS, MOST_PIXELS, LONGEST_EDGE = 655_360, 8_294_400, 3840


def model_object(name: str) -> dict[str, Any]:
    """A model as GET /v1/models tells it."""
    shutdown = "2026-12-01" if name in SHUTDOWN else None
    return {
        "id": name,
        "object": "model",
        "created": CREATED,
        "owned_by": "openai",
        "shutdown_date": shutdown,
    }


def model_list() -> dict[str, Any]:
    """The answer of GET /v1/models."""
    return {"object": "list", "data": [model_object(name) for name in (*TEXT_MODELS, *IMAGE_MODELS)]}


def find_model(
    name: str, param: str = "model", models: tuple[str, ...] = (*TEXT_MODELS, *IMAGE_MODELS)
) -> str:
    """The name itself if it is known; else a 404 in the words of OpenAI."""
    if name in models:
        return name
    raise NotFound(
        f"The model `{name}` does not exist or you do not have access to it.",
        code="model_not_found",
        param=param,
    )


def check_size(size: str, model: str, param: str) -> tuple[int, int] | None:
    """Width and height of a size, None for `auto`; a 400 in the words of OpenAI if the model does not make it."""
    if size == "auto":
        return None
    pair = parse_size(size)
    start = f"Invalid size '{size}'."
    if pair is None:
        raise Invalid(f"{start} It must be 'auto' or of the form '1024x1024'.", param=param)
    width, height = pair
    if model.startswith(("gpt-image-1", "chatgpt-image")):
        if size not in STANDARD_SIZES:
            raise Invalid(f"{start} Supported sizes are {', '.join(STANDARD_SIZES)} and auto.", param=param)
        return pair
    if max(pair) > LONGEST_EDGE:
        raise Invalid(f"{start} The longest edge must be less than or equal to {LONGEST_EDGE}.", param=param)
    if width % 16 or height % 16:
        raise Invalid(f"{start} Width and height must both be divisible by 16.", param=param)
    if max(pair) > 3 * min(pair):
        raise Invalid(f"{start} The aspect ratio must be at most 3:1.", param=param)
    if width * height < LEAST_PIXELS:
        raise Invalid(f"{start} Requested resolution is below the current minimum pixel budget.", param=param)
    if width * height > MOST_PIXELS:
        raise Invalid(f"{start} Requested resolution is above the current maximum pixel budget.", param=param)
    return pair


def qualities(model: str) -> tuple[str, ...]:
    """The qualities that a model knows."""
    return ALL_QUALITIES if model.startswith(("gpt-image-2.5", "gpt-image-2.6")) else FEW_QUALITIES
