"""One listening server, uvicorn without its signal handling: the app decides when it stops."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import uvicorn

from darkroom.errors import GatewayError

ASGI = Callable[[Any, Any, Any], Awaitable[None]]


class Server(uvicorn.Server):
    """uvicorn's server, without its signal handling: the app decides when it stops."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the app's."""
        yield

    @property
    def port(self) -> int:
        """The port that it listens on."""
        port: int = self.servers[0].sockets[0].getsockname()[1]
        return port

    def close_listener(self) -> None:
        """Take no more connections."""
        for server in self.servers:
            server.close()


@contextlib.asynccontextmanager
async def serving(app: ASGI, host: str, port: int, **options: Any) -> AsyncIterator[Server]:
    """A server that listens inside the block and has stopped after it."""
    config = uvicorn.Config(
        app, host=host, port=port, lifespan="off", ws="none", log_config=None, access_log=False, server_header=False,
        timeout_keep_alive=75, **options,
    )  # fmt: skip
    server = Server(config)
    task = asyncio.get_running_loop().create_task(_serve(server))
    try:
        while not server.started:
            if task.done():
                raise GatewayError(f"The server could not listen on {host}:{port}.", code="cannot_listen")
            await asyncio.sleep(0.005)
        yield server
    finally:
        server.should_exit = True
        await task


async def _serve(server: Server) -> None:
    """uvicorn leaves by SystemExit when it cannot listen; that must not end the whole program."""
    with contextlib.suppress(SystemExit):
        await server.serve()
