"""Images answers in every dialect have one canonical tree, and are written back as they were."""

from typing import Any

import pytest

from darkroom.wire.codecs.images.events import (
    Naming,
    Remote,
    add_usage,
    canonical,
    speaks_images,
    usage_of,
    write_entry,
    write_finished,
    write_partial,
)

IMAGE = "iVBORw0KGgo" + "A" * 40
NAMING = Naming(lambda number: f"ig_{number}", {"id": "resp_1", "object": "response"})
ITEM = {"id": "ig_0", "type": "image_generation_call", "status": "completed"}


def read(tree: dict[str, Any], name: str = "", **named: Any) -> tuple[dict[str, Any], list[str]]:
    return canonical(tree, name, True, NAMING, 0, **named)


@pytest.mark.parametrize("prefix", ["image_generation", "image_edit"])
def test_right_events_take_no_repair(prefix: str) -> None:
    partial = {"type": f"{prefix}.partial_image", "b64_json": IMAGE, "partial_image_index": 2, "size": "1x1"}
    tree, repairs = read(partial, f"{prefix}.partial_image")
    assert repairs == []
    assert tree == {
        "type": "response.image_generation_call.partial_image",
        "output_index": 0,
        "item_id": "ig_0",
        "partial_image_b64": IMAGE,
        "partial_image_index": 2,
        "size": "1x1",
    }
    done = {"type": f"{prefix}.completed", "b64_json": IMAGE, "created_at": 1, "usage": {"total_tokens": 1}}
    tree, repairs = read(done, f"{prefix}.completed")
    assert repairs == []
    assert tree == {
        "type": "response.output_item.done",
        "output_index": 0,
        "item": {**ITEM, "result": IMAGE},
    }
    assert usage_of(done) == {"total_tokens": 1}


@pytest.mark.parametrize(
    "fields, repair",
    [
        ({"b64_json": "data:image/png;base64," + IMAGE}, "data_prefix"),
        ({"image": IMAGE}, "image_field"),
        ({"image_b64": IMAGE}, "image_field"),
        ({"partial_image_b64": IMAGE}, "image_field"),
        ({"result": IMAGE}, "image_field"),
        ({"b64_json": "", "url": "data:image/png;base64," + IMAGE}, "url"),
        ({"data": [{"b64_json": IMAGE}]}, None),
    ],
)
def test_every_dialect_of_a_finished_picture_is_read(fields: dict[str, Any], repair: str | None) -> None:
    tree, repairs = read({"type": "image_generation.completed", **fields})
    item = tree["item"] if "item" in tree else tree["response"]["output"][0]
    assert item == {**ITEM, "result": IMAGE}
    assert repair is None or repair in repairs


def test_address_instead_of_a_picture_is_kept_apart() -> None:
    tree, repairs = read({"created": 1, "data": [{"url": "https://images.example/1.png", "b64_json": None}]})
    result = tree["response"]["output"][0]["result"]
    assert isinstance(result, Remote)
    assert result == "https://images.example/1.png"
    assert repairs == ["url"]


def test_plain_answer_is_a_whole_response_with_what_is_known_of_all() -> None:
    body = {
        "created": 5,
        "data": [{"b64_json": IMAGE}, {"b64_json": IMAGE}],
        "size": "2x2",
        "usage": {"a": 1},
    }
    tree, repairs = read(body)
    assert repairs == []
    assert tree["type"] == "response.completed"
    assert [item["id"] for item in tree["response"]["output"]] == ["ig_0", "ig_1"]
    assert {item["size"] for item in tree["response"]["output"]} == {"2x2"}
    assert tree["response"]["tool_usage"] == {"image_gen": {"a": 1}}


def test_finished_picture_is_a_whole_response_for_callers_of_one_document() -> None:
    tree, _ = read({"type": "image_generation.completed", "b64_json": IMAGE}, document=True)
    assert tree["response"] == {
        "id": "resp_1", "object": "response", "status": "completed", "output": [{**ITEM, "result": IMAGE}],
    }  # fmt: skip


def test_event_that_lacks_its_type_or_bears_another_name_is_repaired() -> None:
    assert read({"b64_json": IMAGE}, "image_edit.completed")[1] == ["type"]
    tree = {"type": "image_edit.completed", "b64_json": IMAGE}
    assert read(tree, "image_generation.completed")[1] == ["frame"]
    partial = {"type": "image_edit.partial_image", "b64_json": IMAGE, "index": 1}
    tree, repairs = read(partial)
    assert (tree["partial_image_index"], repairs) == (1, ["partial_index"])


def test_errors_in_every_shape_stay_errors() -> None:
    error = {"message": "no", "code": "x"}
    for tree in (
        {"error": error},
        {"type": "error", "error": error},
        {"type": "upstream_error", "error": error},
    ):
        assert read(tree)[0]["type"] == "error"


@pytest.mark.parametrize(
    "tree, name, expected",
    [
        ({"type": "image_generation.completed"}, "", True),
        ({}, "image_edit.partial_image", True),
        ({"data": []}, "", True),
        ({"type": "response.created"}, "", False),
        ({"object": "response"}, "", False),
        ({"type": "keepalive"}, "", False),
    ],
)
def test_images_wire_is_told_by_its_names(tree: dict[str, Any], name: str, expected: bool) -> None:
    assert speaks_images(tree, name) is expected


def test_written_events_are_read_back_as_they_were() -> None:
    partial, _ = read(
        {"type": "image_edit.partial_image", "b64_json": IMAGE, "partial_image_index": 0, "x": 1}
    )
    written = write_partial(partial, "image_edit", 9, {"size": "auto"})
    assert list(written)[:3] == ["type", "created_at", "b64_json"]
    assert (written["size"], written["x"]) == ("auto", 1)
    assert read(written)[0] == {**partial, "size": "auto"}
    item = {**ITEM, "action": "generate", "quality": "low", "result": IMAGE, "revised_prompt": "a cat"}
    finished = write_finished(item, "image_generation", 9, {"quality": "auto", "size": "auto"})
    assert finished == {
        "type": "image_generation.completed",
        "created_at": 9,
        "quality": "low",
        "b64_json": IMAGE,
        "revised_prompt": "a cat",
        "size": "auto",
    }
    assert write_entry(item) == {"quality": "low", "b64_json": IMAGE, "revised_prompt": "a cat"}


def test_usages_are_added_with_their_details() -> None:
    one = {"a": 1, "d": {"b": 2}, "word": "x"}
    assert add_usage(None, one) == one
    assert add_usage(one, {"a": 2, "d": {"b": 3, "c": 4}}) == {"a": 3, "d": {"b": 5, "c": 4}, "word": "x"}
