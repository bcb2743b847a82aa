"""Shared by every test: asynchronous tests run on asyncio with uvloop, as the server does."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from darkroom.store.engine import Store
from tests import databases

TOGETHER = {
    "tests/e2e/": "e2e",
    "tests/web/test_images.py": "images",
    "tests/web/test_addresses.py": "images",
}
"""Tests that share servers, by where they stand: one worker runs a group, so that its servers start once."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """What `--dist loadgroup` promises: pytest-xdist 3.8 loses its groups under pytest 9.2 (its issue 1386)."""
    from xdist.scheduler import LoadScopeScheduling

    class Grouped(LoadScopeScheduling):
        """Each group in one worker, every other test wherever there is room."""

        def _split_scope(self, nodeid: str) -> str:
            return next((group for place, group in TOGETHER.items() if nodeid.startswith(place)), nodeid)

    return Grouped(config, log) if config.getvalue("dist") == "loadgroup" else None


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
