"""GET /pictures/{id}.{format}: a stored picture for whoever holds a link to it. Counterpart: `store.links`.

Law: the signature is the right, so no key is asked for, and what is looked up is the id that was signed, never a path.
"""

import time

from darkroom.errors import NotFound
from darkroom.store.links import PATH, Links
from darkroom.store.pictures import Pictures
from darkroom.web.call import Call, Table
from darkroom.web.download import Stored, send


class PictureRoutes:
    """The routes of pictures over one process's `pictures` and `links`."""

    def __init__(self, pictures: Pictures, links: Links) -> None:
        self._pictures = pictures
        self._links = links

    @property
    def table(self) -> Table:
        """To be merged with others'."""
        return {PATH + "*": {"GET": self.show}}

    async def show(self, call: Call) -> None:
        """Raises Forbidden for a link that is wrong or has ended, NotFound for a picture that is gone."""
        now_s = time.time()
        query = call.scope["query_string"].decode("latin-1")
        pic_id, format, until_s = self._links.check(call.path, query, now_s)
        picture = await self._pictures.get(pic_id)
        if picture is None or picture.format != format:
            raise NotFound(
                "This picture is not stored here any more, or could not be stored.",
                code="picture_not_found",
            )
        stored = Stored(
            pic_id,
            f"{pic_id}.{format}",
            picture.media,
            picture.bytes,
            lambda start, stop: self._pictures.open(picture, start, stop),
        )
        await send(call, stored, max_age_s=int(min(until_s, picture.expires_at / 1_000_000) - now_s))
