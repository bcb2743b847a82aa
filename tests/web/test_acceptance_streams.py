"""Streams at the whole product: deadlines, keep-alives, leaving, slow readers, other channels, and the stop."""

import asyncio
import contextlib
import json
import signal
import socket
import sys

import httpx2
import pytest

from tests.composed import (
    SUPPORT,
    composed,
    picture,
    refusal,
    running,
    sandbox,
    text,
    upstream_table,
)
from tests.relaying import PIXEL, frames, picture_events, play_picture, upstream

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
STREAM = picture_events()
QUICK = {"keep_alive_first_s": 0.2, "keep_alive_every_s": 0.2}
COMMENT = b": keep-alive\n\n"


def kinds(answer):
    return [tree["type"] for tree in frames(answer.content)]


def told_as_one_failure(answer, words):
    """The stream ended as one failure with these words."""
    told = frames(answer.content)
    assert [tree["type"] for tree in told[-2:]] == ["error", "response.failed"]
    assert words in told[-2]["message"]
    assert SUPPORT in told[-2]["message"]


# deadlines


@pytest.mark.parametrize("stream", [True, False])
async def test_upstream_that_does_not_begin_to_answer_is_given_up_in_time(tmp_path, stream):
    async with composed(tmp_path, first_event_s=0.3) as relay:
        for scenario in (
            "stall=before_headers",
            "stall=before_created",
            "stall=before_created, heartbeat=comments",
        ):
            answer = await relay.call(body=picture(f"{scenario}, heartbeat_ms=50", stream=stream))
            error = refusal(answer, 502, "upstream_timeout")
            assert "did not begin to answer within 0.3 seconds" in error["message"]
        assert await relay.idle() < 1


@pytest.mark.parametrize("scenario", ["stall=after_in_progress", "stall=after_generating", "stall=in_final",
                                      "stall=after_generating, heartbeat=keepalive, heartbeat_ms=50",
                                      "stall=after_generating, heartbeat=comments, heartbeat_ms=50"])  # fmt: skip
async def test_upstream_that_falls_silent_is_given_up_in_time_whatever_its_heartbeats(tmp_path, scenario):
    async with composed(tmp_path, silence_s=0.5) as relay:
        told_as_one_failure(await relay.call(body=picture(scenario)), "fell silent for 0.5 seconds")
        plain = await relay.call(body=picture(scenario, stream=False))
        refusal(plain, 502, "upstream_timeout")
        paid = "in_progress" not in scenario
        assert plain.headers.get("x-should-retry") == ("false" if paid else None)


async def test_upstream_that_never_finishes_is_given_up_in_time(tmp_path):
    async with composed(tmp_path, total_s=0.6, silence_s=0.5) as relay:
        answer = await relay.call(body=picture("delay_generating_ms=300, delay_image_ms=400, partials=0"))
        told_as_one_failure(answer, "did not finish within 0.6 seconds")


# keep-alives


async def test_silence_is_filled_with_comments_at_frame_borders_and_with_nothing_else(tmp_path):
    """A stream that halts before, between and in the middle of frames is the same but for the comments."""

    async def play(heard):
        await asyncio.sleep(0.7)
        await heard.begin()
        await heard.say(*STREAM[:4])
        await asyncio.sleep(0.7)
        await heard.say(STREAM[4], STREAM[5][:30_000])
        await asyncio.sleep(0.7)
        await heard.say(STREAM[5][30_000:], *STREAM[6:])
        await heard.end()

    async with upstream(play) as up, running(tmp_path, upstream_table(up.port), **QUICK) as relay:
        answer = await relay.call(body=picture())
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.content.startswith(COMMENT)
        assert answer.content.replace(COMMENT, b"") == b"".join(STREAM)
        between = answer.content.index(STREAM[3]) + len(STREAM[3])
        assert answer.content[between:].startswith(COMMENT)


