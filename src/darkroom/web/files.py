"""The Files API under /v1/files: pictures that are uploaded once and named by id in later requests (purpose `vision`).

Law: an upload is spooled and never held, and is a whole picture before it gets an id; another account's id is a 404
like one that nobody has. Shapes are OpenAI's.
"""

import asyncio
import re
import time
from typing import Any
from urllib.parse import parse_qsl

from darkroom.errors import CallerError, Invalid, NotFound
from darkroom.gateway import admission
from darkroom.gateway.form import Form
from darkroom.gateway.inputs import PICTURE_BYTES, check
from darkroom.store.files import Files, StoredFile
from darkroom.web.call import Call, Table
from darkroom.web.download import Stored, send
from darkroom.wire.elide import Upload
from darkroom.wire.fields import show
from darkroom.wire.picture import read_head

PATH = "/v1/files"
PURPOSES = ("vision", "user_data")
LIST_MAX = 10_000
LIFE_S = (3600, 2_592_000)
"""What `expires_after` may ask for: an hour to thirty days."""
_FORM_BYTES = PICTURE_BYTES + 1024 * 1024
_HEAD_BYTES = 64 * 1024
_CHECKS = 2
"""Pictures that are decoded at the same time."""


class FileRoutes:
    """The routes of files over one process's `files`."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._slots = asyncio.Semaphore(_CHECKS)

    @property
    def table(self) -> Table:
        """To be merged with others'."""
        return {
            PATH: {"POST": self.upload, "GET": self.list},
            PATH + "/*": {"GET": self.show, "DELETE": self.delete},
        }

    async def upload(self, call: Call) -> None:
        """POST /v1/files. Raises Invalid, TooLarge, …"""
        key = await call.sign_in()
        gateway = call.gateway
        kind = call.headers.get(b"content-type", b"")
        form = Form(gateway.uploads, gateway.spools, _FORM_BYTES, kind)
        admission.enter(gateway, key)
        try:
            length = call.headers.get(b"content-length")
            await form.read(call.receive, int(length) if length else None, gateway.settings.caller_stall_s)
            upload, purpose, life_s = read_upload(form.fields)
            await self._look(upload, form)
            made = await self._files.put(
                key.account_id,
                upload.filename,
                purpose,
                upload.media,
                form.spool.pieces(upload.start, upload.stop),
                width=upload.width or None,
                height=upload.height or None,
                life_s=life_s,
            )
        finally:
            form.close()
            gateway.leave(key)
        await call.answer(spelled(made))

    async def list(self, call: Call) -> None:
        """GET /v1/files?limit=&after=&order=&purpose=. Raises Invalid, NotFound."""
        key = await call.sign_in()
        query = dict(parse_qsl(call.scope["query_string"].decode("latin-1")[:4000]))
        limit, order = query.get("limit", str(LIST_MAX)), query.get("order", "desc")
        if not re.fullmatch(r"[1-9][0-9]{0,4}", limit, re.ASCII) or int(limit) > LIST_MAX:
            raise Invalid(f"`limit` must be a number from 1 to {LIST_MAX}.", param="limit")
        if order not in ("asc", "desc"):
            raise Invalid("`order` must be `asc` or `desc`.", param="order")
        after = await self._find(key.account_id, query["after"]) if "after" in query else None
        found, more = await self._files.list(
            key.account_id,
            limit=int(limit),
            after=after,
            newest_first=order == "desc",
            purpose=query.get("purpose"),
        )
        await call.answer(
            {
                "object": "list",
                "data": [spelled(file) for file in found],
                "first_id": found[0].id if found else None,
                "last_id": found[-1].id if found else None,
                "has_more": more,
            }
        )

    async def show(self, call: Call) -> None:
        """GET /v1/files/{id} and /v1/files/{id}/content. Raises NotFound."""
        key = await call.sign_in()
        name, _, rest = call.path.removeprefix(PATH + "/").rstrip("/").partition("/")
        if rest not in ("", "content"):
            raise NotFound(
                f"There is no {call.path}. Use {PATH}/{name} or {PATH}/{name}/content.", code="unknown_url"
            )
        file = await self._find(key.account_id, name)
        if not rest:
            await call.answer(spelled(file))
            return
        stored = Stored(
            file.id,
            file.filename,
            file.media,
            file.bytes,
            lambda start, stop: self._files.open(file, start, stop),
        )
        await send(call, stored, max_age_s=int(file.expires_at / 1_000_000 - time.time()), attached=True)

    async def delete(self, call: Call) -> None:
        """DELETE /v1/files/{id}. Raises NotFound."""
        key = await call.sign_in()
        file_id = call.path.removeprefix(PATH + "/").rstrip("/")
        if not await self._files.delete(key.account_id, file_id):
            raise _unknown(file_id)
        await call.answer({"id": file_id, "object": "file", "deleted": True})

    async def _find(self, account_id: int, file_id: str) -> StoredFile:
        file = await self._files.get(account_id, file_id)
        if file is None:
            raise _unknown(file_id)
        return file

    async def _look(self, upload: Upload, form: Form) -> None:
        """Fill in what the picture is. Raises Invalid for a broken one."""
        if upload.media == "image/gif":
            head = read_head(form.spool.read(upload.start, min(upload.stop, upload.start + _HEAD_BYTES)))
            if head is None:
                raise Invalid(
                    "The GIF file is broken: it has no size.", code="invalid_image_file", param="file"
                )
            upload.width, upload.height = head.width, head.height
            return
        async with self._slots:
            checking = asyncio.get_running_loop().run_in_executor(None, check, upload, form.spool.fd)
            try:
                await asyncio.shield(checking)
            except asyncio.CancelledError:
                await asyncio.wait(
                    [checking]
                )  # the thread reads the spool, which is somebody else's afterwards
                raise


