"""From a Responses request to the fields of an Images request: what is carried, what is lost, what is refused."""

from typing import Any

import pytest
from hypothesis import given, settings

from darkroom.errors import Internal, Invalid
from darkroom.wire.codecs.images.carry import MOST_LOST, bridgeable, carry, in_words, named, sources
from darkroom.wire.codecs.images.request import LONGEST_PROMPT, read_edit, read_generation
from darkroom.wire.codecs.responses import read_request
from darkroom.wire.elide import Long
from darkroom.wire.request import Request
from tests.wire.codecs.images.samples import DATA, responses

TOOL: dict[str, Any] = {"type": "image_generation"}
FORCED = {"type": "image_generation"}
SHOWN = {"type": "input_image", "image_url": DATA}
FUNCTION = {"type": "function", "name": "f"}
CONTRACT: dict[str, Any] = {
    "model": "gpt-5.5",
    "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a speaker"}]}],
    "stream": True,
    "store": False,
    "parallel_tool_calls": True,
    "tool_choice": FORCED,
    "reasoning": {"summary": "auto"},
    "tools": [TOOL | {"model": "gpt-image-2", "size": "1024x1024", "quality": "medium", "partial_images": 1}],
}


def ask(*items: Any, tool: Any = None, **fields: Any) -> Request:
    tools = [TOOL | (tool or {})]
    return read_request({"model": "gpt-5.5", "input": list(items), "tools": tools, **fields})


def user(*parts: Any) -> dict[str, Any]:
    texts = [{"type": "input_text", "text": part} if isinstance(part, str | Long) else part for part in parts]
    return {"role": "user", "content": texts}


def lost(request: Request) -> list[str]:
    return carry(request, {})[1]


def test_the_contracts_request_is_carried_whole() -> None:
    fields, missed = carry(read_request(CONTRACT), {})
    wanted = {"model": "gpt-image-2", "prompt": "a speaker", "size": "1024x1024", "quality": "medium"}
    assert (fields, missed) == (wanted, [])


def test_the_contracts_recommended_effort_is_told_as_lost() -> None:
    assert lost(read_request(CONTRACT | {"reasoning": {"effort": "xhigh", "summary": "auto"}})) == [
        "reasoning.effort"
    ]


def test_words_of_the_system_stand_before_those_of_the_user() -> None:
    request = ask(
        {"role": "system", "content": "no text"},
        user("a cat"),
        {"role": "developer", "content": [{"type": "input_text", "text": "in oil"}]},
        user("on a mat", "asleep"),
        instructions="be bold",
    )
    fields, missed = carry(request, {})
    assert fields["prompt"] == "be bold\n\nno text\n\nin oil\n\na cat\non a mat\nasleep"
    assert (fields["model"], missed) == ("gpt-image-2", [])


def test_texts_that_lie_in_a_file_are_joined_in_words_and_a_lone_one_may_stay_there() -> None:
    long = Long(("input", 0, "content", 0, "text"), 10, 20_000)
    assert carry(ask(user(long)), {})[0]["prompt"] is long
    assert carry(ask(user(long)), {long.path: "a cat"})[0]["prompt"] == "a cat"
    both = ask(user(long, "asleep"))
    assert sources(both)[:2] == [long, "asleep"]
    assert carry(both, {long.path: "a cat"})[0]["prompt"] == "a cat\nasleep"
    with pytest.raises(Internal):
        carry(both, {})
    with pytest.raises(Internal):
        in_words(long, {})