async def test_early_failure_keeps_its_status_until_the_first_keep_alive_and_is_told_in_the_stream_after_it(
    tmp_path,
):
    late = "stall=before_headers, stall_ms=600, status=503"
    async with composed(tmp_path, keep_alive_first_s=2) as relay:
        refusal(await relay.call(body=picture(late)), 503, "upstream_busy")
    async with upstream(lambda heard: busy(heard)) as up:
        async with running(tmp_path, upstream_table(up.port), **QUICK) as relay:
            answer = await relay.call(body=picture())
            assert answer.status_code == 200
            assert answer.content.startswith(COMMENT)
            told_as_one_failure(answer, "overloaded")
            plain = await relay.call(body=picture(stream=False))
            assert plain.content.startswith(b"\n")
            response = plain.json()
            assert (response["object"], response["status"], response["output"]) == ("response", "failed", [])
            assert SUPPORT in response["error"]["message"]


async def busy(heard):
    await asyncio.sleep(0.6)
    await heard.whole("503 Busy", "application/json", b"{}")


@pytest.mark.parametrize("spaces", [True, False])
async def test_plain_answer_waits_with_white_space_unless_it_is_switched_off(tmp_path, spaces):
    async with composed(tmp_path, keep_alive_plain=spaces, **QUICK) as relay:
        answer = await relay.call(body=picture("delay_generating_ms=700", stream=False))
        assert answer.content.startswith(b"\n") is spaces
        assert answer.json()["output"][-1]["result"]


# forms that do not fit


async def test_plain_picture_goes_upstream_as_a_stream_where_the_channel_allows(tmp_path):
    async with upstream(play_picture) as up:
        async with running(tmp_path / "a", upstream_table(up.port)) as relay:
            answer = await relay.call(body=picture(stream=False))
            assert up.heard[-1].tree["stream"] is True
            assert answer.json()["output"][0]["result"] == PIXEL
            stages = [stage for stage, _, _ in (await relay.traces())[0].stages]
            assert {"generating", "partial", "image", "delivered"} <= set(stages)
            await relay.call(body=text(stream=False))
            assert up.heard[-1].tree["stream"] is False
    async with composed(tmp_path / "b", streams=()) as relay:
        assert (await relay.call(body=picture(stream=False))).json()["output"][-1]["result"]
        assert kinds(await relay.call(body=picture()))[-1] == "response.completed"


@pytest.mark.parametrize("stream", [True, False])
async def test_json_where_events_were_asked_and_events_where_json_was_are_turned_round(tmp_path, stream):
    async with composed(tmp_path) as relay:
        answer = await relay.call(body=picture("dialect=swap", stream=stream))
        assert answer.status_code == 200
        if stream:
            found = kinds(answer)
            assert (found[0], found[-1]) == ("response.created", "response.completed")
            assert "response.output_item.done" in found
        else:
            assert answer.json()["output"][-1]["result"]
        plain = await relay.call(body=text("dialect=swap", stream=stream))
        assert plain.status_code == 200
        assert (
            (kinds(plain)[-1] == "response.completed") if stream else (plain.json()["status"] == "completed")
        )


# leaving


@pytest.mark.parametrize(
    ("policy", "marker", "finished"),
    [
        ("auto", b"event: response.in_progress", False),
        ("auto", b"call.generating", True),
        ("cancel", b"call.generating", False),
        ("finish", b"event: response.created", True),
    ],
)
async def test_caller_who_leaves_is_noticed_within_a_second_and_the_policy_decides(
    tmp_path, policy, marker, finished
):
    scenario = "delay_generating_ms=500, delay_image_ms=1000, partials=0"
    async with composed(tmp_path, leave_policy=policy) as relay:
        talk = await relay.talk(picture(scenario))
        await talk.until(marker)
        talk.leave()
        took = await relay.idle()
        trace = (await relay.traces())[0]
        stages = {stage: at for stage, at, _ in trace.stages}
        assert trace.outcome == "left"
        assert ("completed" in stages) is finished
        assert "delivered" not in stages
        if not finished:
            assert took < 1
        assert "left" in stages


async def test_caller_who_leaves_before_any_answer_or_while_a_plain_one_is_made_is_noticed(tmp_path):
    async with composed(tmp_path) as relay:
        for body in (picture("stall=before_headers"), picture("stall=before_created", stream=False)):
            talk = await relay.talk(body)
            while not relay.gateway.in_flight:
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.2)
            talk.leave()
            assert await relay.idle() < 1
            assert (await relay.traces())[0].outcome == "left"


# slow readers


