"""One request as it is remembered: when each stage was reached, what was asked and delivered, how it ended.

Law: never a picture, never a secret, and a prompt only if the operator switched that on.
Times called `…_at` are microseconds since 1970, times called `…_us` are microseconds since the request's start.
"""

from typing import Any

import msgspec

StageMark = tuple[str, int, str | None]
"""A stage, when it was reached (µs since the request's start), and a word on it, such as which partial."""


class Attempt(msgspec.Struct, kw_only=True):
    """One try at one channel."""

    channel: str
    started_us: int
    ended_us: int | None = None
    status: int | None = None
    """The upstream's HTTP status."""
    outcome: str = ""
    """completed, failed or left."""
    error_code: str | None = None
    error_message: str | None = None
    upstream_request_id: str | None = None
    bytes_in: int = 0
    """Bytes received from the upstream."""
    stages: list[StageMark] = msgspec.field(default_factory=list)


class Trace(msgspec.Struct, kw_only=True):
    """One request. Filled while it runs; not touched any more once it was given to the recorder."""

    request_id: str
    started_at: int
    finished_at: int = 0
    account_id: int | None = None
    account: str | None = None
    key_id: int | None = None
    surface: str = ""
    """Which API was called: responses, images, …"""
    method: str = ""
    path: str = ""
    model: str | None = None
    image_model: str | None = None
    streamed: bool = False
    image: bool = False
    """Whether a picture was asked for."""
    sandbox: bool = False
    status: int | None = None
    """The HTTP status of our answer, None if the caller left before it."""
    outcome: str = ""
    """completed, incomplete, failed, refused or left."""
    error_code: str | None = None
    error_message: str | None = None
    requested: dict[str, Any] = msgspec.field(default_factory=dict)
    """size, quality, output_format, background, partial_images: those that were named."""
    lost: list[str] = msgspec.field(default_factory=list)
    """What was asked for and the upstream could not be asked for, in another API than the caller's."""
    delivered: list[dict[str, Any]] = msgspec.field(default_factory=list)
    """One object a picture: index, size, format, bytes and what else is known."""
    bytes_in: int = 0
    """Of the request's body."""
    bytes_out: int = 0
    """Of the answer."""
    repairs: dict[str, int] = msgspec.field(default_factory=dict)
    """What was put right on the way, and how often."""
    usage: dict[str, Any] | None = None
    user_agent: str | None = None
    prompt: str | None = None
    stages: list[StageMark] = msgspec.field(default_factory=list)
    attempts: list[Attempt] = msgspec.field(default_factory=list)

    @property
    def took_us(self) -> int:
        """From the first byte of the request to the end of everything."""
        return max(self.finished_at - self.started_at, 0)
