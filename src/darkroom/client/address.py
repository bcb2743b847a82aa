"""Where the relay is and which key it knows us by: given, or from the environment."""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from darkroom import errors

BASE_URL = ("DARKROOM_BASE_URL", "OPENAI_BASE_URL")
API_KEY = ("DARKROOM_API_KEY", "OPENAI_API_KEY")


def find_base_url(given: str | None, env: Mapping[str, str]) -> str:
    """The base URL, ending in `/v1` by custom, without a slash at its end. Raises `Invalid`."""
    url = (given or _first(BASE_URL, env)).strip().rstrip("/")
    if not url:
        raise errors.Invalid(
            "There is no base URL: set DARKROOM_BASE_URL to the relay's address, such as http://127.0.0.1:8000/v1.",
            param="base_url",
            code="no_base_url",
        )
    try:
        parts = urlsplit(url)
        right = (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        right = False
    if not right:
        raise errors.Invalid(
            f"{url!r} is no base URL; it looks like http://127.0.0.1:8000/v1.",
            param="base_url",
            code="invalid_base_url",
        )
    return url


def find_api_key(given: str | None, env: Mapping[str, str]) -> str:
    """The API key. Raises `Invalid` for none, or one that cannot stand in a header."""
    key = (given or _first(API_KEY, env)).strip()
    if not key:
        raise errors.Invalid("There is no API key: set DARKROOM_API_KEY.", param="api_key", code="no_api_key")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise errors.Invalid(
            "The API key has letters in it that no key has; was it copied whole?",
            param="api_key",
            code="invalid_api_key",
        )
    return key


def is_local(base_url: str) -> bool:
    """The address is this machine's own, where no proxy of the environment belongs in between."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _first(names: tuple[str, ...], env: Mapping[str, str]) -> str:
    return next((env[name] for name in names if env.get(name, "").strip()), "")
