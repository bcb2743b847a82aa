"""Several pictures from upstreams that make one at a time: order, whole events, failures of some and all, leaving."""

import asyncio
import base64
import json

import httpx2
import pytest

from tests.relaying import PIXEL, channel, picture_events, relaying, upstream

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
BODY = {"model": "gpt-image-2", "prompt": "boats", "size": "1024x1024", "n": 3}
STREAM = {**BODY, "stream": True, "partial_images": 1}
COST = {"input_tokens": 3, "output_tokens": 5, "total_tokens": 8, "input_tokens_details": {"text_tokens": 3}}
QUICK = {"keep_alive_first_s": 0.1, "keep_alive_every_s": 0.1}
ONE_BY_ONE = {"speaks": ("responses",), "streams": ("responses",)}


def image(number):
    """A picture that is known again."""
    return PIXEL[:-4] + f"AA{number:02}"


def story(number):
    """The frames of one call's answer, its cost in the last one."""
    told = picture_events(image(number), f"resp_{number}")
    cost = b'"tool_usage":' + json.dumps({"image_gen": COST}).encode()
    return [*told[:-1], told[-1].replace(b'"usage":', cost + b',"usage":')]


def whole(number, after=None):
    """Answers at once, or when `after` is set."""

    async def play(heard):
        if after is not None:
            await after.wait()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-request-id: {number}\r\n"
        heard.writer.write(head.encode() + b"transfer-encoding: chunked\r\n\r\n")
        await heard.say(*story(number))
        await heard.end()

    return play


async def fail(heard):
    await heard.whole("500 Oops", "application/json", b'{"error":{"message":"drawing failed"}}')


async def silent(heard):
    await heard.begin()
    await heard.left()


async def ask(relay, body, **headers):
    async with httpx2.AsyncClient(timeout=20) as client:
        path = relay.url + "/v1/images/generations"
        return await client.post(path, json=body, headers=relay.headers | headers)


def told(answer):
    """The events of an Images stream, each of which must be well-formed."""
    assert answer.text.endswith("\n\n")
    found = []
    for frame in answer.text.removesuffix("\n\n").split("\n\n"):
        if not frame.startswith(":"):
            name, data = frame.split("\n")
            found.append(json.loads(data.removeprefix("data: ")))
            assert name.removeprefix("event: ") in (found[-1]["type"], "image_generation.partial_image")
    return found


async def test_plain_answer_has_the_pictures_in_order_and_their_cost_together(tmp_path):
    last = asyncio.Event()

    async def first(heard):
        await last.wait()
        await whole(0)(heard)

    async def third(heard):
        await whole(2)(heard)
        last.set()

    async with upstream(first, whole(1, last), third) as up:
        async with relaying(tmp_path, channel(up, **ONE_BY_ONE)) as relay:
            answer = await ask(relay, BODY)
            assert answer.status_code == 200
            assert "x-darkroom-failed" not in answer.headers
            tree = answer.json()
            await relay.idle()
            (trace,) = await relay.traces()
            # The calls reach the upstream in any order; which of them was which is in the attempts.
            order = [int(attempt.upstream_request_id) for attempt in trace.attempts]
            assert sorted(order) == [0, 1, 2]
            assert [entry["b64_json"] for entry in tree["data"]] == list(map(image, order))
            assert tree["usage"] == {
                **{name: 3 * count for name, count in list(COST.items())[:3]},
                "input_tokens_details": {"text_tokens": 9},
            }
            assert (tree["size"], tree["quality"]) == ("1024x1024", "high")
            assert [heard.tree["tools"][0]["model"] for heard in up.heard] == ["gpt-image-2"] * 3
            assert not any("n" in heard.tree for heard in up.heard)
            assert (trace.outcome, len(trace.attempts), len(trace.delivered)) == ("completed", 3, 3)
            assert trace.usage["tool_usage"]["image_gen"]["total_tokens"] == 24
            assert [stage for stage, _, _ in trace.stages].count("image") == 3


async def test_events_are_never_cut_by_another_picture_however_they_trickle(tmp_path):
    def trickling(number):
        async def play(heard):
            await heard.begin()
            text = b"".join(story(number))
            step = 3000 + 700 * number
            for start in range(0, len(text), step):
                await heard.say(text[start : start + step])
                await asyncio.sleep(0)
            await heard.end()

        return play

    async with upstream(*map(trickling, range(3))) as up:
        async with relaying(tmp_path, channel(up, **ONE_BY_ONE)) as relay:
            events = told(await ask(relay, STREAM))
    kinds = [event["type"] for event in events]
    assert sorted(kinds) == ["image_generation.completed"] * 3 + ["image_generation.partial_image"] * 3
    finished = [event for event in events if event["type"].endswith("completed")]
    assert {event["b64_json"] for event in finished} == {image(0), image(1), image(2)}
    assert [event["usage"] for event in finished] == [COST] * 3
    for number in range(3):
        mine = [event["type"] for event in events if event["b64_json"] == image(number)]
        assert mine == ["image_generation.partial_image", "image_generation.completed"]


