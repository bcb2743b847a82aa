"""Events as bytes: the right form by default, and each deviation as its name says."""

import json

import pytest

from darkroom.sandbox.dialects import style_of
from darkroom.sandbox.writer import Writer

CALL = "response.image_generation_call"
IMAGE = "iVBOR+/abc=="
AT = {"output_index": 0, "item_id": "ig_000"}
SHAPE = {"size": "1024x1024", "quality": "low", "background": "opaque", "output_format": "png"}
ITEM = {
    "id": "ig_000",
    "type": "image_generation_call",
    "status": "completed",
    **SHAPE,
    "revised_prompt": "猫/",
    "result": IMAGE,
}
CREATED = {
    "type": "response.created",
    "sequence_number": 0,
    "response": {"id": "resp_000", "output": [], "model": "m"},
}
PARTIAL = {
    "type": f"{CALL}.partial_image",
    "sequence_number": 0,
    **AT,
    "partial_image_index": 0,
    "partial_image_b64": IMAGE,
    **SHAPE,
}
DONE = {"type": "response.output_item.done", "sequence_number": 0, "output_index": 0, "item": ITEM}
WHOLE = {
    "id": "resp_000",
    "object": "response",
    "status": "completed",
    "output": [ITEM],
    "error": None,
    "usage": {},
    "tool_usage": {},
}
COMPLETED = {"type": "response.completed", "sequence_number": 0, "response": WHOLE}
STAGE = {"type": f"{CALL}.generating", "sequence_number": 0, **AT}
BATCH = {"created": 1, "data": [{"b64_json": IMAGE}], **SHAPE, "usage": {}}
PICTURE = {"type": "image_edit.completed", "b64_json": IMAGE, "created_at": 1, **SHAPE, "usage": {}}


def writer(*names, format="png"):
    return Writer(style_of(names), format)


def written(*trees, names=()):
    one = writer(*names)
    return b"".join(map(one.event, trees))


def trees(*given, names=()):
    return [
        json.loads(frame.split(b"data: ", 1)[1]) for frame in written(*given, names=names).split(b"\n\n")[:-1]
    ]


def test_right_frame_is_event_data_blank_with_type_and_number_first():
    frames = written(CREATED, STAGE)
    assert frames == (
        b'event: response.created\ndata: {"type":"response.created","sequence_number":0,'
        b'"response":{"id":"resp_000","output":[],"model":"m"}}\n\n'
        b'event: response.image_generation_call.generating\ndata: {"type":"response.image_generation_call.generating",'
        b'"sequence_number":1,"output_index":0,"item_id":"ig_000"}\n\n'
    )


def test_right_events_say_what_they_were_given():
    given = [CREATED, PARTIAL, DONE, COMPLETED]
    assert trees(*given) == [{**tree, "sequence_number": number} for number, tree in enumerate(given)]
    assert ITEM["result"] == IMAGE, "and leave it as it was"


def test_images_events_carry_no_number():
    assert trees(PICTURE, PICTURE) == [PICTURE, PICTURE]


def test_answer_in_json_is_the_tree_itself():
    assert json.loads(writer().answer(WHOLE)) == WHOLE
    assert json.loads(writer().answer(BATCH)) == BATCH


@pytest.mark.parametrize(
    "name", ["partial_image", "b64_json", "base64", "data", "image", "image_b64", "image_base64", "result"]
)
def test_partial_comes_under_another_name(name):
    tree = trees(PARTIAL, names=(f"partial_as_{name}",))[0]
    assert tree[name] == IMAGE
    assert "partial_image_b64" not in tree


@pytest.mark.parametrize("name", ["b64_json", "image", "partial_image_b64", "partial_image", "data"])
def test_final_comes_under_another_name_everywhere(name):
    done, completed = trees(DONE, COMPLETED, names=(f"final_as_{name}",))
    items = [
        done["item"],
        *completed["response"]["output"],
        json.loads(writer(f"final_as_{name}").answer(WHOLE))["output"][0],
    ]
    assert [(item[name], "result" in item) for item in items] == [(IMAGE, False)] * 3
    assert json.loads(writer(f"final_as_{name}").answer(BATCH))["data"] == [{name: IMAGE}]
    assert trees(PICTURE, names=(f"final_as_{name}",))[0][name] == IMAGE


def test_names_of_addresses_and_data_urls_carry_the_format():
    url = f"data:image/webp;base64,{IMAGE}"
    assert json.loads(writer("final_as_image_url", format="webp").answer(BATCH))["data"] == [
        {"image_url": url}
    ]
    assert json.loads(writer("data_url", format="webp").answer(WHOLE))["output"][0]["result"] == url


def test_final_may_be_nested():
    assert trees(DONE, names=("final_in_object",))[0]["item"]["result"] == {"b64_json": IMAGE}
    listed = trees(DONE, names=("final_in_list",))[0]
    assert listed["data"] == [{"b64_json": IMAGE}]
    assert "result" not in listed["item"]


def test_what_is_left_out_is_left_out():
    assert written(CREATED, names=("no_created",)) == b""
    assert "partial_image_index" not in trees(PARTIAL, names=("no_index",))[0]
    assert trees(PARTIAL, names=("index",))[0]["index"] == 0
    assert not set(SHAPE) & set(trees(PARTIAL, names=("short_events",))[0])
    assert set(trees(COMPLETED, names=("short_response",))[0]["response"]) == {
        "id",
        "object",
        "status",
        "output",
        "error",
    }
    assert not {"usage", "tool_usage"} & set(trees(COMPLETED, names=("no_usage",))[0]["response"])
    assert "usage" not in json.loads(writer("no_usage").answer(BATCH))
    outputs = [
        trees(COMPLETED, names=(f"output_{how}",))[0]["response"].get("output", "absent")
        for how in ("empty", "null", "absent")
    ]
    assert outputs == [[], None, "absent"]


