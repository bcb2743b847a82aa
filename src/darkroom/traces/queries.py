"""What is asked of the traces: the newest, one of them, and to forget the old.

The first two run inside `store.read`; `purge` takes the store, because it works in small transactions.
"""

import time
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, and_, delete, or_, select

from darkroom import errors
from darkroom.store.engine import Store
from darkroom.store.schema import attempts, traces
from darkroom.traces.rows import read_attempt, read_trace
from darkroom.traces.trace import Trace

LIMIT_MAX = 1000
PURGE_ROWS = 500

Cursor = tuple[int, str]
"""Where a page ended: `started_at` and `request_id` of its last trace."""


class Page(msgspec.Struct, frozen=True):
    """Traces, newest first, without their attempts; `next` continues the list, None at its end."""

    traces: tuple[Trace, ...]
    next: Cursor | None


def newest(
    connection: Connection,
    *,
    account: str | None = None,
    outcome: str | None = None,
    limit: int = 50,
    before: Cursor | None = None,
) -> Page:
    """A page of traces, newest first, of one account and with one outcome if these are named."""
    limit = max(1, min(limit, LIMIT_MAX))
    query = select(traces).order_by(traces.c.started_at.desc(), traces.c.request_id.desc()).limit(limit + 1)
    if account is not None:
        query = query.where(traces.c.account == account)
    if outcome is not None:
        query = query.where(traces.c.outcome == outcome)
    if before is not None:
        query = query.where(_after(*before))
    rows = connection.execute(query).all()
    page = tuple(map(read_trace, rows[:limit]))
    more = len(rows) > limit
    return Page(page, (page[-1].started_at, page[-1].request_id) if more else None)


def find(connection: Connection, request_id: str) -> Trace:
    """The trace of that request id, or of the only one that begins so; with its attempts.

    Raises 404 `trace_not_found`, 400 `ambiguous_request_id`.
    """
    if not request_id.isprintable() or not request_id:
        raise _unknown(request_id)
    # Names are compared byte by byte: everything that begins so lies between it and it with the last letter there is.
    begins = and_(traces.c.request_id >= request_id, traces.c.request_id <= request_id + "\U0010ffff")
    rows = connection.execute(select(traces).where(begins).order_by(traces.c.request_id).limit(2)).all()
    if not rows:
        raise _unknown(request_id)
    if len(rows) > 1 and rows[0].request_id != request_id:
        raise errors.Invalid(
            f"More than one request id begins with {request_id!r}: {rows[0].request_id}, {rows[1].request_id}, …"
            " Give more of it.",
            param="request_id",
            code="ambiguous_request_id",
        )
    trace = read_trace(rows[0])
    own: Select[Any] = select(attempts).where(attempts.c.request_id == trace.request_id)
    trace.attempts = [read_attempt(row) for row in connection.execute(own.order_by(attempts.c.number))]
    return trace


async def purge(store: Store, days: int) -> int:
    """Forget traces that began more than `days` days ago, a few at a time, so that writers get their turn; how many."""
    before = time.time_ns() // 1000 - days * 86_400_000_000
    total = 0
    while gone := await store.write(lambda connection: _purge(connection, before)):
        total += gone
    return total


def _after(started_at: int, request_id: str) -> Any:
    same = and_(traces.c.started_at == started_at, traces.c.request_id < request_id)
    return or_(traces.c.started_at < started_at, same)


def _purge(connection: Connection, before: int) -> int:
    old = select(traces.c.request_id).where(traces.c.started_at < before).limit(PURGE_ROWS)
    ids = list(connection.scalars(old))
    if ids:
        connection.execute(delete(attempts).where(attempts.c.request_id.in_(ids)))
        connection.execute(delete(traces).where(traces.c.request_id.in_(ids)))
    return len(ids)


def _unknown(request_id: str) -> errors.NotFound:
    return errors.NotFound(
        f"There is no trace of {request_id!r}. `darkroom trace list` shows the newest; old ones are deleted.",
        param="request_id",
        code="trace_not_found",
    )
