"""Several pictures where the upstream makes one at a time: a leg for each, side by side, one answer for the caller.

Law: an event of one leg is never cut by another's: whoever has begun one holds the pen, and the others wait, which
slows their upstreams. In a plain answer each leg writes to a spool of its own, so that the pictures keep their order.
Some delivered is a success; none is the first failure. A leg has failed if its picture is not whole.
"""

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from darkroom.errors import Error, Overloaded
from darkroom.gateway.leg import Leg, Owner
from darkroom.gateway.routes import Route
from darkroom.gateway.spool import Full, Spool
from darkroom.wire.actions import Action, Earn, Keep, Outcome, Replay, Send, Store
from darkroom.wire.codecs.images.events import add_usage
from darkroom.wire.image_whole import ending, opening
from darkroom.wire.relay import Relay
from darkroom.wire.sse import KEEP_ALIVE
from darkroom.wire.stages import StageClock
from darkroom.wire.wish import Wish


class Batch:
    """`run` makes all pictures of a request; `outcome` is what came of them together."""

    def __init__(self, exchange: Owner, wish: Wish) -> None:
        self.outcome = Outcome()
        self.due = exchange.clock.start + wish.keep_alive_first_s
        """When `tick` wants to be called."""
        self._exchange = exchange
        self._wish = wish
        self._pen = asyncio.Lock()
        self._holder: Leg | None = None
        self._writing = False
        """The document is being written."""
        part = msgspec.structs.replace(wish, n=1, bare=True)
        self.legs = [
            Leg(
                exchange,
                msgspec.structs.replace(
                    part, response_id=f"{wish.response_id}_{number}", link=_numbered(wish, number)
                ),
                StageClock(exchange.clock.start),
                self.act,
                number,
            )
            for number in range(wish.n)
        ]
        gateway = exchange.job.gateway
        limit = gateway.settings.spool_limit_mb * 1024 * 1024
        self._results = {id(leg): Spool(gateway.spools, limit) for leg in self.legs}

    @property
    def paid(self) -> bool:
        """Some upstream may have been paid."""
        return any(leg.relay.paid for leg in self.legs)

    async def run(self, routes: Sequence[Route]) -> None:
        """Make all pictures, and write the answer. Raises the first failure if there is no picture at all."""
        exchange = self._exchange
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._one(leg, routes)) for leg in self.legs]
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        finally:
            for leg in self.legs:
                exchange.clock.marks += leg.clock.marks
            exchange.clock.marks.sort(key=lambda mark: mark.at_s)
            self._merge()
        errors = [error for task in tasks if (error := task.result()) is not None]
        if not self.outcome.pictures and errors:
            self.outcome.status, self.outcome.error = "failed", errors[0]
            raise errors[0]
        self.outcome.status = "completed"
        if errors:
            self.outcome.repaired(["pictures_failed"] * len(errors))
        if not self._wish.stream:
            await self._write(len(errors))

    def close(self) -> None:
        """Give the spools back."""
        for leg in self.legs:
            leg.close()
        for spool in self._results.values():
            spool.close()

    def tick(self, now: float) -> list[Action]:
        """Say that we are still here."""
        if now < self.due:
            return []
        self.due = now + self._wish.keep_alive_every_s
        if not self._wish.stream:
            return [Send(b"\n")] if self._wish.keep_alive_plain and not self._writing else []
        holder = self._holder
        if holder is None:
            return [] if self._pen.locked() else [Send(KEEP_ALIVE)]
        # Its event may wait for a usage alone, which is given up now; the others wait for it.
        actions = holder.relay.tick(now)
        if holder.relay.between:
            self._release(holder)
        return actions

    def fail(self, error: Error, relay: Relay, now: float) -> list[Action]:
        """How an answer that has begun ends as a failure; `relay` has said nothing of it so far."""
        holder = self._holder
        if holder is not None and holder.unsent is None and not holder.relay.between:
            holder.relay.elsewhere = None
            return holder.relay.close(error, now)
        if any(leg.relay.outcome.told for leg in self.legs):
            return []
        relay.withdraw(self._writing)
        return relay.close(error, now)

    async def act(self, leg: Leg, actions: Sequence[Action]) -> None:
        """Carry out what one leg's relay machine asks."""
        if not self._wish.stream:
            await self._put(leg, actions)
            return
        if not actions:
            return
        if self._holder is not leg:
            await self._pen.acquire()
            self._holder = leg
        await self._exchange.act(leg, actions)
        self.due = max(self.due, leg.relay.due)
        if leg.relay.between:
            self._release(leg)

    async def _one(self, leg: Leg, routes: Sequence[Route]) -> Error | None:
        """Make one picture. Whoever is cancelled keeps the pen: `fail` ends what he has begun."""
        outcome = leg.relay.outcome
        failure: Error | None
        try:
            await leg.run(routes)
            failure = outcome.error
        except Error as error:
            failure = error
        except Full:
            if self._wish.stream:
                raise
            outcome.pictures.clear()
            failure = Overloaded(
                "The pictures are larger than this server may keep. Ask for fewer at a time."
            )
            leg.end("failed", failure)
        self._release(leg)
        return None if outcome.pictures else failure

    def _release(self, leg: Leg) -> None:
        if self._holder is leg:
            self._holder = None
            self._pen.release()

    async def _put(self, leg: Leg, actions: Sequence[Action]) -> None:
        """A plain answer's part goes to its own spool."""
        result = self._results[id(leg)]
        for action in actions:
            if isinstance(action, Send):
                result.append(action.data)
            elif isinstance(action, Keep):
                leg.keep(action.data)
            elif isinstance(action, Replay):
                for piece in leg.spool.pieces(action.start, action.stop):
                    result.append(piece)
            elif isinstance(action, Store):
                await self._exchange.store(leg, action)

    async def _write(self, failed: int) -> None:
        """The document: every picture that is whole, in order."""
        exchange, first = self._exchange, self.legs[0]
        usage = (self.outcome.tool_usage or {}).get("image_gen")
        extra = ((b"x-darkroom-failed", b"%d" % failed),) if failed else ()
        self._writing = True
        begin = opening(self._wish.created_at)
        exchange.commit([Send(begin)], *extra)
        for leg in self.legs:
            if not leg.relay.outcome.pictures:
                continue
            await exchange.act(first, [Send(begin)])
            result = self._results[id(leg)]
            await exchange.replay(result, Replay(0, result.size))
            begin = b","
        earned: list[Action] = [Earn(number) for number in range(len(self.outcome.pictures))]
        known = {name: value for name, value in self._known().items() if value is not None}
        await exchange.act(first, [*earned, Send(ending(known, usage))])

    def _known(self) -> dict[str, object]:
        picture = self.outcome.pictures[0]
        size = f"{picture.width}x{picture.height}" if picture.width else None
        told = {"size": size, "quality": picture.quality, "background": picture.background}
        told["output_format"] = picture.format
        return {**self._wish.asked, **{name: value for name, value in told.items() if value is not None}}

    def _merge(self) -> None:
        """The outcomes of all legs as one."""
        whole = self.outcome
        for leg in self.legs:
            part = leg.relay.outcome
            whole.pictures += part.pictures
            whole.partials += part.partials
            whole.ids += part.ids
            whole.model = whole.model or part.model
            for name, count in part.repairs.items():
                whole.repairs[name] = whole.repairs.get(name, 0) + count
            for key in ("usage", "tool_usage"):
                usage = getattr(part, key)
                if usage is not None:
                    setattr(whole, key, add_usage(getattr(whole, key), usage))


def _numbered(wish: Wish, number: int) -> Callable[[int, str | None], str] | None:
    """The address of a leg's only picture, which has `number` in the whole answer."""
    link = wish.link
    return None if link is None else lambda _, kind: link(number, kind)
