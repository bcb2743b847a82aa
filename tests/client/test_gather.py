from typing import Any

import pytest

from darkroom.client.failures import Blocked, Damaged, Failed, Failure, Rejected, Unreachable
from darkroom.client.gather import Gather
from darkroom.client.picture import Partial, Picture
from darkroom.wire.codecs.responses import decode
from darkroom.wire.stages import Mark, StageClock
from tests.client.playing import IMAGE, USED, added, call, completed, created, done, partial, picture, story

PNG, OTHER = picture(), picture(size=(16, 16))


class Heard:
    """A gather with a clock that ticks a second at each look, and what it told."""

    def __init__(self) -> None:
        self.ticks = 0.0
        self.marks: list[Mark] = []
        self.previews: list[Partial] = []
        self.gather = Gather(StageClock(0.0), self.now, self.marks.append, self.previews.append)

    def now(self) -> float:
        self.ticks += 1
        return self.ticks

    @property
    def stages(self) -> list[str]:
        return [str(mark.stage) for mark in self.marks]


def hear(*trees: dict[str, Any]) -> Heard:
    heard = Heard()
    for tree in trees:
        heard.gather.take(decode(tree))
    return heard


def picture_of(*trees: dict[str, Any]) -> Picture:
    return hear(*trees).gather.picture("req_1")


def failure_of(*trees: dict[str, Any]) -> Failure:
    with pytest.raises(Failure) as caught:
        picture_of(*trees)
    return caught.value


def test_picture_is_told_with_its_usage_and_words() -> None:
    made = picture_of(*story(PNG))
    assert (made.content, made.format, made.size, made.request_id) == (PNG, "png", "64x48", "req_1")
    assert (made.usage, made.revised_prompt) == (USED, "A quiet blue")
    assert made.took_s > made.stages[-1].at_s


def test_picture_is_taken_from_the_item_first() -> None:
    item = done(OTHER)["item"]
    assert picture_of(created(), done(PNG), completed([item])).content == PNG


@pytest.mark.parametrize("closing", [completed([]), completed(None)])
def test_picture_of_the_item_is_enough(closing: dict[str, Any]) -> None:
    assert picture_of(created(), done(PNG), closing).content == PNG


def test_picture_is_taken_from_the_end_where_no_item_came() -> None:
    assert picture_of(created(), call("generating"), completed([done(PNG)["item"]])).content == PNG


@pytest.mark.parametrize("name", ["b64_json", "image", "image_b64", "partial_image", "partial_image_b64"])
def test_picture_is_found_under_every_name_of_the_contract(name: str) -> None:
    tree = done(PNG)
    tree["item"][name] = tree["item"].pop("result")
    assert picture_of(tree).content == PNG


def test_picture_counts_though_its_item_says_generating() -> None:
    assert picture_of(created(), done(PNG, status="generating")).content == PNG


def test_picture_counts_whatever_comes_behind_it() -> None:
    fault = {"type": "error", "error": {"message": "Late trouble.", "code": "server_error"}}
    assert picture_of(created(), done(PNG), fault).content == PNG


def test_size_of_the_item_is_taken_where_the_bytes_do_not_tell() -> None:
    assert picture_of(done(b'<svg xmlns="http://www.w3.org/2000/svg"/>', size="512x512")).size == "512x512"


def test_preview_never_becomes_the_picture() -> None:
    failure = failure_of(created(), partial(0, PNG), completed([]))
    assert isinstance(failure, Damaged)


def test_stages_are_marked_in_order_and_once() -> None:
    trees = story(PNG, partials=2)
    assert hear(*trees, *trees).stages == [
        "created",
        "in_progress",
        "generating",
        "partial",
        "partial",
        "image",
        "completed",
        "partial",
        "partial",
    ]


def test_generating_is_marked_where_only_its_preview_came() -> None:
    heard = hear(created(), partial(0, PNG))
    assert heard.stages == ["created", "generating", "partial"]
    assert heard.marks[-1].detail == "0"


def test_previews_are_handed_on_decoded() -> None:
    heard = hear(partial(0, PNG), partial(1, OTHER))
    assert heard.previews == [Partial(0, PNG, "png"), Partial(1, OTHER, "png")]


