"""Shared by every test: asynchronous tests run on asyncio with uvloop, as the server does."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from darkroom.store.engine import Store
from tests import databases


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The event loop of every `async def test_…`."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def postgres() -> Iterator[databases.Postgres]:
    """A PostgreSQL server, started when the first test asks for it."""
    with databases.postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database; every test that uses it runs on both engines."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    server: databases.Postgres = request.getfixturevalue("postgres")
    return server.new()


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    """An open store, part `main`, on both engines."""
    opened = await Store.open(store_url)
    yield opened
    await opened.close()


@pytest.fixture
async def traces_store(store_url: str) -> AsyncIterator[Store]:
    """An open store, part `traces`, on both engines."""
    opened = await Store.open(store_url, part="traces", sync="relaxed")
    yield opened
    await opened.close()
