"""What a caller asked for, as far as it shapes his answer, and which form that answer takes."""

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from darkroom.wire.actions import Outcome
from darkroom.wire.codecs.images.events import Naming
from darkroom.wire.down import Down
from darkroom.wire.elide import Tree
from darkroom.wire.image_stream import ImageStream
from darkroom.wire.image_whole import ImageWhole
from darkroom.wire.stream import Stream
from darkroom.wire.whole import Whole

Surface = Literal["responses", "images"]
"""An API, whichever side speaks it."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller asked for, as far as it shapes his answer."""

    stream: bool
    image: bool
    """The image tool is offered."""
    forced: bool = False
    """The answer must have a picture."""
    model: str | None = None
    response_id: str
    """For answers that have to be begun without the upstream's own id."""
    created_at: int
    """Seconds since 1970."""
    spelling: str = "partial_image_b64"
    keep_alive_first_s: float = 45
    keep_alive_every_s: float = 15
    keep_alive_plain: bool = True
    keep_limit: int = 256 * 1024 * 1024
    surface: Surface = "responses"
    """Which API the caller speaks."""
    edit: bool = False
    """Images alone: it is an edit."""
    n: int = 1
    """How many pictures this answer is to have."""
    asked: Tree = {}
    """Images alone: size, quality and so on as asked for, for what the upstream does not say."""
    echo: Tree = {}
    """Responses alone: the request's fields as a response repeats them, where the upstream knows of none."""
    bare: bool = False
    """Images alone: it is a part of a batch: only the entries of the document, no word of a failure in a stream."""
    keeps: bool = False
    """Finished pictures are to be stored."""
    keeps_bridged: bool = False
    """They are to be stored where the upstream speaks the other API, and so cannot keep them for this caller."""
    link: Callable[[int, str | None], str] | None = None
    """Images alone: the address of a picture, by its number and format, where the caller wants that."""
    cut_plain: bool = False
    """Images alone: a failure after white space closes the connection."""


def make_down(wish: Wish, outcome: Outcome) -> Down:
    """The caller's side of his answer."""
    down = _form(wish, outcome)
    down.keeps, down.link = wish.keeps or wish.link is not None, wish.link
    return down


def _form(wish: Wish, outcome: Outcome) -> Down:
    named: dict[str, Any] = {"response_id": wish.response_id, "model": wish.model}
    named |= {"created_at": wish.created_at, "keep_limit": wish.keep_limit}
    if wish.surface == "responses":
        if not wish.stream:
            return Whole(outcome, **named)
        down = Stream(outcome, **named)
        down.spelling = wish.spelling
        return down
    named |= {"asked": wish.asked, "n": wish.n}
    if wish.stream:
        prefix = "image_edit" if wish.edit else "image_generation"
        return ImageStream(outcome, prefix=prefix, bare=wish.bare, **named)
    return ImageWhole(outcome, bare=wish.bare, cut=wish.cut_plain, **named)


def naming(wish: Wish) -> Naming:
    """The ids and the response that stand for an Images upstream's answer, which knows of neither."""
    begin = f"ig_{wish.response_id.removeprefix('resp_')}"
    head = {"id": wish.response_id, "object": "response", "created_at": wish.created_at, "model": wish.model}
    base = {**head, "error": None, "incomplete_details": None, **wish.echo}
    return Naming(lambda number: f"{begin}{number}", base)
