"""The bytes of pictures and files, by name: a folder, or an S3-compatible bucket. Counterpart: `pictures`, `files`.

Law of this file: names are ours alone, never a customer's; an object is there whole or not at all; and the source of
a write is never touched again once the write was cancelled, for the spool that it reads may be another customer's by
then.
"""

import asyncio
import re
import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from darkroom import errors

WRITERS = 8
"""Objects written at the same time; each has at most two parts in memory."""
S3_PART, LOCAL_PART = 5 * 1024 * 1024, 512 * 1024
"""Bytes of one write; no S3 bucket takes smaller parts."""
S3_PIECE, LOCAL_PIECE = 1024 * 1024, 256 * 1024
"""Bytes of one read."""
ABANDONED_S = 86_400.0
"""After this long the beginning of an object that was never finished is deleted from a folder."""
_NAME = re.compile(r"[a-z]+/[A-Za-z0-9_-]{1,100}")
_OPTIONS = ("endpoint", "region", "access_key_id", "secret_access_key", "session_token")
_log = structlog.get_logger(__name__)


class Away(errors.Overloaded):
    """The folder or bucket cannot be used just now."""

    code = "pictures_unavailable"


class Bucket:
    """One folder or bucket, as one process uses it: `await write`, `read`, `delete`, `close`."""

    def __init__(self, objects: LocalStore | S3Store, folder: Path | None) -> None:
        self._objects = objects
        self._folder = folder
        self._piece, self._part = (S3_PIECE, S3_PART) if folder is None else (LOCAL_PIECE, LOCAL_PART)
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="pictures")

    @classmethod
    def open(cls, url: str | None, folder: Path, env: Mapping[str, str]) -> Self:
        """The bucket at `url` (`s3://…`, `file:///…`), or in `folder` if there is none. Raises Invalid."""
        if url is not None and url.startswith("s3://"):
            return cls(_s3(url, env), None)
        folder = Path(unquote(urlsplit(url).path)) if url else folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return cls(LocalStore(folder), folder)
        except (OSError, BaseError) as error:
            reason = getattr(error, "strerror", None) or "it is not a folder"
            raise _wrong(f"the folder {folder} cannot be used: {reason}") from error

    async def write(self, name: str, source: Iterable[bytes]) -> int:
        """Write an object and say how many bytes it has. What `source` raises comes out, and nothing is kept.

        `source` is read in another thread. Raises Away.
        """
        _check(name)
        read = _Source(source)
        writing = asyncio.get_running_loop().run_in_executor(self._writers, self._write, name, read)
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            read.stop()
            writing.add_done_callback(lambda done: done.cancelled() or done.exception())
            raise
        except (BaseError, OSError) as error:
            if error is read.error:
                raise
            raise _away(error) from error
        return read.size

    async def read(self, name: str, start: int, stop: int) -> AsyncIterator[bytes]:
        """The bytes `start` to `stop` in pieces, each fetched when it is asked for. Raises NotFound or Away."""
        _check(name)
        while start < stop:
            end = min(stop, start + self._piece)
            try:
                piece = bytes(await obstore.get_range_async(self._objects, name, start=start, end=end))
            except FileNotFoundError:
                raise errors.NotFound("What was stored here is gone.", code="picture_gone") from None
            except (BaseError, OSError) as error:
                raise _away(error) from error
            if len(piece) != end - start:
                raise _away(EOFError(f"{name} ends early"))
            start = end
            yield piece

    async def delete(self, name: str) -> None:
        """Delete an object; one that is not there is no mistake. Raises Away."""
        _check(name)
        try:
            await obstore.delete_async(self._objects, name)
        except FileNotFoundError:
            pass
        except (BaseError, OSError) as error:
            raise _away(error) from error

    async def sweep(self, now_s: float | None = None) -> int:
        """Delete from a folder what writes that died with their process have left; how many."""
        return await asyncio.to_thread(self._sweep, (now_s or time.time()) - ABANDONED_S)

    async def close(self) -> None:
        """Finish the writes under way."""
        await asyncio.to_thread(self._writers.shutdown)

    # in other threads

    def _write(self, name: str, source: "_Source") -> None:
        first = bytearray()
        for piece in source:
            first += piece
            if len(first) >= self._part:
                obstore.put(
                    self._objects, name, chain([bytes(first)], source), chunk_size=self._part, max_concurrency=1,
                    use_multipart=True,
                )  # fmt: skip
                return
        obstore.put(self._objects, name, bytes(first), use_multipart=False)

    def _sweep(self, before_s: float) -> int:
        # The folder's own writer puts `#` and a number behind the name until an object is whole.
        left = list(self._folder.glob("*/*#*")) if self._folder else []
        gone = [file for file in left if file.stat().st_mtime < before_s]
        for file in gone:
            file.unlink(missing_ok=True)
        return len(gone)


class _Source:
    """Passes pieces on until it is stopped, counts them, and remembers what went wrong with them."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.size = 0
        self.error: BaseException | None = None
        self._pieces = iter(pieces)
        self._stopped = False
        self._reading = threading.Lock()

    def stop(self) -> None:
        """Returns once the pieces are not being read, and will not be."""
        with self._reading:
            self._stopped = True

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self._reading:
            if self._stopped:
                raise InterruptedError("the write was cancelled")
            try:
                piece = next(self._pieces)
            except StopIteration:
                raise
            except BaseException as error:
                self.error = error
                raise
        self.size += len(piece)
        return piece


def _check(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a name of ours: {name!r}")


def _away(error: BaseException) -> Away:
    # The reason may hold paths and addresses of this installation: it is for the operator.
    _log.warning("pictures_unavailable", reason=str(error).partition("\n")[0])
    return Away(
        "The picture store of this installation cannot be used now. Please retry in a few seconds.",
        headers={"Retry-After": "5"},
        internal=str(error).partition("\n")[0],
    )


def _s3(url: str, env: Mapping[str, str]) -> S3Store:
    parts = urlsplit(url)
    config: dict[str, Any] = {}
    for key, value in parse_qsl(parts.query, keep_blank_values=True):
        if key not in _OPTIONS:
            raise _wrong(f"there is no option {key!r}; there are {', '.join(_OPTIONS)}")
        if value.startswith("env:"):
            name = value.removeprefix("env:")
            value = env.get(name, "").strip()
            if not value:
                raise _wrong(f"the environment has no {name}; set it before the start")
        config[key] = value
    endpoint = config.get("endpoint") or env.get("AWS_ENDPOINT_URL_S3") or env.get("AWS_ENDPOINT", "")
    try:
        return S3Store(
            parts.netloc,
            prefix=unquote(parts.path).strip("/") or None,
            client_options={
                "timeout": "60s",
                "connect_timeout": "10s",
                "allow_http": endpoint.startswith("http://"),
            },
            # One at a time, as we delete them: not every S3-compatible store knows the other way.
            disable_bulk_delete=True,
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=60)},
            **config,
        )
    except (BaseError, ValueError) as error:
        raise _wrong(str(error).partition("\n")[0]) from error


def _wrong(problem: str) -> errors.Invalid:
    return errors.Invalid(f"`pictures_url`: {problem}", code="invalid_settings", param="pictures_url")
