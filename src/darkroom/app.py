"""The composition root: settings in, a running relay out. Everything is made here, and closed in the reverse order.

On SIGTERM or SIGINT the listener closes first, exchanges get `stop_grace_s` to finish, the rest is ended well-formed,
and only then the server stops (uvicorn alone would wait for open streams, or cut them without an end). A second
signal shortens the grace to nothing.
"""

import asyncio
import contextlib
import gc
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

import structlog
import uvloop

from darkroom import logs
from darkroom.channels.catalog import Channel, read_channels
from darkroom.errors import Error
from darkroom.gateway.gateway import Gateway
from darkroom.ledger.accounts import Accounts
from darkroom.sandbox import make_app as make_sandbox
from darkroom.settings import Settings
from darkroom.store import facts
from darkroom.store.engine import Store
from darkroom.traces import queries
from darkroom.web.outlet import Protocol
from darkroom.web.server import serving
from darkroom.web.v1 import make_app
from darkroom.welcome import welcome

log = structlog.get_logger("darkroom.app")
CHANNEL_SEEN = "channel_seen"


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Gateway]:
    """A gateway with its stores, channels and built-in sandbox."""
    settings.data.mkdir(parents=True, exist_ok=True)
    channels = read_channels(settings.channels, os.environ)
    async with contextlib.AsyncExitStack() as stack:
        store = await Store.open(settings.store_url)
        stack.push_async_callback(store.close)
        traces = await Store.open(settings.trace_store_url, part="traces", sync="relaxed")
        stack.push_async_callback(traces.close)
        seen = bool(channels) or await store.read(lambda c: facts.get(c, CHANNEL_SEEN)) is not None
        if channels:
            await store.write(lambda c: facts.put(c, CHANNEL_SEEN, "yes"))
        sandbox_key = "sk-" + secrets.token_urlsafe(32)
        inner = await stack.enter_async_context(serving(make_sandbox(key=sandbox_key), "127.0.0.1", 0))
        sandbox = Channel(name="sandbox", base_url=f"http://127.0.0.1:{inner.port}/v1", api_key=sandbox_key)
        await Accounts(store).ensure_admin()
        gateway = Gateway(settings, store, traces, channels, sandbox, open_sandbox=not seen)
        await gateway.open()
        stack.push_async_callback(gateway.close)
        purging = asyncio.get_running_loop().create_task(_purge(traces, settings.trace_days))
        stack.callback(purging.cancel)
        yield gateway


async def _purge(traces: Store, days: int) -> None:
    """Forget old traces, now and every hour."""
    while True:
        try:
            await queries.purge(traces, days)
        except Error as error:
            log.warning("purge_failed", reason=error.message)
        await asyncio.sleep(3600)


async def run(settings: Settings) -> None:
    """Serve until a signal says stop."""
    stop, hurry = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: (hurry if stop.is_set() else stop).set())
    async with opened(settings) as gateway:
        proxies = list(settings.trusted_proxies)
        options: dict[str, Any] = {
            "http": Protocol,
            "proxy_headers": bool(proxies),
            "forwarded_allow_ips": proxies,
        }
        async with serving(make_app(gateway), settings.host, settings.port, **options) as server:
            await welcome(gateway, server.port)
            gc.collect()
            gc.freeze()
            gc.set_threshold(20_000, 20, 50)
            log.info("serving", host=settings.host, port=server.port, channels=len(gateway.channels))
            await stop.wait()
            log.info("stopping", grace_s=settings.stop_grace_s)
            server.close_listener()
            await gateway.stop(settings.stop_grace_s, hurry)


def serve(settings: Settings) -> int:
    """Run the relay; the exit code. A setting that is wrong, or a port that is taken, is told in one line."""
    logs.configure()
    try:
        uvloop.run(run(settings))
    except Error as error:
        sys.stderr.write(f"darkroom: {error.message}\n")
        return 1
    return 0
