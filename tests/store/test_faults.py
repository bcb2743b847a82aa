"""An outage is told from a mistake."""

import sqlite3
from typing import Any

import asyncpg
import pytest
from sqlalchemy import exc

from darkroom.store.faults import Unavailable, may_repeat, translate, unavailable


class Failure(Exception):
    """What a driver raised, as SQLAlchemy passes it on."""

    def __init__(self, sqlstate: str | None = None) -> None:
        super().__init__("driver says no, password=secret")
        self.sqlstate = sqlstate


def wrapped(original: Exception, *, lost: bool = False) -> exc.DBAPIError:
    return exc.OperationalError("SELECT 1", None, original, connection_invalidated=lost)


def sqlite_failure(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("failed")
    error.sqlite_errorcode = code  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (wrapped(sqlite_failure(sqlite3.SQLITE_BUSY)), "locked by another process"),
        (wrapped(sqlite_failure(sqlite3.SQLITE_BUSY | 2 << 8)), "locked by another process"),
        (wrapped(sqlite_failure(sqlite3.SQLITE_FULL)), "disk is full"),
        (wrapped(sqlite_failure(sqlite3.SQLITE_IOERR | 9 << 8)), "cannot be read or written"),
        (sqlite_failure(sqlite3.SQLITE_CANTOPEN), "cannot be opened"),
        (wrapped(sqlite_failure(sqlite3.SQLITE_NOTADB)), "not a database"),
        (wrapped(Failure("57P01")), "stopping, starting"),
        (wrapped(Failure("53300")), "out of connections"),
        (wrapped(Failure("08006")), "connection was lost"),
        (wrapped(Failure("25006")), "may not be written"),
        (wrapped(Failure("55P03")), "locked by another process"),
        (wrapped(Failure(), lost=True), "connection was lost"),
        (asyncpg.InvalidPasswordError("no"), "user name or password"),
        (asyncpg.InvalidCatalogNameError("no"), "no database of that name"),
        (asyncpg.CannotConnectNowError("no"), "stopping, starting"),
        (asyncpg.InterfaceError("closed"), "cannot be reached"),
        (ConnectionRefusedError(), "cannot be reached"),
        (TimeoutError(), "cannot be reached"),
        (exc.TimeoutError(), "connections are busy"),
    ],
)
def test_outage_is_told_with_its_reason(error: Exception, reason: str) -> None:
    told = translate(error)
    assert told is not None
    assert reason in told.message
    assert "secret" not in told.message
    assert (told.status, told.code, told.retryable) == (503, "store_unavailable", True)
    assert told.headers == {"Retry-After": "5"}


@pytest.mark.parametrize(
    "error",
    [
        wrapped(sqlite_failure(sqlite3.SQLITE_ERROR)),
        wrapped(sqlite_failure(sqlite3.SQLITE_CONSTRAINT)),
        wrapped(sqlite3.OperationalError("no code")),
        wrapped(Failure("42P01")),  # no such table
        wrapped(Failure("22021")),  # a NUL in a text
        wrapped(Failure()),
        ValueError("ours"),
        KeyError("ours"),
        exc.InvalidRequestError("ours"),
    ],
)
def test_mistake_stays_what_it_is(error: Exception) -> None:
    assert translate(error) is None


def test_what_was_told_is_not_told_again() -> None:
    told = unavailable("it is closed")
    assert translate(told) is told
    assert isinstance(told, Unavailable)


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (wrapped(Failure("40P01")), True),
        (wrapped(Failure("40001")), True),
        (wrapped(Failure("57P01"), lost=True), True),
        (wrapped(Failure("57014")), False),
        (wrapped(Failure("23505")), False),
        (ConnectionRefusedError(), False),
        (ValueError(), False),
    ],
)
def test_function_is_run_again_after_a_deadlock_or_a_lost_connection(error: Any, again: bool) -> None:
    assert may_repeat(error) is again
