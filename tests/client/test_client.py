import json
import time
from typing import Any

import pytest

from darkroom import errors
from darkroom.client import (
    Blocked,
    Client,
    Damaged,
    Failed,
    Failure,
    Forbidden,
    Limited,
    Partial,
    Picture,
    Rejected,
    TimedOut,
    Unauthorized,
    Unreachable,
    WrongAddress,
)
from darkroom.client.ask import Ask
from darkroom.wire.stages import Mark, Stage
from tests.client.playing import (
    RESET,
    call,
    completed,
    created,
    done,
    frames,
    head,
    partial,
    picture,
    play,
    refusal,
    story,
    stream,
)

PNG = picture()


def client(url: str, **options: Any) -> Client:
    return Client(url, "sk-" + "a" * 40, **{"retries": 0, "timeout_s": 20, **options})


def asked(url: str, ask: Ask | str = "A lighthouse", **options: Any) -> Picture:
    with client(url, **options) as made:
        return made.generate(ask)


def fails(kind: type[Failure], url: str, **options: Any) -> Failure:
    with pytest.raises(kind) as caught:
        asked(url, **options)
    assert type(caught.value) is kind
    return caught.value


# the picture


def test_generate_returns_the_picture_and_all_about_it() -> None:
    with play(stream(*story(PNG), x_request_id="req_7")) as relay:
        made = asked(relay.url)
    assert (made.content, made.format, made.size) == (PNG, "png", "64x48")
    assert (made.revised_prompt, made.request_id) == ("A quiet blue", "req_7")
    assert made.usage is not None
    assert made.usage["output_tokens"] == 1756
    assert 0 < made.took_s < 20


def test_generate_sends_the_key_and_the_recommended_body() -> None:
    with play(stream(*story(PNG))) as relay:
        asked(relay.url + "/", Ask(prompt="一只杯子", size="1536x1024", partials=2))
    assert relay.heads[0].startswith(b"POST /v1/responses HTTP/1.1\r\n")
    lines = {line.lower() for line in relay.heads[0].split(b"\r\n")}
    assert b"authorization: bearer sk-" + b"a" * 40 in lines
    assert {b"content-type: application/json", b"accept: text/event-stream"} <= lines
    body = relay.body()
    assert body["input"][0]["content"][0]["text"] == "一只杯子"
    assert body["stream"] is True
    assert body["tools"][0]["size"] == "1536x1024"


def test_generate_tells_each_stage_when_it_is_reached() -> None:
    opening = frames(created(), call("in_progress"), call("generating"))
    marks: list[tuple[float, Mark]] = []
    with play([head(), opening, 0.3, frames(*story(PNG)[4:])]) as relay, client(relay.url) as made:
        begin = time.monotonic()
        finished = made.generate("x", on_stage=lambda mark: marks.append((time.monotonic() - begin, mark)))
    names = [mark.stage for _, mark in marks]
    assert names == [
        Stage.CONNECTED,
        Stage.SENT,
        Stage.HEADERS,
        Stage.CREATED,
        Stage.IN_PROGRESS,
        Stage.GENERATING,
        Stage.IMAGE,
        Stage.COMPLETED,
    ]
    assert tuple(mark for _, mark in marks) == finished.stages
    told = {mark.stage: at for at, mark in marks}
    assert told[Stage.IMAGE] - told[Stage.GENERATING] > 0.2
    assert all(abs(at - mark.at_s) < 0.2 for at, mark in marks)


def test_generate_hands_on_previews_as_they_come() -> None:
    previews: list[Partial] = []
    with play(stream(*story(PNG, partials=2))) as relay, client(relay.url) as made:
        made.generate("x", on_partial=previews.append)
    assert [(p.index, p.format) for p in previews] == [(0, "png"), (1, "png")]
    assert previews[0].content.startswith(b"\x89PNG")


def test_generate_takes_a_picture_of_megabytes_in_small_pieces() -> None:
    large = picture(size=(1400, 1000), noise=True)
    assert len(large) > 1_000_000
    text = frames(*story(large))
    pieces: list[Any] = [text[at : at + 50_000] for at in range(0, len(text), 50_000)]
    with play([head(), *pieces]) as relay:
        assert asked(relay.url).content == large


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_generate_does_not_see_the_borders_of_chunks(size: int) -> None:
    text = frames(*story(PNG, partials=1)).replace(b"\n", b"\r\n")
    chunked = b"".join(
        b"%x\r\n%b\r\n" % (len(text[at : at + size]), text[at : at + size])
        for at in range(0, len(text), size)
    )
    answer = head(transfer_encoding="chunked") + chunked + b"0\r\n\r\n"
    with play([answer]) as relay:
        assert asked(relay.url).content == PNG


