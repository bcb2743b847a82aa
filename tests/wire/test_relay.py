"""The relay machine as a whole: what the caller gets never depends on chance, and it always ends as one thing."""

import random
from collections.abc import Iterator

import pytest

from darkroom.errors import CallerError, Error, Lost, TimedOut
from darkroom.wire.actions import Cut, Send
from darkroom.wire.relay import Relay
from darkroom.wire.sse import KEEP_ALIVE
from darkroom.wire.stages import Stage
from tests.wire.playing import Told, events, failed_once, machine, play
from tests.wire.recorded import (
    INSTRUCTIONS,
    LARGE,
    PLAIN,
    RECORDED,
    RIGHT,
    SMALL,
    STORY,
    begun,
    finished,
    item,
    partial,
    right,
)

JSON = b"application/json"
BODIES = [(name, body, b"text/event-stream") for name, body in RECORDED.items()]
BODIES += [(name, body, JSON) for name, body in PLAIN.items()]
NAMED = pytest.mark.parametrize(
    "name, body, kind", BODIES, ids=[f"{b[0]}-{b[2][:4].decode()}" for b in BODIES]
)
FAILURES = [
    "failed", "long instructions, failed", "flat error", "nested error", "named error", "error of a vendor",
    "error with an item", "error after the stream", "error in a string", "error as a text", "error with a long text",
    "error that comes last in its frame", "cut inside a picture", "cut inside the first picture",
    "cut inside an escape", "cut inside a small frame", "cut between frames", "not JSON after a picture", "key twice",
    "too complex after a picture", "too complex behind the last picture",
]  # fmt: skip
COMPLETED = [name for name, body in RECORDED.items() if name not in FAILURES and b"completed" in body
             and name not in ("web page", "error first")]  # fmt: skip


def chunks(body: bytes, *borders: int) -> Iterator[bytes]:
    for start, stop in zip((0, *borders), (*borders, len(body)), strict=True):
        yield body[start:stop]


# borders


@pytest.mark.parametrize(
    "name, body, kind",
    [
        pytest.param(*b, marks=[pytest.mark.slow] * (len(b[1]) > 100_000), id=f"{b[0]}-{b[2][:4].decode()}")
        for b in BODIES
    ],
)
def test_borders_are_invisible_wherever_something_happens(name: str, body: bytes, kind: bytes) -> None:
    chance = random.Random(name)
    places = [n for n in range(1, len(body)) if body[n - 1] != body[n]]
    for stream in (True, False):
        once = play([body], stream=stream, content_type=kind).facts
        for border in chance.sample(places, min(len(places), 4)):
            assert play(chunks(body, border), stream=stream, content_type=kind).facts == once
        borders = sorted(chance.sample(range(1, max(2, len(body))), min(30, max(0, len(body) - 1))))
        assert play(chunks(body, *borders), stream=stream, content_type=kind).facts == once


@pytest.mark.slow
@NAMED
def test_borders_are_invisible_at_every_byte(name: str, body: bytes, kind: bytes) -> None:
    for stream in (True, False):
        once = play([body], stream=stream, content_type=kind).facts
        assert (
            play((body[n : n + 1] for n in range(len(body))), stream=stream, content_type=kind).facts == once
        )


@pytest.mark.slow
def test_borders_are_invisible_at_each_byte_of_small_streams() -> None:
    for body in (right([*begun(), partial(), *finished(item(SMALL))]).replace(b"\n", b"\r\n"),
                 RECORDED["failed"], RECORDED["error in a string"], PLAIN["small document"]):  # fmt: skip
        once = play([body]).facts
        for border in range(1, len(body)):
            assert play(chunks(body, border)).facts == once


# ends


@pytest.mark.parametrize("name", ["right", "right, small pictures", "right, large preview", "escapes", "DONE",
                                  "comments", "comments inside frames", "long comment", "byte order mark",
                                  "long instructions",
                                  "no blank line at the end", "keepalive events", "incomplete",
                                  "a word instead of a picture", "no picture at all"])  # fmt: skip
def test_right_frames_pass_byte_for_byte_and_nothing_counts_as_repaired(name: str) -> None:
    body, told = RECORDED[name], play([RECORDED[name]])
    pure = b"".join(
        line + b"\n"
        for line in body.removeprefix(b"\xef\xbb\xbf").split(b"\n")
        if line.startswith((b"event:", b"data: {")) or not line
    )
    frames = [frame for frame in pure.split(b"\n\n") if frame.strip()]
    assert told.sent == b"".join(frame.strip(b"\n") + b"\n\n" for frame in frames)
    assert told.outcome.repairs == {} or name == "no picture at all"


