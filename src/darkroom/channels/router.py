"""Which channels may serve a request, in which order, and why the others may not.

Law: pure. Chance is passed in; the same arguments and the same chance give the same ranking.
"""

from collections.abc import Callable, Collection, Iterator, Sequence

import msgspec

from darkroom.channels.catalog import Channel, Surface


class Choice(msgspec.Struct, frozen=True):
    """A channel that may be tried, and why it stands where it stands."""

    channel: Channel
    reason: str


class Ranking(msgspec.Struct, frozen=True):
    """The channels to try, best first; by the names of all others, why not. True if there is one to try."""

    choices: tuple[Choice, ...]
    passed_over: dict[str, str]

    def __iter__(self) -> Iterator[Choice]:
        """The choices, best first."""
        return iter(self.choices)

    def __len__(self) -> int:
        """How many may be tried."""
        return len(self.choices)


def rank(
    channels: Sequence[Channel],
    model: str | None,
    image_model: str | None,
    surface: Surface,
    only: Collection[str] | None = None,
    *,
    pick: Callable[[float, float], float],
) -> Ranking:
    """Rank `channels` for one request: by priority, and by chance according to weight within one priority.

    `only` are the names of the channels that the request is bound to, by ids that came from there.
    `pick(low, high)` gives a random number in between, as `random.uniform` does.
    """
    fitting: dict[int, list[Channel]] = {}
    passed_over: dict[str, str] = {}
    for channel in channels:
        refusal = channel.refusal(model, image_model, surface)
        if only is not None and channel.name not in only:
            refusal = f"the request is bound to {', '.join(sorted(only))}"
        if refusal is None:
            fitting.setdefault(channel.priority, []).append(channel)
        else:
            passed_over[channel.name] = refusal
    choices: list[Choice] = []
    for priority in sorted(fitting, reverse=True):
        choices += _drawn(fitting[priority], priority, pick)
    return Ranking(tuple(choices), passed_over)


def _drawn(tier: list[Channel], priority: int, pick: Callable[[float, float], float]) -> Iterator[Choice]:
    """Draw the channels of one priority without putting back; those without weight come last, in their order."""
    waiting = [channel for channel in tier if channel.weight > 0]
    while waiting:
        total = sum(channel.weight for channel in waiting)
        place = _place(waiting, pick(0.0, total) if len(waiting) > 1 else 0.0)
        channel = waiting.pop(place)
        share = f", drawn with weight {channel.weight:g} of {total:g}" if len(tier) > 1 else ""
        yield Choice(channel, f"priority {priority}{share}")
    for channel in tier:
        if channel.weight <= 0:
            yield Choice(channel, f"priority {priority}, weight 0: after the others")


def _place(channels: list[Channel], at: float) -> int:
    """Where `at` falls when the weights are laid end to end."""
    for place, channel in enumerate(channels):
        at -= channel.weight
        if at < 0:
            return place
    return len(channels) - 1
