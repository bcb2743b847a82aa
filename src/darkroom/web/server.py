"""One listening server, uvicorn without its signal handling: the app decides when it stops, and it then does stop.

Law: who cannot listen learns why in one line; a connection that does not end in time cannot hold up the end.
"""

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import uvicorn

from darkroom.errors import GatewayError

ASGI = Callable[[Any, Any, Any], Awaitable[None]]
PATIENCE_S = 3.0
"""How long connections that are busy when the server stops may take until they are cut."""
LAST_S = 2.0
"""How long the tasks behind them may take to notice."""


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

    async def stop(self, task: asyncio.Task[None]) -> None:
        """End `task`, which runs this server: idle connections at once, busy ones when they are done or cut."""
        self.should_exit = True
        await asyncio.wait([task], timeout=PATIENCE_S)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.wait([task], timeout=LAST_S)
        for answering in list(self.server_state.tasks):
            answering.cancel()
        await task


@contextlib.asynccontextmanager
async def serving(app: ASGI, host: str, port: int, **options: Any) -> AsyncIterator[Server]:
    """A server that listens inside the block and has stopped after it. Raises GatewayError if it cannot listen."""
    config = uvicorn.Config(
        app, host=host, port=port, lifespan="off", ws="none", log_config=None, access_log=False, server_header=False,
        timeout_keep_alive=75, **options,
    )  # fmt: skip
    server = Server(config)
    sockets = await _listening(host, port)
    task = asyncio.get_running_loop().create_task(server.serve(sockets))
    try:
        while not server.started:
            if task.done():
                await task
            await asyncio.sleep(0.005)
        yield server
    finally:
        await server.stop(task)


async def _listening(host: str, port: int) -> list[socket.socket]:
    """A socket for every address of `host`. uvicorn would tell its log alone why it cannot, and leave by SystemExit."""
    made: list[socket.socket] = []
    refused: Exception = OSError(errno.EADDRNOTAVAIL, "")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, address in dict.fromkeys((family, address) for family, _, _, _, address in found):
            try:
                made.append(_bound(family, address))
            except OSError as error:
                # `localhost` may name an IPv6 address where there is no IPv6.
                if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    raise
                refused = error
        if made:
            return made
    except (OSError, UnicodeError) as error:
        refused = error
    for one in made:
        one.close()
    reason = getattr(refused, "strerror", None) or str(refused)
    taken = getattr(refused, "errno", None) == errno.EADDRINUSE
    advice = " Choose another port, or stop what listens there." if taken else ""
    raise GatewayError(f"Cannot listen on {host}:{port}: {reason}.{advice}", code="cannot_listen")


def _bound(family: int, address: Any) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
        made.listen()
    except OSError:
        made.close()
        raise
    return made
