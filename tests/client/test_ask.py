import base64
import json
from typing import Any

import pytest

from darkroom import errors
from darkroom.client.ask import Ask, write_body
from tests.client.playing import picture

CONTRACT = {
    "model": "gpt-5.5",
    "input": [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "一台银色智能音箱"}]}
    ],
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


def body(**fields: Any) -> Any:
    return json.loads(write_body(Ask(**{"prompt": "x", **fields})))


def test_body_is_the_one_that_the_contract_recommends() -> None:
    made = body(prompt="一台银色智能音箱", size="1024x1024", quality="medium", format="png", partials=1)
    assert made == CONTRACT
    assert list(made) == list(CONTRACT)


def test_body_leaves_out_what_was_not_asked() -> None:
    assert body()["tools"] == [{"type": "image_generation", "model": "gpt-image-2"}]
    assert body(image_model=None)["tools"] == [{"type": "image_generation"}]


@pytest.mark.parametrize("effort", [None, ""])
def test_body_has_no_reasoning_without_effort(effort: str | None) -> None:
    assert "reasoning" not in body(effort=effort)


def test_body_carries_every_option_of_the_tool() -> None:
    made = body(background="transparent", format="webp", quality="high", size="2048x1152", model="gpt-6")
    assert made["model"] == "gpt-6"
    tool = made["tools"][0]
    assert (tool["background"], tool["output_format"]) == ("transparent", "webp")
    assert (tool["quality"], tool["size"]) == ("high", "2048x1152")


@pytest.mark.parametrize(
    "format, media_type", [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")]
)
def test_body_carries_input_pictures_behind_the_prompt(format: str, media_type: str) -> None:
    content = picture(format)
    parts = body(images=[content, picture()])["input"][0]["content"]
    assert [part["type"] for part in parts] == ["input_text", "input_image", "input_image"]
    start, _, text = parts[1]["image_url"].partition(",")
    assert start == f"data:{media_type};base64"
    assert base64.b64decode(text) == content


def test_body_carries_the_mask_in_the_tool() -> None:
    mask = picture()
    url = body(images=[picture()], mask=mask)["tools"][0]["input_image_mask"]["image_url"]
    assert url == "data:image/png;base64," + base64.b64encode(mask).decode()


@pytest.mark.parametrize("content", [b"", b"text", b"GIF89a" + bytes(20), b"<svg/>"])
def test_body_is_refused_with_input_that_is_no_picture(content: bytes) -> None:
    with pytest.raises(errors.Invalid) as caught:
        body(images=[content])
    assert caught.value.param == "image"
    with pytest.raises(errors.Invalid) as caught:
        body(mask=content)
    assert caught.value.param == "mask"
