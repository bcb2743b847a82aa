"""Foreign ids on their way to an upstream: refused, replaced, dropped or kept, and never on the caller's own tree."""

import copy
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.errors import Invalid
from darkroom.wire.codecs.responses.ownership import disown
from darkroom.wire.codecs.responses.request import read_request, write_request
from darkroom.wire.elide import Long, Upload

LONG = Long(("input", 0, "result"), 100, 900_000)


def ask(*items: Any, **fields: Any) -> dict[str, Any]:
    return {"model": "gpt-5.5", "input": list(items), **fields}


def sent(tree: dict[str, Any], owned: Any = ()) -> tuple[dict[str, Any], list[str]]:
    before = copy.deepcopy(tree)
    result = disown(tree, read_request(tree).refs, owned)
    assert repr(tree) == repr(before)
    return result


MESSAGE = {
    "type": "message",
    "role": "assistant",
    "id": "msg_1",
    "content": [{"type": "output_text", "text": "x"}],
}
CALL = {"type": "image_generation_call", "id": "ig_1", "result": "iVBORw0KGgo=", "status": "completed"}


@pytest.mark.parametrize(
    "item",
    [
        MESSAGE,
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
        {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "id": "fc_2", "call_id": "c", "output": "x"},
        {"type": "some_future_item", "id": "sf_1", "content": []},
    ],
)
def test_an_item_with_content_goes_without_its_foreign_id(item: dict[str, Any]) -> None:
    tree, repairs = sent(ask(item))
    assert tree["input"] == [{key: value for key, value in item.items() if key != "id"}]
    assert repairs == ["foreign_id_dropped"]


def test_an_image_call_gets_another_id_that_is_always_the_same() -> None:
    tree, repairs = sent(ask(CALL))
    item = tree["input"][0]
    assert re.fullmatch(r"ig_[0-9a-f]{50}", item["id"])
    assert {**item, "id": "ig_1"} == CALL
    assert repairs == ["foreign_id_replaced"]
    later, _ = sent(ask(MESSAGE, CALL))
    assert later["input"][1] == item


@pytest.mark.parametrize("id", [{}, {"id": None}, {"id": ""}])
@pytest.mark.parametrize("result", ["iVBORw0KGgo=", LONG])
def test_an_image_call_without_an_id_gets_one(id: dict[str, Any], result: Any) -> None:
    bare = {"type": "image_generation_call", "result": result, **id}
    tree, repairs = sent(ask(bare))
    assert re.fullmatch(r"ig_[0-9a-f]{50}", tree["input"][0]["id"])
    assert tree["input"][0]["result"] is result
    assert repairs == ["missing_id_added"]


def test_different_pictures_without_ids_get_different_ones() -> None:
    bare = [{"type": "image_generation_call", "result": result} for result in ("a", "b", "a")]
    tree, _ = sent(ask(*bare))
    first, second, third = (item["id"] for item in tree["input"])
    assert first != second
    assert first == third


def test_calls_of_other_hosted_tools_keep_the_beginning_of_their_ids() -> None:
    tree, _ = sent(ask({"type": "web_search_call", "id": "ws_1"}, {"type": "mcp_call", "id": "mcp_1"}))
    assert [item["id"].partition("_")[0] for item in tree["input"]] == ["ws", "mcp"]


def test_an_approval_follows_its_renamed_request_and_no_other() -> None:
    request = {
        "type": "mcp_approval_request",
        "id": "mcpr_1",
        "name": "f",
        "arguments": "{}",
        "server_label": "x",
    }
    answer = {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True}
    tree, _ = sent(ask(request, answer))
    assert tree["input"][1]["approval_request_id"] == tree["input"][0]["id"] != "mcpr_1"
    with pytest.raises(Invalid) as caught:
        sent(ask(answer))
    assert (caught.value.code, caught.value.param) == ("item_not_found", "input[0].approval_request_id")


def test_citations_of_foreign_files_go_and_others_stay() -> None:
    annotations = [
        {"type": "file_citation", "file_id": "file-1"},
        {"type": "url_citation", "url": "https://example.com"},
        {"type": "container_file_citation", "container_id": "cntr_1", "file_id": "cfile_1"},
        {"type": "file_citation", "file_id": "file-2"},
    ]
    message = {
        "role": "assistant",
        "content": [{"type": "output_text", "text": "x", "annotations": annotations}],
    }
    tree, repairs = sent(ask(message), {"file-2"})
    assert tree["input"][0]["content"][0]["annotations"] == [annotations[1], annotations[3]]
    assert repairs == ["foreign_citation_dropped"] * 2


@pytest.mark.parametrize(
    "tree, code, param",
    [
        (ask(previous_response_id="resp_9"), "previous_response_not_found", "previous_response_id"),
        (
            ask(prompt_cache_options={"comparison_response_id": "resp_9"}),
            "previous_response_not_found",
            "prompt_cache_options.comparison_response_id",
        ),
        (ask(MESSAGE, {"type": "item_reference", "id": "msg_9"}), "item_not_found", "input[1].id"),
        (ask({"id": "msg_9"}), "item_not_found", "input[0].id"),
        (ask({"type": "image_generation_call", "id": "ig_9"}), "item_not_found", "input[0].id"),
        (
            ask({"type": "code_interpreter_call", "id": "ci_9", "container_id": "cntr_9"}),
            "item_not_found",
            "input[0].container_id",
        ),
    ],
)
def test_what_is_nothing_but_a_foreign_id_is_refused(tree: dict[str, Any], code: str, param: str) -> None:
    with pytest.raises(Invalid) as caught:
        sent(tree, {"resp_1", "msg_1", "ig_1"})
    assert (caught.value.status, caught.value.code, caught.value.param) == (400, code, param)
    assert "_9' not found. " in caught.value.message
    ids = {"resp_9", "msg_9", "ig_9", "cntr_9", "ci_9", "msg_1"}
    assert sent(tree, ids) == (tree, [])


