"""The servers and clients of the end-to-end tests: few processes, started once, all by one worker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import serving
from tests.e2e.clients import Node, find_node
from tests.e2e.front import Front, front


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the servers of this run keep their things."""
    return tmp_path_factory.mktemp("servers")


@pytest.fixture(scope="session")
def sandbox_port() -> Iterator[int]:
    """A `darkroom sandbox`."""
    with serving.sandbox() as port:
        yield port


@pytest.fixture(scope="session")
def door(sandbox_port: int) -> Iterator[Front]:
    """The door before the sandbox through which the examples' requests go: the model gpt-5.5."""
    with front(sandbox_port) as made:
        yield made


@pytest.fixture(scope="session")
def built_in(places: Path) -> Iterator[serving.Target]:
    """A relay as its first start leaves it: the built-in sandbox answers."""
    with serving.relay(places / "built-in") as target:
        yield target


@pytest.fixture(scope="session")
def through(places: Path, sandbox_port: int, door: Front) -> Iterator[serving.Target]:
    """A relay with upstreams: gpt-5.5 through the door, gpt-5 straight to the sandbox."""
    channels = serving.channel("door", door.port, "gpt-5.5") + serving.channel("plain", sandbox_port, "gpt-5")
    with serving.relay(places / "through", channels) as target:
        yield target


@pytest.fixture(params=["built_in", "through"])
def target(request: pytest.FixtureRequest) -> serving.Target:
    """Either relay: every test that uses it runs against the built-in sandbox, and through a configured upstream."""
    found: serving.Target = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def node() -> Node:
    """Node with the clients installed; the test is skipped where there is none."""
    return find_node()
