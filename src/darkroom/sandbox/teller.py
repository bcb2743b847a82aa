"""Tells one answer by its script: each stage at its time, each fault at its place, as SSE or as one JSON body.

A story (responses, images) calls `say` for every event in order and names the points it passes; the teller knows
whether bytes leave now (SSE) or at the end (JSON), and everything that the scenario wants done on the way.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import msgspec

from darkroom.sandbox.dialects import style_of
from darkroom.sandbox.faults import BODIES, SHAPES, fault_of
from darkroom.sandbox.line import Line, Over
from darkroom.sandbox.scenario import Scenario
from darkroom.sandbox.writer import Writer

Tree = dict[str, Any]
T = TypeVar("T")


class Teller:
    """Tells one answer."""

    def __init__(
        self,
        line: Line,
        scenario: Scenario,
        stream: bool,
        headers: list[tuple[str, str]],
        format: str = "png",
        ending: Callable[[str, Tree], Tree] | None = None,
    ) -> None:
        self.scenario = scenario
        self.style = style_of(scenario.dialect)
        self.sse = stream != self.style.swap
        self.writer = Writer(self.style, format)
        self._line = line
        self._headers = headers
        self._ending = ending
        """The response as a tree, `failed` or `incomplete`, with the error's fields; None on the Images API."""
        self._last = asyncio.get_running_loop().time()
        self._acted: set[str] = set()

    # --- the story's calls ---

    async def open(self) -> None:
        """Until the first event: status and headers, of a stream at once."""
        await self.pause("headers", 0)
        await self.point("before_headers")
        if self.sse:
            kind = self.style.content_type
            await self._line.start(
                200,
                [*([("content-type", kind)] if kind else []), ("cache-control", "no-cache"), *self._headers],
            )
            await self._line.write(self.writer.opening())
        await self.point("before_created")

    async def refuse(self) -> None:
        """The error answer that the scenario wants instead of a story."""
        await self.pause("headers", 0)
        await self.point("before_headers")
        status, code, fault = fault_of(self.scenario.status, self.scenario.code)
        kind, body = BODIES[self.scenario.body or "openai"](status, fault.fields(code))
        headers = {**dict(self._headers), **dict(fault.headers)}
        if self.scenario.retry_after is not None:
            headers["retry-after"] = str(self.scenario.retry_after)
        if kind is not None:
            headers["content-type"] = kind
        await self._line.start(status, [*headers.items(), ("content-length", str(len(body)))])
        await self._write_around(body, {"in_final": 0.5})
        await self._line.finish()

    async def pause(self, stage: str, usual_ms: int) -> None:
        """Waits until a stage is due: its delay after the event before."""
        due = self._last + self.scenario.delay(stage, usual_ms)
        await self._wait(due - asyncio.get_running_loop().time())
        self._last = max(due, asyncio.get_running_loop().time())

    async def say(
        self, stage: str, tree: Tree, usual_ms: int = 0, inside: str | None = None, last: bool = False
    ) -> None:
        """One event, at its stage's time ('' for at once)."""
        if stage:
            await self.pause(stage, usual_ms)
        if not self.sse:
            if inside == "in_partial":
                await self.point(inside)
            return
        frames = self.writer.event(tree)
        if last:
            frames = self.writer.ended(frames + self.writer.closing())
        await self._write_around(frames, {inside: 0.6} if inside else {})

    async def during(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of some work, with heartbeats while it takes its time."""
        task = asyncio.get_running_loop().create_task(work)
        try:
            while not await self._line.until(task, self.scenario.heartbeat_ms / 1000):
                await self._beat()
            return task.result()
        finally:
            task.cancel()

    async def point(self, name: str) -> None:
        """Something may be scripted for this place; each point counts once."""
        if name in self._acted:
            return
        self._acted.add(name)
        if self.scenario.stall == name:
            await self._line.flush()
            await self._wait(self.scenario.stall_ms / 1000)
            self._last = asyncio.get_running_loop().time()
        if self.scenario.error is not None and self.scenario.error_at == name:
            await self.fail(self.scenario.error)
        if name in (self.scenario.cut, self.scenario.reset):
            await self._line.cut(reset=name == self.scenario.reset)

    async def answer(self, tree: Tree) -> None:
        """The whole answer as JSON."""
        body = self.writer.answer(tree)
        size = None if self._line.started else len(body)
        await self._start_json(size)
        await self._write_around(body, {"in_final": 0.5, "before_completed": 0.99, "in_completed": 0.999})

    async def close(self) -> None:
        """What stands after the last event, where no event was said to be the last."""
        await self._line.write(self.writer.closing())

    async def finish(self) -> None:
        """The end, as it should be."""
        await self._line.finish()

    # --- inner work ---

    async def _wait(self, seconds: float) -> None:
        if self.scenario.heartbeat is None:
            await self._line.wait(seconds)
            return
        end = asyncio.get_running_loop().time() + seconds
        while (left := end - asyncio.get_running_loop().time()) > 0:
            await self._line.wait(min(left, self.scenario.heartbeat_ms / 1000))
            if left > self.scenario.heartbeat_ms / 1000:
                await self._beat()

    async def _beat(self) -> None:
        kind = self.scenario.heartbeat
        if kind is None or self.scenario.refuses():
            # A sign of life would commit the status of an answer that wants another one.
            return
        if not self.sse:
            await self._start_json(None)
            await self._line.write(b"\n")
        elif self._line.started:
            await self._line.write(self.writer.heartbeat(kind))

    async def _write_around(self, content: bytes, marks: dict[str, float]) -> None:
        """Writes bytes, stopping at the marked shares of them for what is scripted there."""
        at = 0
        for name, share in marks.items():
            if (
                name in (self.scenario.cut, self.scenario.reset, self.scenario.stall)
                and name not in self._acted
            ):
                stop = min(len(content) - 1, int(len(content) * share))
                await self._line.write(content[at:stop])
                at = stop
                await self.point(name)
        await self._line.write(content[at:])

    async def _start_json(self, size: int | None) -> None:
        if not self._line.started:
            length = [("content-length", str(size))] if size is not None else []
            await self._line.start(200, [("content-type", "application/json"), *length, *self._headers])

    async def fail(self, shape: str, fields: Tree | None = None) -> None:
        """Tells a failure inside the answer and ends it. Always raises `Over`."""
        if fields is None:
            _, code, fault = fault_of(None, self.scenario.code or "server_error")
            fields = fault.fields(code)
        if not self.sse:
            await self._fail_plainly(shape, fields)
        out = b""
        if self._ending is None and shape in ("failed", "incomplete"):
            # Without a response that could end so, only the error itself can be told.
            shape = "nested"
        for said in SHAPES[shape](fields):
            tree = said.tree
            if tree is None:
                if self._ending is None:
                    continue
                status = str(said.event).removeprefix("response.")
                tree = {"type": said.event, "sequence_number": 0, "response": self._ending(status, fields)}
            out += self.writer.raw(tree) if said.raw else self.writer.said(said.event, tree)
        await self._line.write(self.writer.ended(out + self.writer.closing()))
        await self._line.finish()
        raise Over

    async def _fail_plainly(self, shape: str, fields: Tree) -> None:
        tree: Any = {"error": fields}
        if shape in ("failed", "incomplete") and self._ending is not None:
            tree = self._ending(shape, fields)
        elif shape == "flat":
            tree = {key: fields[key] for key in ("code", "message", "param")}
        elif shape == "string":
            tree = msgspec.json.encode(tree).decode()
        elif shape == "string_inside":
            tree = {"error": msgspec.json.encode(fields).decode()}
        await self._start_json(None)
        await self._line.write(msgspec.json.encode(tree))
        await self._line.finish()
        raise Over