def read_upload(fields: list[tuple[str, str | Upload]]) -> tuple[Upload, str, int | None]:
    """The file, its purpose, and how long it is to live. Raises Invalid."""
    given = dict(fields)
    file, purpose = given.get("file"), given.get("purpose")
    if not isinstance(file, Upload):
        raise Invalid(
            "A file is missing: send it as the part `file`, as in `-F file=@cat.png`.", param="file"
        )
    if sum(isinstance(value, Upload) for _, value in fields) > 1:
        raise Invalid("Send one file with each request, as the part `file`.", param="file")
    if purpose not in PURPOSES:
        said = f", not `{show(purpose)}`" if isinstance(purpose, str) else ""
        raise Invalid(
            f"`purpose` must be `vision` (or `user_data`){said}: pictures that later requests name by their id "
            "are the only files that this server keeps.",
            param="purpose",
        )
    assert isinstance(purpose, str)
    anchor, seconds = given.get("expires_after[anchor]"), given.get("expires_after[seconds]")
    if anchor is None and seconds is None:
        return file, purpose, None
    if anchor != "created_at":
        raise Invalid("`expires_after[anchor]` must be `created_at`.", param="expires_after.anchor")
    if not isinstance(seconds, str) or not re.fullmatch(r"[0-9]{1,9}", seconds, re.ASCII):
        raise Invalid("`expires_after[seconds]` must be a whole number.", param="expires_after.seconds")
    if not LIFE_S[0] <= int(seconds) <= LIFE_S[1]:
        raise Invalid(
            f"`expires_after[seconds]` must be from {LIFE_S[0]} to {LIFE_S[1]}.",
            param="expires_after.seconds",
        )
    return file, purpose, int(seconds)


def spelled(file: StoredFile) -> dict[str, Any]:
    """OpenAI's file object."""
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.bytes,
        "created_at": file.created_at // 1_000_000,
        "expires_at": file.expires_at // 1_000_000,
        "filename": file.filename,
        "purpose": file.purpose,
        "status": "processed",
        "status_details": None,
    }


def _unknown(file_id: str) -> CallerError:
    return NotFound(
        f"No such File object: {show(file_id)}. It may have expired or been deleted; GET {PATH} lists your files.",
        code="file_not_found",
        param="id",
    )