@pytest.mark.parametrize("name", FAILURES)
def test_failure_of_any_kind_ends_as_one_well_formed_failure(name: str) -> None:
    told = play([RECORDED[name]])
    error = failed_once(told)
    assert not told.cut
    if b"moderation_blocked" in RECORDED[name] and name != "error with an item":
        assert error["code"] == "moderation_blocked"
        assert "safety system" in error["message"]
        assert isinstance(told.outcome.error, CallerError)
    assert b"AAAA" not in told.sent.rpartition(b"event: ")[2]


@pytest.mark.parametrize("error", [Lost("Gone."), TimedOut("Late.")])
@pytest.mark.parametrize("where", ["between frames", "inside a picture", "inside a small frame"])
def test_lost_connection_ends_as_that_failure(error: Error, where: str) -> None:
    body = RECORDED["cut " + where]
    told = play([body], error=error)
    assert failed_once(told)["message"] == error.message
    assert told.outcome.error is error


def test_failure_before_anything_was_sent_leaves_the_status_to_say_it() -> None:
    for name in ("nothing", "white space", "web page", "error first"):
        for stream in (True, False):
            told = play([RECORDED[name]], stream=stream)
            assert (told.sent, told.cut, told.outcome.status) == (b"", False, "failed")


@pytest.mark.parametrize("name", COMPLETED)
def test_answer_that_can_be_mended_completes(name: str) -> None:
    told = play([RECORDED[name]])
    assert told.kinds[-1] in ("completed", "incomplete")
    assert told.kinds.count("completed") + told.kinds.count("incomplete") == 1
    assert told.outcome.error is None
    first = told.kinds[:2]
    assert first == ["created", "in_progress"]


def test_outcome_says_incomplete_when_the_upstream_did() -> None:
    for name, body, kind in BODIES:
        if name in ("incomplete", "incomplete document"):
            for stream in (True, False):
                assert play([body], stream=stream, content_type=kind).outcome.status == "incomplete"


def test_outcome_tells_what_passed() -> None:
    outcome = play([RIGHT]).outcome
    assert (outcome.status, outcome.response_id, outcome.model) == ("completed", "resp_up", "gpt-5.5")
    assert (outcome.ids, outcome.partials, outcome.repairs) == (["resp_up", "ig_up"], 1, {})
    assert outcome.usage == {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
    (picture,) = outcome.pictures
    assert (picture.format, picture.width, picture.height, picture.bytes) == ("png", 1024, 1536, len(LARGE))


def test_bytes_after_the_end_change_nothing() -> None:
    more = RIGHT + RECORDED["failed"] + b"data: {oops"
    assert play([RIGHT, more]).facts == play([more]).facts == play([RIGHT]).facts


# a picture that was demanded


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "name", ["no picture at all", "long instructions, no picture", "picture only as a preview"]
)
def test_demanded_picture_that_never_came_is_a_failure(name: str, stream: bool) -> None:
    told = play([RECORDED[name]], stream=stream, forced=True)
    assert told.outcome.error is not None
    assert told.outcome.error.code == "no_image"
    assert failed_once(told)["code"] == "no_image" if stream else told.cut == bool(told.sent)


@pytest.mark.parametrize(
    "name", ["right", "empty output", "a word instead of a picture", "picture only at the end"]
)
def test_demanded_picture_or_a_word_why_not_is_an_answer(name: str) -> None:
    assert play([RECORDED[name]], forced=True).outcome.status == "completed"


# reading


def test_first_bytes_decide_how_a_body_is_read_and_the_content_type_only_helps() -> None:
    body = PLAIN["document"]
    for kind in (JSON, b"", b"text/plain"):
        assert play([body], stream=False, content_type=kind).sent == body
    for kind in (JSON, b"", b"text/html"):
        assert play([RIGHT], content_type=kind).sent == RIGHT
    assert play([b"data: " + body + b"\n\n"], stream=False).outcome.status == "completed"
    assert play([body + b"\n"], stream=False).outcome.status == "completed"


def test_white_space_before_a_body_is_not_kept() -> None:
    relay = machine(content_type=JSON)
    for _ in range(100):
        relay.receive(b" \n" * 5_000, 1.0)
        assert relay.kept == 0
    assert play([PLAIN["document"]], relay).outcome.status == "completed"


def test_web_page_is_told_as_such_and_nothing_in_it_is_read() -> None:
    told = play([b"<html>", b"\n\n", RIGHT])
    assert told.outcome.error is not None
    assert "web page" in told.outcome.error.message


def test_messages_hide_secrets_and_get_their_last_touch() -> None:
    relay = Relay(machine().wish, machine().clock, secrets=("up.example",))
    relay.begin(b"")
    touched: list[Error] = []
    relay.word = touched.append
    told = play([right([*begun(), {"type": "error", "message": "bad size at up.example", "code": "invalid_size",
                                   "status": 400}])], relay)  # fmt: skip
    assert "up.example" not in failed_once(told)["message"]
    assert touched == [told.outcome.error]


