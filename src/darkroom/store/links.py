"""Signed addresses of pictures: whoever holds one may fetch that picture until it ends, and nothing else.

Law of this file: pure but for the secret, which is made at the first start and is the same for every process. What is
signed is the whole path and the end, so neither can be changed.
"""

import base64
import hashlib
import hmac
import re
import secrets
from typing import Self
from urllib.parse import parse_qsl

from sqlalchemy import Connection

from darkroom import errors
from darkroom.store import facts
from darkroom.store.engine import Store
from darkroom.store.schema import facts as facts_table
from darkroom.store.upsert import insert_new

PATH = "/pictures/"
_SECRET = "link_secret"
_SHAPE = re.compile(r"/pictures/(pic_[0-9a-f]{32})\.(png|jpeg|webp|gif)", re.ASCII)
_END = re.compile(r"[1-9][0-9]{0,11}", re.ASCII)


class Links:
    """Makes links and checks them."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    async def open(cls, store: Store) -> Self:
        """With the installation's own secret."""
        return cls(await store.write(_secret))

    def sign(self, pic_id: str, format: str, expires_at_s: int) -> str:
        """`/pictures/{pic_id}.{format}?expires=…&signature=…`."""
        path = f"{PATH}{pic_id}.{format}"
        return f"{path}?expires={expires_at_s}&signature={self._signature(path, str(expires_at_s))}"

    def check(self, path: str, query: str, now_s: float) -> tuple[str, str, int]:
        """The picture's id, its format and when the link ends. NotFound for a path of another shape, Forbidden
        `link_invalid` or `link_expired`."""
        match = _SHAPE.fullmatch(path)
        if match is None:
            raise errors.NotFound(
                f"There is no picture at {path[:200]}. Use the address exactly as the answer gave it.",
                code="picture_not_found",
            )
        given = _once(query)
        if given is None:
            raise _invalid("it needs `expires` and `signature`, once each")
        end, signature = given
        right = self._signature(path, end)
        if not _END.fullmatch(end) or not hmac.compare_digest(
            right.encode(), signature.encode("utf-8", "replace")
        ):
            raise _invalid("its signature is wrong")
        if now_s >= int(end):
            raise errors.Forbidden(
                "The link to this picture has expired. Make the picture again, or store it in time.",
                code="link_expired",
            )
        return match[1], match[2], int(end)

    def _signature(self, path: str, end: str) -> str:
        text = f"{path}\n{end}".encode("utf-8", "replace")
        made = hmac.new(self._secret, text, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def _once(query: str) -> tuple[str, str] | None:
    """`expires` and `signature`, if each is there once; what a mail program or a chat appends does no harm."""
    try:
        pairs = parse_qsl(query[:2000], keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return None
    names = [name for name, _ in pairs]
    if names.count("expires") != 1 or names.count("signature") != 1:
        return None
    given = dict(pairs)
    return given["expires"], given["signature"]


def _invalid(reason: str) -> errors.Forbidden:
    return errors.Forbidden(
        f"The link to this picture is not valid: {reason}. Use the address exactly as the answer gave it.",
        code="link_invalid",
    )


def _secret(connection: Connection) -> bytes:
    # Of two processes that start together the first one's stays.
    insert_new(connection, facts_table, [{"name": _SECRET, "value": secrets.token_hex(32)}])
    return bytes.fromhex(facts.get(connection, _SECRET) or "")
