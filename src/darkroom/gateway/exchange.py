"""One request from its admission to its last byte: the task that owns it, whoever is listening.

Carries out the relay machine's actions one by one, feeds the caller, applies the leave policy, and records the trace.
`leg` fetches the answer, `batch` several of them.
"""

import asyncio
import random
from collections.abc import Callable, Sequence

import structlog

from darkroom.errors import Error, Internal, Overloaded
from darkroom.gateway.album import Kept
from darkroom.gateway.answers import EVENT_STREAM, JSON, Headers, error_answer, headers, worded
from darkroom.gateway.batch import Batch
from darkroom.gateway.body import CallerLeft, Incoming
from darkroom.gateway.fidelity import HEADER, asked_for, delivered_as, header_value
from darkroom.gateway.gateway import Gateway
from darkroom.gateway.inputs import check_mask, materialise
from darkroom.gateway.leg import Job, Leg
from darkroom.gateway.record import Record
from darkroom.gateway.refusal import elsewhere
from darkroom.gateway.routes import Route, no_route, routes
from darkroom.gateway.spool import Full, Spool
from darkroom.gateway.viewer import Outlet, Viewer
from darkroom.gateway.wishes import wish_for
from darkroom.ledger.keys import Key
from darkroom.wire.actions import Action, Earn, Fetch, Keep, Replay, Send, Store
from darkroom.wire.codecs.responses.recall import recall
from darkroom.wire.elide import Path, Upload
from darkroom.wire.request import InputPicture, Request
from darkroom.wire.stages import Stage, StageClock

log = structlog.get_logger("darkroom.exchange")
SLOW_READ = 32 * 1024


