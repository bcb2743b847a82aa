"""`darkroom serve`: run the relay."""

from typing import Annotated

import typer

from darkroom.cli import place

Host = Annotated[
    str | None,
    typer.Option("--host", metavar="HOST", help="The address to listen on [DARKROOM_HOST; else 127.0.0.1]."),
]
Port = Annotated[
    int | None,
    typer.Option(
        "--port",
        metavar="PORT",
        min=0,
        max=65535,
        help="The port to listen on; 0 takes a free one [DARKROOM_PORT; else 8000].",
    ),
]


def serve(
    context: typer.Context,
    host: Host = None,
    port: Port = None,
    data: place.Data = None,
    config: place.Config = None,
) -> None:
    """Run the relay until it is told to stop (SIGTERM or Ctrl-C).

    An option wins over its environment variable, that over the config file, that over the default.
    Without a configured channel the built-in sandbox answers.
    """
    settings = place.settings(context, data, config, host, port)
    from darkroom import app

    raise typer.Exit(app.serve(settings))
