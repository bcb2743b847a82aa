"""Gets pictures from addresses that customers name, and nothing else: guarded outgoing HTTP.

Law: a connection goes to an address that was checked here, never to a name that is resolved once more; every hop of a
redirect is checked like the first; nothing of the environment (proxies, passwords) is used; bytes go on as they
arrive and both their number and the time have an end. Messages are for customers: they say why, and tell nothing about
this server's own network.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence

import httpx2
from msgspec import Struct

from darkroom.errors import Invalid
from darkroom.wire.fields import show
from darkroom.wire.picture import ENOUGH, read_format

REDIRECTS = 5
ADDRESSES = 4
"""Of one name, tried in their order."""
CONNECT_S = 10.0
_REDIRECT = (301, 302, 303, 307, 308)
_UNICAST = ipaddress.ip_network("2000::/3")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SPECIAL = tuple(
    map(
        ipaddress.ip_network,
        # IETF protocols with Teredo, documentation, 6to4 and the anycast of its relays: nobody's own address.
        ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "192.0.0.0/24", "192.88.99.0/24"),
    )
)
_HEADERS = {
    "accept": "image/png, image/jpeg, image/webp",
    "accept-encoding": "identity",
    "user-agent": "darkroom",
}

Sink = Callable[[bytes], None]
"""Takes the next bytes. What it raises ends the download."""
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a name."""
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class Fetched(Struct, frozen=True):
    """What was found: its size, and its media type as the server said it ("" if it did not)."""

    size: int
    media: str


class _Refused(Exception):
    """The address will not do. Read on from "The picture at … cannot be used: "."""


class _Failed(Exception):
    """The download did not succeed. Read on from "The picture at … could not be downloaded: "."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, as this machine's resolver knows them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: str, *, allow_private: bool = False) -> bool:
    """Whether an address belongs to the public internet; with `allow_private` also to a private network.

    Addresses in which another one is hidden (IPv4-mapped, NAT64) are what that one is. Link-local addresses, where
    clouds keep their secrets, are never right.
    """
    try:
        ip: IPAddress = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif ip in _NAT64:
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if ip.is_multicast or ip.is_unspecified or ip.is_link_local:
        return False
    if allow_private:
        return True
    if isinstance(ip, ipaddress.IPv6Address) and ip not in _UNICAST:
        return False
    return ip.is_global and not any(ip in network for network in _SPECIAL if network.version == ip.version)


def tls_context() -> ssl.SSLContext:
    """Verifies against the system's authorities, or those of SSL_CERT_FILE. Slow to make: a process needs one."""
    return httpx2.create_ssl_context()


async def fetch_picture(
    url: str,
    *,
    limit_bytes: int,
    timeout_s: float,
    sink: Sink,
    param: str | None = None,
    allow_private: bool = False,
    tls: ssl.SSLContext | None = None,
    resolve: Resolve = resolve,
) -> Fetched:
    """Give the picture at `url` to `sink`, piece by piece. Raises Invalid, which names `param` and the reason.

    After an error `sink` may have got a part of it. `timeout_s` is for everything together.
    """
    hop = _Hop(limit_bytes, sink, allow_private, tls, resolve)
    shown = show(url)
    try:
        async with asyncio.timeout(timeout_s):
            at = _parse(url)
            for _ in range(REDIRECTS + 1):
                found = await hop.get(at)
                if isinstance(found, Fetched):
                    return found
                at = found
            raise _Failed(f"it is redirected more than {REDIRECTS} times")
    except _Refused as exc:
        raise Invalid(
            f"The picture at '{shown}' cannot be used: {exc}. Send a public http or https address, or the picture "
            "itself as a data URL.",
            code="invalid_image_url",
            param=param,
        ) from None
    except _Failed as exc:
        reason, inner = str(exc), exc.__cause__
    except TimeoutError:
        reason, inner = f"it did not arrive within {timeout_s:g} seconds", None
    raise Invalid(
        f"The picture at '{shown}' could not be downloaded: {reason}. Check the address, or send the picture "
        "itself as a data URL.",
        code="failed_to_download_image",
        param=param,
        internal=f"{type(inner).__name__}: {inner}" if inner is not None else "",
    )