async def flood(heard, went):
    """A picture of 12 MB; `went` counts what the relay took of it."""
    await heard.begin()
    await heard.say(*STREAM[:6])
    image = "iVBORw0KGgo" + "A" * 12_000_000
    last = picture_events(image)[-2]
    for at in range(0, len(last), 65536):
        await heard.say(last[at : at + 65536])
        went.append(65536)
    await heard.say(completed())
    await heard.end()


def completed():
    tree = json.loads(STREAM[-1].partition(b"data: ")[2])
    tree["response"]["output"] = []
    return b"event: response.completed\ndata: " + json.dumps(tree).encode() + b"\n\n"


async def test_slow_reader_slows_the_upstream_and_then_gets_the_rest_from_disk(tmp_path):
    went = []
    async with upstream(lambda heard: flood(heard, went)) as up:
        async with running(tmp_path, upstream_table(up.port), caller_lag_s=1.5) as relay:
            talk = await relay.talk(picture())
            await talk.until(b"output_item.done")
            await asyncio.sleep(0.8)
            slowed = sum(went)
            assert slowed < 10_000_000, "the upstream was slowed, not drained"
            async with asyncio.timeout(10):
                while up.closed == 0 and sum(went) < 12_000_000:
                    await asyncio.sleep(0.05)
            assert sum(went) > slowed, "the upstream was let go"
            assert relay.gateway.in_flight, "the caller has not read it yet"
            rest = await talk.rest()
            assert len(rest) > 12_000_000 - 200_000
            assert rest.endswith(b"\n\n")
            assert b"event: response.completed" in rest
            await relay.idle()
            trace = (await relay.traces())[0]
            assert trace.outcome == "completed"
            assert "delivered" in [stage for stage, _, _ in trace.stages]


async def test_reader_who_takes_nothing_has_left_and_holds_nothing(tmp_path):
    went = []
    async with upstream(lambda heard: flood(heard, went)) as up:
        async with running(tmp_path, upstream_table(up.port), caller_stall_s=0.5) as relay:
            talk = await relay.talk(picture())
            await talk.until(b"output_item.done")
            await relay.idle(10)
            assert (await relay.traces())[0].outcome == "left"
            with contextlib.suppress(ConnectionError):
                assert len(await asyncio.wait_for(talk.rest(), 5)) < 12_000_000


# the stop


@contextlib.asynccontextmanager
async def process(folder, port):
    """The program itself, before an upstream on `port`; gives it, its own port and a key."""
    table = "".join(f'{name} = "{value}"\n' for name, value in upstream_table(port).items())
    settings = f'support = "{SUPPORT}"\nstop_grace_s = 1.5\n[[channel]]\n{table}'
    (folder / "darkroom.toml").write_text(settings)
    async with running(folder) as made:
        secret = made.secret
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        own = free.getsockname()[1]
    program = [sys.executable, "-c", "from darkroom.cli import main; main()"]
    flags = ["serve", "--data", str(folder), "--port", str(own)]
    started = await asyncio.create_subprocess_exec(*program, *flags, stderr=asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(20), httpx2.AsyncClient() as client:
            while True:
                with contextlib.suppress(httpx2.ConnectError):
                    if (await client.get(f"http://127.0.0.1:{own}/readyz")).status_code == 200:
                        break
                await asyncio.sleep(0.05)
        yield started, own, secret
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


async def test_stop_lets_work_finish_and_ends_the_rest_in_form(tmp_path):
    """One answer finishes in the grace, one cannot, and a connection is idle."""
    async with sandbox() as up, process(tmp_path, up) as (started, port, secret):
        root = f"http://127.0.0.1:{port}"
        async with httpx2.AsyncClient(timeout=20, headers={"authorization": f"Bearer {secret}"}) as client:
            asked = [picture("delay_generating_ms=800"), picture("stall=after_generating")]
            soon, never = (
                asyncio.create_task(client.post(f"{root}/v1/responses", json=body)) for body in asked
            )
            await asyncio.sleep(0.4)
            assert (await client.get(f"{root}/healthz")).status_code == 200
            started.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.3)
            async with httpx2.AsyncClient() as late:
                with pytest.raises(httpx2.ConnectError):
                    await late.get(f"{root}/healthz")
            assert kinds(await soon)[-1] == "response.completed"
            told_as_one_failure(await never, "restarting")
            assert await asyncio.wait_for(started.wait(), 10) == 0
