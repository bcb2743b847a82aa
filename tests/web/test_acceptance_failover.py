"""Other channels at the whole product: asked while nothing can have been paid, in the same response, never after."""

import pytest

from darkroom.sandbox import make_app as make_sandbox
from darkroom.web.server import serving
from tests.composed import UPSTREAM_KEY, picture, refusal, running, sandbox, upstream_table
from tests.relaying import frames, picture_events, play_picture, upstream

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture(scope="module")
async def two(tmp_path_factory):
    """A product before two sandboxes, of which the first plays what it is told: gives both."""
    told = [make_sandbox(key=UPSTREAM_KEY)]

    async def bad(scope, receive, send):
        await told[0](scope, receive, send)

    async with serving(bad, "127.0.0.1", 0) as first, sandbox() as second:
        channels = (
            upstream_table(first.port, name="bad", priority=10, first_event_s=1.2, silence_s=1.2),
            upstream_table(second, name="good"),
        )
        async with running(tmp_path_factory.mktemp("two"), *channels) as relay:
            yield relay, lambda scenario: told.__setitem__(0, make_sandbox(scenario, key=UPSTREAM_KEY))


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "scenario",
    ["status=500", "status=429", "status=401", "code=model_not_found", "body=html, status=200", "cut=before_headers",
     "cut=before_created", "cut=after_created", "reset=after_in_progress", "stall=after_in_progress",
     "error=nested, error_at=before_created", "error=failed, error_at=after_in_progress", "stall=before_headers"],
)  # fmt: skip
async def test_next_channel_continues_the_same_response_while_nothing_can_have_been_paid(
    two, scenario, stream
):
    relay, play = two
    play(scenario)
    answer = await relay.call(body=picture(stream=stream))
    assert answer.status_code == 200, answer.text
    if stream:
        told = frames(answer.content)
        found = [tree["type"] for tree in told]
        assert found[-1] == "response.completed"
        for once in ("response.created", "response.in_progress", "response.output_item.added"):
            assert found.count(once) == 1, found
        assert len({t["response"]["id"] for t in told if "response" in t}) == 1
        assert len({t["item"]["id"] for t in told if "item" in t}) == 1
        response = told[-1]["response"]
    else:
        response = answer.json()
    assert response["output"][-1]["result"]
    trace = (await relay.traces())[0]
    assert [(a.channel, a.outcome) for a in trace.attempts] == [("bad", "failed"), ("good", "completed")]
    # What the customer knows the answer by leads to the upstream that gave it.
    known = [response["id"], *(item["id"] for item in response["output"])]
    places = await relay.gateway.ids.places(trace.account_id, known)
    assert {places[each].channel for each in known} == {"good"}
    if stream and "after_" in scenario:
        assert places[response["id"]].upstream_id != response["id"]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("scenario", ["cut=after_generating", "cut=after_partial, partials=1", "cut=in_final",
                                      "error=nested, error_at=after_generating"])  # fmt: skip
async def test_no_other_channel_is_asked_once_something_may_have_been_paid(two, scenario, stream):
    relay, play = two
    play(scenario)
    answer = await relay.call(body=picture(stream=stream))
    if stream:
        assert [tree["type"] for tree in frames(answer.content)][-2:] == ["error", "response.failed"]
    else:
        refusal(answer, 502)
        assert answer.headers["x-should-retry"] == "false"
    assert [a.channel for a in (await relay.traces())[0].attempts] == ["bad"]


async def test_request_at_fault_is_not_sent_to_another_channel(two):
    relay, play = two
    play("code=moderation_blocked")
    refusal(await relay.call(body=picture()), 400, "moderation_blocked")
    assert len((await relay.traces())[0].attempts) == 1


@pytest.mark.parametrize("end", ["cut", "stall"])
async def test_no_other_channel_speaks_into_an_event_that_was_cut_in_the_middle(tmp_path, end):
    """An event that repeats a very long prompt is passed on as it comes, although nothing can have been paid yet."""
    created = picture_events()[0].replace(
        b'"output":[]', b'"instructions":"' + b"x" * 600_000 + b'","output":[]'
    )

    async def half(heard):
        await heard.begin()
        await heard.say(created[:400_000])
        await (heard.left() if end == "stall" else heard.writer.drain())
        heard.writer.close()

    async with upstream(half) as bad, upstream(play_picture) as good:
        channels = (
            upstream_table(bad.port, name="bad", priority=10, first_event_s=0.5, silence_s=0.5),
            upstream_table(good.port, name="good"),
        )
        async with running(tmp_path, *channels) as relay:
            answer = await relay.call(body=picture())
            told = answer.text.removesuffix("\n\n").split("\n\n")
            assert len(told) == 2
            assert told[1].startswith("event: response.failed\n")
            assert good.heard == []
