"""Accounts: who owns keys, pictures and, later, a balance.

Law of this file: a name is unique for ever and is never given to another account; whatever changes the
standing of an account raises the revision that every process polls (`keys`), so that all obey in a second.
"""

import re
import time
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from darkroom import errors
from darkroom.store.engine import Store
from darkroom.store.schema import accounts, revisions
from darkroom.store.upsert import insert_new

ADMIN = "admin"
"""The operator's own account; it exists from the first start."""
State = Literal["active", "suspended"]

# Letters of any script, digits and marks that need no quoting in a shell or an address.
_NAME = re.compile(r"[^\W_][\w.@+-]{0,63}")


class Account(msgspec.Struct, frozen=True):
    """One account; `created_at` is in microseconds since 1970."""

    id: int
    name: str
    state: State
    created_at: int


class Accounts:
    """The accounts of this installation."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def ensure_admin(self) -> Account:
        """The account `admin`, made if it is missing; safe in many processes at once."""

        def ensure(connection: Connection) -> Account:
            insert_new(connection, accounts, [_row(ADMIN)])
            return find(connection, ADMIN)

        # An insert that finds the row there takes a number all the same, and every command comes by here.
        try:
            return await self.get(ADMIN)
        except errors.NotFound:
            return await self._store.write(ensure)

    async def create(self, name: str) -> Account:
        """A new, active account. Raises `Invalid` for an odd name, 409 `account_exists` for a taken one."""
        if not _NAME.fullmatch(name):
            raise errors.Invalid(
                "An account name has 1 to 64 letters, digits or the marks . _ @ + - and begins with a letter"
                " or digit.",
                param="name",
                code="invalid_account_name",
            )

        def create(connection: Connection) -> Account:
            connection.execute(insert(accounts).values(_row(name)))
            return find(connection, name)

        try:
            return await self._store.write(create)
        except IntegrityError:
            raise errors.CallerError(
                f"There is already an account named {name!r}.",
                param="name",
                code="account_exists",
                status=409,
            ) from None

    async def list(self) -> tuple[Account, ...]:
        """Every account, the oldest first."""
        return await self._store.read(
            lambda connection: tuple(map(_read, connection.execute(select(accounts).order_by(accounts.c.id))))
        )

    async def get(self, name: str) -> Account:
        """The account of that name. Raises 404 `account_not_found`."""
        return await self._store.read(lambda connection: find(connection, name))

    async def suspend(self, name: str) -> Account:
        """From now on every key of the account is refused."""
        return await self._set(name, "suspended")

    async def resume(self, name: str) -> Account:
        """The account's keys work again."""
        return await self._set(name, "active")

    async def _set(self, name: str, state: State) -> Account:
        def change(connection: Connection) -> Account:
            connection.execute(update(accounts).where(accounts.c.name == name).values(state=state))
            raise_revision(connection)
            return find(connection, name)

        return await self._store.write(change)


def find(connection: Connection, name: str) -> Account:
    """The account of that name. Raises 404 `account_not_found`."""
    row = connection.execute(select(accounts).where(accounts.c.name == name)).first()
    if row is None:
        raise errors.NotFound(
            f"There is no account named {name!r}. `darkroom account list` shows the accounts.",
            param="account",
            code="account_not_found",
        )
    return _read(row)


def raise_revision(connection: Connection) -> int:
    """Tell every process that a key or an account fell or rose; the new revision."""
    return int(connection.scalars(_RAISE).one())


_RAISE = (
    update(revisions)
    .where(revisions.c.name == "keys")
    .values(number=revisions.c.number + 1)
    .returning(revisions.c.number)
)


def _row(name: str) -> dict[str, Any]:
    return {"name": name, "state": "active", "created_at": time.time_ns() // 1000}


def _read(row: Row[Any]) -> Account:
    return Account(row.id, row.name, row.state, row.created_at)
