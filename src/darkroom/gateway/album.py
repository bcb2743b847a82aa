"""Pictures and files that this installation keeps: stored as answers pass, found again when customers name them.

Law: whoever names an id gets his own account's pictures alone. A picture's id is chosen before the picture is there, so
that its address can stand in an answer that is being written.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import NoReturn

import structlog

from darkroom import fetch
from darkroom.errors import Error, Invalid
from darkroom.gateway.inputs import PICTURE_BYTES, Sink
from darkroom.gateway.spool import Spool
from darkroom.settings import Settings
from darkroom.store.bucket import Bucket
from darkroom.store.engine import Store
from darkroom.store.files import Files
from darkroom.store.links import Links
from darkroom.store.pictures import Pictures, decoded, new_picture_id
from darkroom.wire.actions import Picture
from darkroom.wire.fields import show, spell
from darkroom.wire.request import InputPicture

FETCH_S = 60.0
"""For one picture that a customer named by its address."""
PURGE_S = 600.0
log = structlog.get_logger("darkroom.album")


class Album:
    """One process's pictures and files."""

    def __init__(self, settings: Settings, store: Store, bucket: Bucket, links: Links) -> None:
        self.links = links
        self.pictures = Pictures(store, bucket, settings.picture_hours, settings.link_hours)
        self.files = Files(store, bucket, settings.file_hours)
        self._bucket = bucket
        self._private = settings.fetch_private

    @classmethod
    async def open(cls, settings: Settings, store: Store) -> "Album":
        """With the installation's bucket and secret. Raises Invalid."""
        bucket = Bucket.open(settings.pictures_url, settings.data / "pictures", os.environ)
        return cls(settings, store, bucket, await Links.open(store))

    async def close(self) -> None:
        """Let go of the bucket."""
        await self._bucket.close()

    async def run(self) -> NoReturn:
        """Run for ever: delete what has expired."""
        while True:
            await asyncio.sleep(PURGE_S)
            try:
                await self.pictures.purge()
                await self.files.purge()
            except Error as error:
                log.warning("purge_failed", reason=error.message)

    async def fetch(self, url: str, param: str, sink: Sink) -> None:
        """The picture at an address that a customer named."""
        await fetch.fetch_picture(
            url,
            limit_bytes=PICTURE_BYTES,
            timeout_s=FETCH_S,
            sink=sink,
            param=param,
            allow_private=self._private,
        )

    def resolver(self, account_id: int) -> Callable[[InputPicture, Sink], Awaitable[None]]:
        """Finds the files and the earlier pictures of an account."""

        async def resolve(picture: InputPicture, sink: Sink) -> None:
            id = picture.value if isinstance(picture.value, str) else ""
            if picture.kind == "file":
                file = await self.files.get(account_id, id)
                pieces = self.files.open(file) if file is not None else None
            else:
                made = await self.pictures.by_item(account_id, id)
                pieces = self.pictures.open(made) if made is not None else None
            if pieces is None:
                raise _unknown(picture, id)
            async for piece in pieces:
                sink(piece)

        return resolve

    async def store(
        self, shelf: "Kept", number: int, picture: Picture, spool: Spool, start: int, stop: int
    ) -> None:
        """Keep a finished picture whose base64 lies in a spool. Raises an Error when it cannot be kept."""
        await self.pictures.put(
            shelf.account_id,
            shelf.request_id,
            number,
            picture.format or "png",
            decoded(spool.pieces, start, stop),
            item_id=picture.item_id,
            width=picture.width,
            height=picture.height,
            pic_id=shelf.id(number),
        )


class Kept:
    """The pictures of one request that are kept, and their addresses. `base` is the address of this installation."""

    def __init__(self, album: Album, account_id: int, request_id: str, base: str) -> None:
        self.account_id = account_id
        self.request_id = request_id
        self._album = album
        self._base = base
        self._ids: dict[int, str] = {}

    def id(self, number: int) -> str:
        """The id of the picture with this number."""
        return self._ids.setdefault(number, new_picture_id())

    def link(self, number: int, format: str | None) -> str:
        """The signed address of the picture with this number."""
        until_s = self._album.pictures.link_until_s()
        return self._base + self._album.links.sign(self.id(number), format or "png", until_s)


def _unknown(picture: InputPicture, id: str) -> Invalid:
    name = spell(picture.path)
    if picture.kind == "file":
        return Invalid(
            f"No file with id '{show(id)}' belongs to this account. It may have expired: upload it again with "
            "POST /v1/files, or send the picture itself as a data URL.",
            code="image_file_not_found",
            param=name,
        )
    return Invalid(
        f"Item with id '{show(id)}' not found. Send the picture itself in its `result`, or take it out of `input`.",
        code="item_not_found",
        param=name,
    )
