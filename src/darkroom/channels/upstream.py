"""One attempt at one channel: the request goes out, the answer is read only as fast as the caller takes it.

`Upstreams` keeps connections for further use; `Answer` is what comes back. Law: a POST that an upstream may have
received is never sent again from here. A request is repeated, once and on a new connection, only if the old one turns
out to have been closed by the upstream before the whole request could have reached it (docs/decisions/0005).
"""

import asyncio
import contextlib
import re
import ssl
from collections import deque
from collections.abc import Callable, Sequence

from darkroom.channels import body as bodies
from darkroom.channels.address import Address
from darkroom.channels.body import FilePart, Part
from darkroom.channels.catalog import Channel
from darkroom.channels.connection import Buffer, Connection
from darkroom.channels.dial import dial, tls_context
from darkroom.channels.http1 import Reader, write_head
from darkroom.channels.inflate import Inflate
from darkroom.errors import Lost
from darkroom.wire.stages import Stage

__all__ = ["Answer", "FilePart", "Upstreams"]

IDLE_S = 55.0
"""An unused connection is closed after this: before the usual 60 s of proxies and load balancers."""
IDLE_CONNECTIONS = 256
"""The most unused connections to one place."""
OLDEST_S = 600.0
"""A connection is not used again after this, so that a changed DNS entry is followed."""
SETTLE_S = 1.0
"""How long a released answer may take to end by itself, before its connection is given up."""
_SWEEP_S = 5.0
_TIMEOUT = re.compile(rb"timeout=(\d{1,9})")
Mark = Callable[[Stage], None]


class Answer:
    """What an upstream answers. Read it to its end, or `release` it, or `close` it."""

    def __init__(self, pool: "Upstreams", connection: Connection, reader: Reader, *, reused: bool) -> None:
        self.status = reader.status
        self.headers = reader.headers
        """Names in lower case; values of one name joined by a comma and a space."""
        self.reused = reused
        """The connection had served other requests before."""
        self._pool = pool
        self._reader = reader
        self._connection: Connection | None = connection
        self._loop = asyncio.get_running_loop()
        coding = reader.headers.get(b"content-encoding", b"identity").strip().lower()
        self._inflate: Inflate | None = None
        if coding in (b"gzip", b"x-gzip", b"deflate"):
            self._inflate = Inflate(coding)
        elif coding not in (b"", b"identity"):
            reader.fail(
                "The upstream's answer cannot be read.", f"content-encoding {coding!r} is not known here"
            )
            reader.parts.clear()

    @property
    def received(self) -> int:
        """Bytes of the body so far, as they came."""
        return self._reader.received

    def read_size(self, size: int) -> None:
        """The largest next read of the socket, in bytes: large ones save time, small ones memory for slow takers."""
        if self._connection is not None:
            self._connection.read_size(size)

    async def read(self, timeout_s: float) -> bytes:
        """All of the body that is there, at least one byte; b"" at its true end.

        TimeoutError if nothing came within `timeout_s` (the answer can be read on). Lost if it ended too early.
        """
        until = 0.0
        while (piece := self._ready()) is None:
            if self._connection is None:
                raise Lost("The upstream's answer was closed before it was complete.")
            until = until or self._loop.time() + timeout_s
            await self._connection.wait(until)
        return piece

    def release(self) -> None:
        """Nothing more of it is wanted, and its end is near: the connection is kept if it comes soon."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.settle(connection, self._reader)

    def close(self) -> None:
        """Done. The connection is kept if the answer was read to its end; otherwise the upstream is hung up on."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.put_back(connection, self._reader)

    def _ready(self) -> bytes | None:
        """What can be given out now; None if nothing is there."""
        reader, inflate = self._reader, self._inflate
        while reader.parts or (inflate is not None and inflate.pending):
            if inflate is None:
                piece = reader.take()
            else:
                try:
                    piece = inflate.more() if inflate.pending else inflate.feed(reader.take())
                except ValueError as exc:
                    reader.parts.clear()
                    self._fail("The upstream's answer cannot be read.", str(exc))
                    break
            if reader.ended:
                self.close()
            elif self._connection is not None:
                self._connection.taken()
            if piece:
                return piece
        if reader.fault is not None:
            self.close()
            raise reader.fault
        if not reader.ended:
            return None
        self.close()
        if inflate is not None and not inflate.whole:
            self._fail(
                "The upstream's answer was cut off before it was complete.", "compressed body is not whole"
            )
            return self._ready()
        return b""

    def _fail(self, what: str, internal: str) -> None:
        self._reader.fail(what, internal)
        self._reader.keep_alive = False


