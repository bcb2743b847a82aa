"""Where a request can go: channels in the order in which they are tried, and the API that each is asked through.

Law: pure. A channel that speaks the caller's own API is asked through it; another one is bridged to, after those of the
same priority that are not. Counterpart of `channels.router`, which ranks within one API.
"""

from collections.abc import Callable, Collection, Sequence

from msgspec import Struct

from darkroom.channels.catalog import Channel, Surface
from darkroom.channels.router import rank
from darkroom.errors import Error, NoChannel, NotFound
from darkroom.wire.codecs.images.carry import bridgeable
from darkroom.wire.request import Request

BRIDGE_MODEL = "gpt-5.5"
"""The outer model of a bridged Images request, where the channel names none: the one that the contract recommends."""
IMAGE_MODEL = "gpt-image-2"
"""The image model of a bridged Responses request that names none."""


class Route(Struct, frozen=True):
    """A channel, and the API through which it is asked."""

    channel: Channel
    surface: Surface
    bridged: bool
    reason: str


def outer_model(channel: Channel) -> str:
    """The outer model of an Images request on a channel that speaks Responses."""
    return channel.bridge_model or BRIDGE_MODEL


def routes(
    request: Request,
    channels: Sequence[Channel],
    owners: Collection[str] | None,
    pick: Callable[[float, float], float],
) -> list[Route]:
    """The routes of a request, best first; empty if there is none.

    `owners`: names of the channels that it is bound to, by ids that came from there.
    """
    tool = request.tool.model if request.tool else None
    own: Surface = "responses" if request.surface == "responses" else "images"
    ranking = rank(
        channels, request.model, tool if own == "responses" else request.model, own, owners, pick=pick
    )
    found = [Route(c.channel, own, False, c.reason) for c in ranking]
    taken = {route.channel.name for route in found}
    rest = [channel for channel in channels if channel.name not in taken]
    if own == "images":
        rest = [c for c in rest if c.serves(outer_model(c), request.model, "responses")]
        bridged = rank(rest, None, request.model, "responses", owners, pick=pick)
        found += [Route(c.channel, "responses", True, c.reason) for c in bridged]
    elif rest and bridgeable(request):
        bridged = rank(rest, None, tool or IMAGE_MODEL, "images", owners, pick=pick)
        found += [Route(c.channel, "images", True, c.reason) for c in bridged]
    return sorted(found, key=lambda route: -route.channel.priority)


def no_route(request: Request, channels: Sequence[Channel], owners: Collection[str] | None) -> Error:
    """Why there is none."""
    if not channels:
        return NoChannel("No upstream is available on this server. Please ask its operator.")
    if owners:
        return NoChannel(
            "The upstream that holds this conversation is not available now. Please try again later."
        )
    return NotFound(
        f"The model `{request.model}` does not exist here or you do not have access to it. "
        "GET /v1/models lists the models of this server.",
        code="model_not_found",
        param="model",
    )
