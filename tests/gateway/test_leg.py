"""One answer over several channels: what moves on to the next, what must not, and that the caller sees one answer."""

import asyncio
import json

import httpx2
import pytest

from tests.relaying import (
    IMAGE_BODY,
    PIXEL,
    channel,
    frames,
    picture_events,
    play_picture,
    relaying,
    upstream,
)

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
BAD = [frame.replace(b"ig_up", b"ig_bad") for frame in picture_events("B" + PIXEL, "resp_bad")]
GENERATION = {"model": "gpt-image-2", "prompt": "a boat"}
IMAGES = {"speaks": ("images",), "streams": ("images",)}
RESPONSES = {"speaks": ("responses",), "streams": ("responses",)}
QUICK = {"keep_alive_first_s": 0.1, "keep_alive_every_s": 0.1}
TOLD = [
    "created",
    "in_progress",
    "added",
    "in_progress",
    "generating",
    "partial_image",
    "completed",
    "done",
    "completed",
]


def breaks(how, after):
    """An upstream that says `after` events and fails."""

    async def play(heard):
        if how == "refuse":
            await heard.whole("503 Busy", "application/json", b'{"error":{"message":"overloaded"}}')
            return
        await heard.begin()
        await heard.say(*BAD[:after])
        if how in ("error", "failed"):
            error = {"code": "server_error", "message": "The server had an error."}
            tree = {"type": "error", "sequence_number": after, "error": error}
            if how == "failed":
                response = {
                    "id": "resp_bad",
                    "object": "response",
                    "status": "failed",
                    "error": error,
                    "output": [],
                }
                tree = {"type": "response.failed", "sequence_number": after, "response": response}
            await heard.say(f"event: {tree['type']}\ndata: {json.dumps(tree)}\n\n".encode())
            await heard.end()
        elif how == "half":
            await heard.say(BAD[after][:40])
            heard.writer.close()
        elif how == "end":
            await heard.end()
        elif how == "silence":
            await heard.left()
        else:
            heard.writer.close()

    return play


def pair(bad, good, **fields):
    return channel(bad, name="bad", priority=10, **fields), channel(good, name="good")


async def ask(relay, body, path="/v1/responses"):
    async with httpx2.AsyncClient(timeout=20) as client:
        return await client.post(relay.url + path, json=body, headers=relay.headers)


async def attempts(relay):
    await relay.idle()
    return [(attempt.channel, attempt.outcome) for attempt in (await relay.traces())[0].attempts]


def ids(tree):
    """Every id of a response or an image call in an event."""
    if isinstance(tree, dict):
        mine = [tree[key] for key in ("id", "item_id") if isinstance(tree.get(key), str)]
        return mine + [id for value in tree.values() for id in ids(value)]
    return [id for value in tree for id in ids(value)] if isinstance(tree, list) else []


@pytest.mark.parametrize("how", ["refuse", "cut", "half", "end", "error", "failed", "silence"])
@pytest.mark.parametrize("after", [0, 2, 4])
async def test_failure_before_the_paid_mark_moves_on_and_the_caller_sees_one_answer(tmp_path, how, after):
    async with upstream(breaks(how, after)) as bad, upstream(play_picture) as good:
        channels = pair(bad, good, first_event_s=0.3, silence_s=0.3)
        async with relaying(tmp_path, *channels) as relay:
            answer = await ask(relay, IMAGE_BODY)
            told = frames(answer.content)
            assert [tree["type"].rpartition(".")[2] for tree in told] == TOLD
            said = after if how != "refuse" else 0
            response, call = told[0]["response"]["id"], told[3]["item_id"]
            assert response == ("resp_bad" if said >= 1 else "resp_up")
            assert call == ("ig_bad" if said >= 3 else "ig_up")
            assert {id for tree in told for id in ids(tree)} == {response, call}
            assert told[-1]["response"]["status"] == "completed"
            assert [item["result"] for item in told[-1]["response"]["output"]] == [PIXEL]
            assert len(good.heard) == 1
            assert await attempts(relay) == [("bad", "failed"), ("good", "completed")]


