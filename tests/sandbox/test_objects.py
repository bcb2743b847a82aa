"""Response objects as wire.md 2.3, 2.4 and 9.3 list them, and usage by the formulas of section 8."""

import json

import pytest
from PIL import Image

from darkroom.sandbox import objects
from darkroom.sandbox.order import read_order
from tests.sandbox.drawing import ASK, file, text_of

TEXT = {"model": "gpt-5.5", "input": "Hello there, upstream"}


def order(**fields):
    return read_order({**ASK, **fields})


def wish(model="gpt-image-2", size="1024x1024", quality="medium", images=(), **fields):
    tool = {"type": "image_generation", "model": model, "size": size, "quality": quality, **fields}
    parts = [{"type": "input_text", "text": "x"}]
    parts += [{"type": "input_image", "image_url": text_of(image)} for image in images]
    return order(tools=[tool], input=[{"role": "user", "content": parts}]).wish


def test_ids_are_of_their_kind_and_new():
    ids = {objects.new_id("resp") for _ in range(50)}
    assert len(ids) == 50
    assert all(id.startswith("resp_") and len(id) == 55 for id in ids)


def test_response_has_every_key_that_strict_clients_ask_for():
    response = objects.response_object(read_order(TEXT), "resp_1", 1764000000)
    usage = objects.text_usage(read_order(TEXT), "hi")
    done = objects.finished(response, [], usage, objects.tool_usage(None), 1764000001)
    required = {
        "id", "object", "created_at", "completed_at", "status", "incomplete_details", "model", "previous_response_id",
        "instructions", "output", "error", "tools", "tool_choice", "truncation", "parallel_tool_calls", "text", "top_p",
        "presence_penalty", "frequency_penalty", "top_logprobs", "temperature", "reasoning", "usage",
        "max_output_tokens",
        "max_tool_calls", "store", "background", "service_tier", "metadata", "safety_identifier", "prompt_cache_key",
    }  # fmt: skip
    assert required <= set(done)
    assert (done["status"], done["completed_at"], response["completed_at"]) == ("completed", 1764000001, None)
    assert response["status"] == "in_progress"
    assert done["tools"] == []


def test_response_echoes_what_was_asked_with_the_defaults_of_the_tool():
    asked = order(
        store=False, metadata={"a": "b"}, reasoning={"effort": "xhigh", "summary": "auto"}, temperature=0.5
    )
    response = objects.response_object(asked, "resp_1", 1)
    assert (response["store"], response["metadata"], response["temperature"]) == (False, {"a": "b"}, 0.5)
    assert response["reasoning"] == {"effort": "xhigh", "summary": "auto"}
    assert response["tool_choice"] == {"type": "image_generation"}
    assert response["tools"] == [{
        "type": "image_generation", "background": "auto", "moderation": "auto", "n": 1, "output_compression": 100,
        "output_format": "png", "quality": "auto", "size": "1024x1024", "model": "gpt-image-2", "partial_images": 1,
    }]  # fmt: skip


def test_strange_fields_of_the_request_are_taken_calmly():
    response = objects.response_object(order(reasoning="much", text=[1], metadata=None), "resp_1", 1)
    assert response["reasoning"] == {"effort": None, "summary": None}
    assert response["text"]["format"] == {"type": "text"}
    assert response["metadata"] == {}


def test_failed_and_incomplete_say_why():
    response = objects.response_object(read_order(TEXT), "resp_1", 1)
    failed = objects.failed(response, {"code": None, "message": "m", "type": "t"})
    assert (failed["status"], failed["error"]) == ("failed", {"code": "server_error", "message": "m"})
    assert objects.incomplete(response)["incomplete_details"] == {"reason": "content_filter"}
    assert response["error"] is None


def test_items_are_as_the_wire_has_them():
    item = objects.image_item(
        "ig_1", wish(quality="auto", output_format="webp", background="transparent"), "revised", "QUJD"
    )
    assert item == {
        "id": "ig_1", "type": "image_generation_call", "status": "completed", "action": "generate", "result": "QUJD",
        "background": "transparent", "output_format": "webp", "quality": "medium", "size": "1024x1024",
        "revised_prompt": "revised",
    }  # fmt: skip
    message = objects.message_item("msg_1", "hello")
    assert (message["role"], message["content"][0]["text"]) == ("assistant", "hello")


