"""Ask for a picture and follow it: the synchronous shell over the wire codec.

Law: a request is sent again only before anything can have been paid for, unless the caller says otherwise.
"""

import os
import random
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

import httpx2

from darkroom import __version__
from darkroom.client import address, retry
from darkroom.client.ask import Ask, write_body
from darkroom.client.assemble import Assembler
from darkroom.client.failures import Failure, TimedOut, Unreachable, of_page, of_status
from darkroom.client.gather import Gather, OnPartial, OnStage
from darkroom.client.picture import Picture
from darkroom.wire.stages import Stage, StageClock

TIMEOUT_S = 600.0
"""The most that one attempt may take; the contract advises at least 180."""
CONNECT_S = 10.0
ERROR_LIMIT = 1024 * 1024
"""Bytes of an error's body that are read."""
OnRetry = Callable[[Failure, float], None]
_TRACED = {"connect_tcp.complete": Stage.CONNECTED, "send_request_body.complete": Stage.SENT}


def _nothing(*_: Any) -> None:
    """For those who do not listen."""


class Client:
    """A customer of the relay at `base_url`; use it in a `with` block, or `close` it. Not for several threads at once.

    Without arguments the environment tells: DARKROOM_BASE_URL and DARKROOM_API_KEY, else OPENAI_BASE_URL and
    OPENAI_API_KEY. `timeout_s` bounds each attempt: it ends at the first sign of life after that time (the relay
    gives one every 15 s), or after as long a silence. Raises `errors.Invalid` without an address or key.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        retries: int = retry.RETRIES,
        retry_paid: bool = False,
        env: Mapping[str, str] = os.environ,
    ) -> None:
        self.base_url = address.find_base_url(base_url, env)
        self.timeout_s = timeout_s
        self.retries = retries
        self.retry_paid = retry_paid
        self._http = httpx2.Client(
            headers={
                "Authorization": f"Bearer {address.find_api_key(api_key, env)}",
                "Content-Type": "application/json",
                "Accept": "text/event-stream",
                "Accept-Encoding": "identity",
                "User-Agent": f"darkroom/{__version__}",
            },
            timeout=httpx2.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s)),
            trust_env=not address.is_local(self.base_url),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def generate(
        self,
        ask: Ask | str,
        *,
        on_stage: OnStage = _nothing,
        on_partial: OnPartial = _nothing,
        on_retry: OnRetry = _nothing,
    ) -> Picture:
        """The picture that was asked for. Raises a `Failure`, or `errors.Invalid` before anything is sent.

        `on_stage` gets every stage as it is reached, `on_partial` every preview, `on_retry` a failure and the seconds
        until the request is sent again.
        """
        body = write_body(Ask(prompt=ask) if isinstance(ask, str) else ask)
        clock = StageClock(time.monotonic())
        number = 0
        while True:
            gather = Gather(clock, time.monotonic, on_stage, on_partial)
            try:
                return self._attempt(body, gather)
            except Failure as failure:
                failure.paid = gather.paid
                gather.mark(Stage.FAILED, failure.code)
                failure.stages = tuple(clock.marks)
                number += 1
                wait_s = retry.delay(failure, number, self.retries, random.random(), paid_too=self.retry_paid)
                if wait_s is None:
                    raise
                on_retry(failure, wait_s)
                time.sleep(wait_s)

    def _attempt(self, body: bytes, gather: Gather) -> Picture:
        request_id: str | None = None
        end = time.monotonic() + self.timeout_s

        def trace(name: str, _: Mapping[str, Any]) -> None:
            if stage := _TRACED.get(name.partition(".")[2]):
                gather.mark(stage)

        try:
            with self._http.stream(
                "POST", f"{self.base_url}/responses", content=body, extensions={"trace": trace}
            ) as response:
                gather.mark(Stage.HEADERS)
                request_id = response.headers.get("x-request-id")
                if response.status_code != 200:
                    raise of_status(response.status_code, response.headers, _some(response), time.time())
                self._read(response, gather, end)
            return gather.picture(request_id)
        except httpx2.TransportError as error:
            raise self._told(error, gather, request_id) from error
        except Failure as failure:
            failure.request_id = failure.request_id or request_id
            raise

    def _read(self, response: httpx2.Response, gather: Gather, end: float) -> None:
        media_type = response.headers.get("content-type", "").lower()
        if media_type.startswith("text/html"):
            raise of_page()
        assembler = Assembler(media_type)
        gather.whole = "json" in media_type
        try:
            for chunk in response.iter_bytes():
                for event in assembler.feed(chunk):
                    gather.take(event)
                assembler.enough = gather.has_picture
                if time.monotonic() > end and not gather.has_picture:
                    raise TimedOut(f"The picture was not there after {self.timeout_s:g} s.")
        except (httpx2.NetworkError, httpx2.ProtocolError, httpx2.DecodingError):
            # What arrived before the line was cut may hold the picture.
            if not gather.has_picture:
                raise
        for event in assembler.finish():
            gather.take(event)

    def _told(self, error: httpx2.TransportError, gather: Gather, request_id: str | None) -> Failure:
        """A fault of the connection in a customer's words."""
        where = self.base_url
        failure: Failure
        match error:
            case httpx2.ConnectTimeout() | httpx2.ConnectError():
                failure = Unreachable(f"No connection to {where}: {_reason(error)}", code="cannot_connect")
            case httpx2.TimeoutException():
                failure = TimedOut(f"{where} said nothing for {self.timeout_s:g} s.")
            case httpx2.UnsupportedProtocol() | httpx2.ProxyError():
                failure = Unreachable(
                    f"No connection to {where}: {_reason(error)}", code="cannot_connect", retryable=False
                )
            case _:
                state = "The connection was lost before the picture was there"
                failure = Unreachable(f"{state}: {_reason(error)}")
        failure.request_id = request_id
        return failure


def _some(response: httpx2.Response) -> bytes:
    """The beginning of a body."""
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) >= ERROR_LIMIT:
            break
    return bytes(body)


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