async def test_next_turn_finds_the_channel_that_made_the_picture_under_its_own_names(tmp_path):
    async with upstream(breaks("cut", 4)) as bad, upstream(play_picture) as good:
        async with relaying(tmp_path, *pair(bad, good)) as relay:
            await ask(relay, IMAGE_BODY)
            again = await ask(relay, {**IMAGE_BODY, "previous_response_id": "resp_bad"})
            assert again.status_code == 200
            assert len(bad.heard) == 1
            assert good.heard[-1].tree["previous_response_id"] == "resp_up"


@pytest.mark.parametrize("how", ["cut", "half", "end", "error", "failed", "silence"])
@pytest.mark.parametrize("after", [5, 6])
async def test_failure_after_the_paid_mark_is_told_and_asks_nobody_else(tmp_path, how, after):
    async with upstream(breaks(how, after)) as bad, upstream(play_picture) as good:
        channels = pair(bad, good, first_event_s=0.3, silence_s=0.3)
        async with relaying(tmp_path, *channels) as relay:
            told = frames((await ask(relay, IMAGE_BODY)).content)
            assert [tree["type"] for tree in told[after:]] == ["error", "response.failed"]
            assert told[-1]["response"]["id"] == "resp_bad"
            assert good.heard == []
            assert await attempts(relay) == [("bad", "failed")]


async def test_answer_goes_on_through_the_other_api_as_the_same_response(tmp_path):
    async def drawn(heard):
        tree = {"type": "image_generation.completed", "b64_json": PIXEL, "usage": {"total_tokens": 7}}
        await heard.begin()
        await heard.say(f"event: {tree['type']}\ndata: {json.dumps(tree)}\n\n".encode())
        await heard.end()

    async with upstream(breaks("cut", 4)) as bad, upstream(drawn) as good:
        channels = channel(bad, name="bad", priority=1), channel(good, name="good", **IMAGES)
        async with relaying(tmp_path, *channels) as relay:
            told = frames((await ask(relay, IMAGE_BODY)).content)
            assert [tree["type"].rpartition(".")[2] for tree in told] == [*TOLD[:5], *TOLD[6:]]
            assert {id for tree in told for id in ids(tree)} == {"resp_bad", "ig_bad"}
            assert told[-1]["response"]["output"][0]["result"] == PIXEL
            assert await attempts(relay) == [("bad", "failed"), ("good", "completed")]


async def document(heard):
    """An Images upstream's whole answer."""
    body = json.dumps({"created": 1, "data": [{"b64_json": PIXEL}]}).encode()
    await heard.whole("200 OK", "application/json", body)


async def dropped(heard):
    heard.writer.close()


async def empty(heard):
    await heard.begin(content_type="application/json")
    heard.writer.close()


async def busy(heard):
    await heard.whole("500 Oops", "application/json", b'{"error":{"message":"x"}}')


@pytest.mark.parametrize("play, moves", [(busy, True), (dropped, False), (empty, False)])
async def test_images_upstream_is_paid_once_it_has_the_request_unless_it_answers_an_error(
    tmp_path, play, moves
):
    async with upstream(play) as bad, upstream(document) as good:
        channels = channel(bad, name="bad", priority=1, **IMAGES), channel(good, name="good", **IMAGES)
        async with relaying(tmp_path, *channels) as relay:
            answer = await ask(relay, GENERATION, "/v1/images/generations")
            assert len(good.heard) == moves
            if moves:
                assert answer.json()["data"] == [{"b64_json": PIXEL}]
                assert await attempts(relay) == [("bad", "failed"), ("good", "completed")]
            else:
                assert (answer.status_code, answer.headers["x-should-retry"]) == (502, "false")
                assert await attempts(relay) == [("bad", "failed")]


