"""An upstream's error answer: judged whatever its body, in bounded time and memory, and what may be tried elsewhere."""

import asyncio
import json

import pytest

from darkroom import errors
from darkroom.channels.upstream import Upstreams
from darkroom.gateway import refusal
from tests.relaying import channel, upstream

pytestmark = pytest.mark.anyio


async def refused(play):
    """The error of an answer that `play` gives, and how much of its body was read."""
    pool = Upstreams()
    async with upstream(play) as up:
        to = channel(up)
        answer = await pool.open(to, b"POST", b"/responses", (), [b"{}"], deadline_s=5)
        try:
            return await refusal.read_refusal(answer, to), answer.received
        finally:
            answer.close()
            await pool.close()


async def test_refusal_passes_words_that_help_and_no_secret():
    async def play(heard):
        words = {
            "message": "Bad size for sk-upstream-secret",
            "type": "invalid_request_error",
            "code": "invalid_value",
        }
        await heard.whole("400 Bad", "application/json", json.dumps({"error": words}).encode())

    error, _ = await refused(play)
    assert (error.status, error.code) == (400, "invalid_value")
    assert error.message.startswith("Bad size for ")
    assert "sk-upstream-secret" not in error.message + error.internal


async def test_refusal_carries_how_long_to_wait():
    async def play(heard):
        await heard.whole("429 Many", "application/json", b"{}", "retry-after: 7\r\n")

    error, _ = await refused(play)
    assert (error.status, error.headers) == (429, {"retry-after": "7"})


async def test_refusal_that_is_cut_or_endless_or_slow_is_judged_by_its_status(monkeypatch):
    monkeypatch.setattr(refusal, "BODY_S", 0.2)

    async def cut(heard):
        await heard.begin("503 Busy", "application/json")
        await heard.say(b'{"error":')
        heard.writer.close()

    async def endless(heard):
        await heard.begin("503 Busy", "application/json")
        while True:
            await heard.say(b"x" * 65536)

    async def slow(heard):
        await heard.begin("503 Busy", "application/json")
        for _ in range(50):
            await heard.say(b"x")
            await asyncio.sleep(0.05)

    for play in (cut, endless, slow):
        error, read = await asyncio.wait_for(refused(play), 5)
        assert (error.status, error.code) == (503, "upstream_busy")
        assert read < 2_000_000


@pytest.mark.parametrize(
    ("error", "moves_on"),
    [
        (errors.Lost("x"), True),
        (errors.Busy("x", code="upstream_quota_exhausted", retryable=False), True),
        (errors.Refused("x"), True),
        (errors.TooMany("x"), True),
        (errors.NotFound("x", code="model_not_found"), True),
        (errors.Invalid("x", code="moderation_blocked"), False),
        (errors.TooLarge("x"), False),
        (errors.Internal("x"), False),
        (errors.Stopping("x"), False),
    ],
)
def test_another_channel_is_asked_only_where_the_request_is_not_at_fault(error, moves_on):
    assert refusal.elsewhere(error) is moves_on
