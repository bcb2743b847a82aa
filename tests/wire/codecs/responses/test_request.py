"""Whole Responses requests: what the contract and the guide send, round trips, rubbish, and limits."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.errors import Invalid
from darkroom.wire.codecs.responses import read_request, write_request
from darkroom.wire.elide import DEEPEST, Long
from darkroom.wire.request import ImageTool, InputPicture

PROMPT = "请生成一张简洁高级的科技产品宣传图，白色背景，主体是一台银色智能音箱"
CONTRACT: dict[str, Any] = {
    "model": "gpt-5.5",
    "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": PROMPT}]}],
    "stream": True,
    "store": False,
    "parallel_tool_calls": True,
    "tool_choice": {"type": "image_generation"},
    "reasoning": {"effort": "xhigh", "summary": "auto"},
    "tools": [
        {
            "type": "image_generation",
            "model": "gpt-image-2",
            "size": "1024x1024",
            "quality": "medium",
            "output_format": "png",
            "partial_images": 1,
        }
    ],
}
IMAGE = {"type": "image_generation"}
DATA = "data:image/png;base64,iVBORw0KGgo="

SAMPLES: dict[str, dict[str, Any]] = {
    "contract": CONTRACT,
    "guide": {"model": "gpt-5.5", "input": "Draw a cat", "tools": [IMAGE]},
    "guide, edit by response": {
        "model": "gpt-5.5",
        "previous_response_id": "resp_1",
        "input": "Now make it look realistic",
        "tools": [IMAGE],
    },
    "guide, edit by image id": {
        "model": "gpt-5.5",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "Now make it look realistic"}]},
            {"type": "image_generation_call", "id": "ig_1"},
        ],
        "tools": [IMAGE],
    },
    "guide, input pictures": {
        "model": "gpt-5.5",
        "input": [
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "a gift basket of these"},
                    {"type": "input_image", "image_url": DATA},
                    {"type": "input_image", "image_url": "https://example.com/soap.png", "detail": "high"},
                ],
            }
        ],
        "tools": [{**IMAGE, "input_image_mask": {"image_url": DATA}, "quality": "high"}],
    },
    "plain text": {"model": "gpt-5.5", "input": "Hello"},
    "replayed answer": {
        "model": "gpt-5.5",
        "input": [
            {"role": "user", "content": "a cat"},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
            {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "iVBORw0KGgo="},
            {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed", "phase": "final_answer",
             "content": [{"type": "output_text", "text": "", "annotations": [], "logprobs": []}]},
            {"role": "user", "content": "again"},
        ],
        "tools": [IMAGE],
    },
    "every field": {
        **CONTRACT,
        "instructions": "be brief",
        "background": False,
        "conversation": None,
        "prompt": None,
        "previous_response_id": None,
        "include": ["reasoning.encrypted_content"],
        "metadata": {"file_id": "the customer's own", "container": "his too"},
        "prompt_cache_key": "k",
        "prompt_cache_options": {"mode": "implicit", "ttl": "30m"},
        "prompt_cache_retention": "24h",
        "safety_identifier": "s",
        "user": "u",
        "service_tier": "auto",
        "stream_options": {"include_obfuscation": False},
        "temperature": 1.0,
        "top_p": 0.5,
        "top_logprobs": 0,
        "text": {"format": {"type": "json_schema", "schema": {"properties": {"file_id": {"default": "x"}}}}},
        "truncation": "disabled",
        "max_output_tokens": 1000,
        "max_tool_calls": 2,
        "context_management": [{"type": "compaction"}],
        "image": {"context_compression": "auto"},
        "moderation": {"model": "m"},
        "access_programs": ["x"],
        "some_future_field": {"deep": [1, {"er": None}]},
    },
}  # fmt: skip


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("owned", [None, {"resp_1", "ig_1", "rs_1", "msg_1"}])
def test_samples_are_accepted_and_sent_as_they_came(sample: str, owned: Any) -> None:
    request = read_request(copy.deepcopy(SAMPLES[sample]))
    assert write_request(request, stream=None, owned=owned) == (SAMPLES[sample], [])
    assert write_request(request, stream=request.stream, owned=owned) == (SAMPLES[sample], [])


def test_the_contracts_request_reads_to_its_values() -> None:
    request = read_request(CONTRACT)
    assert (request.model, request.stream, request.image, request.forced) == ("gpt-5.5", True, True, True)
    assert request.tool == ImageTool(
        path=("tools", 0),
        model="gpt-image-2",
        size="1024x1024",
        quality="medium",
        output_format="png",
        partial_images=1,
    )
    assert (request.prompt, request.effort) == (PROMPT, "xhigh")
    assert (request.inputs, request.refs, request.ids) == ((), (), {})
    assert request.tree is CONTRACT


def test_every_other_field_that_matters_here_is_read() -> None:
    request = read_request(SAMPLES["every field"])
    assert (request.max_output_tokens, request.max_tool_calls) == (1000, 2)
    plain = read_request(SAMPLES["plain text"])
    assert (plain.stream, plain.image, plain.forced, plain.tool) == (False, False, False, None)


def test_texts_and_pictures_of_a_large_body_may_lie_in_a_file() -> None:
    picture = Long(("input", 0, "content", 0, "image_url"), 100, 5_000_000)
    text = Long(("input", 0, "content", 1, "text"), 5_000_100, 5_050_000)
    content = [{"type": "input_image", "image_url": picture}, {"type": "input_text", "text": text}]
    tree = {
        **CONTRACT,
        "input": [{"role": "user", "content": content}],
        "instructions": Long(("instructions",), 1, 2),
    }
    request = read_request(tree)
    assert request.inputs == (InputPicture(picture.path, "data", picture),)
    assert (request.texts, request.prompt) == ((text,), "")
    sent, _ = write_request(request, stream=True, owned=())
    assert sent["input"][0]["content"][0]["image_url"] is picture


@pytest.mark.parametrize(
    "asked, told, wanted",
    [
        ({}, None, {}),
        ({}, False, {}),
        ({}, True, {"stream": True}),
        ({"stream": None}, False, {"stream": None}),
        ({"stream": False}, True, {"stream": True}),
        ({"stream": True}, None, {"stream": True}),
        ({"stream": True}, False, {"stream": False}),
        ({"stream": True}, True, {"stream": True}),
    ],
)
def test_the_upstream_streams_as_told(asked: Any, told: bool | None, wanted: Any) -> None:
    tree, repairs = write_request(read_request({"model": "m", "input": "x", **asked}), stream=told, owned=())
    assert (tree, repairs) == ({"model": "m", "input": "x", **wanted}, [])


def test_options_of_a_stream_are_not_sent_where_nothing_is_streamed() -> None:
    asked = {**CONTRACT, "stream_options": {"include_obfuscation": False}}
    tree, repairs = write_request(read_request(asked), stream=False, owned=())
    assert tree == {**CONTRACT, "stream": False}
    assert repairs == ["stream_options_dropped"]


def test_foreign_ids_are_taken_out_unless_the_client_is_the_customers_own() -> None:
    request = read_request(SAMPLES["replayed answer"])
    tree, repairs = write_request(request, stream=True, owned=set())
    assert repairs == ["foreign_id_dropped", "foreign_id_replaced", "foreign_id_dropped"]
    assert not {"rs_1", "ig_1", "msg_1"} & set(json.dumps(tree).split('"'))
    with pytest.raises(Invalid, match="resp_1"):
        write_request(read_request(SAMPLES["guide, edit by response"]), stream=None, owned=set())


@pytest.mark.parametrize(
    "fields, code, param",
    [
        ({"model": None}, "missing_required_parameter", "model"),
        ({"model": ""}, "missing_required_parameter", "model"),
        ({"model": 5}, "invalid_type", "model"),
        ({"model": ["gpt-5.5"]}, "invalid_type", "model"),
        ({"model": Long(("model",), 0, 900)}, "invalid_value", "model"),
        ({"input": None}, "missing_required_parameter", "input"),
        ({"input": 5}, "invalid_type", "input"),
        ({"stream": "true"}, "invalid_type", "stream"),
        ({"stream": 1}, "invalid_type", "stream"),
        ({"background": True}, "unsupported_parameter", "background"),
        ({"conversation": "conv_1"}, "unsupported_parameter", "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "unsupported_parameter", "prompt.id"),
        ({"previous_response_id": 5}, "invalid_type", "previous_response_id"),
        ({"previous_response_id": ""}, "invalid_value", "previous_response_id"),
        (
            {"prompt_cache_options": {"comparison_response_id": 5}},
            "invalid_type",
            "prompt_cache_options.comparison_response_id",
        ),
        ({"reasoning": "high"}, "invalid_type", "reasoning"),
        ({"reasoning": {"effort": 5}}, "invalid_type", "reasoning.effort"),
        ({"max_output_tokens": "1000"}, "invalid_type", "max_output_tokens"),
        ({"max_output_tokens": 0}, "invalid_value", "max_output_tokens"),
        ({"max_tool_calls": True}, "invalid_type", "max_tool_calls"),
        ({"tools": {}}, "invalid_type", "tools"),
        ({"tools": []}, "invalid_value", "tool_choice"),
        ({"tool_choice": 5}, "invalid_type", "tool_choice"),
    ],
)
def test_wrong_requests_are_refused_with_their_field(fields: dict[str, Any], code: str, param: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_request({**CONTRACT, **fields})
    assert (caught.value.status, caught.value.code, caught.value.param) == (400, code, param)


@pytest.mark.parametrize("body", [None, [], "x", 5, [CONTRACT]])
def test_a_body_that_is_no_object_is_refused(body: Any) -> None:
    with pytest.raises(Invalid, match="must be a JSON object"):
        read_request(body)


def nested(levels: int) -> Any:
    value: Any = "x"
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


def test_deep_nesting_is_refused_and_what_is_less_deep_is_not() -> None:
    read_request({**CONTRACT, "text": nested(DEEPEST - 1)})
    for levels in (DEEPEST, 20_000):
        for field in ("text", "input", "tools", "metadata"):
            with pytest.raises(Invalid, match="nested too deeply"):
                read_request({**CONTRACT, field: nested(levels)})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
TEXTS = st.text(max_size=20)
PARTS = st.one_of(
    st.fixed_dictionaries({"type": st.just("input_text"), "text": TEXTS}, optional={"future": JSON}),
    st.fixed_dictionaries(
        {"type": st.just("input_image"), "image_url": st.sampled_from([DATA, "https://example.com/a.png"])},
        optional={"detail": st.sampled_from(["low", "auto", None])},
    ),
    st.fixed_dictionaries({"type": st.just("future_part"), "future": JSON}),
)
IDS = st.sampled_from(["ig_1", "msg_1", "rs_1"])
INPUT_ITEMS = st.one_of(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["user", "assistant", "system"]),
            "content": TEXTS | st.lists(PARTS, max_size=3),
        },
        optional={"type": st.just("message"), "id": IDS, "phase": JSON},
    ),
    st.fixed_dictionaries({"type": st.just("item_reference"), "id": IDS}),
    st.fixed_dictionaries({"type": st.just("image_generation_call"), "id": IDS}, optional={"result": TEXTS}),
    st.fixed_dictionaries({"type": st.just("reasoning"), "summary": JSON}, optional={"id": IDS}),
)
TOOLS = st.fixed_dictionaries(
    {"type": st.just("image_generation")},
    optional={
        "size": st.sampled_from(["auto", "1024x1024", None]),
        "quality": TEXTS,
        "partial_images": st.integers(0, 3),
        "output_compression": st.integers(0, 100),
        "future": JSON,
    },
)
REQUESTS = st.fixed_dictionaries(
    {"model": st.text(min_size=1, max_size=8), "input": TEXTS | st.lists(INPUT_ITEMS, max_size=4)},
    optional={
        "stream": st.none() | st.booleans(),
        "tools": st.lists(TOOLS, max_size=2),
        "tool_choice": st.sampled_from(["auto", "none", "required", None]),
        "previous_response_id": st.just("resp_1"),
        "instructions": JSON,
        "metadata": JSON,
        "text": JSON,
        "future": JSON,
    },
)


@settings(max_examples=300)
@given(REQUESTS)
def test_a_round_trip_keeps_every_field(tree: dict[str, Any]) -> None:
    before = copy.deepcopy(tree)
    assert write_request(read_request(tree), stream=None, owned=None) == (before, [])
    owned = {"resp_1", "ig_1", "msg_1", "rs_1"}
    assert write_request(read_request(tree), stream=None, owned=owned) == (before, [])


@settings(max_examples=300)
@given(REQUESTS, st.booleans())
def test_writing_changes_nothing_but_stream_and_ids(tree: dict[str, Any], stream: bool) -> None:
    before = copy.deepcopy(tree)
    try:
        sent, _ = write_request(read_request(tree), stream=stream, owned=())
    except Invalid as error:
        assert error.code in ("previous_response_not_found", "item_not_found")
    else:
        assert bool(sent.get("stream")) is stream
        assert {k: v for k, v in sent.items() if k not in ("stream", "input")} == {
            k: v for k, v in before.items() if k not in ("stream", "input")
        }
        assert len(sent["input"]) == len(before["input"])
    assert tree == before


NAMES = """
model input stream tools tool_choice type role content text image_url id result annotations file_id container
container_id output approval_request_id previous_response_id prompt conversation background size partial_images
input_image_mask mode reasoning effort metadata item
"""
VALUES = """
message input_text input_image item_reference image_generation_call image_generation reasoning allowed_tools
function required user 1024x1024
"""
KEYS = st.sampled_from(NAMES.split())
WORDS = st.sampled_from([*VALUES.split(), DATA, "", "\ud800"])
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.builds(Long, st.just(("x",))),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=1000)
@given(st.dictionaries(KEYS, JUNK, max_size=6) | JUNK, st.booleans())
def test_rubbish_raises_nothing_but_invalid(junk: Any, whole: bool) -> None:
    tree = {**CONTRACT, **junk} if whole and isinstance(junk, dict) else junk
    try:
        request = read_request(tree)
        write_request(request, stream=True, owned={"message"})
    except Invalid as error:
        assert (error.status, error.type) == (400, "invalid_request_error")
        json.dumps(error.body(), ensure_ascii=False).encode()


@settings(max_examples=500)
@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_a_sample_with_one_wrong_value_raises_nothing_but_invalid(sample: str, data: st.DataObject) -> None:
    tree = copy.deepcopy(SAMPLES[sample])
    node: Any = tree
    while True:
        key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        if not isinstance(node[key], dict | list) or not node[key] or data.draw(st.booleans()):
            break
        node = node[key]
    node[key] = data.draw(JUNK)
    try:
        request = read_request(tree)
    except Invalid as error:
        json.dumps(error.body(), ensure_ascii=False).encode()
    else:
        sent, _ = write_request(request, stream=None, owned=None)
        assert repr(sent) == repr(tree)


def test_a_body_of_many_small_parts_is_read_in_linear_time() -> None:
    many = {"model": "m", "input": [{"role": "user", "content": "x", "future": [[], {}] * 10}] * 20_000}
    assert len(read_request(many).texts) == 20_000
    assert write_request(read_request(many), stream=None, owned=()) == (many, [])