def test_json_answer_keeps_its_output_whatever_a_stream_leaves_out():
    assert json.loads(writer("output_empty").answer(WHOLE))["output"]


def test_numbers_deviate_and_are_counted_over_what_is_dropped():
    def numbers(name):
        return [tree.get("sequence_number") for tree in trees(CREATED, STAGE, COMPLETED, names=(name,))]

    assert numbers("numbers_from_1") == [1, 2, 3]
    assert numbers("numbers_zero") == [0, 0, 0]
    assert numbers("no_numbers") == [None] * 3
    assert numbers("no_generating") == [0, 1], "a dropped event takes no number"


def test_stuck_item_says_generating_and_its_completed_never_comes():
    done, completed = trees(DONE, COMPLETED, names=("status_generating",))
    assert done["item"]["status"] == completed["response"]["output"][0]["status"] == "generating"
    assert written({**STAGE, "type": f"{CALL}.completed"}, names=("status_generating",)) == b""


def test_ids_change_from_event_to_event():
    one, two, three = trees(CREATED, STAGE, COMPLETED, names=("changing_ids",))
    assert one["response"]["id"] != three["response"]["id"]
    assert two["item_id"] != AT["item_id"]


def test_keys_come_in_another_order():
    assert list(trees(STAGE, names=("type_last",))[0])[-2:] == ["sequence_number", "type"]
    assert list(trees(STAGE, names=("sorted_keys",))[0]) == sorted(STAGE)


@pytest.mark.parametrize(
    "name, frame",
    [
        ("no_event_lines", b"data: {}\n\n"),
        ("event_after_data", b"data: {}\nevent: t\n\n"),
        ("event_message", b"event: message\ndata: {}\n\n"),
        ("crlf", b"event: t\r\ndata: {}\r\n\r\n"),
        ("no_space", b"event:t\ndata:{}\n\n"),
        ("comment_inside", b"event: t\n: comment\ndata: {}\n\n"),
        ("id_lines", b"id: 0\nevent: t\ndata: {}\n\n"),
    ],
)
def test_frame_is_written_otherwise(name, frame):
    assert writer(name).said("t", {}) == frame


def test_json_is_written_otherwise_and_means_the_same():
    for name in ("pretty", "spaced", "ascii", "escaped_slashes", "escaped_unicode", "sorted_keys"):
        body = writer(name).answer(WHOLE)
        assert body != writer().answer(WHOLE)
        assert json.loads(body) == WHOLE
    assert writer("ascii").answer(WHOLE).isascii()
    assert b"\\/" in writer("escaped_slashes").answer(WHOLE)
    escaped = writer("escaped_unicode").answer(WHOLE)
    assert not {b"/", b"+", b"="} & {escaped[at : at + 1] for at in range(len(escaped))}


@pytest.mark.parametrize("name", ["split_data", "pretty"])
def test_json_over_several_lines_is_one_event(name):
    lines = written(DONE, names=(name,)).removesuffix(b"\n\n").split(b"\n")
    assert len(lines) > 2
    assert all(line.startswith(b"data: ") for line in lines[1:])
    tree = json.loads(b"\n".join(line.removeprefix(b"data: ") for line in lines[1:]))
    assert tree == DONE


@pytest.mark.parametrize(
    "name, between",
    [("comments", b": PING\n\n"), ("pings", b"event: ping\n\n"), ("empty_data", b"data:\n\n"),
     ("keepalives", b'event: keepalive\ndata: {"type":"keepalive","sequence_number":1}\n\n')],
)  # fmt: skip
def test_something_stands_between_events(name, between):
    frames = written(CREATED, COMPLETED, names=(name,))
    assert frames.count(between) == 1
    assert not frames.startswith(between)
    assert not frames.endswith(between)


def test_strangers_are_added():
    assert b"event: vendor.progress\n" in written(CREATED, STAGE, names=("unknown_events",))
    done, completed = trees(DONE, COMPLETED, names=("unknown_keys",))
    assert done["vendor_request"]["node"]
    assert done["item"]["vendor_seed"] == 7
    assert completed["response"]["vendor_channel"]


def test_edits_under_the_names_of_generations():
    start = b'event: image_generation.completed\ndata: {"type":"image_generation.completed",'
    assert written(PICTURE, names=("generation_names",)).startswith(start)


def test_opening_and_closing():
    assert writer().opening() == writer().closing() == b""
    assert writer("bom", "retry_line").opening() == b"\xef\xbb\xbfretry: 3000\n\n"
    assert writer("done_mark").closing() == b"data: [DONE]\n\n"
    assert writer("done_mark", "crlf").closing() == b"data: [DONE]\r\n\r\n"


def test_last_blank_line_is_left_out_where_the_style_says():
    assert writer().ended(b"data: x\n\n") == b"data: x\n\n"
    assert writer("no_last_blank").ended(b"data: x\n\n") == b"data: x\n"
    assert writer("no_last_blank", "crlf").ended(b"data: x\r\n\r\n") == b"data: x\r\n"


def test_heartbeats():
    one = writer()
    assert one.heartbeat("comments") == b": keep-alive\n\n"
    assert one.heartbeat("blank") == b"\n"
    assert (
        one.heartbeat("keepalive") == b'event: keepalive\ndata: {"type":"keepalive","sequence_number":0}\n\n'
    )
    assert json.loads(one.event(STAGE).split(b"data: ")[1])["sequence_number"] == 1, (
        "a keepalive takes a number"
    )


def test_raw_line_is_bare_json():
    assert writer().raw({"error": {"code": "x"}}) == b'{"error":{"code":"x"}}\n'
