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
        left = min(self._silence_s - self._quiet_s, self._total_s - self.waited_s)
        return left if self._began else min(left, self._first_s - self.waited_s)

    def waited(self, seconds: float) -> None:
        """So long we have waited."""
        self.waited_s += seconds
        self._quiet_s += seconds

    def progressed(self) -> None:
        """Something other than a keep-alive has come."""
        self._began = True
        self._quiet_s = 0.0

    def error(self) -> TimedOut:
        """What to say when nothing is left."""
        total_s, quiet_s = self._total_s - self.waited_s, self._silence_s - self._quiet_s
        if total_s <= self.left():
            what = f"did not finish within {self._total_s:g} seconds"
        elif not self._began and self._first_s - self.waited_s < quiet_s:
            what = f"did not begin to answer within {self._first_s:g} seconds"
        else:
            what = f"fell silent for {self._silence_s:g} seconds"
        return TimedOut(
            f"The upstream {what}. Please send the request again; large pictures may need longer."
        )
