"""Connects to an upstream: name, address, TLS, each failure in words.

Law: the message of a failure is for customers and names no place; `internal` tells the operator where and why.
"""

import asyncio
import contextlib
import errno
import os
import socket
import ssl
from pathlib import Path

from darkroom.channels.address import Address
from darkroom.channels.connection import Buffer, Connection
from darkroom.errors import Lost, TimedOut, UpstreamError

STAGGER_S = 0.25
"""How long one address is waited for before the next is tried beside it (RFC 8305)."""
KEEP_ALIVE_S = 30
"""Silence after which the kernel asks whether the other side is there, so that no middlebox forgets a slow picture."""
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where systems keep their authorities, for a Python that was built elsewhere and looks in the wrong place."""


def tls_context() -> ssl.SSLContext:
    """Verifies names and certificates against the system's authorities, or those of SSL_CERT_FILE and SSL_CERT_DIR."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    paths = ssl.get_default_verify_paths()
    if paths.cafile is None and paths.capath is None:  # type: ignore[unreachable]
        bundle = next((path for path in _BUNDLES if Path(path).is_file()), None)  # type: ignore[unreachable]
        if bundle is not None:
            context.load_verify_locations(bundle)
    return context


async def dial(
    address: Address, buffer: Buffer, tls: ssl.SSLContext | None, timeout_s: float, place: str
) -> Connection:
    """A new connection. Raises Lost or, after `timeout_s`, TimedOut. `place` is for the operator."""
    try:
        async with asyncio.timeout(timeout_s):
            sock = await _connected(address.host, address.port)
            try:
                loop = asyncio.get_running_loop()
                name = address.host if tls is not None else None
                _, connection = await loop.create_connection(
                    lambda: Connection(buffer, sock), sock=sock, ssl=tls, server_hostname=name
                )
            except BaseException:
                sock.close()
                raise
            return connection
    except TimeoutError:
        raise TimedOut(
            "The upstream could not be reached in time. Please send the request again.",
            internal=f"{place}: no connection within {timeout_s:g} seconds",
        ) from None
    except OSError as exc:
        raise _unreachable(exc, place) from exc


def _unreachable(exc: OSError, place: str) -> UpstreamError:
    """What a failure to connect means; a certificate that is not right will not be better at the next try."""
    certificate = isinstance(exc, ssl.SSLCertVerificationError)
    if certificate:
        said = f"TLS: the certificate is not accepted: {getattr(exc, 'verify_message', '') or exc}"
    elif isinstance(exc, ssl.SSLError):
        said = f"TLS: the handshake failed ({exc.reason or exc}); does this port speak TLS?"
    elif isinstance(exc, socket.gaierror):
        said = f"DNS: the name cannot be resolved: {exc.strerror}"
    elif isinstance(exc, ConnectionRefusedError):
        said = "connection refused: nothing listens there"
    elif isinstance(exc, ConnectionError):
        said = "the connection was closed while it was being made"
    else:
        said = os.strerror(exc.errno) if exc.errno in errno.errorcode else str(exc)  # type: ignore[arg-type]
    return Lost(
        "The upstream cannot be reached now. Please send the request again.",
        retryable=not certificate,
        internal=f"{place}: {said}",
    )


async def _connected(host: str, port: int) -> socket.socket:
    """A socket connected to the first address that answers; the next one is tried beside it after STAGGER_S."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    waiting = _alternating(found)  # type: ignore[arg-type]
    trying: set[asyncio.Task[socket.socket]] = set()
    failure: BaseException | None = None
    try:
        while waiting or trying:
            if waiting:
                trying.add(loop.create_task(_try(*waiting.pop(0))))
            pause = STAGGER_S if waiting else None
            done, trying = await asyncio.wait(trying, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                failure = failure or task.exception()
                if task.exception() is None:
                    done.discard(task)
                    trying |= done
                    return task.result()
    finally:
        await _give_up(trying)
    if isinstance(failure, Exception):
        raise failure
    raise OSError("the name has no address")


async def _give_up(trying: set[asyncio.Task[socket.socket]]) -> None:
    for task in trying:
        task.cancel()
    for task in trying:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            (await task).close()


Found = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


def _alternating(found: list[Found]) -> list[tuple[int, object]]:
    """Addresses in the system's order, but the two families in turn, so that one that is broken costs little."""
    families: dict[int, list[tuple[int, object]]] = {}
    for family, _, _, _, place in found:
        families.setdefault(family, []).append((family, place))
    rows = list(families.values())
    longest = max(map(len, rows), default=0)
    return [row[i] for i in range(longest) for row in rows if i < len(row)]


async def _try(family: int, place: object) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEP_ALIVE_S)
        await asyncio.get_running_loop().sock_connect(sock, place)  # type: ignore[arg-type]
    except BaseException:
        sock.close()
        raise
    return sock
