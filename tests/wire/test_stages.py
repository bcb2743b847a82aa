"""The stages of a request, and the clock that never asks what time it is."""

from darkroom.wire.stages import Mark, Stage, StageClock


def test_marks_are_seconds_since_the_clock_began_in_the_order_of_their_calls() -> None:
    clock = StageClock(100.0)
    clock.mark(Stage.ACCEPTED, 100.0)
    clock.mark(Stage.PARTIAL, 102.5, "0")
    clock.mark(Stage.PARTIAL, 103.0, "1")
    assert clock.marks == [
        Mark(Stage.ACCEPTED, 0.0), Mark(Stage.PARTIAL, 2.5, "0"), Mark(Stage.PARTIAL, 3.0, "1"),
    ]  # fmt: skip


def test_stage_is_reached_at_its_first_mark_or_not_at_all() -> None:
    clock = StageClock(7.0)
    assert clock.at(Stage.PARTIAL) is None
    clock.mark(Stage.PARTIAL, 9.0)
    clock.mark(Stage.PARTIAL, 11.0)
    assert clock.at(Stage.PARTIAL) == 2.0
    assert clock.at(Stage.IMAGE) is None


def test_stages_are_told_by_their_own_names() -> None:
    assert [str(stage) for stage in Stage] == [stage.name.lower() for stage in Stage]
    story = (
        "accepted",
        "routed",
        "connected",
        "created",
        "generating",
        "image",
        "completed",
        "delivered",
        "settled",
    )
    order = list(Stage)
    assert [order.index(Stage(word)) for word in story] == sorted(order.index(Stage(word)) for word in story)
