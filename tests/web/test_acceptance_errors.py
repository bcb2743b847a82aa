"""The contract's error table, each status in its situation, as a customer of the whole product meets it."""

import asyncio
import json

import pytest

from darkroom.ledger.accounts import Accounts
from darkroom.ledger.keys import Keys
from darkroom.sandbox.faults import SECRETS
from tests.composed import (
    SUPPORT,
    UPSTREAM_KEY,
    composed,
    picture,
    refusal,
    running,
    text,
    upstream_table,
)
from tests.relaying import frames

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
PRIVATE = (
    *SECRETS,
    UPSTREAM_KEY,
    "cloudflare",
    "<html",
    "Ray ID",
    "10.20.30.40",
    "/srv/relay",
    "connect error",
)


@pytest.fixture(scope="module")
async def relay(tmp_path_factory):
    """One product for all tests of this file."""
    async with composed(tmp_path_factory.mktemp("errors"), in_flight_per_key=20, body_limit_mb=2) as made:
        yield made


# 401, 403


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer sk-wrongwrongwrongwrongwrong", "Basic dXNlcjpwYXNz", "Bearer YOUR_API_KEY"],
)
@pytest.mark.parametrize("path", ["/responses", "/models", "/models/gpt-5.5"])
async def test_key_that_is_missing_or_wrong_is_a_401_that_shows_the_right_header(relay, header, path):
    method = "POST" if path == "/responses" else "GET"
    answer = await relay.call(path, picture(), method=method, headers={"authorization": header or ""})
    error = refusal(answer, 401, "invalid_api_key")
    assert "Authorization: Bearer" in error["message"] or "key" in error["message"].lower()


async def test_body_is_not_waited_for_when_the_key_is_wrong(relay):
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    writer.write(b"POST /v1/responses HTTP/1.1\r\nhost: x\r\ncontent-length: 90000000\r\n\r\n{")
    assert (await asyncio.wait_for(reader.readline(), 2)).startswith(b"HTTP/1.1 401")
    writer.close()


async def test_key_that_is_revoked_and_account_that_is_suspended_are_refused_within_a_second(relay):
    accounts = Accounts(relay.gateway.store)
    await accounts.create("acme")
    key, secret = await relay.gateway.keys.create("acme")
    _, other = await relay.gateway.keys.create("acme")
    for each in (secret, other):
        assert (await relay.call("/models", method="GET", secret=each)).status_code == 200
    # Another process does it: this one learns of it from the store.
    await Keys(relay.gateway.store).revoke(key.id)
    await asyncio.sleep(1)
    refusal(await relay.call(body=text(), secret=secret), 401, "key_revoked")
    await accounts.suspend("acme")
    await asyncio.sleep(1)
    refusal(await relay.call(body=text(), secret=other), 403, "account_suspended")


async def test_model_that_the_key_may_not_use_is_a_403_that_names_those_it_may(relay):
    _, secret = await relay.gateway.keys.create("admin", models=("gpt-5.5",))
    error = refusal(await relay.call(body=picture(), secret=secret), 403, "model_not_enabled", "tools")
    assert "gpt-image-2" in error["message"]
    assert "gpt-5.5" in error["message"]
    assert (await relay.call(body=text(), secret=secret)).status_code == 200


# 404, 405


@pytest.mark.parametrize(
    ("path", "right"),
    [
        ("/responses", "/v1/responses"),
        ("/v1/v1/responses", "/v1/responses"),
        ("/v1/v1/models/gpt-5.5", "/v1/models/gpt-5.5"),
        ("/models", "/v1/models"),
        ("//v1//responses", "/v1/responses"),
        ("/", "/v1/responses"),
        ("/v1", "/v1/responses"),
        ("/v1/chat/completions", "/v1/responses"),
        ("/v1/responses/resp_1", "/v1/responses"),
        ("/%E2%98%83/%ff", "/v1/responses"),
    ],
)
async def test_path_that_is_wrong_is_a_404_that_says_which_one_is_right(relay, path, right):
    root = relay.base.removesuffix("/v1")
    answer = await relay.call(root + path, picture())
    error = refusal(answer, 404, "unknown_url")
    assert right in error["message"]
    if "responses/" not in path:
        assert relay.base in error["message"]


