"""An upstream's deadlines: they run only while we wait for it, never while we pause it (DESIGN section 4)."""

import math

from darkroom.channels.catalog import Channel
from darkroom.errors import TimedOut


class Deadlines:
    """Counts the seconds spent waiting in one attempt. `streaming`: a first event is due soon after the request."""

    def __init__(self, channel: Channel, *, streaming: bool, total_s: float) -> None:
        self._first_s = channel.first_event_s if streaming else math.inf
        self._silence_s = channel.silence_s
        self._total_s = total_s
        self.waited_s = 0.0
        """Waited in this attempt so far."""
        self._quiet_s = 0.0
        self._began = False

    def left(self) -> float:
        """Seconds that may still be waited now."""
        return min(self._limit_s - self._quiet_s, self.total_left())

    def total_left(self) -> float:
        """Seconds that the whole attempt may still wait."""
        return self._total_s - self.waited_s

    def waited(self, seconds: float) -> None:
        """So long we have waited."""
        self.waited_s += seconds
        self._quiet_s += seconds

    def sent(self, after_s: float) -> None:
        """The upstream has the whole request since `after_s` of what `waited` will tell next: until then it took."""
        self._quiet_s = -after_s

    def progressed(self) -> None:
        """Something other than a keep-alive has come."""
        self._began = True
        self._quiet_s = 0.0

    @property
    def _limit_s(self) -> float:
        """How long the upstream may say nothing now."""
        return self._silence_s if self._began else min(self._first_s, self._silence_s)

    def error(self) -> TimedOut:
        """What to say when nothing is left."""
        if self.total_left() <= self._limit_s - self._quiet_s:
            what = f"did not finish within {self._total_s:g} seconds"
        elif not self._began and self._first_s < self._silence_s:
            what = f"did not begin to answer within {self._first_s:g} seconds"
        else:
            what = f"fell silent for {self._silence_s:g} seconds"
        return TimedOut(
            f"The upstream {what}. Please send the request again; large pictures may need longer."
        )
