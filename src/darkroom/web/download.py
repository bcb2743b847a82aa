"""Sends something stored over the caller's connection: whole or a range, at his pace, or not again if he has it.

Law: the media type is what we know, and browsers are told to believe it and to run nothing; never more in memory than
one piece and what the socket holds back. Stored things never change, so their id is their tag.
"""

import re
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple
from urllib.parse import quote

from darkroom.errors import CallerError, Error
from darkroom.gateway import answers
from darkroom.web.call import Call
from darkroom.web.outlet import EXTENSION, Outlet

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.ASCII)
_TAG = re.compile(r'(?:W/)?"([^"]*)"')


class Stored(NamedTuple):
    """Something stored, as it is sent: `pieces(start, stop)` gives its bytes."""

    id: str
    filename: str
    media: str
    size: int
    pieces: Callable[[int, int], AsyncIterator[bytes]]


async def send(call: Call, stored: Stored, *, max_age_s: int, attached: bool = False) -> None:
    """Answer a GET or HEAD. Raises an Error while nothing has been sent; later failures cut the answer."""
    outlet: Outlet = call.scope["extensions"][EXTENSION]
    headers = _headers(call.request_id, stored, max_age_s, attached)
    if _has(call.headers.get(b"if-none-match", b"").decode("latin-1"), stored.id):
        outlet.start(304, headers, stored.size)
        outlet.finish()
        return
    span = _span(call, stored) if call.method == "GET" else None
    start, stop = span or (0, stored.size)
    headers.append((b"content-type", stored.media.encode()))
    if span:
        headers.append((b"content-range", b"bytes %d-%d/%d" % (start, stop - 1, stored.size)))
    pieces = stored.pieces(start, stop)
    # The first piece comes before the status: what is gone or away must still be able to say so.
    first = await anext(pieces, b"") if call.method == "GET" else b""
    outlet.start(206 if span else 200, headers, stop - start)
    if first and not await _pour(outlet, first, pieces, call.gateway.settings.caller_stall_s):
        return
    outlet.finish()


async def _pour(outlet: Outlet, piece: bytes, pieces: AsyncIterator[bytes], stall_s: float) -> bool:
    """Write the pieces one by one. False: the answer was cut, for they ended early or the caller takes none."""
    while piece:
        outlet.write(piece)
        outlet.push()
        await outlet.drain(stall_s)
        if outlet.gone or outlet.paused:
            outlet.drop()
            return False
        try:
            piece = await anext(pieces, b"")
        except Error:
            outlet.abort()
            return False
    return True


def _headers(request_id: str, stored: Stored, max_age_s: int, attached: bool) -> answers.Headers:
    kind = "attachment" if attached else "inline"
    return [
        (b"cache-control", b"private, max-age=%d, immutable" % max(0, max_age_s)),
        (b"etag", f'"{stored.id}"'.encode()),
        (b"accept-ranges", b"bytes"),
        (b"content-disposition", f"{kind}; {_filename(stored.filename)}".encode()),
        (b"content-security-policy", b"default-src 'none'; sandbox"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", request_id.encode()),
    ]


def _filename(name: str) -> str:
    """The parameter of a Content-Disposition, with a plain stand-in for what is not ASCII (RFC 6266)."""
    plain = re.sub(r"[^ !#-\[\]-~]", "_", name)
    if plain == name:
        return f'filename="{plain}"'
    return f"filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='', errors='replace')}"


def _has(if_none_match: str, id: str) -> bool:
    return if_none_match.strip() == "*" or id in _TAG.findall(if_none_match)


def _span(call: Call, stored: Stored) -> tuple[int, int] | None:
    """The one range that is asked for; None for the whole: no range, several, or one that is not understood (RFC 9110).

    Raises a 416 for a range that lies outside.
    """
    asked = _RANGE.fullmatch(call.headers.get(b"range", b"").decode("latin-1").strip())
    if_range = call.headers.get(b"if-range")
    if asked is None or (if_range is not None and if_range != f'"{stored.id}"'.encode()):
        return None
    first, last = asked[1], asked[2]
    if first:
        start, stop = int(first), min(int(last) + 1, stored.size) if last else stored.size
        if last and int(last) < start:
            return None
    elif last:
        start, stop = max(0, stored.size - int(last)), stored.size
    else:
        return None
    if start >= stop:
        raise CallerError(
            f"The range {asked[0]} lies outside of the {stored.size} bytes that there are.",
            status=416,
            code="range_not_satisfiable",
            headers={"content-range": f"bytes */{stored.size}"},
        )
    return start, stop