def test_generate_reads_a_plain_json_answer_too() -> None:
    response = completed([done(PNG)["item"]])["response"]
    with play([head(media_type="application/json"), b"   \n", json.dumps(response).encode()]) as relay:
        assert asked(relay.url).content == PNG


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_generate_reads_the_format_from_the_bytes(format: str) -> None:
    content = picture(format)
    with play(stream(*story(content))) as relay:
        made = asked(relay.url)
    assert (made.content, made.format, made.size) == (content, format.lower(), "64x48")


def test_generate_keeps_a_picture_whose_stream_was_cut_behind_it() -> None:
    with play([head(), frames(*story(PNG)[:-1]), RESET]) as relay:
        made = asked(relay.url, retries=2)
    assert made.content == PNG
    assert made.usage is None


# failures


@pytest.mark.parametrize(
    "status, code, kind, again",
    [
        (400, "invalid_value", Rejected, False),
        (400, "moderation_blocked", Blocked, False),
        (400, "content_policy_violation", Blocked, False),
        (401, "invalid_api_key", Unauthorized, False),
        (403, None, Forbidden, False),
        (404, "model_not_found", WrongAddress, False),
        (413, None, Rejected, False),
        (429, "rate_limit_exceeded", Limited, True),
        (429, "insufficient_quota", Limited, False),
        (500, "server_error", Failed, True),
        (502, None, Failed, True),
        (503, "no_channel", Failed, True),
    ],
)
def test_generate_raises_the_class_of_a_status(
    status: int, code: str | None, kind: type[Failure], again: bool
) -> None:
    with play(refusal(status, code, "It is so.", x_request_id="req_9")) as relay:
        failure = fails(kind, relay.url)
    assert (failure.status, failure.message, failure.request_id) == (status, "It is so.", "req_9")
    assert (failure.again, failure.paid) == (again, False)


def test_generate_raises_what_an_error_event_says() -> None:
    fault = {"type": "error", "error": {"type": "image_generation_user_error", "code": "moderation_blocked"}}
    fault["error"]["message"] = "Rejected by the safety system."  # type: ignore[index]
    with play(stream(created(), fault)) as relay:
        failure = fails(Blocked, relay.url, retries=2)
    assert failure.message == "Rejected by the safety system."


def test_generate_raises_what_a_failed_response_says() -> None:
    fault = {"code": "server_error", "message": "The upstream went away."}
    failed = {"type": "response.failed", "response": {"id": "resp_1", "status": "failed", "error": fault}}
    with play(stream(created(), failed)) as relay:
        assert fails(Failed, relay.url).message == "The upstream went away."


def test_generate_raises_unreachable_where_nobody_listens() -> None:
    with play() as relay:
        url = relay.url
    failure = fails(Unreachable, url)
    assert failure.code == "cannot_connect"
    assert url in failure.message


@pytest.mark.parametrize("sent", [[RESET], [head(), RESET], [head(), frames(created())]])
def test_generate_raises_unreachable_for_an_answer_that_was_cut(sent: list[Any]) -> None:
    with play(sent) as relay:
        failure = fails(Unreachable, relay.url)
    assert failure.again


def test_generate_marks_a_cut_after_generating_as_paid() -> None:
    with play(stream(created(), call("generating"))) as relay:
        failure = fails(Unreachable, relay.url)
    assert (failure.paid, failure.again) == (True, False)
    assert [mark.stage for mark in failure.stages][-2:] == [Stage.GENERATING, Stage.FAILED]


def test_generate_times_out_on_silence() -> None:
    with play([head(), frames(created()), 1.0]) as relay:
        begin = time.monotonic()
        failure = fails(TimedOut, relay.url, timeout_s=0.3, retries=2)
        assert time.monotonic() - begin < 0.9
    assert failure.again is False
    assert len(relay.heads) == 1


def test_generate_times_out_on_keep_alives_alone() -> None:
    steps: list[Any] = [head()]
    for _ in range(20):
        steps += [b": keep-alive\n\n", 0.1]
    with play(steps) as relay:
        assert "0.5 s" in fails(TimedOut, relay.url, timeout_s=0.5).message


def test_generate_refuses_a_picture_that_is_none() -> None:
    item = {**done(PNG)["item"], "result": "bm90IGEgcGljdHVyZQ=="}
    with play(
        stream(created(), {"type": "response.output_item.done", "output_index": 0, "item": item})
    ) as relay:
        failure = fails(Damaged, relay.url, retries=2)
    assert failure.code == "invalid_image"


