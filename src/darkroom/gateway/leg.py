"""One answer on its way to the caller: tried over channels in turn, through one relay machine.

The only loop over channels in the product is here. A request has one leg, or one for each picture where the upstream
makes one at a time. What the machine wants done is handed to `act`; the exchange or the batch owns the caller's side.
"""

import asyncio
from binascii import b2a_base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Protocol

import structlog

from darkroom.channels.body import length
from darkroom.channels.connection import WRITE_HIGH_BYTES
from darkroom.channels.ids import Place
from darkroom.channels.upstream import Answer
from darkroom.errors import Error, Lost, TimedOut, UpstreamError
from darkroom.gateway.body import Incoming
from darkroom.gateway.deadlines import Deadlines
from darkroom.gateway.gateway import Gateway
from darkroom.gateway.orders import Order, write_order
from darkroom.gateway.record import Record
from darkroom.gateway.refusal import elsewhere, read_refusal
from darkroom.gateway.routes import Route
from darkroom.gateway.spool import Full, Spool
from darkroom.ledger.keys import Key
from darkroom.traces.trace import Attempt
from darkroom.wire.actions import Action, Fetch, Replay, Store
from darkroom.wire.elide import Path, Upload
from darkroom.wire.relay import Relay, Wish
from darkroom.wire.request import Request
from darkroom.wire.stages import Stage, StageClock

log = structlog.get_logger("darkroom.leg")
CAUGHT_UP_S = 0.05
"""An upstream that was waited for so long had nothing more to give: the caller has everything."""


class Job:
    """What all legs of one request share."""

    def __init__(
        self, gateway: Gateway, key: Key, request: Request, body: Incoming, record: Record, scenario: bytes
    ) -> None:
        self.gateway = gateway
        self.key = key
        self.request = request
        self.body = body
        self.record = record
        self.scenario = scenario
        """Which of the built-in sandbox's scenarios the caller wants."""
        self.pictures: dict[Path, Upload] = {}
        """Input pictures that lie in the body's spool, by their path in the request."""
        self.places: Mapping[str, Place] = {}
        """Where the ids that the request names live."""


class Owner(Protocol):
    """Who owns the caller's side (`exchange`)."""

    job: Job
    clock: StageClock

    async def act(self, leg: "Leg", actions: Sequence[Action]) -> None:
        """Carry out actions for the caller."""

    async def replay(self, spool: Spool, action: Replay) -> None:
        """A range of a spool to the caller."""

    async def store(self, leg: "Leg", action: Store) -> None:
        """Keep a picture for later."""

    def commit(self, actions: Sequence[Action], *extra: tuple[bytes, bytes]) -> None:
        """Send the status, if it has not been sent."""

    def read_size(self) -> int:
        """The largest next read from an upstream."""

    def caught_up(self) -> None:
        """The upstream had nothing to give."""


