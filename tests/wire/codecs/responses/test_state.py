"""State of an upstream account never passes by accident, wherever in the request it is named."""

from typing import Any

import pytest

from darkroom.errors import Invalid
from darkroom.wire.codecs.responses.state import refuse_state, refuse_top
from darkroom.wire.elide import Long

AT = ("input", 3)


@pytest.mark.parametrize(
    "tree, param",
    [
        ({"file_id": "file-1"}, "input[3].file_id"),
        ({"file_id": Long(("x",), 0, 5000)}, "input[3].file_id"),
        ({"content": [{"type": "input_file", "file_id": "file-1"}]}, "input[3].content[0].file_id"),
        ({"output": {"type": "computer_screenshot", "file_id": "file-1"}}, "input[3].output.file_id"),
        ({"file_ids": ["file-1"]}, "input[3].file_ids"),
        ({"vector_store_ids": ["vs_1"]}, "input[3].vector_store_ids"),
        ({"container": "cntr_1"}, "input[3].container"),
        ({"container": {"type": "auto", "file_ids": ["file-1"]}}, "input[3].container.file_ids"),
        ({"environment": {"container_id": "cntr_1"}}, "input[3].environment.container_id"),
        ({"environment": {"skills": [{"skill_id": "skill_1"}]}}, "input[3].environment.skills[0].skill_id"),
    ],
)
def test_names_of_state_are_refused_with_their_place(tree: dict[str, Any], param: str) -> None:
    with pytest.raises(Invalid, match="not offered here yet") as caught:
        refuse_state(tree, AT)
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", param)
    assert "instead" in caught.value.message or "Send" in caught.value.message


def test_the_advice_fits_what_was_named() -> None:
    with pytest.raises(Invalid, match="file_data"):
        refuse_state({"type": "input_file", "file_id": "file-1"}, AT)
    with pytest.raises(Invalid, match="image_url"):
        refuse_state({"type": "input_image", "file_id": "file-1"}, AT)


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {"file_id": None, "file_ids": [], "vector_store_ids": None, "container": {"type": "auto"}},
        {"file_id": ""},
        {"properties": {"file_id": {"type": "string"}, "container": {"type": "object"}}},
        {"text": "file_id", "arguments": '{"file_id": "file-1"}'},
        {"file_ids": [{"type": "string"}]},
    ],
)
def test_what_names_nothing_passes(tree: dict[str, Any]) -> None:
    refuse_state(tree, AT)


def test_skipped_fields_are_not_looked_into() -> None:
    tree = {"parameters": {"examples": [{"file_id": "mine"}]}, "type": "function"}
    refuse_state(tree, AT, frozenset(("parameters",)))
    with pytest.raises(Invalid):
        refuse_state(tree, AT)


def test_a_file_id_that_was_read_as_a_picture_passes_at_its_own_place_alone() -> None:
    known = ((*AT, "content", 0, "file_id"),)
    refuse_state({"content": [{"file_id": "file-1"}]}, AT, known=known)
    for tree in ({"content": [{}, {"file_id": "file-1"}]}, {"file_id": "file-1"}):
        with pytest.raises(Invalid):
            refuse_state(tree, AT, known=known)


@pytest.mark.parametrize(
    "tree, code, param",
    [
        ({"background": True}, "unsupported_parameter", "background"),
        ({"background": "yes"}, "invalid_type", "background"),
        ({"conversation": "conv_1"}, "unsupported_parameter", "conversation"),
        ({"conversation": {"id": "conv_1"}}, "unsupported_parameter", "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "unsupported_parameter", "prompt.id"),
        ({"prompt": "a cat"}, "invalid_type", "prompt"),
        (
            {"background_options": {"continuation_id": "c_1"}},
            "unsupported_parameter",
            "background_options.continuation_id",
        ),
    ],
)
def test_requests_for_state_are_refused(tree: dict[str, Any], code: str, param: str) -> None:
    with pytest.raises(Invalid) as caught:
        refuse_top(tree)
    assert (caught.value.status, caught.value.code, caught.value.param) == (400, code, param)


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {"background": False, "conversation": None, "prompt": None},
        {"background": None, "background_options": {"completion_window": "soonest"}},
        {"background_options": None},
        {"background_options": 5},
    ],
)
def test_requests_without_state_pass(tree: dict[str, Any]) -> None:
    refuse_top(tree)