def test_generate_names_a_web_page_for_what_it_is() -> None:
    with play([head(media_type="text/html; charset=utf-8"), b"<html>Welcome</html>"]) as relay:
        assert "/v1" in fails(WrongAddress, relay.url).message


def test_generate_does_not_follow_a_redirect_with_the_key() -> None:
    with play([head(302, location="https://elsewhere.example/v1/responses")]) as relay:
        failure = fails(WrongAddress, relay.url)
    assert "https://elsewhere.example/v1/responses" in failure.message


# retries


def retried(relay_url: str, **options: Any) -> tuple[Picture, list[tuple[Failure, float]]]:
    told: list[tuple[Failure, float]] = []
    with client(relay_url, retries=2, **options) as made:
        finished = made.generate("x", on_retry=lambda failure, wait_s: told.append((failure, wait_s)))
    return finished, told


def test_generate_asks_again_after_a_failure_before_the_paid_mark() -> None:
    soon = {"retry_after_ms": "30"}
    scripts = [
        refusal(503, "overloaded", **soon),
        refusal(429, "rate_limit_exceeded", **soon),
        stream(*story(PNG)),
    ]
    with play(*scripts) as relay:
        finished, told = retried(relay.url)
    assert finished.content == PNG
    assert [type(failure) for failure, _ in told] == [Failed, Limited]
    assert [wait_s for _, wait_s in told] == [0.03, 0.03]
    assert relay.bodies[0] == relay.bodies[1] == relay.bodies[2]
    assert [mark.stage for mark in finished.stages].count(Stage.FAILED) == 2


def test_generate_asks_again_after_a_connection_lost_before_any_stage() -> None:
    with play([RESET], stream(*story(PNG))) as relay:
        finished, told = retried(relay.url)
    assert finished.content == PNG
    assert 0.3 <= told[0][1] <= 0.5
    assert relay.at[1] - relay.at[0] >= told[0][1]


def test_generate_waits_as_long_as_the_relay_wishes() -> None:
    with play(refusal(429, None, retry_after="1"), stream(*story(PNG))) as relay:
        _, told = retried(relay.url)
    assert told[0][1] == 1.0
    assert relay.at[1] - relay.at[0] >= 1.0


def test_generate_gives_up_after_its_retries() -> None:
    with play(*[refusal(503, None, retry_after_ms="1")] * 4) as relay:
        fails(Failed, relay.url, retries=2)
    assert len(relay.heads) == 3


@pytest.mark.parametrize(
    "script",
    [
        stream(created(), call("generating")),
        stream(created(), call("generating"), partial(0, PNG)),
        refusal(503, None, x_should_retry="false"),
        refusal(429, "insufficient_quota"),
        refusal(429, None, retry_after="3600"),
        refusal(400, "invalid_value"),
    ],
)
def test_generate_does_not_ask_again_where_that_would_cost_or_cannot_help(script: list[Any]) -> None:
    with play(script, stream(*story(PNG))) as relay:
        with pytest.raises(Failure):
            asked(relay.url, retries=2)
    assert len(relay.heads) == 1


def test_generate_asks_again_after_the_paid_mark_if_told_to() -> None:
    with play(stream(created(), call("generating")), stream(*story(PNG))) as relay:
        finished, told = retried(relay.url, retry_paid=True)
    assert finished.content == PNG
    assert told[0][0].paid


# before anything is sent


def test_generate_sends_nothing_for_input_that_is_no_picture() -> None:
    with play(stream(*story(PNG))) as relay, client(relay.url) as made:
        with pytest.raises(errors.Invalid, match="PNG, JPEG or WebP"):
            made.generate(Ask(prompt="x", images=[b"GIF89a and so on"]))
    assert relay.heads == []


def test_client_finds_address_and_key_in_the_environment() -> None:
    with play(stream(*story(PNG))) as relay:
        with Client(env={"DARKROOM_BASE_URL": relay.url, "OPENAI_API_KEY": "sk-other"}, retries=0) as made:
            made.generate("x")
    assert b"bearer sk-other" in relay.heads[0].lower()


def test_client_is_not_made_without_address_or_key() -> None:
    with pytest.raises(errors.Invalid, match="DARKROOM_BASE_URL"):
        Client(env={})
    with pytest.raises(errors.Invalid, match="DARKROOM_API_KEY"):
        Client("http://127.0.0.1:1/v1", env={})
