"""A request's body: read within limits, small ones to memory, larger ones to a file with only their small parts parsed.

The key has been checked before the first byte is read. A body's JSON must be one object (UTF-8, no NaN, bounded depth).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from darkroom.errors import CallerError, Invalid, Overloaded, TooLarge
from darkroom.gateway.spool import Folder, Full, NoRoom, Spool
from darkroom.wire.elide import Elider, Malformed, Tree

Receive = Callable[[], Awaitable[Any]]
_decode = msgspec.json.Decoder().decode


class CallerLeft(CallerError):
    """The caller left before his request was complete."""

    status = 499
    code = "caller_left"


class Budget:
    """The bytes of all request bodies of this process."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    def take(self, size: int) -> None:
        """Raises Overloaded when there is no room for `size` more bytes."""
        if self.used + size > self.limit:
            raise Overloaded(
                "This server is busy with other large uploads. Please send the request again in a few seconds.",
                headers={"retry-after": "5"},
            )
        self.used += size

    def give(self, size: int) -> None:
        """The bytes are free again."""
        self.used -= size


class Body:
    """One request's body: `tree` is its JSON; long strings of a large one are `Long`s whose bytes lie in `spool`."""

    def __init__(self, budget: Budget, folder: Folder, limit: int, spool_above: int) -> None:
        self.size = 0
        self.tree: Tree = {}
        self.spool = Spool(folder, limit)
        self._budget = budget
        self._limit = limit
        self._spool_above = spool_above
        self._taken = 0
        self._small = bytearray()
        self._elider: Elider | None = None

    async def read(self, receive: Receive, length: int | None, stall_s: float) -> None:
        """Read and parse. Raises TooLarge, Overloaded, Invalid or CallerLeft."""
        if length is not None and length > self._limit:
            raise self._too_large()
        while True:
            try:
                async with asyncio.timeout(stall_s):
                    message = await receive()
            except TimeoutError:
                raise CallerLeft("The request body did not arrive.", status=408) from None
            if message["type"] == "http.disconnect":
                raise CallerLeft("The caller left before the request was complete.")
            self._take(message.get("body", b""))
            if not message.get("more_body"):
                break
        self.tree = self._parse()
        self._small = bytearray()

    def close(self) -> None:
        """Give memory, disk and budget back."""
        self._budget.give(self._taken)
        self._taken = 0
        self.spool.close()
        self.tree = {}

    def _take(self, data: bytes) -> None:
        if not data:
            return
        if self.size + len(data) > self._limit:
            raise self._too_large()
        self._budget.take(len(data))
        self._taken += len(data)
        self.size += len(data)
        try:
            if self._elider is None:
                self._small += data
                if len(self._small) <= self._spool_above:
                    return
                data, self._small, self._elider = bytes(self._small), bytearray(), Elider(trees=False)
            self.spool.append(data)
            self._elider.feed(data)
        except Malformed as exc:
            raise self._invalid(str(exc)) from None
        except NoRoom:
            raise Overloaded("This server has no room for the upload. Please try again later.") from None
        except Full:
            raise self._too_large() from None

    def _parse(self) -> Tree:
        try:
            tree = self._elider.finish() if self._elider is not None else _decode(bytes(self._small))
        except (Malformed, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            raise self._invalid(str(exc)) from None
        if not isinstance(tree, dict):
            raise self._invalid("the body must be a JSON object")
        return tree

    def _invalid(self, reason: str) -> Invalid:
        if not self.size:
            reason = "the body is empty"
        return Invalid(
            f"We could not parse the JSON body of your request: {reason}. Send one JSON object in UTF-8 with "
            "`Content-Type: application/json`.",
            code="invalid_json",
        )

    def _too_large(self) -> TooLarge:
        return TooLarge(
            f"The request body is larger than {self._limit // (1024 * 1024)} MB. Send smaller or fewer input images."
        )
