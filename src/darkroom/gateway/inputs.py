"""Input pictures: what a customer sent or named becomes checked bytes in his request's spool, before money is spent.

Law: no picture is held in memory as text or bytes; what computes runs off the event loop, a few at a time; every
refusal names the field, the file and what to do. Where pictures come from is handed in: `Fetch` gets an address,
`Resolve` finds files and earlier pictures.
"""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from darkroom.errors import Internal, Invalid, TooLarge
from darkroom.gateway.body import Incoming
from darkroom.gateway.pixels import Broken, TooManyPixels, look
from darkroom.wire.base64 import Base64Reader, NotBase64
from darkroom.wire.elide import Long, Path, Upload
from darkroom.wire.fields import Text, show, spell
from darkroom.wire.picture import ENOUGH, mime, read_format
from darkroom.wire.request import InputPicture

PICTURE_BYTES = 50 * 1024 * 1024
FORMATS = ("png", "jpeg", "webp")
_PIECE_BYTES = 256 * 1024

Sink = Callable[[bytes], None]
"""Takes the next bytes of a picture. Raises an Error when there is no room for them."""
Fetch = Callable[[str, str, Sink], Awaitable[object]]
"""Gets the picture at an address; the second argument is the `param` of its errors."""
Resolve = Callable[[InputPicture, Sink], Awaitable[object]]
"""Gets the picture that a file id or an image call's id stands for. Raises Invalid or NotFound for a stranger's."""
T = TypeVar("T")


def named(upload: Upload) -> str:
    """A picture as error messages call it: its field and, if it has one, its file's name."""
    file = f" (file '{show(upload.filename)}')" if upload.filename else ""
    return f"'{spell(upload.path)}'{file}"


def unsupported(upload: Upload) -> Invalid:
    """The error for a file that is no picture of a format that can be edited."""
    return Invalid(
        f"Invalid file {named(upload)}: unsupported mimetype ('{show(upload.media)}'). Supported file formats are "
        "'image/png', 'image/jpeg' and 'image/webp'; what counts is the file's content, not its name.",
        code="unsupported_file_mimetype",
        param=spell(upload.path),
    )


def too_large(upload: Upload) -> TooLarge:
    """The error for a file of more than PICTURE_BYTES."""
    return TooLarge(
        f"The picture {named(upload)} is larger than {PICTURE_BYTES // (1024 * 1024)} MB. Send a smaller one.",
        code="image_file_too_large",
        param=spell(upload.path),
    )


def empty(upload: Upload) -> Invalid:
    """The error for a file without content."""
    return Invalid(
        f"The picture {named(upload)} is empty. Send the file's content.",
        code="empty_image_file",
        param=spell(upload.path),
    )


def check(upload: Upload, fd: int) -> None:
    """Decode a picture that lies in a file, and note its media type, size and alpha. To be called off the event loop.

    Raises Invalid or TooLarge.
    """
    if not len(upload):
        raise empty(upload)
    if len(upload) > PICTURE_BYTES:
        raise too_large(upload)
    format = read_format(os.pread(fd, min(ENOUGH, len(upload)), upload.start))
    if format is not None:
        upload.media = mime(format)
    if format not in FORMATS:
        raise unsupported(upload)
    try:
        found = look(fd, upload.start, upload.stop)
    except Broken as exc:
        raise Invalid(
            f"The picture {named(upload)} {exc}. Send a whole PNG, JPEG or WebP file.",
            code="image_too_large" if isinstance(exc, TooManyPixels) else "invalid_image_file",
            param=spell(upload.path),
        ) from None
    upload.width, upload.height, upload.alpha = found.width, found.height, found.alpha


def check_mask(mask: Upload, image: Upload) -> None:
    """A mask or markup must fit the first image and have an alpha channel. Both have been checked. Raises Invalid."""
    param = spell(mask.path)
    if (mask.width, mask.height) != (image.width, image.height):
        raise Invalid(
            f"The picture {named(mask)} has {mask.width}x{mask.height} pixels, but the image that it belongs to, "
            f"{named(image)}, has {image.width}x{image.height}. Send both in the same size.",
            code="invalid_value",
            param=param,
        )
    if not mask.alpha:
        raise Invalid(
            f"The picture {named(mask)} has no alpha channel. Save it as PNG with transparency: transparent parts "
            "are the ones that count.",
            code="invalid_image_mode",
            param=param,
        )


