"""Small things to remember about the installation, a name and a text each: that a channel ever existed."""

from sqlalchemy import Connection, delete, select

from darkroom.store.schema import facts
from darkroom.store.upsert import upsert


def get(connection: Connection, name: str) -> str | None:
    """What was remembered under `name`, None if nothing was."""
    found: str | None = connection.scalar(select(facts.c.value).where(facts.c.name == name))
    return found


def put(connection: Connection, name: str, value: str) -> None:
    """Remember `value` under `name`, in place of what was there."""
    upsert(connection, facts, [{"name": name, "value": value}])


def drop(connection: Connection, name: str) -> None:
    """Forget `name`."""
    connection.execute(delete(facts).where(facts.c.name == name))