async def test_some_of_several_is_a_success_that_tells_how_many_failed_and_why(tmp_path):
    async with upstream(whole(0), fail, whole(2)) as up:
        async with relaying(tmp_path, channel(up, **ONE_BY_ONE)) as relay:
            answer = await ask(relay, BODY)
            assert answer.status_code == 200
            assert answer.headers["x-darkroom-failed"] == "1"
            assert sorted(entry["b64_json"] for entry in answer.json()["data"]) == [image(0), image(2)]
            assert answer.json()["usage"]["total_tokens"] == 16
            up.plays = [whole(0), fail, whole(2)]
            streamed = [event["type"] for event in told(await ask(relay, STREAM))]
            assert streamed.count("image_generation.completed") == 2
            assert "error" not in streamed
            await relay.idle()
            for trace in await relay.traces():
                assert (trace.outcome, len(trace.delivered)) == ("completed", 2)
                assert trace.repairs["pictures_failed"] == 1
                (failed,) = [attempt for attempt in trace.attempts if attempt.outcome == "failed"]
                assert (failed.status, failed.error_code) == (500, "upstream_error")
                assert failed.error_message


async def test_picture_that_was_cut_in_the_middle_is_left_out(tmp_path):
    async def cut(heard):
        text = b"".join(story(1))
        await heard.begin()
        await heard.say(text[:-100_000])
        heard.writer.close()

    async with upstream(whole(0), cut) as up, relaying(tmp_path, channel(up, **ONE_BY_ONE)) as relay:
        answer = await ask(relay, {**BODY, "n": 2})
    assert [entry["b64_json"] for entry in answer.json()["data"]] == [image(0)]
    assert answer.headers["x-darkroom-failed"] == "1"


async def test_failure_after_a_whole_picture_takes_nothing_from_it(tmp_path):
    async def cut(heard):
        await heard.begin()
        await heard.say(*story(1)[:-1])
        heard.writer.close()

    for body in (BODY, STREAM):
        async with upstream(whole(0), cut) as up, relaying(tmp_path, channel(up, **ONE_BY_ONE)) as relay:
            answer = await ask(relay, {**body, "n": 2})
            assert answer.text.count(image(1)) == (2 if "stream" in body else 1)
            assert "x-darkroom-failed" not in answer.headers
            assert b'"error"' not in answer.content


async def test_none_of_several_is_the_first_failure(tmp_path):
    async def blocked(heard):
        error = {
            "code": "moderation_blocked",
            "message": "Not allowed.",
            "type": "image_generation_user_error",
        }
        await heard.whole("400 Bad Request", "application/json", json.dumps({"error": error}).encode())

    async with upstream(blocked, fail) as up, relaying(tmp_path, channel(up, **ONE_BY_ONE)) as relay:
        answer = await ask(relay, BODY)
        await relay.idle()
        (trace,) = await relay.traces()
        codes = [attempt.error_code for attempt in trace.attempts]
        assert sorted(codes) == ["moderation_blocked", "upstream_error", "upstream_error"]
        assert answer.json()["error"]["code"] == codes[0]
        assert answer.status_code == (400 if codes[0] == "moderation_blocked" else 502)
        assert (trace.error_code, trace.delivered) == (codes[0], [])


async def late(heard):
    """Fails when the status has been sent already."""
    await asyncio.sleep(0.4)
    await fail(heard)


@pytest.mark.parametrize("stream", [True, False])
async def test_none_of_several_is_said_in_form_after_keep_alives(tmp_path, stream):
    async with upstream(late) as up, relaying(tmp_path, channel(up, **ONE_BY_ONE), **QUICK) as relay:
        answer = await ask(relay, {**BODY, "stream": stream})
        assert answer.status_code == 200
        if stream:
            assert answer.text.startswith(": keep-alive\n\n")
            (error,) = told(answer)
            assert (error["type"], error["error"]["code"]) == ("error", "upstream_error")
        else:
            assert answer.text.startswith("\n")
            assert answer.json()["error"]["code"] == "upstream_error"
            with pytest.raises(httpx2.RemoteProtocolError):
                await ask(relay, BODY, **{"x-stainless-lang": "python"})


@pytest.mark.parametrize("half", [False, True])
async def test_stream_that_has_only_partial_pictures_ends_with_one_error(tmp_path, half):
    async def partial(heard):
        await heard.begin()
        frames = story(0)
        await heard.say(*frames[:5], frames[5][:30_000] if half else frames[5])
        heard.writer.close()

    async with upstream(partial, fail) as up, relaying(tmp_path, channel(up, **ONE_BY_ONE)) as relay:
        answer = await ask(relay, {**STREAM, "n": 2})
    events = told(answer)
    assert [event["type"] for event in events] == ["image_generation.partial_image"] * (not half) + ["error"]
    assert events[-1].get("b64_json", "") == ""


