"""The customers' side: ask a relay, or any OpenAI-compatible address, for a picture and follow it stage by stage."""

from darkroom.client.client import Client
from darkroom.client.failures import (
    Blocked,
    Damaged,
    Failed,
    Failure,
    Forbidden,
    Limited,
    Rejected,
    TimedOut,
    Unauthorized,
    Unreachable,
    WrongAddress,
)
from darkroom.client.picture import Partial, Picture

__all__ = [
    "Blocked",
    "Client",
    "Damaged",
    "Failed",
    "Failure",
    "Forbidden",
    "Limited",
    "Partial",
    "Picture",
    "Rejected",
    "TimedOut",
    "Unauthorized",
    "Unreachable",
    "WrongAddress",
]
