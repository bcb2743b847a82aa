"""The input in every form: its texts, its pictures, its ids, and what is refused."""

from typing import Any

import pytest

from darkroom.errors import Invalid
from darkroom.wire.codecs.responses.items import Items
from darkroom.wire.elide import Long
from darkroom.wire.request import InputPicture, Ref

DATA = "data:image/png;base64,iVBORw0KGgo="
URL = "https://example.com/cat.png"
LONG = Long(("input", 0), 100, 900_000)


def texts(value: Any) -> list[Any]:
    return Items({"input": value}).texts


def one(item: Any) -> Items:
    return Items({"input": [item]})


@pytest.mark.parametrize(
    "value, wanted",
    [
        ("a cat", ["a cat"]),
        ("", [""]),
        (LONG, [LONG]),
        ([], []),
        ([{"role": "user", "content": "a cat"}], ["a cat"]),
        ([{"role": "user", "content": LONG}], [LONG]),
        ([{"type": "message", "role": "user", "content": "a cat"}], ["a cat"]),
        ([{"type": "message", "role": "user", "content": []}], []),
        ([{"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": LONG}]}],
         ["a", LONG]),
        ([{"role": "system", "content": "be brief"}, {"role": "user", "content": "a cat"}], ["a cat"]),
        ([{"role": "developer", "content": [{"type": "input_text", "text": "be brief"}]}], []),
        ([{"role": "assistant", "content": [{"type": "output_text", "text": "here", "annotations": []}]}], []),
        ([{"role": "user", "content": "a cat"}, {"role": "assistant", "content": "here"},
          {"role": "user", "content": "now a dog"}], ["a cat", "now a dog"]),
        ([{"role": "critic", "content": "?"}], []),
        ([{"type": "some_future_item", "content": {"a": 1}}], []),
    ],
)  # fmt: skip
def test_texts_are_what_the_user_wrote(value: Any, wanted: list[Any]) -> None:
    assert texts(value) == wanted


def test_pictures_are_found_in_messages_calls_and_outputs() -> None:
    image = {"type": "input_image", "image_url": DATA, "detail": "auto"}
    items = Items(
        {
            "input": [
                {
                    "role": "user",
                    "content": [image, {"type": "input_text", "text": "both"}, image | {"image_url": URL}],
                },
                {
                    "type": "image_generation_call",
                    "id": "ig_1",
                    "result": "iVBORw0KGgo=",
                    "status": "completed",
                },
                {"type": "image_generation_call", "id": "ig_2"},
                {"type": "image_generation_call", "id": "ig_3", "result": None},
                {"type": "function_call_output", "call_id": "c", "output": [image]},
            ]
        }
    )
    assert items.inputs == [
        InputPicture(("input", 0, "content", 0, "image_url"), "data", DATA),
        InputPicture(("input", 0, "content", 2, "image_url"), "url", URL),
        InputPicture(("input", 1, "result"), "result", "iVBORw0KGgo="),
        InputPicture(("input", 2, "id"), "item", "ig_2"),
        InputPicture(("input", 3, "id"), "item", "ig_3"),
        InputPicture(("input", 4, "output", 0, "image_url"), "data", DATA),
    ]


def test_a_picture_may_be_the_id_of_a_file_wherever_a_picture_is_read() -> None:
    filed = {"type": "input_image", "file_id": "file-1"}
    items = Items(
        {"input": [user(filed), {"type": "function_call_output", "call_id": "c", "output": [filed]}]}
    )
    assert items.inputs == [
        InputPicture(("input", 0, "content", 0, "file_id"), "file", "file-1"),
        InputPicture(("input", 1, "output", 0, "file_id"), "file", "file-1"),
    ]
    assert items.refs == []


def test_a_result_that_lies_in_a_file_is_a_picture() -> None:
    items = one({"type": "image_generation_call", "id": "ig_1", "result": LONG})
    assert items.inputs == [InputPicture(("input", 0, "result"), "result", LONG)]
    assert items.refs == [Ref(("input", 0, "id"), "ig_1", "name")]


ANNOTATED = {
    "type": "message",
    "role": "assistant",
    "id": "msg_1",
    "content": [
        {
            "type": "output_text",
            "text": "see",
            "annotations": [
                {"type": "url_citation", "url": "https://example.com"},
                {"type": "container_file_citation", "container_id": "cntr_1", "file_id": "cfile_1"},
                {"type": "file_citation", "file_id": None},
            ],
        }
    ],
}