@pytest.mark.parametrize(
    "item, wanted",
    [
        (user({**SHOWN, "detail": "high"}, "x"), ["input[0].content[0].detail"]),
        (user({**SHOWN, "detail": "auto"}, "x"), []),
        (user({"type": "input_file", "file_data": "x"}), ["input[0].content[0]"]),
        ({"role": "assistant", "content": "here"}, ["input[0]"]),
        ({"role": "assistant", "content": [{"type": "output_text", "text": "here"}]}, ["input[0]"]),
        ({"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}, ["input[0]"]),
        ({"role": "assistant", "content": [{"type": "output_text", "text": ""}]}, []),
        ({"role": "critic", "content": "x"}, ["input[0]"]),
        ({"type": "reasoning", "summary": [], "encrypted_content": "x"}, []),
        ({"type": "image_generation_call", "id": "ig_1", "result": "iVBO"}, []),
        ({"type": "function_call_output", "call_id": "c", "output": "x"}, ["input[0]"]),
    ],
)
def test_items_without_a_place_in_a_prompt_are_lost_by_name(item: Any, wanted: list[str]) -> None:
    assert lost(ask(item, user("a cat"))) == wanted


@pytest.mark.parametrize(
    "fields, wanted",
    [
        ({"temperature": 0.2}, ["temperature"]),
        ({"temperature": 1.0, "top_p": 1, "service_tier": "auto"}, []),
        ({"service_tier": "flex"}, ["service_tier"]),
        ({"text": {"format": {"type": "json_schema"}}}, ["text"]),
        ({"text": {"format": {"type": "text"}, "verbosity": "medium"}}, []),
        ({"moderation": {"model": "m"}}, ["moderation"]),
        ({"reasoning": {"effort": None, "mode": "pro", "summary": "auto"}}, ["reasoning.mode"]),
        ({"some_future_field": 1, "another": None}, ["some_future_field"]),
        ({"metadata": {"a": "b"}, "include": ["x"], "store": True, "max_output_tokens": 100}, []),
        ({"prompt_cache_key": "k", "truncation": "auto", "stream_options": {}, "background": False}, []),
        ({"instructions": [{"role": "user", "content": "x"}]}, ["instructions"]),
    ],
)
def test_fields_of_the_request_are_lost_unless_they_ask_for_nothing(fields: Any, wanted: list[str]) -> None:
    assert lost(ask(user("a cat"), **fields)) == wanted


@pytest.mark.parametrize(
    "tool, shown, wanted",
    [
        ({"input_fidelity": "high"}, (), ["tools[0].input_fidelity"]),
        ({"input_fidelity": "high"}, (SHOWN,), []),
        ({"action": "generate"}, (), []),
        ({"action": "generate"}, (SHOWN,), ["tools[0].action"]),
        ({"action": "edit"}, (SHOWN,), []),
        ({"action": "auto"}, (SHOWN,), []),
        ({"n": 1, "style": None}, (), []),
        ({"n": 2, "style": "vivid", "prompt": "x"}, (), ["tools[0].n", "tools[0].style", "tools[0].prompt"]),
    ],
)
def test_fields_of_the_tool_are_lost_where_the_target_lacks_them(
    tool: Any, shown: Any, wanted: list[str]
) -> None:
    fields, missed = carry(ask(user("a cat", *shown), tool=tool), {})
    assert missed == wanted
    assert ("input_fidelity" in fields) is ("input_fidelity" in tool and bool(shown))
    assert fields["prompt"] == "a cat"


def test_who_asks_is_kept_and_a_second_image_tool_is_lost() -> None:
    request = read_request(CONTRACT | {"user": "u", "safety_identifier": "s", "tools": [TOOL, TOOL]})
    fields, missed = carry(request, {})
    assert (fields["user"], fields["safety_identifier"], missed) == ("u", "s", ["tools[1]"])


@pytest.mark.parametrize(
    "request_, param",
    [
        (ask(user("x"), tool={"action": "edit"}), "tools[0].action"),
        (
            ask(user("x"), tool={"input_image_mask": {"image_url": DATA}}),
            "tools[0].input_image_mask.image_url",
        ),
        (ask(user(*[SHOWN] * 17, "x")), "input"),
        (ask(user(SHOWN)), "input"),
        (ask(user("x" * LONGEST_PROMPT, "y")), "input"),
        (ask(user("x"), previous_response_id="resp_1"), "tools"),
    ],
)
def test_what_the_images_api_cannot_mean_is_refused(request_: Request, param: str) -> None:
    with pytest.raises(Invalid) as caught:
        carry(request_, {})
    assert caught.value.param == param


@pytest.mark.parametrize(
    "fields, wanted",
    [
        ({}, True),
        ({"tool_choice": "auto"}, True),
        ({"tool_choice": "required"}, True),
        ({"tool_choice": None}, True),
        ({"tool_choice": "none"}, False),
        ({"tool_choice": "some-future-word"}, False),
        ({"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [TOOL]}}, False),
        ({"tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [TOOL]}}, True),
        ({"tools": []}, False),
        ({"tools": [TOOL, FUNCTION]}, False),
        ({"tools": [TOOL, FUNCTION], "tool_choice": FORCED}, False),
        ({"tools": [TOOL, TOOL], "tool_choice": FORCED}, True),
        ({"previous_response_id": "resp_1"}, False),
        ({"max_tool_calls": 0}, False),
        ({"max_tool_calls": 1}, True),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, False),
        ({"input": [{"type": "code_interpreter_call", "id": "ci_1", "container_id": "c"}]}, False),
        ({"input": [user("x"), {"type": "image_generation_call", "id": "ig_1"}]}, True),
        ({"input": [{"role": "assistant", "id": "msg_1", "content": "x"}, user("x")]}, True),
    ],
)
def test_a_request_can_go_to_images_if_it_asks_for_a_picture_and_nothing_else(
    fields: Any, wanted: bool
) -> None:
    request = read_request({"model": "gpt-5.5", "input": "a cat", "tools": [TOOL], **fields})
    assert bridgeable(request) is wanted


def test_an_images_request_can_always_go_to_images() -> None:
    assert bridgeable(read_generation({"prompt": "a cat"}))
    assert bridgeable(read_edit({"prompt": "a cat", "images": [DATA]}))


def test_names_of_what_is_lost_are_few_and_printable() -> None:
    assert named(["a", "b\r\nx-evil: 1", "a"]) == ("a", "b??x-evil: 1")
    many = named([f"input[{number}]" for number in range(100)])
    assert (len(many), many[-1]) == (MOST_LOST + 1, "and 70 more")


@settings(max_examples=50)
@given(responses())
def test_every_field_of_the_tool_is_carried_or_lost(tree: dict[str, Any]) -> None:
    request = read_request(tree)
    assert bridgeable(request)
    fields, missed = carry(request, {})
    elsewhere = {"type", "model", "partial_images", "input_image_mask"}
    for name, value in tree["tools"][0].items():
        assert name in elsewhere or fields.get(name) == value or f"tools[0].{name}" in missed
    assert all(text in fields["prompt"] for text in request.texts if isinstance(text, str))