# time


def test_keep_alives_come_after_silence_and_only_between_frames() -> None:
    relay, told = machine(), Told()
    assert relay.due == 45
    assert relay.tick(44.9) == []
    assert relay.tick(45) == [Send(KEEP_ALIVE)]
    assert relay.due == 60
    half = RIGHT.index(b"A" * 40) + 16_400
    told.carry_out(relay.receive(RIGHT[:half], 50))
    assert relay.due == 65
    assert relay.tick(65) == []
    assert relay.due == 80
    told.carry_out(relay.receive(RIGHT[half : RIGHT.rindex(b"event: ")], 70))
    told.carry_out(relay.tick(85))
    told.carry_out(relay.receive(RIGHT[RIGHT.rindex(b"event: ") :], 86))
    assert told.sent.count(KEEP_ALIVE) == 1
    assert [tree["type"] for tree in events(told.sent)] == [tree["type"] for tree in STORY]
    assert relay.tick(1_000) == []


def test_keep_alive_waits_for_no_frame_that_has_not_been_sent() -> None:
    relay = machine()
    relay.receive(right(begun()), 1)
    relay.receive(b'event: x\ndata: {"type":"res', 2)
    assert relay.tick(100) == [Send(KEEP_ALIVE)]
    document = machine(stream=False)
    document.receive(RIGHT[: RIGHT.index(b"A" * 40) + 16_400], 2)
    assert document.tick(100) == [Send(b"\n")]


def test_plain_answer_keeps_alive_with_white_space_until_it_begins_if_it_may() -> None:
    relay = machine(stream=False, content_type=JSON)
    assert relay.tick(45) == [Send(b"\n")]
    told = play([PLAIN["document"][:-1]], relay)
    assert told.cut
    begun_ = machine(stream=False, content_type=JSON)
    begun_.receive(PLAIN["document"][:17_000], 1)
    assert begun_.tick(1_000) == []
    assert machine(stream=False, keep_alive_plain=False).tick(1_000) == []


def test_plain_failure_after_white_space_is_a_failed_response() -> None:
    relay = machine(stream=False)
    told = Told()
    told.carry_out(relay.tick(45))
    body = play([RECORDED["failed"]], relay).sent
    assert b'"status":"failed"' in body
    assert b"moderation_blocked" in body


def test_stages_are_marked_as_they_are_reached() -> None:
    relay = machine()
    play([RIGHT], relay)
    marks = [(mark.stage, mark.detail) for mark in relay.clock.marks]
    assert marks == [
        (Stage.CREATED, None), (Stage.IN_PROGRESS, None), (Stage.GENERATING, None), (Stage.PARTIAL, "0"),
        (Stage.IMAGE, None), (Stage.COMPLETED, None),
    ]  # fmt: skip


def test_upstream_counts_as_paid_from_the_first_thing_that_costs() -> None:
    relay = machine()
    relay.receive(right(begun()[:4]), 1)
    assert not relay.paid
    relay.receive(right(begun())[len(right(begun()[:4])) :], 1)
    assert relay.paid


def test_keep_alives_of_an_upstream_are_no_progress() -> None:
    relay = machine()
    relay.receive(right(begun()), 1)
    before = relay.progress
    relay.receive(b": PING\n\n" + b'event: keepalive\ndata: {"type":"keepalive"}\n\n', 2)
    assert relay.progress == before
    relay.receive(RIGHT[: RIGHT.index(b"A" * 40) + 17_000][len(right(begun())) :], 3)
    assert relay.progress > before


@pytest.mark.parametrize("instructions", ["short", INSTRUCTIONS])
def test_next_attempt_continues_the_same_response(instructions: str) -> None:
    relay, told = machine(), Told()
    told.carry_out(relay.receive(right(begun(instructions=instructions)[:2]), 1))
    relay.begin(b"")
    other = right([*begun(instructions=instructions), *finished()]).replace(b"resp_up", b"resp_zz")
    told.carry_out(relay.receive(other, 2))
    assert told.kinds.count("created") == told.kinds.count("in_progress") == 1
    assert {tree["response"]["id"] for tree in told.events if "response" in tree} == {"resp_up"}
    assert relay.ended


def test_nothing_follows_a_cut() -> None:
    for name, body, kind in BODIES:
        relay = machine(stream=False, content_type=kind)
        actions = [*relay.receive(body, 1.0), *relay.close(None, 2.0), *relay.tick(1_000)]
        assert all(not isinstance(action, Cut) for action in actions[:-1]), name
