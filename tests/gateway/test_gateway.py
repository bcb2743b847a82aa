"""What a process owns: how answers are spelled, and which channels there are to choose from."""

import pytest

from tests.gateway.test_exchange import TEXT, post
from tests.relaying import IMAGE_BODY, PIXEL, channel, frames, play_picture, relaying, upstream

pytestmark = pytest.mark.anyio


async def test_contract_spelling_is_used_where_the_installation_asks_for_it(tmp_path):
    async with upstream(play_picture) as up, relaying(tmp_path, channel(up), field_names="contract") as relay:
        told = frames((await post(relay, IMAGE_BODY)).content)
        partial = next(t for t in told if t["type"].endswith("partial_image"))
        assert partial["partial_image"] == PIXEL
        assert "partial_image_b64" not in partial


async def test_model_that_no_channel_lists_is_not_found_and_no_channel_is_503(tmp_path):
    async with upstream(play_picture) as up, relaying(tmp_path, channel(up, models=("gpt-5.5",))) as relay:
        answer = await post(relay, {"model": "gpt-9", "input": "x"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
    async with relaying(tmp_path) as relay:
        answer = await post(relay, TEXT)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "no_channel")
