"""Draws in threads, a few pictures at a time, and hands over previews and the final file as each gets ready.

The law of this file: the event loop never draws. A job whose client has left is dropped before its next step, and a
picture drawn a moment ago is not drawn again.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from darkroom.sandbox.files import encode
from darkroom.sandbox.painter import Ask, Inputs, coarse, paint, read_inputs

KEEP_BYTES = 48_000_000


class Job:
    """One picture in the making: `partials` previews and the file itself, each awaited by its index."""

    def __init__(self, count: int) -> None:
        loop = asyncio.get_running_loop()
        self._files: list[asyncio.Future[bytes]] = [loop.create_future() for _ in range(count + 1)]
        self._begun: asyncio.Future[None] = loop.create_future()
        self._all: list[asyncio.Future[Any]] = [self._begun, *self._files]
        self._stopped = threading.Event()

    async def begun(self) -> None:
        """Until it is sure that the input pictures can be read; raises `Invalid` if they cannot."""
        await asyncio.shield(self._begun)

    async def partial(self, index: int) -> bytes:
        """The preview `index`, a whole file of the picture's own size and format."""
        return await asyncio.shield(self._files[index])

    async def final(self) -> bytes:
        """The finished file; raises what drawing it raised."""
        return await asyncio.shield(self._files[-1])

    def stop(self) -> None:
        """Nobody waits any more."""
        self._stopped.set()
        for future in self._all:
            if future.done() and not future.cancelled():
                future.exception()
            future.cancel()

    def is_stopped(self) -> bool:
        """Whether it was stopped."""
        return self._stopped.is_set()

    def begin(self) -> None:
        """The input pictures have been read."""
        if not self._begun.done():
            self._begun.set_result(None)

    def take(self, index: int, file: bytes) -> None:
        """A file is ready."""
        if not self._files[index].done():
            self._files[index].set_result(file)

    def fail(self, reason: BaseException) -> None:
        """It cannot be drawn."""
        for future in self._all:
            if not future.done():
                future.set_exception(reason)


class Easel:
    """A bounded pool of drawing threads, and the last pictures drawn."""

    def __init__(self, threads: int = 2, keep_bytes: int = KEEP_BYTES) -> None:
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._keep_bytes = keep_bytes
        self._kept: OrderedDict[tuple[Ask, int], tuple[bytes, ...]] = OrderedDict()
        self._kept_bytes = 0

    def begin(self, ask: Ask, partials: int = 0) -> Job:
        """Starts to draw a picture with that many previews."""
        job = Job(partials)
        known = self._kept.get((ask, partials))
        if known is not None:
            self._kept.move_to_end((ask, partials))
            job.begin()
            for index, file in enumerate(known):
                job.take(index, file)
            return job
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, "sandbox-easel")
        self._pool.submit(self._work, asyncio.get_running_loop(), job, ask, partials)
        return job

    def close(self) -> None:
        """Lets the threads go once they have finished what they draw."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def _work(self, loop: asyncio.AbstractEventLoop, job: Job, ask: Ask, partials: int) -> None:
        files = []
        try:
            if job.is_stopped():
                return
            inputs = read_inputs(ask)
            loop.call_soon_threadsafe(job.begin)
            for index, file in enumerate(_steps(job, ask, inputs, partials)):
                files.append(file)
                loop.call_soon_threadsafe(job.take, index, file)
            if len(files) == partials + 1:
                loop.call_soon_threadsafe(self._keep, ask, partials, tuple(files))
        except RuntimeError as reason:
            # The loop has been closed meanwhile: nobody is there to be told.
            if not loop.is_closed():
                loop.call_soon_threadsafe(job.fail, reason)
        except Exception as reason:  # noqa: BLE001 - whoever awaits the job is told, whatever it is
            loop.call_soon_threadsafe(job.fail, reason)

    def _keep(self, ask: Ask, partials: int, files: tuple[bytes, ...]) -> None:
        size = sum(map(len, files)) + sum(map(len, ask.images))
        if size > self._keep_bytes // 4 or (ask, partials) in self._kept:
            return
        self._kept[ask, partials] = files
        self._kept_bytes += size
        while self._kept_bytes > self._keep_bytes:
            (old, _), dropped = self._kept.popitem(last=False)
            self._kept_bytes -= sum(map(len, dropped)) + sum(map(len, old.images))


def _steps(job: Job, ask: Ask, inputs: Inputs, partials: int) -> Iterator[bytes]:
    if job.is_stopped():
        return
    image = paint(ask, inputs)
    for index in range(partials):
        if job.is_stopped():
            return
        yield encode(coarse(image, index, partials), ask.format, ask.compression)
    if not job.is_stopped():
        yield encode(image, ask.format, ask.compression)
