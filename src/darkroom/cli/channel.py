"""`darkroom channel`: the upstreams that the config file names."""

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from darkroom import errors
from darkroom.cli import output, place

if TYPE_CHECKING:
    from darkroom.channels.catalog import Channel

app = typer.Typer(help="The configured upstreams.", no_args_is_help=True, rich_markup_mode=None)
app.callback()(place.remember)


@app.command("list")
def show_all(
    context: typer.Context,
    data: place.Data = None,
    config: place.Config = None,
    json: output.Json = False,
) -> None:
    """Show the channels of the config file, those that are asked first on top. Nothing is sent to them."""
    from darkroom.channels.catalog import read_channels

    settings = place.settings(context, data, config)
    channels = sorted(read_channels(settings.channels, os.environ), key=lambda channel: -channel.priority)
    if json:
        output.document({"channels": [_tree(channel) for channel in channels]})
        return
    if not channels:
        output.tell("No channel is configured: the built-in sandbox serves until one is.")
        return
    head = ("NAME", "BASE URL", "KEY", "SPEAKS", "MODELS", "PRIORITY", "WEIGHT")
    output.table(head, map(_row, channels))


@app.command("check")
def check(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The channel's name.")],
    data: place.Data = None,
    config: place.Config = None,
    json: output.Json = False,
) -> None:
    """Ask a channel for its models, and say in words whether address and key are right. Costs nothing."""
    import asyncio

    from darkroom.channels.catalog import read_channels

    settings = place.settings(context, data, config)
    found = [c for c in read_channels(settings.channels, os.environ) if c.name == name]
    if not found:
        raise errors.NotFound(f"There is no channel {name}. `darkroom channel list` shows them.")
    status, said = asyncio.run(_asked(found[0]))
    if json:
        output.document({"channel": name, "status": status, "ok": status == 200, "message": said})
    else:
        output.tell(said)
    if status != 200:
        raise typer.Exit(output.REFUSED)


async def _asked(channel: "Channel") -> tuple[int, str]:
    """The status of GET /models (0: none came), and what it means."""
    from darkroom.channels.upstream import Upstreams

    upstreams = Upstreams()
    try:
        answer = await upstreams.open(channel, b"GET", b"/models", deadline_s=channel.connect_s)
        answer.close()
    except (errors.Error, TimeoutError) as error:
        return 0, f"{channel.name}: cannot be reached: {str(error) or 'no answer in time'}"
    finally:
        await upstreams.close()
    if answer.status == 200:
        return 200, f"{channel.name}: address and key are right."
    if answer.status in (401, 403):
        return (
            answer.status,
            f"{channel.name}: answers, but refuses the key ({answer.status}). Check `api_key`.",
        )
    if answer.status == 404:
        return 404, f"{channel.name}: answers, but has no /models there (404). `base_url` should end in /v1."
    return answer.status, f"{channel.name}: answers with status {answer.status}."


def _tree(channel: "Channel") -> dict[str, Any]:
    """A channel as JSON; of its key only whether there is one."""
    import msgspec

    tree: dict[str, Any] = msgspec.to_builtins(channel)
    tree["api_key"] = bool(channel.api_key)
    return tree


def _row(channel: "Channel") -> tuple[object, ...]:
    return (
        channel.name,
        channel.base_url,
        "yes" if channel.api_key else "none",
        ",".join(channel.speaks),
        "all" if channel.models == "*" else ",".join(channel.models),
        channel.priority,
        f"{channel.weight:g}",
    )
