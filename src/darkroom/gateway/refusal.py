"""An upstream's error answer: what it means for the caller, and whether another channel may do better.

Counterpart of `wire.failure`, which judges the words. Law: neither a slow nor an endless error body holds a request up.
"""

import asyncio
import contextlib

from darkroom.channels.catalog import Channel
from darkroom.channels.upstream import Answer
from darkroom.errors import Error, TooMany
from darkroom.wire.complaint import read_failure_body
from darkroom.wire.failure import error_for_customer

BODY_BYTES = 64 * 1024
BODY_S = 5.0
"""How long an upstream may take to tell why it refuses."""


async def read_refusal(answer: Answer, channel: Channel) -> Error:
    """What the customer is told about an answer whose status is no 200."""
    said = b""
    with contextlib.suppress(TimeoutError, Error):
        async with asyncio.timeout(BODY_S):
            while len(said) < BODY_BYTES and (piece := await answer.read(BODY_S)):
                said += piece
    failure = read_failure_body(said, status=answer.status)
    names = {name.decode("latin-1"): value.decode("latin-1") for name, value in answer.headers.items()}
    return error_for_customer(failure, status=answer.status, headers=names, secrets=channel.secrets)


def elsewhere(error: Error) -> bool:
    """Whether another channel may do what this one would not: also where its own limit or list of models said no."""
    return error.blame == "upstream" or isinstance(error, TooMany) or error.code == "model_not_found"