async def test_images_upstream_that_cannot_be_reached_is_not_paid(tmp_path):
    async with upstream(document) as gone:
        pass
    async with upstream(document) as good:
        channels = channel(gone, name="bad", priority=1, **IMAGES), channel(good, name="good", **IMAGES)
        async with relaying(tmp_path, *channels) as relay:
            answer = await ask(relay, GENERATION, "/v1/images/generations")
            assert answer.json()["data"] == [{"b64_json": PIXEL}]
            assert await attempts(relay) == [("bad", "failed"), ("good", "completed")]


@pytest.mark.parametrize("surface", ["images", "responses"])
async def test_first_event_is_awaited_from_responses_upstreams_alone(tmp_path, surface):
    async def slow(heard):
        await heard.begin()
        await asyncio.sleep(0.6)
        tree = {"type": "image_generation.completed", "b64_json": PIXEL}
        await heard.say(f"event: {tree['type']}\ndata: {json.dumps(tree)}\n\n".encode())
        await heard.end()

    async with upstream(slow) as up:
        fields = {"speaks": (surface,), "streams": (surface,), "first_event_s": 0.2}
        async with relaying(tmp_path, channel(up, **fields)) as relay:
            answer = await ask(relay, {**GENERATION, "stream": True}, "/v1/images/generations")
            if surface == "images":
                assert answer.text.startswith("event: image_generation.completed\n")
            else:
                assert answer.status_code == 502
                assert "did not begin to answer within 0.2 seconds" in answer.json()["error"]["message"]


async def test_bridge_that_cannot_carry_a_request_leaves_it_to_the_next_channel(tmp_path):
    body = {**IMAGE_BODY, "tools": [{"type": "image_generation", "action": "edit"}]}
    async with upstream(document) as images, upstream(play_picture) as good:
        bridge = channel(images, name="bridge", priority=1, **IMAGES)
        async with relaying(tmp_path, bridge, channel(good, name="good")) as relay:
            told = frames((await ask(relay, body)).content)
            assert told[-1]["response"]["output"][0]["result"] == PIXEL
            assert images.heard == []
            assert await attempts(relay) == [("bridge", "failed"), ("good", "completed")]
    async with upstream(document) as images:
        async with relaying(tmp_path, channel(images, **IMAGES)) as relay:
            alone = await ask(relay, body)
            assert (alone.status_code, alone.json()["error"]["param"]) == (400, "tools[0].action")


async def test_several_pictures_are_made_one_by_one_where_the_channel_for_all_of_them_fails(tmp_path):
    async def late(heard):
        await asyncio.sleep(0.4)
        await busy(heard)

    async with upstream(late) as images, upstream(play_picture) as good, upstream(document) as last:
        channels = (
            channel(images, name="images", priority=1, **IMAGES),
            channel(good, name="good", **RESPONSES),
            channel(last, name="last", priority=-1, **IMAGES),
        )
        async with relaying(tmp_path, *channels, **QUICK) as relay:
            asked = {**GENERATION, "n": 2, "stream": True}
            answer = await ask(relay, asked, "/v1/images/generations")
            assert answer.text.startswith(": keep-alive\n\n")
            assert answer.text.count("event: image_generation.completed\n") == 2
            assert "event: error" not in answer.text
            assert images.heard[0].tree["n"] == 2
            assert last.heard == []
            assert await attempts(relay) == [("images", "failed"), *[("good", "completed")] * 2]


async def test_calls_that_wait_side_by_side_do_not_use_up_each_others_time(tmp_path):
    """Three wait 1 s each for a channel that says nothing: the next one still has 1.5 s of its 2.5 s for each."""
    async with upstream(breaks("silence", 0)) as bad, upstream(play_picture) as good:
        channels = (
            channel(bad, name="bad", priority=1, first_event_s=1, **RESPONSES),
            channel(good, name="good", total_s=2.5, **RESPONSES),
        )
        async with relaying(tmp_path, *channels) as relay:
            answer = await ask(relay, {**GENERATION, "n": 3}, "/v1/images/generations")
            assert [entry["b64_json"] for entry in answer.json()["data"]] == [PIXEL] * 3
