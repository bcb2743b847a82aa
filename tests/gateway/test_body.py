"""Request bodies: limits, budget, spooling, and clear refusals of everything that is not one JSON object."""

import asyncio
import json

import pytest

from darkroom.errors import Invalid, Overloaded, TooLarge
from darkroom.gateway.body import Body, Budget, CallerLeft
from darkroom.gateway.spool import Folder
from darkroom.wire.elide import Long

pytestmark = pytest.mark.anyio
KB = 1024


def sender(data, step=60_000, end=True):
    """An ASGI receive that gives `data` in pieces."""
    pieces = [data[i : i + step] for i in range(0, len(data), step)] or [b""]

    async def receive():
        if pieces:
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(pieces) or not end}
        return await asyncio.sleep(60)

    return receive


@pytest.fixture
def make(tmp_path):
    made = []

    def make(budget=10_000 * KB, limit=5_000 * KB, spool_above=100 * KB):
        made.append(Body(Budget(budget), Folder(tmp_path), limit, spool_above))
        return made[-1]

    yield make
    for body in made:
        body.close()


async def test_small_body_is_parsed_in_memory(make):
    body = make()
    await body.read(sender(b'{"model": "gpt-5.5", "input": "\xe7\x8c\xab"}'), None, 1)
    assert body.tree == {"model": "gpt-5.5", "input": "猫"}
    assert body.spool.size == 0


async def test_large_body_lies_in_the_spool_with_its_long_strings_named_by_reference(make):
    image = "data:image/png;base64," + "iVBO" * 200_000
    text = json.dumps({"model": "m", "input": [{"content": [{"image_url": image}]}], "stream": True}).encode()
    body = make()
    await body.read(sender(text), len(text), 1)
    found = body.tree["input"][0]["content"][0]["image_url"]
    assert isinstance(found, Long)
    assert body.spool.read(found.start, found.stop).decode() == image
    assert (body.tree["model"], body.tree["stream"]) == ("m", True)
    assert body.size == len(text)


@pytest.mark.parametrize("length", [None, 6_000 * KB])
async def test_body_over_the_limit_is_refused(make, length):
    body = make()
    with pytest.raises(TooLarge, match="4 MB"):
        await body.read(sender(b'{"a":"' + b"x" * 6_000 * KB + b'"}'), length, 1)


async def test_body_over_the_budget_of_the_process_is_refused_with_a_time_to_retry(make):
    body = make(budget=50 * KB)
    with pytest.raises(Overloaded) as caught:
        await body.read(sender(b'{"a":"' + b"x" * 90 * KB + b'"}'), None, 1)
    assert caught.value.headers["retry-after"] == "5"


async def test_budget_is_free_again_after_close(tmp_path):
    budget = Budget(1000)
    body = Body(budget, Folder(tmp_path), 1000, 500)
    await body.read(sender(b'{"a": 1}'), None, 1)
    assert budget.used == 8
    body.close()
    body.close()
    assert budget.used == 0


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"   ",
        b"{",
        b"[1, 2]",
        b'"text"',
        b"null",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": "\xff\xfe"}',
        b'{"a": "\\ud800"}',
        b"{'a': 1}",
        b'{"a": 1} {"b": 2}',
        b"<html></html>",
        b'{"a":' * 200_000,
        b'{"a": ' + b"[" * 150_000 + b"]" * 150_000 + b"}",
        b'{"a": 1e999999}',
        b'{"a": "' + b"x" * 300_000,
        b'{"a": "' + b"x" * 300_000 + b'"]',
        b"{" + b'"k":1,' * 60_000 + b'"k":1}',
    ],
    ids=lambda text: f"{text[:12]!r}x{len(text)}",
)
async def test_what_is_not_one_json_object_is_refused_clearly(make, text):
    with pytest.raises(Invalid) as caught:
        await make().read(sender(text), None, 1)
    assert caught.value.status == 400
    assert caught.value.code == "invalid_json"
    assert "JSON" in caught.value.message


async def test_duplicate_keys_take_the_last_value_in_both_sizes(make):
    small, large = make(), make()
    await small.read(sender(b'{"a": 1, "a": 2}'), None, 1)
    await large.read(sender(b'{"a": 1, "p": "' + b"x" * 300 * KB + b'", "a": 2}'), None, 1)
    assert small.tree["a"] == large.tree["a"] == 2


async def test_caller_who_leaves_before_the_end_is_noticed(make):
    async def receive():
        return {"type": "http.disconnect"}

    with pytest.raises(CallerLeft):
        await make().read(receive, None, 1)


async def test_caller_who_stops_sending_is_not_waited_for_for_ever(make):
    with pytest.raises(CallerLeft) as caught:
        await make().read(sender(b'{"a":', end=False), None, 0.05)
    assert caught.value.status == 408
