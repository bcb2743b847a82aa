"""A request's body: read within limits, small ones to memory, larger ones to a file with only their small parts parsed.

The key has been checked before the first byte is read. A body's JSON must be one object (UTF-8, no NaN, bounded depth).
Its sibling `form` reads multipart bodies; what both share is `Incoming`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from darkroom.errors import CallerError, Invalid, Overloaded, TooLarge
from darkroom.gateway.spool import Folder, Full, NoRoom, Spool
from darkroom.wire.elide import Elider, Malformed, Tree

Receive = Callable[[], Awaitable[Any]]
ROOM_BYTES = 900 * 1024 * 1024
"""What the pictures made of a body may need in its spool: 18 of 50 MB each."""
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


class Incoming:
    """One request's body as it arrives: counted against its own limit and the process's budget, its bytes in `spool`.

    The spool has room for the pictures that are made of the body later (`keep`). Whoever calls `keep` more than once
    for one picture holds `keeping` meanwhile, so that no other picture comes between its pieces.
    """

    def __init__(self, budget: Budget, folder: Folder, limit: int) -> None:
        self.size = 0
        """Bytes of the body so far."""
        self.spool = Spool(folder, limit + ROOM_BYTES)
        self.keeping = asyncio.Lock()
        self._budget = budget
        self._limit = limit
        self._taken = 0

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
            if data := message.get("body", b""):
                if self.size + len(data) > self._limit:
                    raise self._too_large()
                self.reserve(len(data))
                self.size += len(data)
                self._feed(data)
            if not message.get("more_body"):
                break
        self._finish()

    def reserve(self, size: int) -> None:
        """Count `size` more bytes against the process's budget. Raises Overloaded."""
        self._budget.take(size)
        self._taken += size

    def keep(self, data: bytes) -> None:
        """Write at the end of the spool what `reserve` has counted. Raises Overloaded or TooLarge."""
        try:
            self.spool.append(data)
        except NoRoom:
            raise Overloaded("This server has no room for the upload. Please try again later.") from None
        except Full:
            raise self._too_large() from None

    def close(self) -> None:
        """Give memory, disk and budget back."""
        self._budget.give(self._taken)
        self._taken = 0
        self.spool.close()

    def _feed(self, data: bytes) -> None:
        raise NotImplementedError

    def _finish(self) -> None:
        raise NotImplementedError

    def _too_large(self) -> TooLarge:
        return TooLarge(
            f"The request body is larger than {self._limit // (1024 * 1024)} MB. Send smaller or fewer input images."
        )


class Body(Incoming):
    """A JSON body: `tree` is what it says; long strings of a large one are `Long`s whose bytes lie in `spool`."""

    def __init__(self, budget: Budget, folder: Folder, limit: int, spool_above: int) -> None:
        super().__init__(budget, folder, limit)
        self.tree: Tree = {}
        self._spool_above = spool_above
        self._small = bytearray()
        self._elider: Elider | None = None

    def close(self) -> None:
        """Give memory, disk and budget back."""
        super().close()
        self.tree = {}

    def _feed(self, data: bytes) -> None:
        if self._elider is None:
            self._small += data
            if len(self._small) <= self._spool_above:
                return
            data, self._small, self._elider = bytes(self._small), bytearray(), Elider(trees=False)
        self.keep(data)
        try:
            self._elider.feed(data)
        except Malformed as exc:
            raise self._invalid(str(exc)) from None

    def _finish(self) -> None:
        try:
            tree = self._elider.finish() if self._elider is not None else _decode(bytes(self._small))
        except (Malformed, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            raise self._invalid(str(exc)) from None
        if not isinstance(tree, dict):
            raise self._invalid("the body must be a JSON object")
        self.tree = tree
        self._small = bytearray()

    def _invalid(self, reason: str) -> Invalid:
        if not self.size:
            reason = "the body is empty"
        return Invalid(
            f"We could not parse the JSON body of your request: {reason}. Send one JSON object in UTF-8 with "
            "`Content-Type: application/json`.",
            code="invalid_json",
        )
