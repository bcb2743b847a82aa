"""One request's task: bytes through, failures told once, deadlines, leaving, keep-alives and the trace."""

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

pytestmark = pytest.mark.anyio
STREAM = picture_events()
PLAIN = {**IMAGE_BODY, "stream": False}
TEXT = {"model": "gpt-5.5", "input": "hello"}
ANSWER = {
    "id": "resp_t", "object": "response", "status": "completed", "model": "gpt-5.5", "created_at": 1,
    "output": [{"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": "hi 你好", "annotations": []}]}],
}  # fmt: skip


async def post(relay, body, **more):
    async with httpx2.AsyncClient(timeout=20) as client:
        return await client.post(f"{relay.url}/v1/responses", json=body, headers=relay.headers, **more)


async def test_right_stream_passes_byte_for_byte(tmp_path):
    async with upstream(play_picture) as up, relaying(tmp_path, channel(up)) as relay:
        answer = await post(relay, IMAGE_BODY)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["x-request-id"].startswith("req_")
        assert answer.content == b"".join(STREAM)


async def test_upstream_hears_the_request_with_its_own_key_and_nothing_of_the_customers(tmp_path):
    async with upstream(play_picture) as up, relaying(tmp_path, channel(up)) as relay:
        await post(relay, {**IMAGE_BODY, "some_new_field": {"x": [1.5, None]}})
        heard = up.heard[0]
        assert heard.tree == {**IMAGE_BODY, "some_new_field": {"x": [1.5, None]}}
        assert heard.head.startswith("POST /v1/responses HTTP/1.1\r\n")
        assert "sk-upstream-secret" in heard.head
        assert relay.secret not in heard.head


async def test_plain_image_request_goes_up_as_a_stream_and_comes_back_as_one_document(tmp_path):
    async with upstream(play_picture) as up, relaying(tmp_path, channel(up)) as relay:
        answer = await post(relay, PLAIN)
        assert up.heard[0].tree["stream"] is True
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["output"][0]["result"] == PIXEL
        assert answer.json()["status"] == "completed"


async def test_plain_image_request_goes_up_plain_where_the_channel_does_not_stream(tmp_path):
    async def play(heard):
        body = json.dumps(
            {**ANSWER, "output": [{"id": "ig", "type": "image_generation_call", "result": PIXEL}]}
        )
        await heard.whole("200 OK", "application/json", body.encode())

    async with upstream(play) as up, relaying(tmp_path, channel(up, streams=())) as relay:
        answer = await post(relay, PLAIN)
        assert not up.heard[0].tree.get("stream")
        assert answer.json()["output"][0]["result"] == PIXEL
        streamed = await post(relay, IMAGE_BODY)
        assert not up.heard[1].tree.get("stream")
        kinds = [tree["type"] for tree in frames(streamed.content)]
        assert kinds[0] == "response.created"
        assert kinds[-2:] == ["response.output_item.done", "response.completed"]


async def test_text_request_goes_as_it_came_and_its_answer_comes_back_unchanged(tmp_path):
    text = json.dumps(ANSWER, ensure_ascii=False, indent=1).encode()

    async def play(heard):
        await heard.whole("200 OK", "application/json", text)

    async with upstream(play) as up, relaying(tmp_path, channel(up)) as relay:
        answer = await post(relay, TEXT)
        assert up.heard[0].tree == TEXT
        assert answer.content == text
        assert answer.headers["content-length"] == str(len(text))


async def test_large_request_body_reaches_the_upstream_whole(tmp_path):
    image = "data:image/png;base64," + "iVBOR" * 500_000
    content = [{"type": "input_text", "text": "猫"}, {"type": "input_image", "image_url": image}]
    body = {**IMAGE_BODY, "input": [{"role": "user", "content": content}]}
    async with upstream(play_picture) as up, relaying(tmp_path, channel(up)) as relay:
        assert (await post(relay, body)).status_code == 200
        assert up.heard[0].tree == body
        assert relay.gateway.budget.used == 0