class _Hop:
    """One request after the other, each to a checked address, until a picture came or the next address is known."""

    def __init__(
        self, limit: int, sink: Sink, allow_private: bool, tls: ssl.SSLContext | None, resolve: Resolve
    ) -> None:
        self._limit = limit
        self._sink = sink
        self._private = allow_private
        self._tls = tls
        self._resolve = resolve

    async def get(self, url: httpx2.URL) -> Fetched | httpx2.URL:
        """The picture, or where it has gone."""
        addresses = await self._checked(url)
        if url.scheme == "https" and self._tls is None:
            self._tls = await asyncio.to_thread(tls_context)
        for address in addresses:
            try:
                return await self._ask(url, address)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as exc:
                failure = exc
            except httpx2.HTTPError as exc:
                raise _Failed("the connection was lost on the way") from exc
            except httpx2.InvalidURL as exc:
                raise _Refused("its redirect leads to no address") from exc
        if isinstance(failure.__cause__, ssl.SSLError) or "SSL" in str(failure):
            raise _Failed("its server's certificate is not accepted, or it does not speak TLS") from failure
        raise _Failed("its server cannot be reached") from failure

    async def _checked(self, url: httpx2.URL) -> Sequence[str]:
        """Where the name leads: all of it must be right, or a second look-up could lead elsewhere."""
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            addresses = await self._resolve(url.raw_host.decode("ascii"), port)
        except (OSError, UnicodeError) as exc:
            raise _Failed("its host's name cannot be resolved") from exc
        if not addresses:
            raise _Failed("its host's name cannot be resolved")
        if not all(is_public(address, allow_private=self._private) for address in addresses):
            raise _Refused("its host is not on the public internet")
        return addresses[:ADDRESSES]

    async def _ask(self, url: httpx2.URL, address: str) -> Fetched | httpx2.URL:
        # A client for each request: no cookie and no connection of one host gets to another.
        client = httpx2.AsyncClient(
            verify=self._tls if self._tls is not None else False,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(None, connect=CONNECT_S),
        )
        async with client:
            request = client.build_request(
                "GET",
                url.copy_with(host=address),
                headers={**_HEADERS, "host": url.netloc.decode("ascii")},
                extensions={"sni_hostname": url.raw_host.decode("ascii")},
            )
            response = await client.send(request, stream=True)
            try:
                if response.status_code in _REDIRECT and "location" in response.headers:
                    return _parse(str(url.join(response.headers["location"])))
                return await self._received(response)
            finally:
                await response.aclose()

    async def _received(self, response: httpx2.Response) -> Fetched:
        if response.status_code != 200:
            raise _Failed(f"its server answers with the status {response.status_code}")
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise _Failed("its server sends it compressed though it was not asked to")
        length = response.headers.get("content-length", "0")
        if length.isascii() and length.isdecimal() and int(length) > self._limit:
            raise self._too_large()
        media = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        size, waiting = 0, b""
        told = media.startswith("image/")
        async for piece in response.aiter_raw():
            size += len(piece)
            if size > self._limit:
                raise self._too_large()
            if not told:
                waiting += piece
                if len(waiting) < ENOUGH:
                    continue
                piece, waiting = _picture(waiting, media), b""
                told = True
            self._sink(piece)
        if waiting:
            self._sink(_picture(waiting, media))
        if not size:
            raise _Failed("its server sends nothing")
        return Fetched(size, media)

    def _too_large(self) -> _Failed:
        return _Failed(f"it is larger than {self._limit / (1024 * 1024):.3g} MB")


def _picture(first: bytes, media: str) -> bytes:
    """The first bytes of what its server does not call a picture; they must say it themselves."""
    if read_format(first) is None:
        raise _Failed(f"there is no picture there, but {show(media) or 'something unknown'}")
    return first


def _parse(text: str) -> httpx2.URL:
    """An address that may be asked, whatever it leads to."""
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL:
        raise _Refused("it is no address") from None
    if url.scheme not in ("http", "https"):
        raise _Refused(f"only http and https are offered, not '{show(url.scheme)}'")
    if url.userinfo or "@" in url.netloc.decode("ascii"):
        raise _Refused("it holds a name or a password")
    if not url.raw_host or "%" in url.host or (url.port is not None and not 0 < url.port < 65536):
        raise _Refused("it names no host")
    return url
