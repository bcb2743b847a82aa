"""What the relay machine asks of the exchange, in order, and what came of it all."""

from typing import Any, Literal

import msgspec

from darkroom.errors import Error
from darkroom.wire.elide import Long


class Send(msgspec.Struct, frozen=True, gc=False):
    """Send these bytes to the caller."""

    data: bytes


class Keep(msgspec.Struct, frozen=True, gc=False):
    """Append these bytes to the spool: a repair may need them again."""

    data: bytes


class Replay(msgspec.Struct, frozen=True, gc=False):
    """Send the bytes `start` to `stop` of the spool to the caller."""

    start: int
    stop: int


class Earn(msgspec.Struct, frozen=True, gc=False):
    """The last bytes of this picture come next: mark it earned before they leave. `index` counts pictures from 0."""

    index: int


class Cut(msgspec.Struct, frozen=True, gc=False):
    """End the answer without its proper end: no well-formed one is possible any more."""


class Store(msgspec.Struct, frozen=True, gc=False):
    """Keep picture number `index` for later; its base64 is the bytes `start` to `stop` of the spool."""

    index: int
    start: int
    stop: int


class Fetch(msgspec.Struct, frozen=True):
    """Get the picture at this address into the spool as base64, and tell the relay machine where `long` lies."""

    url: str
    long: Long


Action = Send | Keep | Replay | Earn | Cut | Store | Fetch


class Picture(msgspec.Struct):
    """A final picture that passed: what its first bytes and its event say. Sizes in pixels, `bytes` of base64."""

    item_id: str
    format: str | None = None
    width: int | None = None
    height: int | None = None
    quality: str | None = None
    background: str | None = None
    bytes: int = 0


class Outcome(msgspec.Struct):
    """How an answer ended. `status` is "" while it has not."""

    status: Literal["", "completed", "incomplete", "failed"] = ""
    error: Error | None = None
    told: bool = False
    """Images streams alone: the caller has been told of the failure."""
    response_id: str = ""
    model: str | None = None
    ids: list[str] = msgspec.field(default_factory=list)
    renamed: dict[str, str] = msgspec.field(default_factory=dict)
    """Ids that the caller knows, of an earlier attempt or our own, with what the upstream calls the same thing."""
    pictures: list[Picture] = msgspec.field(default_factory=list)
    begun: list[Picture] = msgspec.field(default_factory=list)
    """The first picture that began to pass, as far as its first bytes tell what it is."""
    partials: int = 0
    usage: dict[str, Any] | None = None
    tool_usage: dict[str, Any] | None = None
    repairs: dict[str, int] = msgspec.field(default_factory=dict)

    def repaired(self, names: list[str]) -> None:
        """Count repairs."""
        for name in names:
            self.repairs[name] = self.repairs.get(name, 0) + 1