class Exchange:
    """Owns one request. `run` never raises; `served` is set when nothing more will be written to the caller."""

    def __init__(
        self,
        gateway: Gateway,
        key: Key,
        request: Request,
        body: Incoming,
        outlet: Outlet,
        clock: StageClock,
        record: Record,
        scenario: bytes = b"",
        cut_plain: bool = False,
        base: str = "",
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
        self.job = Job(gateway, key, request, body, record, scenario)
        self.served = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self.channels = gateway.choose(key)
        limit = settings.spool_limit_mb * 1024 * 1024
        self.lag_spool = Spool(gateway.spools, limit)
        self.viewer = Viewer(outlet, self.lag_spool, settings.caller_lag_s, settings.caller_stall_s)
        self.kept = Kept(gateway.album, key.account_id, self.request_id, base)
        self._wish = wish_for(settings, key, request, self.request_id, cut_plain, self.kept.link)
        self.leg = Leg(self, self._wish, clock, self.act)
        self.relay = self.leg.relay
        self.relay.word = self.word
        self.batch: Batch | None = None
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time
        self._ticker = self._loop.call_at(self.relay.due, self._tick)
        self._acting = False
        self._ending: Error | None = None
        self._cut = False
        self._size = body.size
        outlet.on_gone = self._gone
        record.asked(request, settings.trace_prompts)

    def word(self, error: Error) -> Error:
        """The error as the caller is to read it."""
        return worded(error, self.request_id, self.gateway.settings.support)

    def read_size(self) -> int:
        """The largest next read from an upstream."""
        return SLOW_READ if self.viewer.slow else self.gateway.read_size()

    def caught_up(self) -> None:
        """The upstream had nothing to give, so the caller may have everything."""
        self.viewer.caught_up()

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
        outcome = self.batch.outcome if self.batch is not None else self.relay.outcome
        trace = self.record.finish(outcome, self.clock, self._size, self.outlet.sent)
        self.gateway.ended(trace)
        self.body.close()
        self.leg.close()
        if self.batch is not None:
            self.batch.close()
        self.lag_spool.close()

    def _gone(self) -> None:
        """The caller has left: the leave policy decides (DESIGN section 4)."""
        if self.record.left:
            return
        self.record.left = True
        self.clock.mark(Stage.LEFT, self._now())
        policy = self.gateway.settings.leave_policy
        paid = self.batch.paid if self.batch is not None else self.relay.paid
        ended = self.relay.ended and self.batch is None
        if not ended and (policy == "cancel" or (policy == "auto" and not paid)):
            self.end(CallerLeft("The caller left before the answer was complete."))
        else:
            self.served.set()

    # the answer

    async def _serve(self) -> None:
        job, request = self.job, self.request
        ids = set(request.ids.values())
        if ids:
            job.places = await self.gateway.ids.places(self.key.account_id, ids)
            request = await self._recalled(request)
        owners = {job.places[pin].channel for pin in request.pins.values() if pin in job.places} or None
        found = routes(request, self.channels, owners, random.uniform)
        if not found:
            raise no_route(request, self.channels, owners)
        bridged = any(route.bridged for route in found)
        await self._gather(lambda p: request.surface == "edits" or p.kind == "file" or bridged)
        self.clock.mark(Stage.ROUTED, self._now(), found[0].channel.name)
        singly = (i for i, route in enumerate(found) if request.n > 1 and route.surface == "responses")
        until = next(singly, len(found))
        together, one_by_one = found[:until], found[until:]
        if not together:
            await self._in_parts(one_by_one)
            return
        try:
            await self.leg.run(together, more=bool(one_by_one))
        except Error as error:
            if not one_by_one or self.relay.paid or not elsewhere(error):
                raise
            await self._in_parts(one_by_one)
        else:
            self.record.error = self.relay.outcome.error

    async def _in_parts(self, found: Sequence[Route]) -> None:
        """Several pictures where the upstream makes one at a time."""
        self.batch = Batch(self, self._wish)
        await self.batch.run(found)

    async def _recalled(self, request: Request) -> Request:
        """The request with stored pictures in the place of image calls that are named by their ids alone."""
        here = {channel.name for channel in self.channels}
        found: dict[Path, Upload] = {}
        for picture in request.inputs:
            if picture.kind == "item" and isinstance(picture.value, str):
                place = self.job.places.get(picture.value)
                kept = await self.gateway.album.pictures.by_item(self.key.account_id, picture.value)
                if (place is None or place.channel not in here) and kept is not None:
                    found[picture.path] = await self._materialise(picture)
        if found:
            request = self.job.request = self.request = recall(request, found)
        return request

    async def _materialise(self, picture: InputPicture) -> Upload:
        album = self.gateway.album
        return await materialise(
            picture,
            self.body,
            fetch=album.fetch,
            resolve=album.resolver(self.key.account_id),
            slots=self.gateway.slots,
        )

    async def _gather(self, wanted: Callable[[InputPicture], bool]) -> None:
        """Bring the input pictures that are needed as files into the body's spool, and check them."""
        request, pictures = self.request, self.job.pictures
        for picture in request.pictures:
            if wanted(picture):
                pictures[picture.path] = await self._materialise(picture)
        mask = request.tool.input_image_mask if request.tool is not None else None
        first = request.inputs[0].path if request.inputs else None
        for overlay in (mask, request.markup):
            if overlay is not None and overlay.path in pictures and first in pictures:
                check_mask(pictures[overlay.path], pictures[first])

    def _tick(self) -> None:
        """Say that we are still here whenever it is time to; an answer that is being written needs no such word."""
        now = self._now()
        source = self.batch or self.relay
        if not self._acting and not self.outlet.paused:
            for action in source.tick(now):
                if isinstance(action, Send):
                    self.commit([action])
                    self.viewer.write(action.data)
            self.viewer.push()
        self._ticker = self._loop.call_at(max(source.due, now + 0.05), self._tick)

    # actions

    async def act(self, leg: Leg, actions: Sequence[Action]) -> None:
        """Carry out what a leg's relay machine asks, in order."""
        if not actions:
            return
        viewer = self.viewer
        self._acting = True
        try:
            for action in actions:
                kind = type(action)
                # Not before: the status may still say that a picture could not be stored.
                if not self.outlet.started and (kind is Send or kind is Replay):
                    self.commit(actions)
                if kind is Send:
                    viewer.write(action.data)  # type: ignore[union-attr]
                elif kind is Keep:
                    leg.keep(action.data)  # type: ignore[union-attr]
                elif isinstance(action, Replay):
                    await self.replay(leg.spool, action)
                elif isinstance(action, Store):
                    await self.store(leg, action)
                elif not isinstance(action, Earn | Fetch):
                    self._cut = True
            viewer.push()
            await self._ready()
        finally:
            self._acting = False

    async def store(self, leg: Leg, action: Store) -> None:
        """Keep a picture. Where its address is the answer, a failure of that is the answer's."""
        pictures = leg.relay.outcome.pictures
        number = leg.number + action.index
        stored = False
        try:
            await self.gateway.album.store(
                self.kept, number, pictures[action.index], leg.spool, action.start, action.stop
            )
            stored = True
        except (Error, ValueError, OSError) as exc:
            log.warning("picture_not_stored", request_id=self.request_id, reason=str(exc))
            if self._wish.link is not None:
                raise Internal("The picture was made but could not be stored here.") from exc
        finally:
            if self._wish.link is not None and not stored:
                # Its event, which would come next, is not sent, nor what was to follow.
                del pictures[action.index :]
                leg.unsent = number

    async def replay(self, spool: Spool, action: Replay) -> None:
        """A range of the spool to the caller, at his pace; if it cannot be whole, no right end is possible any more."""
        try:
            for piece in spool.pieces(action.start, action.stop):
                self.viewer.write(piece)
                self.viewer.push()
                await self._ready()
        except BaseException:
            self._cut = True
            raise

    async def _ready(self) -> None:
        viewer = self.viewer
        if self.outlet.paused and not viewer.lagging:
            await viewer.ready()
        if viewer.left:
            self._gone()

    def commit(self, actions: Sequence[Action], *extra: tuple[bytes, bytes]) -> None:
        """Send the status with the first bytes; a plain answer that is complete already gets its length."""
        sizes = [
            len(a.data) if isinstance(a, Send) else a.stop - a.start
            for a in actions
            if isinstance(a, Send | Replay)
        ]
        if not sizes or self.outlet.started:
            return
        plain = not self.request.stream
        whole = plain and self.batch is None and self.relay.ended and self.relay.outcome.error is None
        self.record.status = 200
        out = [*self._headers(JSON if plain else EVENT_STREAM), *extra]
        if plain and (told := self._fidelity()) is not None:
            out.append((HEADER, told))
        self.outlet.start(200, out, sum(sizes) if whole else None)

    def _fidelity(self) -> bytes | None:
        """Asked against delivered, as far as the first bytes of the picture tell it when the status goes out."""
        outcome = self.batch.outcome if self.batch is not None else self.relay.outcome
        seen = outcome.pictures or outcome.begun
        n = self.request.n if outcome.pictures else len(seen)
        return header_value(asked_for(self.request.tool), delivered_as(seen), n)

    def _headers(self, content_type: bytes) -> Headers:
        out = headers(self.request_id, content_type, self.channels == (self.gateway.sandbox,))
        if lost := self.record.trace.lost:
            out.append((b"x-darkroom-lost", ", ".join(lost).encode("ascii", "replace")[:1000]))
        return out

    async def _fail(self, error: Error) -> None:
        """Tell the caller: by the status while that is possible, in the stream afterwards."""
        self.word(error)
        self.record.error = error
        outcome = "left" if self.record.left else "failed"
        for leg in (self.leg, *(self.batch.legs if self.batch is not None else ())):
            leg.end(outcome, error)
        self.relay.elsewhere = None
        if self._cut:
            return
        if self.outlet.started:
            await self.act(self.leg, self._last_words(error))
            return
        if not self.relay.ended:
            self.relay.close(error, self._now())
        paid = self.batch.paid if self.batch is not None else self.relay.paid
        status, extra, data = error_answer(error, paid)
        self.record.status = status
        self.outlet.start(status, self._headers(JSON) + extra, len(data))
        self.outlet.write(data)
        self.outlet.push()

    def _last_words(self, error: Error) -> list[Action]:
        """How an answer that has begun ends as a failure."""
        now = self._now()
        if self.batch is not None:
            return self.batch.fail(error, self.relay, now)
        if self.leg.unsent is not None:
            self.relay.withdraw(self.leg.unsent > 0)
        return self.relay.close(error, now)
