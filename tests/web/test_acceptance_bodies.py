"""Request bodies at the whole product: nothing that a customer sends is a 500, and large ones never fill the memory."""

import asyncio
import json

import pytest

from darkroom.gateway.body import Body
from darkroom.ledger.accounts import Accounts
from tests.composed import composed, picture, refusal, running, text, upstream_table
from tests.relaying import play_picture, upstream

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
MB = 1024 * 1024


@pytest.fixture(scope="module")
async def relay(tmp_path_factory):
    """One product for all tests of this file."""
    async with composed(tmp_path_factory.mktemp("bodies"), body_limit_mb=8, body_budget_mb=8) as made:
        yield made


def pad(start, end=b'"}'):
    """A body of more than 1 MB, which is read to disk."""
    return start + b"x" * (1200 * 1024) + end


BROKEN = {
    "empty": b"",
    "spaces": b"  \r\n ",
    "cut": b'{"model": "gpt-5.5", "input": "a',
    "array": b"[]",
    "string": b'"hello"',
    "number": b"7",
    "null": b"null",
    "nan": b'{"model": "gpt-5.5", "input": "a", "temperature": NaN}',
    "infinity": b'{"model": "gpt-5.5", "input": "a", "temperature": -Infinity}',
    "utf8": b'{"model": "gpt-5.5", "input": "\xff\xfe"}',
    "overlong": b'{"model": "gpt-5.5", "input": "\xc0\xaf"}',
    "half a pair": b'{"model": "gpt-5.5", "input": "\\ud83d"}',
    "utf16": '{"model": "gpt-5.5"}'.encode("utf-16"),
    "deep": b'{"model": "gpt-5.5", "input": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"model":"gpt-5.5","input":' + b'{"a":' * 5000 + b"1" + b"}" * 5001,
    "deep in a large one": pad(
        b'{"model": "gpt-5.5", "input": ' + b"[" * 50_000 + b'"', b'"' + b"]" * 50_000 + b"}"
    ),
    "form": b"model=gpt-5.5&input=a+cat",
    "two": b'{"model": "gpt-5.5"}{"model": "gpt-5.5"}',
    "comments": b'{"model": "gpt-5.5", /* x */ "input": "a"}',
    "single quotes": b"{'model': 'gpt-5.5'}",
    "control": b'{"model": "gpt-5.5", "input": "a\nb\x00"}',
    "gzip": b"\x1f\x8b\x08\x00" + b"\x00" * 50,
    "large cut": pad(b'{"model": "gpt-5.5", "input": "', b""),
    "large utf8": pad(b'{"model": "gpt-5.5", "input": "', b'\xff"}'),
    "large model": pad(b'{"input": "a", "model": "'),
    "large key": pad(b'{"model": "gpt-5.5", "input": "a", "', b'": 1}'),
    "large number": pad(b'{"model": "gpt-5.5", "input": "', b'", "max_output_tokens": 1e400}'),
    "long number": b'{"model": "gpt-5.5", "input": "a", "max_output_tokens": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("name", list(BROKEN))
async def test_body_that_is_no_right_request_is_a_400(relay, name):
    error = refusal(await relay.call(body=BROKEN[name]), 400)
    assert error["type"] == "invalid_request_error"
    assert relay.gateway.budget.used == 0


@pytest.mark.parametrize(
    "body",
    [
        b'{"model": "gpt-9", "model": "gpt-5.5", "input": "a [scenario: fast]"}',
        pad(b'{"model": "gpt-9", "model": "gpt-5.5", "x": "', b'", "input": "a [scenario: fast]"}'),
        pad(b'{"model": "gpt-5.5", "input": "a [scenario: fast]", "x": {"y": "', b'"}, "x": 1}'),
        pad(b'{"x": "", "model": "gpt-5.5", "input": "a [scenario: fast]", "x": "', b'"}'),
        b'\xef\xbb\xbf{"model": "gpt-5.5", "input": "a [scenario: fast]"}',
        b'{"model": "gpt-5.5", "input": "\\u0000 \\ud83d\\ude00 [scenario: fast]", "temperature": 1e-999}',
    ],
    ids=["twice", "large twice", "large string and number", "large last", "byte order mark", "odd"],
)
async def test_key_that_stands_twice_and_other_oddities_are_never_a_500(relay, body):
    answer = await relay.call(body=body)
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 400:
        refusal(answer, 400)


async def test_fields_of_every_wrong_type_are_never_a_500(relay):
    right = picture(metadata={"scenario": "status=429"}, reasoning={"effort": "xhigh"}, store=False, user="u",
                    instructions="x", text={"format": {"type": "text"}}, include=["x"])  # fmt: skip
    wrongs = (None, True, 7, -1.5, "", "word", [], [[]], {}, {"type": 5}, [{"type": None}], [None], 10**30)
    for key in right:
        if key == "input":
            continue
        for wrong in wrongs:
            answer = await relay.call(body={**right, key: wrong})
            assert answer.status_code in (200, 400, 404, 429), (key, wrong, answer.text)
            if answer.status_code == 400:
                assert key in answer.json()["error"]["message"] or key in str(answer.json()["error"]["param"])
    for part in wrongs:
        for place in ([part], [{"type": "message", "role": "user", "content": part}],
                      [{"role": "user", "content": [part]}], [{"type": "image_generation_call", "result": part}],
                      [{"role": "user", "content": [{"type": "input_image", "image_url": part}]}]):  # fmt: skip
            answer = await relay.call(body={**right, "input": place})
            assert answer.status_code in (400, 429), (place, answer.text)


async def test_body_over_one_megabyte_lies_on_disk_and_reaches_the_upstream_whole(tmp_path, monkeypatch):
    held = []
    close = Body.close

    def look(body):
        held.append((body.size, body.spool.size, len(body._small)))
        close(body)

    monkeypatch.setattr(Body, "close", look)
    url = "data:image/png;base64," + "iVBOR" * 800_000
    content = [{"type": "input_text", "text": "猫"}, {"type": "input_image", "image_url": url}]
    async with upstream(play_picture) as up, running(tmp_path, upstream_table(up.port)) as relay:
        small = picture(input="small")
        large = picture(input=[{"role": "user", "content": content}])
        for body in (small, large):
            assert (await relay.call(body=body)).status_code == 200
            assert up.heard[-1].tree == body
        await relay.idle()
        assert relay.gateway.budget.used == 0
    assert held[0][1:] == (0, 0)
    assert held[1][1] == held[1][0] > 4_000_000


async def test_bodies_of_all_requests_together_have_a_budget(relay):
    """Two uploads that stay in the middle take the room; a third is told when to come again, and room comes back."""
    talks = []
    for _ in range(2):
        _, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        head = f"POST /v1/responses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {relay.secret}\r\n"
        writer.write(
            f"{head}content-length: {7 * MB}\r\n\r\n".encode() + b'{"input": "' + b"x" * int(3.5 * MB)
        )
        await writer.drain()
        talks.append(writer)
    async with asyncio.timeout(5):
        while relay.gateway.budget.used < 7 * MB:
            await asyncio.sleep(0.01)
    answer = await relay.call(body=pad(json.dumps(text()).encode()[:-1] + b', "x": "'))
    refusal(answer, 503, "overloaded")
    assert int(answer.headers["retry-after"]) > 0
    for writer in talks:
        writer.transport.abort()
    assert await relay.idle() < 1
    assert relay.gateway.budget.used == 0
    assert (await relay.call(body=pad(json.dumps(text()).encode()[:-1] + b', "x": "'))).status_code == 200


async def test_caller_who_does_not_send_his_body_is_not_waited_for_without_end(tmp_path):
    async with composed(tmp_path, caller_stall_s=0.3) as relay:
        reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
        head = f"POST /v1/responses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {relay.secret}\r\n"
        writer.write(f"{head}content-length: 100\r\n\r\n{{".encode())
        assert b" 408 " in await asyncio.wait_for(reader.readline(), 3)
        await relay.idle()
        writer.close()


async def test_ids_of_other_accounts_and_unknown_ones_are_refused_and_ones_own_are_not(tmp_path):
    async with composed(tmp_path) as relay:
        await Accounts(relay.gateway.store).create("rival")
        _, rival = await relay.gateway.keys.create("rival")
        made = (await relay.call(body=picture(stream=False))).json()
        response_id, item_id = made["id"], next(i["id"] for i in made["output"] if "result" in i)
        later = text(previous_response_id=response_id)
        item = text(input=[{"type": "item_reference", "id": item_id}, {"role": "user", "content": "again"}])
        for body, code in ((later, "previous_response_not_found"), (item, "item_not_found")):
            refusal(await relay.call(body=body, secret=rival), 400, code)
        # Its own account goes through to the upstream, which may judge for itself.
        for body in (later, item):
            answer = await relay.call(body=body)
            assert answer.status_code == 200 or "not found" not in answer.text, answer.text