def test_function_is_called_with_arguments_that_fit_its_parameters():
    parameters = {
        "type": "object",
        "properties": {
            "city": {"type": "string"}, "days": {"type": "integer"}, "unit": {"enum": ["c", "f"]},
            "deep": {"type": "object"},
            "maybe": {"type": ["null", "string"]}, "list": {"type": "array"}, "yes": {"type": "boolean"},
            "x": {"type": "number"},
        },
    }  # fmt: skip
    item = objects.function_item("fc_1", {"type": "function", "name": "weather", "parameters": parameters})
    assert (item["type"], item["name"]) == ("function_call", "weather")
    assert item["call_id"].startswith("call_")
    assert json.loads(item["arguments"]) == {
        "city": "sandbox", "days": 1, "unit": "c", "deep": {}, "maybe": None, "list": [], "yes": True, "x": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    "schema",
    [
        None,
        "x",
        [],
        {},
        {"type": {}},
        {"type": [[]]},
        {"type": []},
        {"properties": 5},
        {"enum": []},
        {"type": "object", "properties": {"a": 3}},
    ],
)
def test_schema_that_is_none_gives_arguments_all_the_same(schema):
    json.loads(objects.function_item("fc_1", {"type": "function", "parameters": schema})["arguments"])


def test_schema_without_an_end_is_cut_off():
    schema = {"type": "object", "properties": {}}
    schema["properties"]["again"] = schema
    json.dumps(objects.sample(schema))


@pytest.mark.parametrize(
    "model, size, quality, tokens",
    [
        ("gpt-image-2", "1024x1024", "low", 196), ("gpt-image-2", "1024x1024", "medium", 1756),
        ("gpt-image-2", "1024x1024", "high", 7024), ("gpt-image-2", "1536x1024", "high", 5488),
        ("gpt-image-2", "2048x1152", "medium", 1413), ("gpt-image-2", "1280x720", "medium", 947),
        ("gpt-image-2.5-flare", "1024x1024", "medium", 439), ("gpt-image-2.5-flare", "1024x1024", "xhigh", 3122),
        ("gpt-image-2.5-flare", "3840x2160", "max", 13342), ("gpt-image-1.5", "1024x1536", "medium", 1584),
        ("gpt-image-1-mini", "1536x1024", "high", 6208), ("gpt-image-2.6-sunburst", "1024x1024", "low", 196 * 4),
    ],
)  # fmt: skip
def test_output_tokens_are_the_published_ones(model, size, quality, tokens):
    usage = objects.image_usage(wish(model, size, quality), "x", 0)
    assert usage["output_tokens"] == tokens
    assert usage["output_tokens_details"] == {"image_tokens": tokens, "text_tokens": 0}
    assert objects.image_usage(wish(model, size, quality), "x", 3)["output_tokens"] == tokens + 300


def test_input_tokens_are_words_and_patches():
    square, wide = (file(Image.new("RGB", size)) for size in ((1024, 1024), (1536, 1024)))
    plain = objects.image_usage(wish(), "a" * 40, 0)
    assert plain["input_tokens_details"] == {"image_tokens": 0, "text_tokens": 10 + 16}
    edit = objects.image_usage(wish(images=(square, wide)), "a" * 40, 0)
    assert edit["input_tokens_details"] == {"image_tokens": 1024 + 1536, "text_tokens": 26}
    for usage in (plain, edit):
        assert usage["input_tokens"] == sum(usage["input_tokens_details"].values())
        assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


def test_usage_of_a_batch_is_the_sum():
    one, ten = objects.image_usage(wish(), "cat", 0), objects.image_usage(wish(), "cat", 0, 10)
    assert [ten[key] for key in ("input_tokens", "output_tokens", "total_tokens")] == [
        10 * one[key] for key in ("input_tokens", "output_tokens", "total_tokens")
    ]


def test_tool_usage_is_zeros_when_nothing_was_drawn():
    assert objects.tool_usage(None)["image_gen"]["total_tokens"] == 0
    usage = objects.image_usage(wish(), "cat", 0)
    assert objects.tool_usage(usage) == {"image_gen": usage, "web_search": {"num_requests": 0}}


def test_text_usage_counts_the_outer_model():
    usage = objects.text_usage(read_order({"model": "gpt-5.5", "input": "a" * 40}), "b" * 80)
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (18, 20, 38)
