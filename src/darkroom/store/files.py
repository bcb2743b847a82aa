"""Files that customers upload to name them in later requests: pictures only, per account, for a while.

Law of this file: an id means something to the account that uploaded it, and to nobody else.
"""

import re
import secrets
from collections.abc import AsyncIterator, Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, and_, insert, or_

from darkroom.store.bucket import Bucket
from darkroom.store.engine import Store
from darkroom.store.schema import files
from darkroom.store.shelf import HOUR_US, Shelf, now_us

NAME_MAX = 255
"""Letters kept of a file's name; it is for people alone."""
_ID = re.compile(r"file-[0-9a-f]{32}", re.ASCII)


class StoredFile(msgspec.Struct, frozen=True):
    """A file that is kept. Times are microseconds since 1970, sizes pixels."""

    id: str
    account_id: int
    filename: str
    purpose: str
    media: str
    width: int | None
    height: int | None
    bytes: int
    created_at: int
    expires_at: int


class Files:
    """The files of this installation, as one process sees them."""

    def __init__(self, store: Store, bucket: Bucket, keep_hours: int) -> None:
        self._shelf = Shelf(store, bucket, files)
        self._keep_us = keep_hours * HOUR_US

    async def put(
        self,
        account_id: int,
        filename: str,
        purpose: str,
        media: str,
        source: Iterable[bytes],
        *,
        width: int | None = None,
        height: int | None = None,
        life_s: int | None = None,
        now: int | None = None,
    ) -> StoredFile:
        """Store a file and answer once it can be used. `source` is read in another thread. Raises Away, Unavailable."""
        now = now_us() if now is None else now
        made = {
            "id": "file-" + secrets.token_hex(16),
            "account_id": account_id,
            "filename": _plain(filename),
            "purpose": purpose,
            "media": media,
            "width": width,
            "height": height,
            "bytes": None,
            "created_at": now,
            "expires_at": now + (self._keep_us if life_s is None else life_s * 1_000_000),
        }

        def claim(connection: Connection) -> Row[Any]:
            return connection.execute(insert(files).values(**made).returning(files)).one()

        return _read(await self._shelf.put(claim, source))

    async def get(self, account_id: int, file_id: str, now: int | None = None) -> StoredFile | None:
        """The account's file of this id."""
        if not _ID.fullmatch(file_id):
            return None
        query = self._shelf.select(now, files.c.account_id == account_id, files.c.id == file_id)
        row = await self._shelf.store.read(lambda c: c.execute(query).first())
        return None if row is None else _read(row)

    async def list(
        self,
        account_id: int,
        *,
        limit: int,
        after: StoredFile | None = None,
        newest_first: bool = True,
        purpose: str | None = None,
        now: int | None = None,
    ) -> tuple[tuple[StoredFile, ...], bool]:
        """At most `limit` files of the account behind `after`, and whether there are more."""
        query = self._shelf.select(now, files.c.account_id == account_id)
        if purpose is not None:
            query = query.where(files.c.purpose == purpose)
        at, id = files.c.created_at, files.c.id
        if after is not None and newest_first:
            query = query.where(or_(at < after.created_at, and_(at == after.created_at, id < after.id)))
        elif after is not None:
            query = query.where(or_(at > after.created_at, and_(at == after.created_at, id > after.id)))
        query = query.order_by(*((at.desc(), id.desc()) if newest_first else (at, id))).limit(limit + 1)
        found = await self._shelf.store.read(lambda c: tuple(map(_read, c.execute(query))))
        return found[:limit], len(found) > limit

    def open(self, file: StoredFile, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        """Its bytes `start` to `stop` in pieces. Raises NotFound, Away."""
        return self._shelf.open(file.id, start, file.bytes if stop is None else stop)

    async def delete(self, account_id: int, file_id: str) -> bool:
        """Forget a file of the account; whether there was one."""
        return bool(_ID.fullmatch(file_id)) and await self._shelf.delete(
            file_id, files.c.account_id == account_id
        )

    async def purge(self, now: int | None = None) -> int:
        """Delete what has expired; how many."""
        return await self._shelf.purge(now)


def _plain(filename: str) -> str:
    """The last part of a path, of letters that every database and header takes; `file` if nothing is left."""
    last = re.split(r"[/\\]", filename)[-1]
    return "".join(letter for letter in last if letter.isprintable())[:NAME_MAX].strip() or "file"


def _read(row: Row[Any]) -> StoredFile:
    return StoredFile(**row._mapping)
