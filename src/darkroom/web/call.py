"""What a route needs of an HTTP request, and tables of routes. Counterpart: `v1`, whose `Call` is one.

A table says which path and method is answered by what; a path that ends in `/*` stands for everything below it.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from darkroom.gateway.gateway import Gateway
from darkroom.ledger.keys import Key


class Call(Protocol):
    """One HTTP request: its headers by name, its id, and the plain ways to answer it."""

    gateway: Gateway
    scope: dict[str, Any]
    receive: Callable[[], Awaitable[Any]]
    method: str
    path: str
    headers: dict[bytes, bytes]
    request_id: str

    async def answer(self, tree: Any, status: int = 200) -> None:
        """A JSON answer."""

    async def sign_in(self) -> Key:
        """The caller's key. Raises Unauthorized, Forbidden or Stopping."""


Action = Callable[[Call], Awaitable[None]]
Table = Mapping[str, Mapping[str, Action]]


def methods(table: Table, path: str) -> Mapping[str, Action] | None:
    """What answers at `path`, by method; the longest fitting entry of the table counts."""
    if found := table.get(path):
        return found
    while path:
        path = path.rpartition("/")[0]
        if found := table.get(path + "/*"):
            return found
    return None
