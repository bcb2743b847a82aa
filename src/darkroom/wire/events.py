"""The canonical answer: what can happen while a picture is made, one frozen value an event (wire.md section 2).

Codecs turn these into a vendor's wire and back. `response` and `item` are trees as they stand on the Responses wire.
"""

from typing import Any

import msgspec

from darkroom.wire.elide import Long

Tree = dict[str, Any]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event of an answer."""


class Created(Event, frozen=True):
    """The upstream has taken the request."""

    response: Tree


class Queued(Event, frozen=True):
    """The response waits for its turn (background only)."""

    response: Tree


class InProgress(Event, frozen=True):
    """The response is being worked on."""

    response: Tree


class ItemAdded(Event, frozen=True):
    """An output item begins."""

    output_index: int
    item: Tree


class ItemDone(Event, frozen=True):
    """An output item is finished; an image call's item carries the final image in `result`."""

    output_index: int
    item: Tree


class ImageInProgress(Event, frozen=True):
    """The image call has begun."""

    output_index: int
    item_id: str


class ImageGenerating(Event, frozen=True):
    """The picture is being made: from here on it may have been paid for."""

    output_index: int
    item_id: str


class ImageCompleted(Event, frozen=True):
    """The image call has ended; the image itself follows with ItemDone."""

    output_index: int
    item_id: str


class PartialImage(Event, frozen=True):
    """A preview; `index` counts from 0, `image` is base64 without a data: prefix."""

    output_index: int
    item_id: str
    index: int
    image: str | Long
    size: str | None = None
    quality: str | None = None
    background: str | None = None
    output_format: str | None = None


class Completed(Event, frozen=True):
    """The end: the whole response again, images included."""

    response: Tree


class Failed(Event, frozen=True):
    """The end: the response failed; `response.error` says why."""

    response: Tree


class Incomplete(Event, frozen=True):
    """The end: the response stopped early; `response.incomplete_details` says why."""

    response: Tree


class Error(Event, frozen=True):
    """Something went wrong; the four keys of the OpenAI error object."""

    message: str
    code: str | None = None
    type: str = "server_error"
    param: str | None = None


class KeepAlive(Event, frozen=True):
    """Nothing has happened for a while."""


class Other(Event, frozen=True):
    """Any other event (text, reasoning, tools, what is yet to come); `tree` is all of it."""

    type: str
    tree: Tree
