"""Where an upstream is: its base URL taken apart once, so that requests need only be put together.

Law: what is accepted here can be connected to and written into a request head as it is.
"""

import functools
import ipaddress
import re
from urllib.parse import urlsplit

import msgspec

_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(
    r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?"
)
_PREFIX = re.compile(r"(/[A-Za-z0-9\-._~!$&'()*+,;=:@%]*)*")


class Address(msgspec.Struct, frozen=True):
    """An upstream's place: connections are shared by channels whose `tls`, `host` and `port` are equal."""

    tls: bool
    host: str
    """Name or address, in lower case, IPv6 without brackets, international names in their ASCII form."""
    port: int
    prefix: bytes
    """The path that every request starts with, such as `/v1`; without a slash at its end."""

    @property
    def origin(self) -> tuple[bool, str, int]:
        """What a connection belongs to."""
        return self.tls, self.host, self.port

    @property
    def authority(self) -> bytes:
        """The value of the `host` header: without the scheme's own port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = self.port == _PORTS["https" if self.tls else "http"]
        return (host if default else f"{host}:{self.port}").encode("ascii")


@functools.lru_cache(maxsize=1024)
def read_address(url: str) -> Address:
    """Take a base URL such as `https://api.example/v1` apart. ValueError says what is wrong, without the URL."""
    if url != url.strip() or not url.isprintable():
        raise ValueError("it has spaces or control characters around or in it")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        raise ValueError(f"it cannot be read as a URL: {exc}") from None
    if parts.scheme not in _PORTS:
        raise ValueError("it must start with http:// or https://")
    if "@" in parts.netloc:
        raise ValueError("it must not hold a user or password; the key belongs into `api_key`")
    if "?" in url or "#" in url:
        raise ValueError("it must end with its path, without `?` and `#`")
    if port == 0:
        raise ValueError("port 0 cannot be connected to")
    prefix = parts.path.rstrip("/")
    if not _PREFIX.fullmatch(prefix):
        raise ValueError("its path has characters that must be written as %XX")
    return Address(
        tls=parts.scheme == "https",
        host=_host(parts.hostname or ""),
        port=port or _PORTS[parts.scheme],
        prefix=prefix.encode("ascii"),
    )


def _host(host: str) -> str:
    if ":" in host:
        try:
            return str(ipaddress.IPv6Address(host))
        except ValueError:
            raise ValueError("its host is not an IPv6 address") from None
    try:
        name = host.encode("idna").decode("ascii") if not host.isascii() else host
    except UnicodeError:
        raise ValueError("its host is not a name that can be looked up") from None
    if not _HOST.fullmatch(name) or len(name) > 253:
        raise ValueError("its host is missing or is not a name that can be looked up")
    return name.lower()