def test_preview_that_is_damaged_is_passed_over() -> None:
    heard = hear({**partial(0, PNG), "partial_image_b64": "bm90"}, done(PNG))
    assert heard.previews == []
    assert heard.gather.picture(None).content == PNG


@pytest.mark.parametrize(
    "trees, paid",
    [
        ([], False),
        ([created(), added(), call("in_progress")], False),
        ([created(), {"type": "response.in_progress", "response": {}}], False),
        ([created(), {"type": "keepalive"}], False),
        ([call("generating")], True),
        ([partial(0, PNG)], True),
        ([done(PNG)], True),
        ([{"type": "response.output_item.added", "item": {"type": "reasoning", "id": "rs_1"}}], True),
        ([completed([])], True),
    ],
)
def test_paid_from_generating_on(trees: list[dict[str, Any]], paid: bool) -> None:
    assert hear(*trees).gather.paid is paid


def test_failed_response_is_raised_with_its_words() -> None:
    fault = {"code": "moderation_blocked", "message": "Not this.", "type": "image_generation_user_error"}
    failure = failure_of(
        created(), {"type": "response.failed", "response": {"status": "failed", "error": fault}}
    )
    assert type(failure) is Blocked
    assert (failure.message, failure.code) == ("Not this.", "moderation_blocked")


def test_first_of_several_errors_is_raised() -> None:
    first = {"type": "error", "error": {"message": "First.", "code": "server_error"}}
    second = {"type": "response.failed", "response": {"error": {"message": "Second."}}}
    assert failure_of(first, second).message == "First."


def test_failed_item_is_raised_with_its_words() -> None:
    item = {
        **IMAGE,
        "status": "failed",
        "result": None,
        "error": {"code": "x", "message": "The tool failed."},
    }
    failure = failure_of({"type": "response.output_item.done", "item": item}, completed([item]))
    assert type(failure) is Failed
    assert failure.message == "The tool failed."


@pytest.mark.parametrize(
    "reason, kind", [("content_filter", Blocked), ("max_output_tokens", Failed), (None, Failed)]
)
def test_incomplete_response_is_raised(reason: str | None, kind: type[Failure]) -> None:
    details = {"reason": reason} if reason else None
    failure = failure_of({"type": "response.incomplete", "response": {"incomplete_details": details}})
    assert type(failure) is kind
    assert (reason or "no reason") in failure.message


@pytest.mark.parametrize(
    "part", [{"type": "output_text", "text": "I cannot\ndraw that."}, {"refusal": "I cannot draw that."}]
)
def test_words_instead_of_a_picture_are_passed_on(part: dict[str, Any]) -> None:
    message = {"type": "message", "role": "assistant", "content": [part]}
    failure = failure_of(created(), completed([message]))
    assert type(failure) is Rejected
    assert "I cannot draw that." in failure.message


def test_end_without_a_picture_is_damage() -> None:
    assert type(failure_of(created(), completed([]))) is Damaged


def test_no_end_is_a_lost_connection() -> None:
    assert type(failure_of()) is Unreachable
    assert type(failure_of(created())) is Unreachable


def test_whole_json_without_a_picture_is_damage() -> None:
    heard = hear({"type": "something", "value": 1})
    heard.gather.whole = True
    with pytest.raises(Damaged):
        heard.gather.picture(None)


def test_stream_of_nonsense_asks_about_the_base_url() -> None:
    failure = failure_of({"type": "broken", "reason": "not JSON"})
    assert isinstance(failure, Damaged)
    assert "/v1" in failure.message


@pytest.mark.parametrize(
    "response",
    [
        {"output": "x", "tool_usage": []},
        {"output": [1, None, {"type": "message", "content": "x"}], "tool_usage": {"image_gen": 3}},
        {"output": [{"type": "message", "content": [1, {"text": None}]}]},
    ],
)
def test_odd_shapes_raise_nothing_unexpected(response: dict[str, Any]) -> None:
    assert isinstance(failure_of({"type": "response.completed", "response": response}), Damaged)
