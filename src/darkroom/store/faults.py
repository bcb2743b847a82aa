"""Tells a database that is away, locked or full from a mistake in a statement.

Law: only the first kind becomes `Unavailable`, which callers may meet with patience; a mistake stays what it
is and is loud. No message carries the database's address, which may hold a password.
"""

import sqlite3

import asyncpg
from sqlalchemy import exc

from darkroom import errors

# The primary SQLite result codes that speak of the file or its lock, not of the statement.
_SQLITE = {
    sqlite3.SQLITE_BUSY: "it is locked by another process",
    sqlite3.SQLITE_LOCKED: "it is locked by another process",
    sqlite3.SQLITE_PROTOCOL: "it is locked by another process",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it may not be written to",
    sqlite3.SQLITE_CANTOPEN: "its file cannot be opened",
    sqlite3.SQLITE_PERM: "its file cannot be opened",
    sqlite3.SQLITE_AUTH: "its file cannot be opened",
    sqlite3.SQLITE_IOERR: "its file cannot be read or written",
    sqlite3.SQLITE_NOMEM: "there is no memory left",
    sqlite3.SQLITE_CORRUPT: "its file is damaged",
    sqlite3.SQLITE_NOTADB: "its file is not a database",
}
# https://www.postgresql.org/docs/current/errcodes-appendix.html, by class, then by whole code.
_POSTGRES_CLASSES = {
    "08": "the connection was lost",
    "28": "it refused the user name or password",
    "3D": "there is no database of that name",
    "53": "it is out of connections, memory or disk",
    "57": "it is stopping, starting, or cancelled the statement",
    "58": "its files cannot be read or written",
}
_POSTGRES_CODES = {"25006": "it may not be written to", "55P03": "it is locked by another process"}
# Deadlock and serialization failure: the transaction is undone, and running it again is the documented cure.
_AGAIN = {"40001", "40P01"}


class Unavailable(errors.Overloaded):
    """The database cannot be used just now. Nothing of the operation was kept, unless its commit was cut."""

    code = "store_unavailable"


def unavailable(reason: str) -> Unavailable:
    """The error for callers, with `reason` in words."""
    return Unavailable(
        f"The database of this installation cannot be used now: {reason}. Please retry in a few seconds.",
        headers={"Retry-After": "5"},
    )


def translate(error: BaseException) -> Unavailable | None:
    """`Unavailable` if `error` means that the database is away, locked or full; None if it is a mistake."""
    if isinstance(error, Unavailable):
        return error
    reason = _reason(error)
    return unavailable(reason) if reason else None


def may_repeat(error: BaseException) -> bool:
    """Whether the same function may simply be run again, given that its commit had not begun."""
    if isinstance(error, exc.DBAPIError):
        return error.connection_invalidated or _sqlstate(error.orig) in _AGAIN
    return False


def _reason(error: BaseException | None) -> str | None:
    match error:
        case exc.DBAPIError():
            if error.connection_invalidated:
                return "the connection was lost"
            return _reason(error.orig)
        case exc.TimeoutError():
            return "all its connections are busy"
        case sqlite3.Error():
            # The low byte is the primary code, the others say more of the same.
            return _SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
        case asyncpg.InterfaceError() | OSError():  # a time-out is an OSError too
            return "it cannot be reached"
    code = _sqlstate(error)
    return _POSTGRES_CODES.get(code) or _POSTGRES_CLASSES.get(code[:2])


def _sqlstate(error: BaseException | None) -> str:
    return getattr(error, "sqlstate", None) or ""
