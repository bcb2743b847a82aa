"""Pictures and request bodies that the tests of the gateway's inputs share."""

import asyncio
import io
import os

from PIL import Image


def picture(format="PNG", size=(48, 32), mode="RGB", **options):
    """A picture file of noise, so that its size in bytes follows its size in pixels."""
    bands = len(Image.new(mode, (1, 1)).getbands())
    noise = os.urandom(size[0] * size[1] * bands)
    out = io.BytesIO()
    Image.frombytes(mode, size, noise).save(out, format, **options)
    return out.getvalue()


def sender(data, step=60_000, end=True):
    """An ASGI receive that gives `data` in pieces."""
    starts = iter(range(0, max(1, len(data)), step))

    async def receive():
        start = next(starts, None)
        if start is None:
            return await asyncio.sleep(60)
        more = start + step < len(data) or not end
        return {"type": "http.request", "body": data[start : start + step], "more_body": more}

    return receive
