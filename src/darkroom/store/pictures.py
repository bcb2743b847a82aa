"""Pictures that were made here and are kept for a while: by id for links, by item for later turns, by request.

Law of this file: a picture of a request is stored once (`request_id`, `number`), however often it is put; whoever asks
by item or request gets his own account's pictures alone. Counterpart: `links`, which says who may ask by id.
"""

import re
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from darkroom.store.bucket import Bucket
from darkroom.store.engine import Store
from darkroom.store.schema import pictures
from darkroom.store.shelf import HOUR_US, Shelf, now_us
from darkroom.store.upsert import insert_new
from darkroom.wire.base64 import decode_pieces
from darkroom.wire.picture import mime

ID = re.compile(r"pic_[0-9a-f]{32}", re.ASCII)
_FORMATS = ("png", "jpeg", "webp", "gif")


class StoredPicture(msgspec.Struct, frozen=True):
    """A picture that is kept. Times are microseconds since 1970, sizes pixels; None where it is not known."""

    id: str
    account_id: int
    request_id: str
    number: int
    item_id: str | None
    format: str
    width: int | None
    height: int | None
    bytes: int
    created_at: int
    expires_at: int

    @property
    def media(self) -> str:
        """Its media type."""
        return mime(self.format)


def new_picture_id() -> str:
    """An id that nobody can guess; the gateway may write it into a stream before the picture exists."""
    return "pic_" + secrets.token_hex(16)


def decoded(read: Callable[[int, int], Iterable[bytes]], start: int, stop: int) -> Iterator[bytes]:
    """The bytes of a picture whose base64 text lies at `start` to `stop` of what `read` gives pieces of (a spool).

    Raises NotBase64.
    """
    return decode_pieces(read(start, stop))


class Pictures:
    """The pictures of this installation, as one process sees them."""

    def __init__(self, store: Store, bucket: Bucket, keep_hours: int, link_hours: int = 24) -> None:
        self._shelf = Shelf(store, bucket, pictures)
        self._keep_us = keep_hours * HOUR_US
        self._link_us = min(link_hours, keep_hours) * HOUR_US

    def link_until_s(self, picture: StoredPicture | None = None, now: int | None = None) -> int:
        """When a link made now ends, in seconds since 1970: never after `picture`, or one that is put from now on."""
        until = (now_us() if now is None else now) + self._link_us
        return (until if picture is None else min(until, picture.expires_at)) // 1_000_000

    async def put(
        self,
        account_id: int,
        request_id: str,
        number: int,
        format: str,
        source: Iterable[bytes],
        *,
        item_id: str | None = None,
        width: int | None = None,
        height: int | None = None,
        pic_id: str | None = None,
        now: int | None = None,
    ) -> StoredPicture:
        """Store a picture and answer once it can be fetched. `source` is read in another thread; what it raises comes
        out, and nothing is kept. Put again, the picture that is there is the answer, under its own id.
        Raises ValueError for ids and formats that are not ours, Away, Unavailable.
        """
        now = now_us() if now is None else now
        pic_id = pic_id or new_picture_id()
        if not ID.fullmatch(pic_id) or format not in _FORMATS:
            raise ValueError(f"no picture of ours: {pic_id!r}, {format!r}")
        made = {
            "id": pic_id,
            "account_id": account_id,
            "request_id": request_id,
            "number": number,
            "item_id": item_id,
            "format": format,
            "width": width,
            "height": height,
            "bytes": None,
            "created_at": now,
            "expires_at": now + self._keep_us,
        }

        def claim(connection: Connection) -> Row[Any]:
            insert_new(connection, pictures, [made])
            same = (pictures.c.request_id == request_id, pictures.c.number == number)
            row = connection.execute(select(pictures).where(*same)).first()
            if row is None or row.account_id != account_id:
                raise ValueError(f"{pic_id} or {request_id} belongs to another")
            return row

        return _read(await self._shelf.put(claim, source))

    async def get(self, pic_id: str, now: int | None = None) -> StoredPicture | None:
        """The picture, None if it is unknown, not whole yet, or expired."""
        return await self._first(self._shelf.select(now, pictures.c.id == pic_id))

    async def by_item(self, account_id: int, item_id: str, now: int | None = None) -> StoredPicture | None:
        """The newest picture of an image call of the account."""
        mine = (pictures.c.account_id == account_id, pictures.c.item_id == item_id)
        return await self._first(
            self._shelf.select(now, *mine).order_by(pictures.c.created_at.desc(), pictures.c.number.desc())
        )

    async def by_request(
        self, account_id: int, request_id: str, now: int | None = None
    ) -> tuple[StoredPicture, ...]:
        """The pictures of a request of the account, in their order."""
        mine = (pictures.c.account_id == account_id, pictures.c.request_id == request_id)
        query = self._shelf.select(now, *mine).order_by(pictures.c.number)
        return await self._shelf.store.read(lambda c: tuple(map(_read, c.execute(query))))

    def open(self, picture: StoredPicture, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        """Its bytes `start` to `stop` in pieces, each fetched when it is asked for. Raises NotFound, Away."""
        return self._shelf.open(picture.id, start, picture.bytes if stop is None else stop)

    async def delete(self, pic_id: str) -> bool:
        """Forget a picture; whether there was one."""
        return await self._shelf.delete(pic_id)

    async def purge(self, now: int | None = None) -> int:
        """Delete what has expired, and what writes that died have left; how many pictures."""
        await self._shelf.bucket.sweep(None if now is None else now / 1_000_000)
        return await self._shelf.purge(now)

    async def _first(self, query: Any) -> StoredPicture | None:
        row = await self._shelf.store.read(lambda c: c.execute(query.limit(1)).first())
        return None if row is None else _read(row)


def _read(row: Row[Any]) -> StoredPicture:
    return StoredPicture(**row._mapping)