async def test_keep_alives_fill_the_time_between_pictures_and_give_up_a_usage_that_is_late(tmp_path):
    """The first call's picture is whole but for its cost: the second's must not wait for that."""
    said, free = asyncio.Event(), asyncio.Event()

    async def stalls(heard):
        await heard.begin()
        await heard.say(*story(0)[:-1])
        said.set()
        await free.wait()
        await heard.say(story(0)[-1])
        await heard.end()

    async def follows(heard):
        await said.wait()
        await asyncio.sleep(0.05)
        await whole(1)(heard)
        await asyncio.sleep(0.5)
        free.set()

    async with upstream(stalls, follows) as up:
        async with relaying(tmp_path, channel(up, **ONE_BY_ONE), **QUICK) as relay:
            answer = await asyncio.wait_for(ask(relay, {**STREAM, "n": 2}), 10)
    finished = [event for event in told(answer) if event["type"].endswith("completed")]
    assert [event["b64_json"] for event in finished] == [image(0), image(1)]
    assert [event.get("usage") for event in finished] == [None, COST]
    assert ": keep-alive\n\n" in answer.text[answer.text.index(image(1)) :]


async def leave(relay, body, up, calls):
    """Ask, and hang up once all calls are under way."""
    _reader, writer = await asyncio.open_connection("127.0.0.1", relay.port, limit=1 << 24)
    data = json.dumps(body).encode()
    head = "".join(f"{name}: {value}\r\n" for name, value in relay.headers.items())
    writer.write(f"POST /v1/images/generations HTTP/1.1\r\nhost: x\r\n{head}".encode())
    writer.write(b"content-length: %d\r\n\r\n" % len(data) + data)
    async with asyncio.timeout(5):
        while len(up.heard) < calls:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    writer.close()


async def test_caller_who_leaves_before_anything_is_paid_ends_all_calls(tmp_path):
    async with upstream(silent) as up, relaying(tmp_path, channel(up, **ONE_BY_ONE)) as relay:
        await leave(relay, BODY, up, 3)
        await relay.idle()
        async with asyncio.timeout(5):
            while up.closed < 3:
                await asyncio.sleep(0.01)
        (trace,) = await relay.traces()
        assert trace.outcome == "left"
        assert [attempt.outcome for attempt in trace.attempts] == ["left"] * 3
        assert [stage for stage, _, _ in trace.stages].count("sent") == 3


async def test_caller_who_leaves_after_one_picture_is_paid_lets_the_others_finish(tmp_path):
    async def slow(heard):
        await heard.begin()
        await heard.say(*story(0)[:5])
        await asyncio.sleep(0.5)
        await heard.say(*story(0)[5:])
        await heard.end()

    async with upstream(slow) as up, relaying(tmp_path, channel(up, **ONE_BY_ONE)) as relay:
        await leave(relay, BODY, up, 3)
        await relay.idle()
        (trace,) = await relay.traces()
        assert (trace.outcome, len(trace.delivered)) == ("left", 3)


async def test_stop_in_the_middle_of_a_picture_ends_the_stream_in_form(tmp_path):
    async def stalls(heard):
        await heard.begin()
        await heard.say(*story(0)[:5], story(0)[5][:30_000])
        await heard.left()

    async with upstream(stalls, silent) as up, relaying(tmp_path, channel(up, **ONE_BY_ONE)) as relay:
        asking = asyncio.create_task(ask(relay, STREAM))
        while len(up.heard) < 3:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        await relay.gateway.stop(0.1, asyncio.Event())
        events = told(await asking)
        assert [(event["type"], event["error"]["code"]) for event in events] == [("error", "stopping")]


async def test_picture_that_cannot_be_stored_is_a_failure_where_its_address_is_wanted(tmp_path):
    """One of the two pictures is no base64: there is no address for it, and no hole in the document."""

    def drawn(text):
        async def play(heard):
            await heard.begin()
            await heard.say(*picture_events(text))
            await heard.end()

        return play

    right = base64.b64encode(base64.b64decode(PIXEL[:4000])).decode()
    wrong = right[:2000] + "!" + right[2001:]
    body = {**BODY, "n": 2, "response_format": "url"}
    for stream in (False, True):
        plays = drawn(wrong), drawn(right)
        async with upstream(*plays) as up, relaying(tmp_path, channel(up, **ONE_BY_ONE)) as relay:
            answer = await ask(relay, {**body, "stream": stream})
            found = told(answer) if stream else answer.json()["data"]
            found = [entry for entry in found if "partial" not in entry.get("type", "")]
            assert len(found) == 1
            assert stream or answer.headers["x-darkroom-failed"] == "1"
            async with httpx2.AsyncClient() as client:
                got = await client.get(found[0]["url"])
            assert got.content == base64.b64decode(right)
            await relay.idle()
            trace = (await relay.traces())[0]
            assert len(trace.delivered) == 1
