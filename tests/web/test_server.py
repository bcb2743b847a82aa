"""One listening server: up inside its block, gone after it."""

import asyncio

import httpx2
import pytest

from darkroom.errors import GatewayError
from darkroom.web.server import serving

pytestmark = pytest.mark.anyio


async def hello(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


async def test_server_answers_inside_its_block_and_not_after_it():
    async with serving(hello, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.port}/"
        async with httpx2.AsyncClient() as client:
            assert (await client.get(url)).text == "hello"
    async with httpx2.AsyncClient() as client:
        with pytest.raises(httpx2.ConnectError):
            await client.get(url)


async def test_server_with_its_listener_closed_takes_no_new_connections_but_serves_the_old():
    async with serving(hello, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.port}/"
        async with httpx2.AsyncClient() as old, httpx2.AsyncClient() as new:
            assert (await old.get(url)).text == "hello"
            server.close_listener()
            await asyncio.sleep(0.05)
            assert (await old.get(url)).text == "hello"
            with pytest.raises(httpx2.ConnectError):
                await new.get(url)


async def test_port_that_is_taken_is_told_in_words():
    async with serving(hello, "127.0.0.1", 0) as server:
        with pytest.raises(GatewayError, match=str(server.port)):
            async with serving(hello, "127.0.0.1", server.port):
                pass