class Leg:
    """`run` fetches one answer; `act` carries out what its relay machine asks."""

    def __init__(
        self,
        owner: Owner,
        wish: Wish,
        clock: StageClock,
        act: "Callable[[Leg, Sequence[Action]], Awaitable[None]]",
        number: int = 0,
    ) -> None:
        job = owner.job
        self.job = job
        self.clock = clock
        self.number = number
        """Of its first picture, in the whole answer."""
        self.unsent: int | None = None
        """The number of the picture that could not be stored, so that its event was not sent."""
        self.relay = Relay(wish, clock)
        limit = job.gateway.settings.spool_limit_mb * 1024 * 1024
        self.spool = Spool(job.gateway.spools, limit)
        self.attempt: Attempt | None = None
        self._act = act
        self._owner = owner
        self._waited_s = job.record.waited_s
        self._now = asyncio.get_running_loop().time

    async def run(self, routes: Sequence[Route], *, more: bool = False) -> None:
        """Try the routes in turn until one has answered. Raises the failure if nothing of it has been told yet.

        `more`: the caller knows of others, to be asked after these.
        """
        for route in routes:
            last = route is routes[-1] and not more
            self.relay.elsewhere = None if last else elsewhere
            self._begin(route)
            try:
                await self._try(route)
            except Error as error:
                # A bridge cannot carry every request: what it says of this one is not said by the next channel.
                unasked = route.bridged and error.blame == "caller" and self.answered is None
                self.end("failed", error)
                if route is routes[-1] or self.relay.paid or not (elsewhere(error) or unasked):
                    raise
            else:
                failed = self.relay.outcome.error
                self.end("failed" if failed else "completed", failed)
                return

    def keep(self, data: bytes) -> None:
        """For a repair that may need it; without room for it the answer goes on, only that repair is given up."""
        try:
            self.spool.append(data)
        except Full as exc:
            log.warning("spool_lost", request_id=self.job.record.trace.request_id, reason=str(exc))
            self.relay.forget_spool()

    @property
    def answered(self) -> int | None:
        """The status that the upstream of the attempt under way has answered."""
        return self.attempt.status if self.attempt is not None else None

    def end(self, outcome: str, error: Error | None) -> None:
        """The attempt under way has ended."""
        attempt, self.attempt = self.attempt, None
        if attempt is not None:
            self.job.record.end(attempt, outcome, error, self.clock, self._now())

    def close(self) -> None:
        """Give the spool back."""
        self.spool.close()

    def _begin(self, route: Route) -> None:
        name = route.channel.name
        self.attempt = self.job.record.begin(name, self.clock, self._now())

    async def _try(self, route: Route) -> None:
        job, relay, attempt = self.job, self.relay, self.attempt
        assert attempt is not None
        channel = route.channel
        relay.secrets = channel.secrets
        streaming = (job.request.stream or job.request.image) and route.surface in channel.streams
        owned = {id: place.upstream_id for id, place in job.places.items() if place.channel == channel.name}
        order = write_order(
            job.request, route, job.body, stream=streaming, n=relay.wish.n, pictures=job.pictures, owned=owned
        )
        job.record.trace.lost = list(order.lost)
        relay.outcome.repaired(list(order.repairs))
        # An Images upstream may rightly say nothing until the picture exists.
        first = streaming and route.surface == "responses"
        waits = Deadlines(channel, streaming=first, total_s=channel.total_s - self._waited_s)
        answer = await self._opened(route, order, streaming, waits)
        known = len(relay.outcome.ids)
        try:
            attempt.status = answer.status
            said = answer.headers.get(b"x-request-id", b"")
            attempt.upstream_request_id = said.decode("latin-1")[:200] or None
            if answer.status != 200:
                relay.paid = False
                raise await read_refusal(answer, channel)
            relay.begin(answer.headers.get(b"content-type", b""), route.surface)
            await self._pump(answer, waits)
        finally:
            self._waited_s += waits.waited_s
            # Legs wait side by side.
            job.record.waited_s = max(job.record.waited_s, self._waited_s)
            attempt.bytes_in = answer.received
            if route.surface == "responses":
                given = {id: id for id in relay.outcome.ids[known:]} | relay.outcome.renamed
                job.gateway.ids.record(job.key.account_id, channel.name, given)
            answer.close()

    async def _opened(self, route: Route, order: Order, streaming: bool, waits: Deadlines) -> Answer:
        """Send the request upstream and wait for the head of its answer."""
        job = self.job
        accept = b"text/event-stream" if streaming else b"application/json"
        headers = [(b"content-type", order.content_type), (b"accept", accept)]
        if route.channel is job.gateway.sandbox and job.scenario:
            headers.append((b"x-darkroom-scenario", job.scenario))
        before = self._now()

        def mark(stage: Stage) -> None:
            self.clock.mark(stage, self._now())
            if stage is Stage.SENT:
                waits.sent(self._now() - before)
                if route.surface == "images":
                    self.relay.paid = True

        left_s = max(0.0, waits.left())
        # A small request leaves at once; only a large one can drip for longer than the whole may take.
        drips = length(order.parts) > WRITE_HIGH_BYTES
        try:
            async with asyncio.timeout(max(0.0, waits.total_left())) if drips else nullcontext():
                return await job.gateway.upstreams.open(
                    route.channel, b"POST", order.path, headers, order.parts, mark=mark, deadline_s=left_s
                )
        except TimeoutError:
            raise waits.error() from None
        finally:
            waits.waited(self._now() - before)

    async def _pump(self, answer: Answer, waits: Deadlines) -> None:
        """From the upstream through the relay machine to the caller, until the answer has its end."""
        relay = self.relay
        while not relay.ended:
            try:
                data = await self._next(answer, waits)
            except (Lost, TimedOut) as error:
                await self._act(self, relay.close(error, self._now()))
                break
            if not data:
                await self._told(relay.close(None, self._now()))
                if not relay.ended:
                    await self._told(relay.close(None, self._now()))
                break
            before = relay.progress
            actions = relay.receive(data, self._now())
            if relay.progress != before:
                waits.progressed()
            await self._told(actions)
        if relay.lost is not None:
            raise relay.lost
        outcome = relay.outcome
        if not outcome.status:
            relay.close(None, self._now())
        if outcome.error is not None and not relay.sent:
            raise outcome.error

    async def _told(self, actions: Sequence[Action]) -> None:
        """Have actions carried out, and go on with an event whose pictures had to be fetched for it."""
        await self._act(self, actions)
        while self.relay.parked:
            for action in actions:
                if isinstance(action, Fetch):
                    await self._fetch(action)
            actions = self.relay.resume(self._now())
            await self._act(self, actions)

    async def _fetch(self, action: Fetch) -> None:
        """A picture that the upstream gave by its address, through the same guard as customers' addresses."""
        start, lead = self.spool.size, b""
        rest = b""

        def sink(data: bytes) -> None:
            nonlocal rest, lead
            data = rest + data
            whole = len(data) - len(data) % 3
            rest = data[whole:]
            text = b2a_base64(data[:whole], newline=False)
            lead = lead or text[:4096]
            self.spool.append(text)

        try:
            await self.job.gateway.album.fetch(action.url, "url", sink)
        except Error as error:
            raise UpstreamError(
                "The upstream's picture could not be fetched from where it said it is. Please send the request again.",
                internal=error.message,
            ) from None
        self.spool.append(b2a_base64(rest, newline=False))
        self.relay.fetched(action.long, start, self.spool.size, lead)

    async def _next(self, answer: Answer, waits: Deadlines) -> bytes:
        """What the upstream says next; b"" at its end. Raises TimedOut when a deadline of its has passed."""
        answer.read_size(self._owner.read_size())
        before = self._now()
        try:
            data = await answer.read(waits.left())
        except TimeoutError:
            raise waits.error() from None
        finally:
            waits.waited(self._now() - before)
        if self._now() - before > CAUGHT_UP_S:
            self._owner.caught_up()
        return data
