"""API keys: made once, shown once, kept as a hash, verified without the database when warm.

Law of this file: a key is believed from memory only while this process knows that nothing changed: the
revision row, which every fall of a key or account raises, is looked at every half second, and was last seen
less than `TRUST_S` ago. Only keys that were right are remembered, so wrong ones cannot fill the memory.
"""

import asyncio
import base64
import hashlib
import re
import secrets
import time
from collections import OrderedDict
from typing import Any, Literal, NoReturn

import msgspec
import structlog
from sqlalchemy import Connection, Row, Select, bindparam, insert, select, update

from darkroom import errors
from darkroom.ledger.accounts import find, raise_revision
from darkroom.store.engine import Store
from darkroom.store.faults import Unavailable
from darkroom.store.schema import accounts, keys, revisions

POLL_S = 0.5
"""How often `watch` looks for changes made by other processes."""
TRUST_S = 2.0
"""How long memory is believed after the last look that succeeded."""
USED_S = 10.0
"""How often the times of last use are written."""
WARM_MAX = 10_000
"""Keys remembered at once, about 1 KB each; the one unused for longest goes first."""

Dialect = Literal["contract"]
Storing = Literal["always", "never"]
Models = tuple[str, ...] | None

# Looser than our own, so that an operator may bring keys from elsewhere; tight enough to spare the store.
_SHAPE = re.compile(r"sk-[A-Za-z0-9_-]{16,200}")
_log = structlog.get_logger(__name__)


class Key(msgspec.Struct, frozen=True):
    """A key as the rest of the program knows it: never the secret. Times are microseconds since 1970.

    `models` None means every model. `dialect` "contract": this customer wants the contract's `partial_image`
    spelling. `test`: the sandbox answers, and nothing costs anything. `store`: whether this customer's finished
    pictures are stored; None: as the installation does (`store_pictures`).
    """

    id: int
    account_id: int
    account: str
    name: str | None
    hint: str
    test: bool
    models: Models
    dialect: Dialect | None
    created_at: int
    last_used_at: int | None
    revoked_at: int | None
    store: Storing | None = None


