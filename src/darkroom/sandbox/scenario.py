"""How a person testing a client asks the sandbox to misbehave: a few words, the same in every place they may stand.

`cut=after_partial, delay_generating_ms=500, dialect=crlf+no_event_lines` is taken from the header
`x-darkroom-scenario`, from `metadata.scenario` of a Responses body, from a tag `[scenario: …]` in the prompt (which
is removed before drawing), and from the server's start-up default. Later ones win, word by word; `none` forgets all
that came before it.

The law of this file: an unknown word is a 400 that names what is allowed, never ignored.
"""

import re

import msgspec

from darkroom.errors import Invalid
from darkroom.sandbox.dialects import DIALECTS
from darkroom.sandbox.faults import BODIES, CODES, SHAPES

POINTS = (
    "before_headers",
    "before_created",
    "after_created",
    "after_in_progress",
    "after_generating",
    "in_partial",
    "after_partial",
    "in_final",
    "before_completed",
    "in_completed",
)
"""Places in an answer where something can happen, in order; `in_…` is in the middle of that frame's bytes."""

STAGES = ("headers", "created", "in_progress", "generating", "partial", "image", "completed")
ANSWERS = ("no_image", "no_result", "refusal", "partial_only")
HEARTBEATS = ("comments", "keepalive", "blank")
CHUNKS = ("frames", "tiny", "bytes", "huge")
MOST_MS = 3_600_000
MOST_BYTES = 64_000_000

TAG = re.compile(r"[\[【]\s*scenario\s*[:：]\s*([^\[【\]】]*)[\]】]\s*", re.IGNORECASE)


class Scenario(msgspec.Struct, frozen=True):
    """One request's script; every field is a word of the grammar."""

    delay_headers_ms: int | None = None
    delay_created_ms: int | None = None
    delay_in_progress_ms: int | None = None
    delay_generating_ms: int | None = None
    delay_partial_ms: int | None = None
    delay_image_ms: int | None = None
    delay_completed_ms: int | None = None
    fast: bool = False
    cut: str | None = None
    reset: str | None = None
    stall: str | None = None
    stall_ms: int = 600_000
    heartbeat: str | None = None
    heartbeat_ms: int = 1000
    status: int | None = None
    code: str | None = None
    body: str | None = None
    retry_after: int | None = None
    error: str | None = None
    error_at: str = "after_generating"
    answer: str | None = None
    dialect: tuple[str, ...] = ()
    chunks: str = "frames"
    chunk_bytes: int | None = None
    rate_bytes_s: int | None = None
    encoding: str | None = None
    image_bytes: int | None = None
    partial_bytes: int | None = None
    partials: int | None = None
    deliver_size: tuple[int, int] | None = None
    deliver_format: str | None = None
    deliver_n: int | None = None
    seed: int = 0
    mark: bool = False

    def delay(self, stage: str, usual_ms: int) -> float:
        """Seconds before a stage: as the scenario says, else as usual, else none if it is to be fast."""
        asked: int | None = getattr(self, f"delay_{stage}_ms")
        return (asked if asked is not None else 0 if self.fast else usual_ms) / 1000

    def refuses(self) -> bool:
        """Whether the whole answer is an error status or a strange body."""
        return (
            self.status is not None or self.body is not None or (self.code is not None and self.error is None)
        )


NUMBERS: dict[str, tuple[int, int]] = {
    **{f"delay_{stage}_ms": (0, MOST_MS) for stage in STAGES},
    "stall_ms": (0, MOST_MS),
    "heartbeat_ms": (10, MOST_MS),
    "status": (200, 599),
    "retry_after": (0, 100_000),
    "chunk_bytes": (1, MOST_BYTES),
    "rate_bytes_s": (1, 1_000_000_000),
    "image_bytes": (0, MOST_BYTES),
    "partial_bytes": (0, MOST_BYTES),
    "partials": (0, 10),
    "deliver_n": (0, 10),
    "seed": (0, 1_000_000_000),
}
CHOICES: dict[str, tuple[str, ...]] = {
    "cut": POINTS,
    "reset": POINTS,
    "stall": POINTS,
    "heartbeat": HEARTBEATS,
    "code": tuple(CODES),
    "body": tuple(BODIES),
    "error": tuple(SHAPES),
    "error_at": tuple(point for point in POINTS if not point.startswith("in_") and point != "before_headers"),
    "answer": ANSWERS,
    "chunks": CHUNKS,
    "encoding": ("gzip",),
    "deliver_format": ("png", "jpeg", "webp"),
}
FLAGS = ("fast", "mark")
WORDS = (*NUMBERS, *CHOICES, "dialect", "deliver_size", *FLAGS, "none")


def read_scenario(text: str, base: Scenario | None = None) -> Scenario:
    """The scenario of a text on top of another; raises `Invalid` for an unknown word or value."""
    scenario = base or Scenario()
    changes: dict[str, object] = {}
    for part in re.split(r"[,;，；\s]+", text.strip()):
        if not part:
            continue
        word, equals, value = part.partition("=")
        if word == "none":
            scenario, changes = Scenario(), {}
        else:
            changes[word] = _read(word, value if equals else None)
    return msgspec.structs.replace(scenario, **changes)


def take_tag(prompt: str) -> tuple[str, str]:
    """The prompt without its scenario tags, and what the tags say."""
    said = ", ".join(match[1] for match in TAG.finditer(prompt))
    return (TAG.sub("", prompt).strip(), said) if said else (prompt, "")


def _read(word: str, value: str | None) -> object:
    if word in FLAGS:
        if value not in (None, "1", "true", "yes", "0", "false", "no"):
            raise _wrong(word, value, "nothing, or 1 or 0, after it")
        return value not in ("0", "false", "no")
    if word not in WORDS:
        raise Invalid(
            f"Unknown word '{word}' in the scenario. Known are: {', '.join(WORDS)}.",
            param="scenario",
            code="unknown_scenario",
        )
    if word in NUMBERS:
        low, high = NUMBERS[word]
        digits = value is not None and value.isascii() and value.isdecimal() and len(value) <= 12
        if value is None or not digits or not low <= int(value) <= high:
            raise _wrong(word, value, f"a whole number from {low} to {high}")
        return int(value)
    if word in CHOICES:
        if value not in CHOICES[word]:
            raise _wrong(word, value, f"one of {', '.join(CHOICES[word])}")
        return value
    if word == "deliver_size":
        match = re.fullmatch(r"([1-9]\d{0,3})x([1-9]\d{0,3})", value or "")
        if match is None or max(int(match[1]), int(match[2])) > 3840:
            raise _wrong(word, value, "a size such as 1254x1254, at most 3840")
        return int(match[1]), int(match[2])
    names = tuple(name for name in (value or "").split("+") if name)
    for name in names:
        if name not in DIALECTS:
            raise _wrong(word, name, f"names joined by +, of {', '.join(DIALECTS)}")
    return names


def _wrong(word: str, value: str | None, wanted: str) -> Invalid:
    said = f"'{value}' is not right for" if value is not None else "A value is missing after"
    return Invalid(
        f"{said} '{word}' in the scenario: it takes {wanted}.", param="scenario", code="unknown_scenario"
    )
