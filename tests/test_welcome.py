"""The first start: one key, shown once, to the terminal or into a file for its owner alone."""

import io
import re
import sys
from pathlib import Path

import pytest

from darkroom.welcome import FILE, welcome
from tests.relaying import relaying

pytestmark = pytest.mark.anyio


class Stderr(io.StringIO):
    """Where the welcome goes; a terminal or not."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def watch(monkeypatch: pytest.MonkeyPatch, terminal: bool = False) -> Stderr:
    """The stderr from now on."""
    made = Stderr(terminal)
    monkeypatch.setattr(sys, "stderr", made)
    return made


def secret_of(text: str) -> str:
    """The one key in the text, however often it stands there."""
    (found,) = set(re.findall(r"sk-[\w-]{43}", text))
    return str(found)


async def test_terminal_is_shown_a_key_and_no_file_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stderr = watch(monkeypatch, terminal=True)
    async with relaying(tmp_path) as relay:
        await welcome(relay.gateway, 8000)
        key = await relay.gateway.keys.verify(secret_of(stderr.getvalue()))
        assert (key.account, key.name) == ("admin", "first key")
    assert not (tmp_path / FILE).exists()
    assert "curl -N http://127.0.0.1:8000/v1/responses" in stderr.getvalue()


async def test_without_a_terminal_the_key_is_in_a_file_for_its_owner_and_not_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stderr = watch(monkeypatch)
    (tmp_path / FILE).write_text("an old one that anybody could read")
    (tmp_path / FILE).chmod(0o644)
    async with relaying(tmp_path) as relay:
        await welcome(relay.gateway, 8000)
        await relay.gateway.keys.verify(secret_of((tmp_path / FILE).read_text(encoding="utf-8")))
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert stderr.getvalue() == f"darkroom: the first API key is in {tmp_path / FILE}\n"


async def test_second_start_says_nothing_and_makes_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stderr = watch(monkeypatch)
    async with relaying(tmp_path) as relay:
        await welcome(relay.gateway, 8000)
        (tmp_path / FILE).unlink()
        before = await relay.gateway.keys.list(), stderr.getvalue()
        await welcome(relay.gateway, 8000)
        assert (await relay.gateway.keys.list(), stderr.getvalue()) == before
    assert not (tmp_path / FILE).exists()


async def test_key_that_could_not_be_shown_is_replaced_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch(monkeypatch)
    async with relaying(tmp_path) as relay:
        (tmp_path / FILE).mkdir()
        with pytest.raises(OSError):
            await welcome(relay.gateway, 8000)
        (tmp_path / FILE).rmdir()
        await welcome(relay.gateway, 8000)
        await relay.gateway.keys.verify(secret_of((tmp_path / FILE).read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "settings, base",
    [
        ({"host": "0.0.0.0"}, "http://127.0.0.1:8000/v1"),
        ({"host": "::"}, "http://127.0.0.1:8000/v1"),
        ({"host": "::1"}, "http://[::1]:8000/v1"),
        ({"host": "10.0.0.5"}, "http://10.0.0.5:8000/v1"),
        ({"public_url": "https://images.example"}, "https://images.example/v1"),
    ],
)
async def test_address_is_one_that_can_be_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], base: str
) -> None:
    watch(monkeypatch)
    async with relaying(tmp_path, **settings) as relay:
        await welcome(relay.gateway, 8000)
    text = (tmp_path / FILE).read_text(encoding="utf-8")
    assert f"Darkroom is ready at {base}\n" in text
    assert f"curl -N {base}/responses " in text