@pytest.mark.parametrize("cut_after", [0, 1, 5, 6, 8])
async def test_connection_lost_ends_the_stream_as_one_failure(tmp_path, cut_after):
    async def play(heard):
        await heard.begin()
        await heard.say(*STREAM[:cut_after], STREAM[cut_after][: len(STREAM[cut_after]) // 2])
        heard.writer.close()

    async with upstream(play) as up, relaying(tmp_path, channel(up), support="help@example.org") as relay:
        answer = await post(relay, IMAGE_BODY)
        if not cut_after:
            assert answer.status_code == 502
            assert answer.json()["error"]["code"] == "upstream_connection_lost"
        else:
            told = frames(answer.content)
            assert [t["type"] for t in told[-2:]] == ["error", "response.failed"]
            assert told[-1]["response"]["status"] == "failed"
            assert "help@example.org" in told[-2]["message"]
            assert answer.headers["x-request-id"] in told[-2]["message"]
        trace = (await relay.traces())[0]
        assert (trace.outcome, trace.error_code) == ("failed", "upstream_connection_lost")


@pytest.mark.parametrize(
    ("status", "body", "expected", "code"),
    [
        ("400 Bad Request", {"error": {"message": "Bad size", "type": "invalid_request_error", "param": "size",
                                       "code": "invalid_value"}}, 400, "invalid_value"),
        ("401 Unauthorized", {"error": {"message": "Incorrect API key sk-upstream-secret"}}, 502, "upstream_refused"),
        ("429 Many", {"error": {"message": "Rate limit", "code": "rate_limit_exceeded"}}, 429, "rate_limit_exceeded"),
        ("429 Too Many", {"error": {"message": "x", "type": "insufficient_quota", "code": "insufficient_quota"}}, 503,
         "upstream_quota_exhausted"),
        ("500 Oops", {}, 502, "upstream_error"),
        ("503 Busy", {"error": {"message": "overloaded"}}, 503, "upstream_busy"),
    ],
)  # fmt: skip
async def test_upstream_refusal_becomes_the_right_status_without_its_secrets(
    tmp_path, status, body, expected, code
):
    async def play(heard):
        await heard.whole(status, "application/json", json.dumps(body).encode())

    async with upstream(play) as up, relaying(tmp_path, channel(up)) as relay:
        answer = await post(relay, IMAGE_BODY)
        assert answer.status_code == expected
        error = answer.json()["error"]
        assert set(error) >= {"message", "type", "param", "code"}
        assert error["code"] == code
        assert "sk-upstream-secret" not in answer.text
        assert relay.gateway.in_flight == {}


async def test_web_page_from_the_upstream_never_reaches_the_customer(tmp_path):
    async def play(heard):
        await heard.whole("502 Bad Gateway", "text/html", b"<html>cloud 10.1.2.3 is down</html>")

    async def page(heard):
        await heard.whole("200 OK", "text/html", b"<html>sign in at corp.example</html>")

    async with upstream(play, page) as up, relaying(tmp_path, channel(up)) as relay:
        for _ in range(2):
            answer = await post(relay, IMAGE_BODY)
            assert answer.status_code == 502
            assert "html" not in answer.text.lower()
            assert "10.1.2.3" not in answer.text


async def test_next_channel_is_tried_while_nothing_can_have_been_paid(tmp_path):
    async def fail(heard):
        await heard.whole("503 Busy", "application/json", b"{}")

    async with upstream(fail) as bad, upstream(play_picture) as good:
        channels = channel(bad, name="bad", priority=10), channel(good, name="good")
        async with relaying(tmp_path, *channels) as relay:
            answer = await post(relay, IMAGE_BODY)
            assert answer.content == b"".join(STREAM)
            trace = (await relay.traces())[0]
            assert [(a.channel, a.outcome) for a in trace.attempts] == [
                ("bad", "failed"),
                ("good", "completed"),
            ]


async def test_no_second_channel_is_tried_once_something_may_have_been_paid(tmp_path):
    async def fail(heard):
        await heard.begin()
        await heard.say(*STREAM[:5])
        heard.writer.close()

    async with upstream(fail) as bad, upstream(play_picture) as good:
        channels = channel(bad, name="bad", priority=10), channel(good, name="good")
        async with relaying(tmp_path, *channels) as relay:
            plain = await post(relay, PLAIN)
            assert plain.status_code == 502
            assert plain.headers["x-should-retry"] == "false"
            assert good.heard == []


@pytest.mark.parametrize(
    ("deadline", "words", "after"),
    [
        ({"first_event_s": 0.2}, "did not begin to answer", 0),
        ({"silence_s": 0.2}, "fell silent", 3),
        ({"total_s": 0.2, "silence_s": 5}, "did not finish", 3),
    ],
)
async def test_deadlines_of_a_channel_end_the_answer(tmp_path, deadline, words, after):
    async def stall(heard):
        await heard.begin()
        await heard.say(*STREAM[:after])
        await heard.left()

    async with upstream(stall) as up, relaying(tmp_path, channel(up, **deadline)) as relay:
        answer = await post(relay, IMAGE_BODY)
        if after:
            message = frames(answer.content)[-2]["message"]
        else:
            assert answer.status_code == 502
            message = answer.json()["error"]["message"]
        assert words in message
        await asyncio.wait_for(relay.idle(), 2)


async def test_keep_alives_of_an_upstream_are_not_progress(tmp_path):
    async def heartbeat(heard):
        await heard.begin()
        await heard.say(*STREAM[:4])
        for _ in range(100):
            await heard.say(b": ping\n\n")
            await asyncio.sleep(0.05)

    async with upstream(heartbeat) as up, relaying(tmp_path, channel(up, silence_s=0.4)) as relay:
        answer = await asyncio.wait_for(post(relay, IMAGE_BODY), 3)
        assert "fell silent" in frames(answer.content)[-2]["message"]
        assert b"ping" not in answer.content


async def test_silence_is_filled_with_comments_at_frame_borders(tmp_path):
    async def slow(heard):
        await heard.begin()
        await heard.say(*STREAM[:3])
        await asyncio.sleep(0.5)
        await heard.say(STREAM[3], *STREAM[4:5], STREAM[5][:40_000])
        await asyncio.sleep(0.5)
        await heard.say(STREAM[5][40_000:], *STREAM[6:])
        await heard.end()

    quick = {"keep_alive_first_s": 0.1, "keep_alive_every_s": 0.1}
    async with upstream(slow) as up, relaying(tmp_path, channel(up), **quick) as relay:
        body = (await post(relay, IMAGE_BODY)).content
        assert 2 <= body.count(b": keep-alive\n\n") <= 6
        assert body.replace(b": keep-alive\n\n", b"") == b"".join(STREAM)


async def test_plain_answer_is_kept_alive_by_white_space_before_it(tmp_path):
    async def slow(heard):
        await asyncio.sleep(0.5)
        await play_picture(heard)

    quick = {"keep_alive_first_s": 0.1, "keep_alive_every_s": 0.1}
    async with upstream(slow) as up, relaying(tmp_path, channel(up), **quick) as relay:
        answer = await post(relay, PLAIN)
        assert answer.content.startswith(b"\n")
        assert answer.json()["output"][0]["result"] == PIXEL


async def leave_after(relay, marker, body=IMAGE_BODY):
    """Read until `marker` has come, then hang up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port, limit=1 << 24)
    data = json.dumps(body).encode()
    head = "".join(f"{name}: {value}\r\n" for name, value in relay.headers.items())
    writer.write(
        f"POST /v1/responses HTTP/1.1\r\nhost: x\r\n{head}content-length: {len(data)}\r\n\r\n".encode() + data
    )
    if marker:
        await reader.readuntil(marker)
    else:
        await asyncio.sleep(0.2)
    writer.close()


@pytest.mark.parametrize(
    ("policy", "after", "finished"),
    [("auto", 2, False), ("auto", 5, True), ("cancel", 5, False), ("finish", 2, True)],
)
async def test_leave_policy_decides_what_becomes_of_the_picture(tmp_path, policy, after, finished):
    cut = asyncio.Event()

    async def play(heard):
        await heard.begin()
        await heard.say(*STREAM[:after])
        gone = asyncio.create_task(heard.left())
        done, _ = await asyncio.wait([gone], timeout=0.8)
        if done:
            cut.set()
            return
        gone.cancel()
        await asyncio.wait([gone])
        await heard.say(*STREAM[after:])
        await heard.end()

    async with upstream(play) as up, relaying(tmp_path, channel(up), leave_policy=policy) as relay:
        await leave_after(relay, STREAM[after - 1][-40:])
        await relay.idle()
        if not finished:
            await asyncio.wait_for(cut.wait(), 2)
        assert cut.is_set() is not finished
        trace = (await relay.traces())[0]
        assert trace.outcome == "left"
        assert ("completed" in [stage for stage, _, _ in trace.stages]) is finished
        left_us = next(at for stage, at, _ in trace.stages if stage == "left")
        assert left_us < 1_000_000


async def test_caller_who_leaves_before_the_upstream_answers_is_noticed(tmp_path):
    cut = asyncio.Event()

    async def silent(heard):
        await heard.left()
        cut.set()

    async with upstream(silent) as up, relaying(tmp_path, channel(up)) as relay:
        await leave_after(relay, b"")
        await asyncio.wait_for(cut.wait(), 1)
        await relay.idle()
        assert (await relay.traces())[0].outcome == "left"


async def test_stopping_lets_exchanges_finish_and_ends_the_rest_well_formed(tmp_path):
    async def stall(heard):
        await heard.begin()
        await heard.say(*STREAM[:5])
        await heard.left()

    async with upstream(stall) as up, relaying(tmp_path, channel(up)) as relay:
        asking = asyncio.create_task(post(relay, IMAGE_BODY))
        while not up.heard:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        await relay.gateway.stop(0.1, asyncio.Event())
        told = frames((await asking).content)
        assert told[-1]["type"] == "response.failed"
        assert told[-2]["code"] == "stopping"
        refused = await post(relay, IMAGE_BODY)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "stopping")


async def test_trace_tells_stages_sizes_repairs_and_what_was_delivered(tmp_path):
    async def odd(heard):
        await heard.begin()
        await heard.say(*(frame.replace(b"event: ", b"event:") for frame in STREAM))
        await heard.end()

    async with upstream(odd) as up, relaying(tmp_path, channel(up)) as relay:
        answer = await post(relay, IMAGE_BODY)
        await relay.idle()
        trace = (await relay.traces())[0]
        assert trace.request_id == answer.headers["x-request-id"]
        names = [stage for stage, _, _ in trace.stages]
        for stage in ("accepted", "routed", "connected", "sent", "headers", "created", "in_progress", "generating",
                      "partial", "image", "completed", "delivered"):  # fmt: skip
            assert stage in names, stage
        assert (
            names.index("created") < names.index("generating") < names.index("partial") < names.index("image")
        )
        assert trace.repairs["frame"] >= 8
        assert (trace.model, trace.image_model, trace.streamed, trace.image) == (
            "gpt-5.5",
            "gpt-image-2",
            True,
            True,
        )
        assert trace.requested == {"partial_images": 1}
        assert trace.delivered[0]["size"] == "1024x1024"
        assert trace.usage["usage"]["total_tokens"] == 7
        assert (trace.status, trace.outcome, trace.bytes_out) == (200, "completed", len(answer.content))
        assert trace.attempts[0].upstream_request_id == "req_up"
        assert trace.prompt is None
        assert PIXEL[:100] not in json.dumps(trace.requested) + json.dumps(trace.delivered)


async def test_ids_of_other_accounts_never_reach_an_upstream(tmp_path):
    async with upstream(play_picture) as up, relaying(tmp_path, channel(up)) as relay:
        unknown = await post(relay, {**IMAGE_BODY, "previous_response_id": "resp_up"})
        assert unknown.status_code == 400
        assert unknown.json()["error"]["code"] == "previous_response_not_found"
        assert up.heard == []
        assert (await post(relay, IMAGE_BODY)).status_code == 200
        known = await post(relay, {**IMAGE_BODY, "previous_response_id": "resp_up"})
        assert known.status_code == 200
        assert up.heard[-1].tree["previous_response_id"] == "resp_up"
