"""What an answer means: stages, the paid mark, usage and ids."""

import pytest

from darkroom.wire.actions import Outcome
from darkroom.wire.observer import Observer
from darkroom.wire.stages import Stage, StageClock

CALL = "response.image_generation_call."


def observer() -> Observer:
    return Observer(Outcome(), StageClock(0))


@pytest.mark.parametrize(
    "tree, paid",
    [
        ({"type": "response.created", "response": {}}, False),
        ({"type": "response.in_progress", "response": {}}, False),
        ({"type": "keepalive"}, False),
        ({"type": "response.output_item.added", "item": {"type": "image_generation_call"}}, False),
        ({"type": CALL + "in_progress"}, False),
        ({"type": CALL + "generating"}, True),
        ({"type": CALL + "partial_image"}, True),
        ({"type": "response.output_item.added", "item": {"type": "message"}}, True),
        ({"type": "response.output_text.delta"}, True),
        ({"type": "response.completed", "response": {}}, True),
    ],
)
def test_request_may_have_been_paid_from_its_first_work_on(tree: dict, paid: bool) -> None:  # type: ignore[type-arg]
    seen = observer()
    seen.see(tree, 1)
    assert seen.paid is paid


def test_keep_alives_of_an_upstream_are_no_progress() -> None:
    seen = observer()
    seen.see({"type": "keepalive"}, 1)
    assert seen.progress == 0
    seen.see({"type": "response.queued", "response": {}}, 1)
    assert seen.progress == 1


def test_stages_are_marked_with_the_time_given() -> None:
    seen = observer()
    for at, kind in enumerate(("generating", "partial_image", "partial_image")):
        seen.see({"type": CALL + kind}, at)
    marks = [(mark.stage, mark.at_s, mark.detail) for mark in seen.clock.marks]
    assert marks == [(Stage.GENERATING, 0, None), (Stage.PARTIAL, 1, "0"), (Stage.PARTIAL, 2, "1")]


def test_usages_of_several_pictures_are_added() -> None:
    seen = observer()
    usage = {"input_tokens": 1, "input_tokens_details": {"text_tokens": 1}, "total_tokens": 3}
    event = {"type": "image_generation.completed", "usage": usage}
    done = {"type": "response.output_item.done"}
    assert seen.see_images(done, event) == usage
    seen.see_images(done, event)
    assert seen.finished == 2
    assert seen.image_usage == {
        "input_tokens": 2,
        "input_tokens_details": {"text_tokens": 2},
        "total_tokens": 6,
    }


def test_ids_are_noted_once_and_not_without_end() -> None:
    seen = observer()
    for number in range(500):
        tree = {"type": "response.output_item.added", "item": {"id": f"ig_{number // 2}"}}
        seen.see(tree, 1)
    assert seen.outcome.ids == [f"ig_{number}" for number in range(128)]