class Upstreams:
    """The connections of one process to all upstreams, and how requests go out on them."""

    def __init__(self, tls: ssl.SSLContext | None = None, idle_s: float = IDLE_S) -> None:
        self._tls = tls
        self._idle_s = idle_s
        self._buffer = Buffer()
        self._idle: dict[tuple[bool, str, int], deque[Connection]] = {}
        self._busy: dict[Connection, Address] = {}
        self._limits: dict[Connection, float] = {}
        self._sweeping: asyncio.TimerHandle | None = None
        self._closed = False

    async def open(
        self,
        channel: Channel,
        method: bytes,
        path: bytes,
        headers: Sequence[tuple[bytes, bytes]] = (),
        body: Sequence[Part] | None = None,
        *,
        mark: Mark = lambda stage: None,
        deadline_s: float,
    ) -> Answer:
        """Send a request and wait for the head of its answer; `path` follows the channel's base URL.

        `deadline_s` runs while the upstream neither takes a byte of the request nor answers: TimeoutError. A connection
        must be there within the channel's `connect_s`: TimedOut. Lost if it breaks. `body` None sends none at all.
        """
        address = channel.address
        place = f"{channel.name} at {address.authority.decode()}"
        size = None if body is None else bodies.length(body)
        head = write_head(method, address.prefix + path, address.authority, channel.api_key, headers, size)
        parts = (head, *(body or ()))
        connection = self._kept(address)
        while True:
            reused = connection is not None
            if connection is None:
                connection = await self._dialed(channel, address, place, deadline_s)
            mark(Stage.CONNECTED)
            reader = Reader(place)
            connection.begin(reader, watch=reused)
            try:
                sent = await _sent(connection, reader, parts, deadline_s)
                if sent:
                    mark(Stage.SENT)
                    await _headed(connection, reader, deadline_s)
            except BaseException:
                self._drop(connection)
                raise
            if reader.status:
                mark(Stage.HEADERS)
                return Answer(self, connection, reader, reused=reused)
            self._drop(connection)
            if not (reused and (not sent or connection.unheard)):
                raise reader.fault or Lost("The connection to the upstream was lost before it answered.")
            connection = None

    async def close(self) -> None:
        """Close all connections, those in use too."""
        self._closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        for connection in [*self._busy, *(c for line in self._idle.values() for c in line)]:
            connection.abort()
        self._idle.clear()
        self._busy.clear()
        self._limits.clear()
        # The transports tell their ends in the next turns of the loop.
        for _ in range(3):
            await asyncio.sleep(0)

    def put_back(self, connection: Connection, reader: Reader) -> None:
        """An answer is done with: keep its connection if it can serve again, else close it."""
        address = self._busy.pop(connection, None)
        connection.settled()
        now = asyncio.get_running_loop().time()
        fit = reader.ended and reader.keep_alive and not connection.closed and not connection.unsent
        limit = self._idle_limit(reader)
        if address is None or not fit or limit <= 0 or self._closed or now - connection.born > OLDEST_S:
            self._limits.pop(connection, None)
            connection.abort()
            return
        connection.idle(now)
        self._limits[connection] = limit
        line = self._idle.setdefault(address.origin, deque())
        line.append(connection)
        if len(line) > IDLE_CONNECTIONS:
            self._forget(line.popleft())
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(_SWEEP_S, self._sweep)

    def settle(self, connection: Connection, reader: Reader) -> None:
        """An answer was left shortly before its end: wait a little for it."""
        if reader.ended or reader.fault is not None or connection.closed:
            self.put_back(connection, reader)
        else:
            connection.settle(SETTLE_S, lambda: self.put_back(connection, reader))

    # private

    def _kept(self, address: Address) -> Connection | None:
        """The connection used last, unless it was closed or has been idle for too long."""
        line = self._idle.get(address.origin)
        now = asyncio.get_running_loop().time()
        while line:
            connection = line.pop()
            if not connection.closed and now - connection.idle_since < self._limits.get(connection, 0):
                self._busy[connection] = address
                return connection
            self._forget(connection)
        return None

    async def _dialed(self, channel: Channel, address: Address, place: str, deadline_s: float) -> Connection:
        if address.tls and self._tls is None:
            self._tls = tls_context()
        tls = self._tls if address.tls else None
        if deadline_s < channel.connect_s:
            async with asyncio.timeout(deadline_s):
                connection = await dial(address, self._buffer, tls, channel.connect_s, place)
        else:
            connection = await dial(address, self._buffer, tls, channel.connect_s, place)
        connection.born = asyncio.get_running_loop().time()
        self._busy[connection] = address
        return connection

    def _idle_limit(self, reader: Reader) -> float:
        """Seconds that a connection may stay unused: a second less than the upstream says it will wait."""
        said = _TIMEOUT.search(reader.headers.get(b"keep-alive", b""))
        return min(self._idle_s, int(said[1]) - 1.0) if said else self._idle_s

    def _drop(self, connection: Connection) -> None:
        self._busy.pop(connection, None)
        self._forget(connection)

    def _forget(self, connection: Connection) -> None:
        self._limits.pop(connection, None)
        connection.abort()

    def _sweep(self) -> None:
        """Close what has been idle for too long."""
        self._sweeping = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        for origin, line in list(self._idle.items()):
            for connection in list(line):
                if connection.closed or now - connection.idle_since >= self._limits.get(connection, 0):
                    line.remove(connection)
                    self._forget(connection)
            if not line:
                del self._idle[origin]
        if self._idle:
            self._sweeping = loop.call_later(_SWEEP_S, self._sweep)


async def _sent(connection: Connection, reader: Reader, parts: Sequence[Part], deadline_s: float) -> bool:
    """Write all parts; False if the upstream refused or left before it had them all.

    An upstream that says no early (413, 401) is not sent the rest. One that says yes early is.
    """
    with contextlib.closing(bodies.pieces(parts)) as pieces:  # type: ignore[type-var]
        for piece in pieces:
            if connection.closed or reader.status >= 300:
                return False
            connection.write(piece)
            while not connection.writable and not connection.closed and reader.status < 300:  # type: ignore[redundant-expr]
                before = connection.unsent
                try:
                    await connection.wait(connection.time() + deadline_s)
                except TimeoutError:
                    if connection.unsent >= before:
                        raise
    return True


async def _headed(connection: Connection, reader: Reader, deadline_s: float) -> None:
    """Wait until the head of the answer is there, or never will be."""
    until = connection.time() + deadline_s
    while not reader.status and reader.fault is None:
        await connection.wait(until)