class Keys:
    """The keys of this installation, as one process sees them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._warm: OrderedDict[bytes, Key] = OrderedDict()
        self._revision = -1
        self._trusted_until = 0.0
        self._used: dict[int, int] = {}

    # verification

    def warm(self, secret: str) -> Key | None:
        """The key, if memory knows it and may be believed; touches nothing else. None: ask `verify`."""
        if time.monotonic() > self._trusted_until:
            return None
        digest = _digest(secret)
        key = self._warm.get(digest)
        if key is not None:
            self._warm.move_to_end(digest)
            self._used[key.id] = time.time_ns() // 1000
        return key

    async def verify(self, secret: str) -> Key:
        """The key, or `Unauthorized` `invalid_api_key` | `key_revoked`, `Forbidden` `account_suspended`,
        `Unavailable` (503) when the store cannot say."""
        if (key := self.warm(secret)) is not None:
            return key
        if not _SHAPE.fullmatch(secret):
            _refuse_unknown(secret)
        digest = _digest(secret)
        asked = time.monotonic()
        revision, row = await self._store.read(lambda connection: _look_up(connection, digest))
        self._saw(revision, asked)
        if row is None:
            _refuse_unknown(secret)
        key = _read(row)
        _refuse_fallen(key, row.state)
        # A look that came back late must not bring back what a later look has already thrown out.
        if revision == self._revision:
            self._warm[digest] = key
            if len(self._warm) > WARM_MAX:
                self._warm.popitem(last=False)
        self._used[key.id] = time.time_ns() // 1000
        return key

    # changes

    async def create(
        self,
        account: str,
        name: str | None = None,
        test: bool = False,
        models: Models = None,
        dialect: Dialect | None = None,
        store: Storing | None = None,
    ) -> tuple[Key, str]:
        """A new key of `account` and its secret, which is shown this once. 404 for an unknown account."""
        secret = ("sk-test-" if test else "sk-") + _random()
        row = {
            "name": name,
            "hash": _digest(secret),
            "hint": f"{'sk-test-' if test else 'sk-'}…{secret[-4:]}",
            "test": test,
            "models": None if models is None else msgspec.json.encode(models).decode(),
            "dialect": dialect,
            "store": store,
            "created_at": time.time_ns() // 1000,
        }

        def create(connection: Connection) -> Key:
            owner = find(connection, account)
            number = connection.scalar(insert(keys).values(account_id=owner.id, **row).returning(keys.c.id))
            return _read(connection.execute(_SELECT.where(keys.c.id == number)).one())

        return await self._store.write(create), secret

    async def list(self, account: str | None = None) -> tuple[Key, ...]:
        """Every key, revoked ones too, the oldest first; or those of one account (404 if it is unknown)."""

        def read(connection: Connection) -> tuple[Key, ...]:
            query = _SELECT.order_by(keys.c.id)
            if account is not None:
                query = query.where(keys.c.account_id == find(connection, account).id)
            return tuple(map(_read, connection.execute(query)))

        return await self._store.read(read)

    async def revoke(self, key_id: int) -> Key:
        """End a key, at once here and within a second in every other process. Again: nothing changes. 404."""

        def revoke(connection: Connection) -> tuple[int, Key]:
            connection.execute(
                update(keys)
                .where(keys.c.id == key_id, keys.c.revoked_at.is_(None))
                .values(revoked_at=time.time_ns() // 1000)
            )
            revision = raise_revision(connection)
            row = connection.execute(_SELECT.where(keys.c.id == key_id)).first()
            if row is None:
                raise errors.NotFound(
                    f"There is no key {key_id}. `darkroom key list` shows the keys.",
                    param="key",
                    code="key_not_found",
                )
            return revision, _read(row)

        asked = time.monotonic()
        revision, key = await self._store.write(revoke)
        self._saw(revision, asked)
        return key

    # looking out

    async def watch(self) -> NoReturn:
        """Run for ever: forget what may have changed elsewhere, write the times of last use now and then."""
        write_at = time.monotonic() + USED_S
        while True:
            await asyncio.sleep(POLL_S)
            try:
                await self.look()
                if time.monotonic() >= write_at:
                    write_at = time.monotonic() + USED_S
                    await self.flush()
            except Exception as error:  # noqa: BLE001 - memory loses its trust by itself; the next look may succeed
                _log.warning("keys_not_watched", error=str(error))

    async def look(self) -> None:
        """See whether any process changed a key or an account."""
        asked = time.monotonic()
        self._saw(await self._store.read(_revision), asked)

    async def flush(self) -> None:
        """Write the times of last use that were gathered."""
        if not self._used:
            return
        used, self._used = self._used, {}
        # In one order everywhere, so that two processes never wait for each other.
        rows = [{"used_id": number, "used_at": used[number]} for number in sorted(used)]

        def write(connection: Connection) -> None:
            connection.execute(_USE, rows)

        try:
            await self._store.write(write)
        except BaseException:
            self._used = used | self._used
            raise

    async def close(self) -> None:
        """Write the times of last use once more; if the store is away, they are let go."""
        try:
            await self.flush()
        except Unavailable as error:
            _log.warning("last_use_not_written", keys=len(self._used), error=error.message)

    def _saw(self, revision: int, asked: float) -> None:
        """The database was at `revision` at some moment after `asked`."""
        if revision > self._revision:
            self._revision = revision
            self._warm.clear()
        if revision == self._revision:
            self._trusted_until = max(self._trusted_until, asked + TRUST_S)


# what is asked of the store

_SELECT: Select[Any] = select(
    keys.c.id,
    keys.c.account_id,
    accounts.c.name.label("account"),
    accounts.c.state,
    keys.c.name,
    keys.c.hint,
    keys.c.test,
    keys.c.models,
    keys.c.dialect,
    keys.c.store,
    keys.c.created_at,
    keys.c.last_used_at,
    keys.c.revoked_at,
).join(accounts, accounts.c.id == keys.c.account_id)
_BY_HASH = _SELECT.where(keys.c.hash == bindparam("digest"))
_REVISION = select(revisions.c.number).where(revisions.c.name == "keys")
_USE = (
    update(keys)
    .where(
        keys.c.id == bindparam("used_id"),
        (keys.c.last_used_at.is_(None)) | (keys.c.last_used_at < bindparam("used_at")),
    )
    .values(last_used_at=bindparam("used_at"))
)


def _revision(connection: Connection) -> int:
    return int(connection.scalars(_REVISION).one())


def _look_up(connection: Connection, digest: bytes) -> tuple[int, Row[Any] | None]:
    # One snapshot: the key as it was at exactly that revision.
    return _revision(connection), connection.execute(_BY_HASH, {"digest": digest}).first()


def _read(row: Row[Any]) -> Key:
    models = None if row.models is None else msgspec.json.decode(row.models, type=tuple[str, ...])
    return Key(
        id=row.id,
        account_id=row.account_id,
        account=row.account,
        name=row.name,
        hint=row.hint,
        test=row.test,
        models=models,
        dialect=row.dialect,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
        store=row.store,
    )


# secrets and what is said about them


def _random() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def mask(secret: str) -> str:
    """A key that can be recognised but not used: its first and last letters, if it looks like a key."""
    return f"{secret[:3]}…{secret[-4:]}" if _SHAPE.fullmatch(secret) else "***"


def _refuse_unknown(secret: str) -> NoReturn:
    if not secret:
        raise errors.Unauthorized(
            "You didn't provide an API key. Send it in the header `Authorization: Bearer sk-…`; your operator"
            " gives out keys."
        )
    raise errors.Unauthorized(
        f"Incorrect API key provided: {mask(secret)}. Check that it was copied whole, without spaces or"
        " quotes, and that it is a key of this relay and not of another service."
    )


def _refuse_fallen(key: Key, state: str) -> None:
    if key.revoked_at is not None:
        raise errors.Unauthorized(
            f"This API key ({key.hint}) was revoked. Ask for a new one, and replace it wherever it is used.",
            code="key_revoked",
        )
    if state != "active":
        raise errors.Forbidden(
            f"The account of this API key ({key.hint}) is suspended. Ask your operator to resume it.",
            code="account_suspended",
        )