@pytest.mark.parametrize(
    "item, wanted",
    [
        ({"role": "user", "content": "x"}, []),
        ({"role": "user", "content": "x", "id": None}, []),
        ({"role": "user", "content": "x", "id": ""}, []),
        ({"type": "message", "role": "assistant", "id": "msg_1", "content": "x"}, [("id", "msg_1", "own")]),
        ({"type": "item_reference", "id": "msg_1"}, [("id", "msg_1", "item")]),
        ({"id": "msg_1"}, [("id", "msg_1", "item")]),
        ({"type": None, "id": "msg_1"}, [("id", "msg_1", "item")]),
        ({"type": "reasoning", "id": "rs_1", "summary": []}, [("id", "rs_1", "own")]),
        ({"type": "reasoning", "summary": [], "encrypted_content": "x"}, []),
        ({"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"},
         [("id", "fc_1", "own")]),
        ({"type": "function_call_output", "id": "fc_2", "call_id": "c", "output": "x"}, [("id", "fc_2", "own")]),
        ({"type": "web_search_call", "id": "ws_1", "status": "completed"}, [("id", "ws_1", "name")]),
        ({"type": "some_future_item", "id": "sf_1"}, [("id", "sf_1", "own")]),
        ({"type": "image_generation_call", "id": "ig_1"}, [("id", "ig_1", "item")]),
        ({"type": "image_generation_call", "id": "ig_1", "result": ""}, [("id", "ig_1", "item")]),
        ({"type": "image_generation_call", "id": "ig_1", "result": "x"}, [("id", "ig_1", "name")]),
        ({"type": "image_generation_call", "result": "x"}, [("id", "", "name")]),
        ({"type": "code_interpreter_call", "id": "ci_1", "container_id": "cntr_1", "code": "1"},
         [("id", "ci_1", "name"), ("container_id", "cntr_1", "container")]),
        ({"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True},
         [("approval_request_id", "mcpr_1", "item")]),
    ],
)  # fmt: skip
def test_ids_of_items_are_found_with_what_they_mean(item: Any, wanted: list[tuple[str, str, Any]]) -> None:
    assert one(item).refs == [Ref(("input", 0, key), value, kind) for key, value, kind in wanted]


def test_citations_of_upstream_files_are_found() -> None:
    at = ("input", 0, "content", 0, "annotations", 1)
    assert one(ANNOTATED).refs == [
        Ref(("input", 0, "id"), "msg_1", "own"),
        Ref((*at, "file_id"), "cfile_1", "citation"),
        Ref((*at, "container_id"), "cntr_1", "citation"),
    ]


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


@pytest.mark.parametrize(
    "item, code, param",
    [
        ("a cat", "invalid_type", ""),
        (None, "invalid_type", ""),
        (LONG, "invalid_type", ""),
        ({"type": 5}, "invalid_type", ".type"),
        ({"role": "user", "content": "x", "id": 5}, "invalid_type", ".id"),
        ({"role": 5, "content": "x"}, "invalid_type", ".role"),
        ({"role": "user"}, "missing_required_parameter", ".content"),
        ({}, "missing_required_parameter", ".content"),
        ({"role": "user", "content": None}, "missing_required_parameter", ".content"),
        ({"role": "user", "content": 5}, "invalid_type", ".content"),
        ({"role": "user", "content": {"type": "input_text", "text": "x"}}, "invalid_type", ".content"),
        (user("a cat"), "invalid_type", ".content[0]"),
        (user({"type": 5}), "invalid_type", ".content[0].type"),
        (user({"type": "input_text"}), "missing_required_parameter", ".content[0].text"),
        (user({"type": "input_text", "text": 5}), "invalid_type", ".content[0].text"),
        (user({"type": "input_image"}), "missing_required_parameter", ".content[0].image_url"),
        (user({"type": "input_image", "image_url": {"url": URL}}), "invalid_type", ".content[0].image_url"),
        (user({"type": "input_image", "image_url": "cat.png"}), "invalid_value", ".content[0].image_url"),
        (user({"type": "input_image", "file_id": ""}), "invalid_value", ".content[0].file_id"),
        (user({"type": "input_image", "file_id": 5}), "invalid_type", ".content[0].file_id"),
        (user({"type": "input_image", "file_id": "file-1", "image_url": URL}), "invalid_value",
         ".content[0].file_id"),
        (user({"type": "input_image", "file_id": "f", "more": {"file_id": "f"}}), "unsupported_parameter",
         ".content[0].more.file_id"),
        (user({"type": "input_file", "file_id": "file-1"}), "unsupported_parameter", ".content[0].file_id"),
        ({"type": "item_reference"}, "missing_required_parameter", ".id"),
        ({"type": "item_reference", "id": ""}, "missing_required_parameter", ".id"),
        ({"type": "item_reference", "id": 5}, "invalid_type", ".id"),
        ({"id": LONG}, "invalid_value", ".id"),
        ({"type": "image_generation_call"}, "missing_required_parameter", ".result"),
        ({"type": "image_generation_call", "id": "ig_1", "result": {"b64": "x"}}, "invalid_type", ".result"),
        ({"type": "function_call_output", "call_id": "c", "output": [{"type": "input_file", "file_id": "f"}]},
         "unsupported_parameter", ".output[0].file_id"),
        ({"type": "computer_call_output", "output": {"type": "computer_screenshot", "file_id": "f"}},
         "unsupported_parameter", ".output.file_id"),
        ({"type": "shell_call", "environment": {"container_id": "cntr_1"}}, "unsupported_parameter",
         ".environment.container_id"),
    ],
)  # fmt: skip
def test_wrong_items_are_named(item: Any, code: str, param: str) -> None:
    with pytest.raises(Invalid) as caught:
        Items({"input": [{"role": "user", "content": "fine"}, item]})
    assert (caught.value.status, caught.value.code, caught.value.param) == (400, code, f"input[1]{param}")


@pytest.mark.parametrize("value", [5, True, {"role": "user", "content": "x"}, 1.5])
def test_an_input_of_another_type_is_refused(value: Any) -> None:
    with pytest.raises(Invalid, match="a string or an array") as caught:
        Items({"input": value})
    assert (caught.value.code, caught.value.param) == ("invalid_type", "input")


@pytest.mark.parametrize("tree", [{}, {"input": None}, {"previous_response_id": None}])
def test_no_input_is_refused_unless_a_response_goes_on(tree: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="Put your prompt") as caught:
        Items(tree)
    assert (caught.value.code, caught.value.param) == ("missing_required_parameter", "input")
    assert Items({**tree, "previous_response_id": "resp_1"}).texts == []


def test_a_list_of_many_items_is_read() -> None:
    items = Items({"input": [{"role": "user", "content": [{"type": "input_text", "text": "x"}]}] * 50_000})
    assert len(items.texts) == 50_000
