"""The API under /v1: the key before the body, the right help for wrong paths, and no exchange that begins too late."""

import asyncio
import json

import httpx2
import pytest

from darkroom.web.v1 import ROUTES
from tests.relaying import IMAGE_BODY, channel, play_picture, relaying, upstream

pytestmark = pytest.mark.anyio
HEAD = "POST /v1/responses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n{}\r\n"


async def ask(relay, path, method="GET", **more):
    async with httpx2.AsyncClient(timeout=20) as client:
        return await client.request(method, relay.url + path, **{"headers": relay.headers, **more})


async def status_of(reader):
    """The status of the next answer on a plain connection, and its error object."""
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).decode()
    length = int(head.lower().partition("content-length: ")[2].partition("\r\n")[0])
    return int(head.split()[1]), json.loads(await reader.readexactly(length))["error"]


async def test_every_route_answers_its_own_methods_alone(tmp_path):
    async with relaying(tmp_path) as relay:
        for path, methods in ROUTES.items():
            for method in ("GET", "POST", "DELETE", "OPTIONS"):
                answer = await ask(relay, path, method)
                if method in methods:
                    assert answer.status_code != 405
                else:
                    assert (answer.status_code, answer.headers["allow"]) == (405, ", ".join(methods))
                    assert answer.json()["error"]["code"] == "method_not_allowed"


async def test_slash_at_the_end_is_forgiven(tmp_path):
    async with upstream(play_picture) as up, relaying(tmp_path, channel(up)) as relay:
        assert (await ask(relay, "/v1/responses/", "POST", json=IMAGE_BODY)).status_code == 200
        assert (await ask(relay, "/v1/models/")).json()["object"] == "list"


async def test_help_names_the_public_address_where_there_is_one(tmp_path):
    async with relaying(tmp_path, public_url="https://pictures.example/api") as relay:
        message = (await ask(relay, "/responses", "POST")).json()["error"]["message"]
        assert "Use https://pictures.example/api/v1 as the base URL" in message
        assert "https://pictures.example/api/v1/responses." in message


async def test_help_needs_no_key_and_gives_nothing_away(tmp_path):
    async with relaying(tmp_path) as relay:
        answer = await ask(relay, "/v1/v1/responses", "POST", headers={"host": "relay.example"})
        assert answer.status_code == 404
        assert "http://relay.example/v1/responses" in answer.json()["error"]["message"]


async def test_models_are_those_of_the_channels_and_one_may_have_slashes(tmp_path):
    async with upstream(play_picture) as up:
        async with relaying(tmp_path, channel(up, models=("gpt-5.5", "vendor/model-1"))) as relay:
            listed = (await ask(relay, "/v1/models")).json()
            assert [model["id"] for model in listed["data"]] == ["gpt-5.5", "vendor/model-1"]
            for model in listed["data"]:
                assert (await ask(relay, f"/v1/models/{model['id']}")).json() == model
            missing = await ask(relay, "/v1/models/gpt-9")
            assert (missing.status_code, missing.json()["error"]["param"]) == (404, "model")


async def test_key_is_checked_before_a_byte_of_the_body_is_asked_for(tmp_path):
    async with relaying(tmp_path) as relay:
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        writer.write(HEAD.format("sk-wrongwrongwrongwrong", 1000, "expect: 100-continue\r\n").encode())
        status, error = await status_of(reader)
        assert (status, error["code"]) == (401, "invalid_api_key")
        writer.close()


async def test_request_that_is_refused_leaves_no_place_taken_and_a_trace(tmp_path):
    async with relaying(tmp_path) as relay:
        for body in (b"{", b'{"model": "gpt-5.5", "background": true}', b'{"input": "x"}'):
            answer = await ask(relay, "/v1/responses", "POST", content=body)
            assert answer.status_code == 400
            trace = (await relay.traces())[0]
            assert (trace.request_id, trace.outcome) == (answer.headers["x-request-id"], "refused")
            assert (trace.status, trace.bytes_in) == (400, len(body))
            assert trace.attempts == []
        assert relay.gateway.in_flight == {}
        assert relay.gateway.budget.used == 0


async def test_caller_who_leaves_with_half_his_body_sent_leaves_nothing_behind(tmp_path):
    async with relaying(tmp_path) as relay:
        _, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        writer.write(HEAD.format(relay.secret, 1000, "").encode() + b"{")
        while not relay.gateway.in_flight:
            await asyncio.sleep(0.005)
        writer.transport.abort()
        await relay.idle(1)
        assert relay.gateway.budget.used == 0


async def test_request_whose_body_ends_after_the_stop_began_is_sent_elsewhere(tmp_path):
    """It would begin an exchange that nobody ends any more."""
    body = json.dumps(IMAGE_BODY).encode()
    async with upstream(play_picture) as up, relaying(tmp_path, channel(up)) as relay:
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        writer.write(HEAD.format(relay.secret, len(body), "").encode() + body[:10])
        while not relay.gateway.in_flight:
            await asyncio.sleep(0.005)
        await relay.gateway.stop(0.1, asyncio.Event())
        writer.write(body[10:])
        status, error = await status_of(reader)
        assert (status, error["code"]) == (503, "stopping")
        assert up.heard == []
        await relay.idle(1)
        writer.close()


async def test_readiness_ends_with_the_stop_and_health_does_not(tmp_path):
    async with relaying(tmp_path) as relay:
        assert (await ask(relay, "/readyz")).json() == {"status": "ready"}
        relay.gateway.stopping = True
        answer = await ask(relay, "/readyz")
        assert (answer.status_code, answer.json()) == (503, {"status": "stopping"})
        assert (await ask(relay, "/healthz")).status_code == 200


async def test_fault_of_our_own_is_a_500_that_tells_nothing_of_it(tmp_path):
    async with relaying(tmp_path) as relay:
        relay.gateway.channels = None  # what no setting can do
        answer = await ask(relay, "/v1/models")
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "server_error")
        assert "NoneType" not in answer.text
        assert answer.headers["x-request-id"] in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "line", [b"GET /\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\r\n\r\n"]
)
async def test_unreadable_request_line_is_answered_and_does_not_end_the_server(tmp_path, line):
    async with relaying(tmp_path) as relay:
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        writer.write(line)
        assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"HTTP/1.1 4")
        writer.close()
        assert (await ask(relay, "/healthz")).status_code == 200
