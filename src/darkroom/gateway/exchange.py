"""One request from its admission to its last byte: the task that owns it, whoever is listening.

Carries out the relay machine's actions one by one, feeds the caller, keeps the deadlines, applies the leave policy,
and records the trace. The only loop over channels in the product is here.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from typing import Any

import structlog

from darkroom.channels.catalog import Channel
from darkroom.channels.router import rank
from darkroom.channels.upstream import Answer, FilePart
from darkroom.errors import Error, Internal, Lost, NoChannel, NotFound, Overloaded
from darkroom.gateway.answers import EVENT_STREAM, JSON, Headers, error_answer, headers, worded
from darkroom.gateway.body import Body, CallerLeft
from darkroom.gateway.deadlines import Deadlines
from darkroom.gateway.gateway import Gateway
from darkroom.gateway.record import Record
from darkroom.gateway.refusal import elsewhere, read_refusal
from darkroom.gateway.spool import Full, Spool
from darkroom.gateway.viewer import Outlet, Viewer
from darkroom.ledger.keys import Key
from darkroom.traces.trace import Attempt
from darkroom.wire.actions import Action, Earn, Keep, Replay, Send
from darkroom.wire.codecs.responses import write_request
from darkroom.wire.elide import Long, render
from darkroom.wire.relay import Relay, Wish
from darkroom.wire.request import Request
from darkroom.wire.stages import Stage, StageClock

log = structlog.get_logger("darkroom.exchange")
SLOW_READ = 32 * 1024
CAUGHT_UP_S = 0.05
"""An upstream that was waited for so long had nothing more to give: the caller has everything."""


class Exchange:
    """Owns one request. `run` never raises; `served` is set when nothing more will be written to the caller."""

    def __init__(
        self,
        gateway: Gateway,
        key: Key,
        request: Request,
        body: Body,
        outlet: Outlet,
        clock: StageClock,
        record: Record,
        scenario: bytes = b"",
    ) -> None:
        settings = gateway.settings
        self.gateway = gateway
        self.request_id = record.trace.request_id
        self.key = key
        self.request = request
        self.body = body
        self.outlet = outlet
        self.clock = clock
        self.record = record
        self.scenario = scenario
        """Which of the built-in sandbox's scenarios the caller wants."""
        self.served = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self.channels = gateway.choose(key)
        limit = settings.spool_limit_mb * 1024 * 1024
        self.spool = Spool(gateway.spools, limit)
        self.lag_spool = Spool(gateway.spools, limit)
        self.viewer = Viewer(outlet, self.lag_spool, settings.caller_lag_s, settings.caller_stall_s)
        self.relay = Relay(self._wish(), clock)
        self.relay.word = lambda error: worded(error, self.request_id, settings.support)
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time
        self._ticker = self._loop.call_at(self.relay.due, self._tick)
        self._acting = False
        self._ending: Error | None = None
        self._cut = False
        self._size = body.size
        outlet.on_gone = self._gone
        record.asked(request, settings.trace_prompts)

    def _wish(self) -> Wish:
        settings, request = self.gateway.settings, self.request
        contract = (self.key.dialect or settings.field_names) == "contract"
        return Wish(
            stream=request.stream,
            image=request.image,
            forced=request.forced,
            model=request.model,
            response_id="resp_" + self.request_id[4:],
            created_at=int(time.time()),
            spelling="partial_image" if contract else "partial_image_b64",
            keep_alive_first_s=settings.keep_alive_first_s,
            keep_alive_every_s=settings.keep_alive_every_s,
            keep_alive_plain=settings.keep_alive_plain,
            keep_limit=settings.spool_limit_mb * 1024 * 1024,
        )

    # the task

    async def run(self) -> None:
        """Serve the request to its end, whatever happens on the way."""
        try:
            try:
                await self._serve()
            except asyncio.CancelledError:
                if self._ending is None:
                    raise
                await self._fail(self._ending)
            except Error as error:
                await self._fail(error)
            except Full:
                await self._fail(
                    Overloaded("The answer is larger than this server may keep for a slow reader.")
                )
            except Exception as exc:
                log.error("exchange_failed", request_id=self.request_id, exc_info=exc)
                await self._fail(Internal("Darkroom failed to relay this request; the operator can see why."))
            self._ticker.cancel()
            if await self.viewer.finish(proper=not self._cut):
                self.clock.mark(Stage.DELIVERED, self._now())
        finally:
            self._close()

    def end(self, error: Error) -> None:
        """End the exchange well-formed with `error`, wherever it is."""
        if self.task is not None and self._ending is None:
            self._ending = error
            self.task.cancel()

    def _close(self) -> None:
        self._ticker.cancel()
        self.viewer.close()
        self.outlet.on_gone = None
        self.served.set()
        trace = self.record.finish(self.relay.outcome, self.clock, self._size, self.outlet.sent)
        self.gateway.recorder.put(trace)
        self.body.close()
        self.spool.close()
        self.lag_spool.close()

    def _gone(self) -> None:
        """The caller has left: the leave policy decides (DESIGN section 4)."""
        if self.record.left:
            return
        self.record.left = True
        self.clock.mark(Stage.LEFT, self._now())
        policy = self.gateway.settings.leave_policy
        if not self.relay.ended and (policy == "cancel" or (policy == "auto" and not self.relay.paid)):
            self.end(CallerLeft("The caller left before the answer was complete."))
        else:
            self.served.set()

    # attempts

    async def _serve(self) -> None:
        ids = set(self.request.ids.values())
        places = await self.gateway.ids.places(self.key.account_id, ids) if ids else {}
        choices = self._choices({places[pin].channel for pin in self.request.pins.values() if pin in places})
        self.clock.mark(Stage.ROUTED, self._now(), choices[0].name)
        for last, channel in [(channel is choices[-1], channel) for channel in choices]:
            attempt = self.record.begin(channel.name, self.clock, self._now())
            try:
                owned = {
                    id: place.upstream_id for id, place in places.items() if place.channel == channel.name
                }
                await self._attempt(channel, attempt, owned)
            except Error as error:
                self.record.end("failed", error, self.clock, self._now())
                if last or self.relay.sent or self.relay.paid or not elsewhere(error):
                    raise
            else:
                failed = self.relay.outcome.error
                self.record.error = failed
                self.record.end("failed" if failed else "completed", failed, self.clock, self._now())
                return

    def _choices(self, owners: set[str]) -> Sequence[Channel]:
        tool = self.request.tool
        ranking = rank(
            self.channels,
            self.request.model,
            tool.model if tool else None,
            "responses",
            only=owners or None,
            pick=random.uniform,
        )
        if ranking:
            return [choice.channel for choice in ranking]
        if not self.channels:
            raise NoChannel("No upstream is available on this server. Please ask its operator.")
        if owners:
            raise NoChannel(
                "The upstream that holds this conversation is not available now. Please try again later."
            )
        raise NotFound(
            f"The model `{self.request.model}` does not exist here or you do not have access to it. "
            "GET /v1/models lists the models of this server.",
            code="model_not_found",
            param="model",
        )

    async def _attempt(self, channel: Channel, attempt: Attempt, owned: dict[str, str]) -> None:
        relay = self.relay
        relay.secrets = channel.secrets
        streaming = (self.request.stream or self.request.image) and "responses" in channel.streams
        tree, dropped = write_request(self.request, stream=streaming, owned=owned)
        relay.outcome.repaired(dropped)
        waits = Deadlines(channel, streaming=streaming, total_s=channel.total_s - self.record.waited_s)
        answer = await self._opened(channel, streaming, self._parts(tree), waits)
        try:
            attempt.status = answer.status
            attempt.upstream_request_id = (
                answer.headers.get(b"x-request-id", b"").decode("latin-1")[:200] or None
            )
            if answer.status != 200:
                raise await read_refusal(answer, channel)
            relay.begin(answer.headers.get(b"content-type", b""))
            await self._pump(answer, waits)
        finally:
            self.record.waited_s += waits.waited_s
            attempt.bytes_in = answer.received
            self.gateway.ids.record(self.key.account_id, channel.name, relay.outcome.ids)
            answer.close()

    def _parts(self, tree: dict[str, Any]) -> list[bytes | FilePart]:
        fd = self.body.spool.fd
        return [FilePart(fd, p.start, p.stop) if isinstance(p, Long) else p for p in render(tree)]

    async def _opened(
        self, channel: Channel, streaming: bool, parts: list[bytes | FilePart], waits: Deadlines
    ) -> Answer:
        """Send the request upstream and wait for the head of its answer, saying now and then that we are here."""
        accept = b"text/event-stream" if streaming else b"application/json"
        headers = [(b"content-type", b"application/json"), (b"accept", accept)]
        if channel is self.gateway.sandbox and self.scenario:
            headers.append((b"x-darkroom-scenario", self.scenario))

        before = self._now()

        def mark(stage: Stage) -> None:
            self.clock.mark(stage, self._now())
            if stage is Stage.SENT:
                waits.sent(self._now() - before)

        left_s = max(0.0, waits.left())
        try:
            async with asyncio.timeout(max(0.0, waits.total_left())):
                return await self.gateway.upstreams.open(
                    channel, b"POST", b"/responses", headers, parts, mark=mark, deadline_s=left_s
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
            except Lost as error:
                if not relay.sent and not relay.paid:
                    raise
                await self._act(relay.close(error, self._now()))
                break
            if not data:
                await self._act(relay.close(None, self._now()))
                break
            before = relay.progress
            actions = relay.receive(data, self._now())
            if relay.progress != before:
                waits.progressed()
            await self._act(actions)
        if relay.ended and not relay.outcome.status:
            relay.close(None, self._now())
        error = relay.outcome.error  # type: ignore[misc]
        if error is not None and not relay.sent:  # type: ignore[unreachable]
            raise error

    async def _next(self, answer: Answer, waits: Deadlines) -> bytes:
        """What the upstream says next; b"" at its end. Raises TimedOut when a deadline of its has passed."""
        answer.read_size(SLOW_READ if self.viewer.slow else self.gateway.read_size())
        before = self._now()
        try:
            data = await answer.read(waits.left())
        except TimeoutError:
            raise waits.error() from None
        finally:
            waits.waited(self._now() - before)
        if self._now() - before > CAUGHT_UP_S:
            self.viewer.caught_up()
        return data

    def _tick(self) -> None:
        """Say that we are still here whenever it is time to; an answer that is being written needs no such word."""
        now = self._now()
        if not self._acting and not self.outlet.paused:
            for action in self.relay.tick(now):
                if isinstance(action, Send):
                    self._commit([action])
                    self.viewer.write(action.data)
            self.viewer.push()
        self._ticker = self._loop.call_at(max(self.relay.due, now + 0.05), self._tick)

    # actions

    async def _act(self, actions: Sequence[Action]) -> None:
        """Carry out what the relay machine asks, in order."""
        if not actions:
            return
        self._acting = True
        if not self.outlet.started:
            self._commit(actions)
        viewer = self.viewer
        for action in actions:
            kind = type(action)
            if kind is Send:
                viewer.write(action.data)  # type: ignore[union-attr]
            elif kind is Keep:
                self._keep(action.data)  # type: ignore[union-attr]
            elif isinstance(action, Replay):
                await self._replay(action)
            elif not isinstance(action, Earn):
                self._cut = True
        viewer.push()
        await self._ready()
        self._acting = False

    async def _replay(self, action: Replay) -> None:
        """A range of the spool to the caller, at his pace; if it cannot be whole, no right end is possible any more."""
        try:
            for piece in self.spool.pieces(action.start, action.stop):
                self.viewer.write(piece)
                self.viewer.push()
                await self._ready()
        except BaseException:
            self._cut = True
            raise

    def _keep(self, data: bytes) -> None:
        """For a repair that may need it; without room for it the answer goes on, only that repair is given up."""
        try:
            self.spool.append(data)
        except Full as exc:
            log.warning("spool_lost", request_id=self.request_id, reason=str(exc))
            self.relay.forget_spool()

    async def _ready(self) -> None:
        viewer = self.viewer
        if self.outlet.paused and not viewer.lagging:
            await viewer.ready()
        if viewer.left:
            self._gone()

    def _commit(self, actions: Sequence[Action]) -> None:
        """Send the status with the first bytes; a plain answer that is complete already gets its length."""
        sizes = [
            len(a.data) if isinstance(a, Send) else a.stop - a.start
            for a in actions
            if isinstance(a, Send | Replay)
        ]
        if not sizes or self.outlet.started:
            return
        plain = not self.request.stream
        whole = plain and self.relay.ended and self.relay.outcome.error is None
        self.record.status = 200
        self.outlet.start(200, self._headers(JSON if plain else EVENT_STREAM), sum(sizes) if whole else None)

    def _headers(self, content_type: bytes) -> Headers:
        return headers(self.request_id, content_type, self.channels == (self.gateway.sandbox,))

    async def _fail(self, error: Error) -> None:
        """Tell the caller: by the status while that is possible, in the stream afterwards."""
        worded(error, self.request_id, self.gateway.settings.support)
        self.record.error = error
        self.record.end("left" if self.record.left else "failed", error, self.clock, self._now())
        if self._cut:
            return
        if self.outlet.started:
            await self._act(self.relay.close(error, self._now()))
            return
        if not self.relay.ended:
            self.relay.close(error, self._now())
        status, extra, data = error_answer(error, self.relay.paid)
        self.record.status = status
        self.outlet.start(status, self._headers(JSON) + extra, len(data))
        self.outlet.write(data)
        self.outlet.push()
