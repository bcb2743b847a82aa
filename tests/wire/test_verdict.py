"""Whether an answer must end as a failure, and as which."""

from typing import Any

import pytest

from darkroom.errors import Error, Invalid, UpstreamError
from darkroom.wire import verdict
from tests.wire.recorded import MODERATION, SMALL, done, ended, item

MESSAGE = {"id": "m", "type": "message", "content": [{"type": "refusal", "refusal": "I cannot draw that."}]}


@pytest.mark.parametrize(
    "tree",
    [{"type": "error", **MODERATION}, {"type": "error", "error": MODERATION}, ended([], "failed", error=MODERATION),
     {"type": "upstream_error", **MODERATION}, {"type": "x", "error": MODERATION}],
)  # fmt: skip
def test_failure_in_any_shape_is_told_with_its_reason(tree: dict[str, Any]) -> None:
    error = verdict.failed(tree, ())
    assert isinstance(error, Invalid)
    assert (error.code, error.message) == ("moderation_blocked", MODERATION["message"])


@pytest.mark.parametrize(
    "tree", [{"type": "error"}, {"type": "error", "item": {"id": "ig"}}, {"type": "response.failed"},
             {"type": "response.failed", "response": {"status": "failed"}}, {"type": "error", "error": [[]]}],
)  # fmt: skip
def test_failure_without_a_reason_is_one_all_the_same(tree: dict[str, Any]) -> None:
    error = verdict.failed(tree, ())
    assert isinstance(error, UpstreamError)
    assert error.message


@pytest.mark.parametrize(
    "tree", [done(item(SMALL)), ended([]), {"type": "keepalive"}, ended([], "incomplete")]
)
def test_other_events_are_no_failures(tree: dict[str, Any]) -> None:
    assert verdict.failed(tree, ()) is None


def test_secrets_never_pass() -> None:
    tree = {"type": "error", "code": "invalid_size", "message": "bad size, said up.example", "status": 400}
    error = verdict.failed(tree, ("up.example",))
    assert error is not None
    assert "up.example" not in error.message + error.internal


@pytest.mark.parametrize(
    "output, delivered, images, lacks",
    [([], [], False, True), (None, [], False, True), ("?", [], True, True), ([item(SMALL)], [], False, False),
     ([], [item(SMALL)], True, False), ([item("")], [], False, True), ([MESSAGE], [], False, False),
     ([MESSAGE], [], True, True), ([MESSAGE, item(SMALL)], [], True, False), (["?", None], [], False, True)],
)  # fmt: skip
def test_answer_lacks_its_picture_if_neither_it_nor_a_word_is_there(
    output: Any, delivered: list[Any], images: bool, lacks: bool
) -> None:
    tree = {"type": "response.completed", "response": {"output": output}}
    assert verdict.lacks_image(tree, delivered, images=images) is lacks
    assert verdict.lacks_image({"type": "response.completed", "response": None}, [], images=images)


def test_images_callers_are_told_what_the_model_said_instead() -> None:
    told = verdict.no_image(ended([MESSAGE]), images=True)
    assert isinstance(told, Invalid)
    assert "I cannot draw that." in told.message
    assert told.code == "content_policy_violation"
    for tree, images in ((ended([]), True), (ended([MESSAGE]), False)):
        error = verdict.no_image(tree, images=images)
        assert (type(error), error.code) == (UpstreamError, "no_image")


def test_every_other_verdict_blames_the_right_side_and_says_what_to_do() -> None:
    for make, blame in ((verdict.not_json, "upstream"), (verdict.too_complex, "upstream"), (verdict.unsaid, "upstream"),
                        (verdict.web_page, "upstream"), (verdict.spool_lost, "gateway")):  # fmt: skip
        error = make()
        assert isinstance(error, Error)
        assert error.blame == blame
        assert "again" in error.message or "retry" in error.message