async def materialise(
    picture: InputPicture, body: Incoming, *, fetch: Fetch, resolve: Resolve, slots: asyncio.Semaphore
) -> Upload:
    """The picture's bytes in `body.spool`, checked. Raises an Error that names it.

    `slots` belongs to the process: that many pictures are decoded at the same time, which bounds the memory.
    """
    upload = await _gathered(picture, body, fetch, resolve, slots)
    async with slots:
        await _apart(lambda: check(upload, body.spool.fd))
    return upload


async def _gathered(
    picture: InputPicture, body: Incoming, fetch: Fetch, resolve: Resolve, slots: asyncio.Semaphore
) -> Upload:
    path, value = picture.path, picture.value
    if picture.kind == "upload":
        if not isinstance(value, Upload):
            raise Internal(
                "A picture of this request was lost on this server.", internal=f"no upload: {value!r}"
            )
        return value
    async with body.keeping:
        upload = Upload(path, body.spool.size, body.spool.size)
        if picture.kind in ("data", "result"):
            # Counted here, for the budget is the event loop's; escapes only make the bytes fewer.
            body.reserve(min(len(value) * 3 // 4 + 3, PICTURE_BYTES))
            stop = threading.Event()
            async with slots:
                await _apart(lambda: _decode(value, body, upload, stop), stop)
        else:
            sink = _sink(body, upload)
            if picture.kind == "url":
                await fetch(_address(value, path), spell(path), sink)
            else:
                await resolve(picture, sink)
    return upload


def _sink(body: Incoming, upload: Upload) -> Sink:
    """Appends to the spool what belongs to `upload`."""

    def sink(data: bytes) -> None:
        if len(upload) + len(data) > PICTURE_BYTES:
            raise too_large(upload)
        body.reserve(len(data))
        body.keep(data)
        upload.stop += len(data)

    return sink


def _address(value: Text, path: Path) -> str:
    if isinstance(value, str):
        return value
    raise Invalid(
        f"The address in '{spell(path)}' is too long. Send an http or https address, or a data URL that begins with "
        "`data:image/png;base64,`.",
        code="invalid_image_url",
        param=spell(path),
    )


def _decode(value: Text, body: Incoming, upload: Upload, stop: threading.Event) -> None:
    """Decode base64 text into the spool, until it ends or nobody waits any more."""
    reader = Base64Reader(escaped=isinstance(value, Long))
    try:
        for piece in _text(value, body):
            _append(reader.feed(piece), body, upload)
            if stop.is_set():
                return
        _append(reader.finish(), body, upload)
    except NotBase64 as exc:
        name = spell(upload.path)
        raise Invalid(
            f"The picture in '{name}' cannot be read: its base64 {exc}. Send the file's bytes as base64; in "
            "`image_url` they follow `data:image/png;base64,`.",
            code="invalid_base64_image",
            param=name,
        ) from None


def _append(data: bytes, body: Incoming, upload: Upload) -> None:
    if len(upload) + len(data) > PICTURE_BYTES:
        raise too_large(upload)
    body.keep(data)
    upload.stop += len(data)


def _text(value: Text, body: Incoming) -> Iterator[bytes]:
    if isinstance(value, Long):
        yield from body.spool.pieces(value.start, value.stop)
        return
    for start in range(0, len(value), _PIECE_BYTES):
        yield value[start : start + _PIECE_BYTES].encode("utf-8", "replace")


async def _apart(work: Callable[[], T], stop: threading.Event | None = None) -> T:
    """Run `work` in a thread. A caller who is cancelled waits until it has ended: the thread uses his spool."""
    future = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        if stop is not None:
            stop.set()
        while not future.done():
            try:
                await asyncio.wait([future])
            except asyncio.CancelledError:
                continue
        if not future.cancelled():
            future.exception()
        raise
    except (OSError, MemoryError) as exc:
        raise Internal(
            "A picture of this request could not be read on this server.", internal=str(exc)
        ) from exc
