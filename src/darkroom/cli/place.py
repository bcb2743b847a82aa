"""Where a command works: `--data` and `--config`, anywhere after the command's name, and the store behind them."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from darkroom.settings import Settings
    from darkroom.store.engine import Store

T = TypeVar("T")

Data = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="DIR", help="The folder of everything that is kept [DARKROOM_DATA; else ./data]."
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="The config file [DARKROOM_CONFIG; else darkroom.toml in --data]."
    ),
]


def remember(context: typer.Context, data: Data = None, config: Config = None) -> None:
    """The callback of every group: keep what stands before the subcommand."""
    context.obj = (data, config)


def settings(
    context: typer.Context,
    data: Path | None,
    config: Path | None,
    host: str | None = None,
    port: int | None = None,
) -> "Settings":
    """The settings that this command line means; an option after the subcommand wins. Raises SettingsError."""
    from darkroom.settings import Settings

    before: tuple[Path | None, Path | None] = context.obj or (None, None)
    return Settings.load(data or before[0], config or before[1], host, port)


def in_store(settings: "Settings", work: Callable[["Store"], Awaitable[T]]) -> T:
    """What `work` returns, run on the open main store; made first if need be, with the account `admin` in it."""
    from darkroom.ledger.accounts import Accounts
    from darkroom.store.engine import Store

    async def opened() -> T:
        settings.data.mkdir(parents=True, exist_ok=True)
        store = await Store.open(settings.store_url)
        try:
            await Accounts(store).ensure_admin()
            return await work(store)
        finally:
            await store.close()

    return _run(opened())


def in_traces(settings: "Settings", work: Callable[["Store"], Awaitable[T]]) -> T:
    """What `work` returns, run on the open store of traces."""
    from darkroom.store.engine import Store

    async def opened() -> T:
        settings.data.mkdir(parents=True, exist_ok=True)
        store = await Store.open(settings.trace_store_url, part="traces", sync="relaxed")
        try:
            return await work(store)
        finally:
            await store.close()

    return _run(opened())


def _run(work: Awaitable[T]) -> T:
    import asyncio

    async def wait() -> T:
        return await work

    return asyncio.run(wait())