def test_an_unknown_previous_response_is_told_as_openai_tells_it() -> None:
    with pytest.raises(
        Invalid, match=r"^Previous response with id 'resp_9' not found\. Send the earlier turns"
    ):
        sent(ask(previous_response_id="resp_9"))


def test_owned_ids_stay_and_the_tree_with_them() -> None:
    tree = ask(MESSAGE, CALL, {"type": "item_reference", "id": "rs_1"}, previous_response_id="resp_1")
    result, repairs = sent(tree, ["msg_1", "ig_1", "rs_1", "resp_1"])
    assert (result, repairs) == (tree, [])
    assert result["input"] is tree["input"]


def test_owned_ids_are_translated_to_the_upstreams_own() -> None:
    tree = ask(MESSAGE, CALL, previous_response_id="resp_1")
    result, repairs = sent(tree, {"msg_1": "msg_up", "ig_1": "ig_1", "resp_1": "resp_up"})
    assert [item["id"] for item in result["input"]] == ["msg_up", "ig_1"]
    assert result["previous_response_id"] == "resp_up"
    assert repairs == []


def test_only_what_lies_on_the_way_to_a_change_is_copied() -> None:
    tree = ask(MESSAGE, {"role": "user", "content": "x"}, tools=[])
    result, _ = sent(tree)
    assert result["tools"] is tree["tools"]
    assert result["input"][1] is tree["input"][1]
    assert result["input"][0]["content"] is tree["input"][0]["content"]


ITEMS = st.sampled_from(
    [
        MESSAGE,
        CALL,
        {"type": "image_generation_call", "result": "x"},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "item_reference", "id": "msg_2"},
        {"type": "image_generation_call", "id": "ig_2"},
        {"type": "code_interpreter_call", "id": "ci_1", "container_id": "cntr_1"},
        {
            "role": "assistant",
            "content": [
                {
                    "type": "output_text",
                    "text": "x",
                    "annotations": [{"file_id": "file-1"}, {"file_id": "f2"}],
                }
            ],
        },
    ]
)
IDS = ["msg_1", "ig_1", "rs_1", "fc_1", "msg_2", "ig_2", "ci_1", "cntr_1", "file-1", "f2", "resp_1"]


@given(st.lists(ITEMS, max_size=8), st.sets(st.sampled_from(IDS)), st.sampled_from([None, "resp_1"]))
def test_no_foreign_id_is_ever_sent(items: list[Any], owned: set[str], previous: str | None) -> None:
    try:
        tree, _ = sent(ask(*items, previous_response_id=previous), owned)
    except Invalid:
        return
    words = set(re.findall(r"'([\w-]+)'", repr(tree)))
    assert not words & (set(IDS) - owned)


def test_thousands_of_foreign_ids_take_linear_time() -> None:
    annotations = [{"file_id": f"file-{n}"} for n in range(2000)]
    part = {"type": "output_text", "text": "x", "annotations": annotations}
    tree, repairs = sent(ask(*[CALL] * 3000, *[MESSAGE] * 3000, {"role": "assistant", "content": [part]}))
    assert len(repairs) == 8000
    assert tree["input"][6000]["content"][0]["annotations"] == []


FILED = {
    "model": "gpt-5.5",
    "input": [{"role": "user", "content": [{"type": "input_image", "file_id": "file-1", "detail": "high"}]}],
    "tools": [{"type": "image_generation", "input_image_mask": {"file_id": "file-2"}}],
}
PLACES = (("input", 0, "content", 0, "file_id"), ("tools", 0, "input_image_mask", "file_id"))


def test_a_file_goes_upstream_as_its_picture_and_never_as_its_id() -> None:
    before = copy.deepcopy(FILED)
    request = read_request(FILED)
    assert [(picture.path, picture.kind) for picture in request.pictures] == [(at, "file") for at in PLACES]
    files = {at: Upload(at, 0, 9, "image/png") for at in PLACES}
    tree, repairs = write_request(request, stream=None, owned=(), pictures=files)
    assert tree["input"][0]["content"] == [
        {"type": "input_image", "image_url": files[PLACES[0]], "detail": "high"}
    ]
    assert tree["tools"] == [
        {"type": "image_generation", "input_image_mask": {"image_url": files[PLACES[1]]}}
    ]
    assert repairs == []
    assert before == FILED


@pytest.mark.parametrize("given, missing", [(0, "file-2"), (1, "file-1")])
def test_a_file_that_nobody_found_is_refused_even_if_the_upstream_knows_its_id(
    given: int, missing: str
) -> None:
    files = {PLACES[given]: Upload(PLACES[given], 0, 9)}
    with pytest.raises(Invalid, match=missing) as caught:
        write_request(read_request(FILED), stream=None, owned={"file-1", "file-2"}, pictures=files)
    assert caught.value.code == "image_file_not_found"
    assert write_request(read_request(FILED), stream=None, owned=None) == (FILED, [])
