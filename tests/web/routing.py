"""A tiny application made of tables of routes, in front of a real gateway with a real store."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2

from darkroom.errors import CallerError, Error, NotFound
from darkroom.ledger.accounts import Accounts
from darkroom.store.bucket import Bucket
from darkroom.store.files import Files
from darkroom.store.links import Links
from darkroom.store.pictures import Pictures
from darkroom.web.call import Table, methods
from darkroom.web.files import FileRoutes
from darkroom.web.outlet import Protocol
from darkroom.web.pictures import PictureRoutes
from darkroom.web.server import serving
from darkroom.web.v1 import Call
from tests.relaying import Relaying, relaying


class Shop:
    """A running server, what it serves from, and a client with a key."""

    def __init__(self, relay: Relaying, bucket: Bucket, client: httpx2.AsyncClient) -> None:
        self.gateway = relay.gateway
        self.pictures = Pictures(relay.gateway.store, bucket, keep_hours=24)
        self.files = Files(relay.gateway.store, bucket, keep_hours=48)
        self.links = Links(b"secret")
        self.bucket = bucket
        self.client = client
        self.port = 0
        self.key = {"authorization": f"Bearer {relay.secret}"}

    async def other_key(self) -> dict[str, str]:
        """The headers of somebody else's account."""
        await Accounts(self.gateway.store).create("other")
        _, secret = await self.gateway.keys.create("other")
        return {"authorization": f"Bearer {secret}"}


def make_app(gateway: Any, table: Table) -> Any:
    """The ASGI application: what `v1` does for its own routes."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        call = Call(gateway, scope, receive, send)
        try:
            found = methods(table, call.path)
            if found is None:
                raise NotFound("No such path.")
            method = "GET" if call.method == "HEAD" else call.method
            if method not in found:
                raise CallerError("No such method.", status=405)
            await found[method](call)
        except Error as error:
            await call.refuse(error)

    return app


@contextlib.asynccontextmanager
async def shop(folder: Path, **settings: Any) -> AsyncIterator[Shop]:
    """Pictures and files over HTTP, everything of them in `folder`."""
    bucket = Bucket.open(None, folder / "pictures", {})
    async with relaying(folder, **settings) as relay, httpx2.AsyncClient() as client:
        made = Shop(relay, bucket, client)
        table = {**PictureRoutes(made.pictures, made.links).table, **FileRoutes(made.files).table}
        async with serving(make_app(relay.gateway, table), "127.0.0.1", 0, http=Protocol) as server:
            made.port = server.port
            client.base_url = httpx2.URL(f"http://127.0.0.1:{server.port}")
            yield made
    await bucket.close()