async def test_method_that_is_wrong_is_a_405_that_names_the_right_one(relay):
    answer = await relay.call("/responses", method="GET")
    assert "POST" in refusal(answer, 405, "method_not_allowed")["message"]
    assert answer.headers["allow"] == "POST"


async def test_model_that_nobody_has_is_a_404(relay):
    refusal(await relay.call("/models/gpt-9", method="GET"), 404, "model_not_found", "model")
    refusal(await relay.call(body=picture("code=model_not_found")), 404, "model_not_found", "model")


# 400, 413


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 5}, "model"),
        ({"model": ""}, "model"),
        ({"input": 5}, "input"),
        ({"input": [5]}, "input[0]"),
        ({"input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": 5}]}]},
         "input[0].content[0].text"),
        ({"stream": "yes"}, "stream"),
        ({"tools": {}}, "tools"),
        ({"tools": [{}]}, "tools[0].type"),
        ({"tools": [{"type": "image_generation", "size": "huge"}]}, "tools[0].size"),
        ({"tools": [{"type": "image_generation", "size": 1024}]}, "tools[0].size"),
        ({"tools": [{"type": "image_generation", "partial_images": 9}]}, "tools[0].partial_images"),
        ({"tools": [{"type": "image_generation", "quality": 1}]}, "tools[0].quality"),
        ({"tools": [], "tool_choice": {"type": "image_generation"}}, "tool_choice"),
        ({"tool_choice": 7}, "tool_choice"),
        ({"reasoning": "xhigh"}, "reasoning"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"background": True}, "background"),
        ({"background": "yes"}, "background"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"conversation": {"id": "conv_1"}}, "conversation"),
        ({"previous_response_id": "resp_of_somebody"}, "previous_response_id"),
        ({"previous_response_id": 5}, "previous_response_id"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt.id"),
        ({"input": [{"type": "item_reference", "id": "ig_of_somebody"}]}, "input[0].id"),
        ({"input": [{"type": "message", "role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}]},
         "input[0].content[0].file_id"),
        ({"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}, "tools[0].vector_store_ids"),
    ],
    ids=lambda value: json.dumps(value)[:60],
)  # fmt: skip
async def test_field_that_is_wrong_is_a_400_that_names_it(relay, fields, param):
    error = refusal(await relay.call(body=picture(**fields)), 400, param=param)
    assert error["type"] == "invalid_request_error"


async def test_request_that_the_upstream_refuses_keeps_its_words_and_field(relay):
    error = refusal(await relay.call(body=picture("status=400")), 400, "invalid_value", "size")
    assert "512x512" in error["message"]
    error = refusal(await relay.call(body=picture("code=moderation_blocked")), 400, "moderation_blocked")
    assert error["moderation_details"]["categories"] == ["sexual"]


async def test_body_that_is_too_large_is_a_413_told_or_not_told(relay):
    large = b'{"model": "gpt-5.5", "input": "' + b"x" * 3_000_000 + b'"}'

    async def untold():
        for at in range(0, len(large), 500_000):
            yield large[at : at + 500_000]

    assert "2 MB" in refusal(await relay.call(body=large), 413, "request_too_large")["message"]
    headers = {"authorization": f"Bearer {relay.secret}"}
    refusal(await relay.client.post(relay.base + "/responses", content=untold(), headers=headers), 413)
    refusal(await relay.call(body=picture("status=413")), 413, "request_too_large")


# 429, 5xx


async def test_key_with_too_much_in_flight_is_a_429_with_a_time_to_retry(tmp_path):
    async with composed(tmp_path, in_flight_per_key=1) as relay:
        slow = asyncio.create_task(relay.call(body=text("stall=before_headers, stall_ms=1000")))
        while not relay.gateway.in_flight:
            await asyncio.sleep(0.01)
        answer = await relay.call(body=text())
        refusal(answer, 429, "too_many_images_in_flight")
        assert int(answer.headers["retry-after"]) > 0
        assert (await slow).status_code == 200
        assert (await relay.call(body=text())).status_code == 200


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("scenario", "status", "code"),
    [
        ("status=429", 429, None),
        ("status=429, retry_after=7", 429, None),
        ("code=slow_down", 429, "slow_down"),
        ("code=insufficient_quota", 503, "upstream_quota_exhausted"),
        ("code=billing_hard_limit_reached", 503, "upstream_quota_exhausted"),
        ("status=401", 502, "upstream_refused"),
        ("status=403", 502, "upstream_refused"),
        ("status=500", 502, "upstream_error"),
        ("status=502", 502, "upstream_error"),
        ("status=503", 503, "upstream_busy"),
        ("status=504", 502, "upstream_timeout"),
        ("status=418", 502, "upstream_error"),
        ("cut=before_headers", 502, "upstream_connection_lost"),
        ("reset=before_headers", 502, "upstream_connection_lost"),
        ("cut=before_created", 502, "upstream_connection_lost"),
        ("body=html, status=200", 502, "upstream_error"),
        ("error=nested, error_at=before_created", 502, "upstream_error"),
    ],
)
async def test_failure_of_the_upstream_is_told_by_the_right_status(relay, scenario, status, code, stream):
    answer = await relay.call(body=picture(scenario, stream=stream))
    code = answer.json()["error"]["code"] if code is None else code
    refusal(answer, status, code)
    if status == 429:
        assert int(answer.headers["retry-after"]) == (
            7 if "retry_after" in scenario else 12 if "status" in scenario else 10
        )


@pytest.mark.parametrize("body", ["html", "empty", "text", "broken", "string", "detail", "wrapped", "secret"])
async def test_body_of_the_upstream_never_shows_what_is_private(relay, body):
    for status in (200, 301, 400, 401, 403, 404, 413, 418, 422, 429, 500, 502, 503, 504, 529):
        answer = await relay.call(body=picture(f"body={body}, status={status}", stream=status % 2 == 0))
        error = refusal(answer, answer.status_code)
        assert answer.status_code in (400, 404, 413, 429, 502, 503), (status, answer.text)
        told = answer.text + str(answer.headers)
        assert not [word for word in PRIVATE if word in told], (status, error)
    trace = (await relay.traces())[0]
    assert not [word for word in (UPSTREAM_KEY,) if word in str(trace.attempts[0].error_message)]


async def test_no_channel_is_a_503_and_never_the_sandbox_once_there_was_one(tmp_path):
    async with running(tmp_path) as relay:
        answer = await relay.call(body=text())
        assert answer.status_code == 200
        assert answer.headers["x-darkroom-sandbox"] == "1"
    async with running(tmp_path, upstream_table(9)) as relay:
        answer = await relay.call(body=text())
        refusal(answer, 502, "upstream_connection_lost")
        assert "127.0.0.1" not in answer.text
    async with running(tmp_path) as relay:
        refusal(await relay.call(body=text()), 503, "no_channel")
        _, test_key = await relay.gateway.keys.create("admin", test=True)
        assert (await relay.call(body=text(), secret=test_key)).headers["x-darkroom-sandbox"] == "1"


# inside a stream that has begun


@pytest.mark.parametrize(
    "scenario",
    ["cut=after_created", "reset=after_in_progress", "cut=after_generating", "cut=in_partial, partials=1",
     "cut=after_partial, partials=1", "cut=in_final", "cut=before_completed, dialect=no_item_done",
     "error=failed", "answer=no_image", "answer=no_result"]
    + [f"error={shape}, error_at=after_created" for shape in ("nested", "flat", "both", "bare", "string", "raw_json")],
)  # fmt: skip
async def test_failure_after_the_beginning_ends_the_stream_once_with_whom_to_ask(relay, scenario):
    answer = await relay.call(body=picture(scenario))
    assert answer.status_code == 200
    told = frames(answer.content)
    assert [tree["type"] for tree in told[-2:]] == ["error", "response.failed"]
    assert [tree["type"] for tree in told].count("error") == 1
    error = told[-2]
    assert set(error["error"]) >= {"message", "type", "param", "code"}
    assert (error["message"], error["code"]) == (error["error"]["message"], error["error"]["code"])
    assert error["message"].endswith(
        f"contact {SUPPORT} and mention request id {answer.headers['x-request-id']}."
    )
    assert told[-1]["response"]["status"] == "failed"
    assert told[-1]["response"]["id"] == told[0]["response"]["id"]
    assert not [word for word in PRIVATE if word in answer.text]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/v1/models", "/v1/models/gpt-5.5"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_every_answer_has_a_request_id(relay, path, method):
    answer = await relay.call(relay.base.removesuffix("/v1") + path, method=method)
    assert answer.status_code == 200
    assert answer.headers["x-request-id"].startswith("req_")
    assert bool(answer.content) is (method == "GET")
