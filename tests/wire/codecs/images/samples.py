"""Images and Responses requests as hypothesis draws them, for the readers and both bridges."""

from random import Random
from typing import Any

from hypothesis import strategies as st

from darkroom.wire.elide import Long, Upload

DATA = "data:image/png;base64,iVBORw0KGgo="
URL = "https://example.com/a.png"
SIZES = st.sampled_from(["auto", "1024x1024", "1536x1024", "2048x1152", "3840x2160"])
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30)
PROMPTS = WORDS.filter(str.strip)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "size": SIZES,
    "quality": st.sampled_from(["low", "medium", "high", "xhigh", "auto"]),
    "output_format": st.sampled_from(["png", "jpeg", "webp", "svg"]),
    "output_compression": st.integers(0, 100),
    "background": st.sampled_from(["transparent", "opaque", "auto"]),
    "moderation": st.sampled_from(["auto", "low"]),
    "complexity": st.sampled_from(["low", "high"]),
    "frame_count": st.integers(2, 16),
    "frame_duration_ms": st.integers(10, 1000),
    "svg": st.just({"model": "gpt-5.5", "reasoning": {"effort": "low"}}),
    "partial_images": st.integers(0, 3),
}
MODELS = st.sampled_from(["gpt-image-2", "gpt-image-2.6-flare", "seedream-5"])
ADDRESSES = st.sampled_from([DATA, URL])
GENERATIONS = st.fixed_dictionaries(
    {"prompt": PROMPTS},
    optional={
        **FIELDS,
        "model": MODELS,
        "n": st.integers(1, 10),
        "stream": st.booleans(),
        "response_format": st.sampled_from(["url", "b64_json"]),
        "user": WORDS,
        "safety_identifier": WORDS,
    },
)
SHOWN = st.fixed_dictionaries({"image_url": ADDRESSES})
EDITS = st.builds(
    lambda asked, more: asked | more,
    GENERATIONS,
    st.fixed_dictionaries(
        {"images": st.lists(SHOWN, min_size=1, max_size=4)},
        optional={"mask": SHOWN, "input_fidelity": st.sampled_from(["low", "high"])},
    ),
)


@st.composite
def responses(draw: st.DrawFn) -> dict[str, Any]:
    """A Responses request that an Images upstream can serve."""
    turns = draw(st.lists(PROMPTS, min_size=1, max_size=3))
    shown = draw(st.lists(ADDRESSES, max_size=3))
    tool = draw(
        st.fixed_dictionaries({"type": st.just("image_generation")}, optional=FIELDS | {"model": MODELS})
    )
    if shown and draw(st.booleans()):
        tool["input_image_mask"] = {"image_url": DATA}
    parts = [{"type": "input_image", "image_url": address} for address in shown]
    items: list[Any] = [{"role": "user", "content": turn} for turn in turns[:-1]]
    items.append({"role": "user", "content": [*parts, {"type": "input_text", "text": turns[-1]}]})
    return {
        "model": "gpt-5.5",
        "input": items,
        "tools": [tool],
        "tool_choice": draw(st.sampled_from([None, "auto", "required", {"type": "image_generation"}])),
        "stream": draw(st.booleans()),
    }


NAMES: list[str] = """
prompt model n size quality stream partial_images output_compression output_format response_format image images mask
markup image_url file_id svg metadata darkroom_scenario frame_count background container file picture user
input content type text tools tool_choice action input_image_mask role
""".split()  # noqa: SIM905
TEXTS = [
    "",
    "1",
    "true",
    "a cat",
    DATA,
    URL,
    "auto",
    "1024x1024",
    "gpt-image-2",
    "url",
    "file-1",
    "-5",
    "\0",
    "\ud800",
]
VALUES = [None, True, False, 0, 5, -1, 10**30, 1.5, float("nan"), *TEXTS]
BRACKETS = ["", "", "", "[]", "[0]", "[1]", "[x]", "[x][y]", "[x][z]", "[[", "[]]", "[00000]"]


def junk(random: Random, depth: int = 3) -> Any:
    """A tree of names that mean something and of values that mostly do not fit them."""
    kind = random.random() if depth else 0.0
    if kind < 0.4:
        size = random.choice((1, 900, 10_000_000))
        return random.choice([*VALUES, Long(("x",), 0, size), Upload(("x",), 0, size)])
    if kind < 0.6:
        return [junk(random, depth - 1) for _ in range(random.randrange(4))]
    return {random.choice(NAMES): junk(random, depth - 1) for _ in range(random.randrange(5))}


def junk_parts(random: Random) -> list[tuple[str, str | Upload]]:
    """Parts of a form, no better."""
    files = [Upload(("x",), 0, 0), Upload(("x",), 0, 9, filename="\ud800")]
    return [
        (random.choice(NAMES) + random.choice(BRACKETS), random.choice([*TEXTS, *files]))
        for _ in range(random.randrange(8))
    ]
