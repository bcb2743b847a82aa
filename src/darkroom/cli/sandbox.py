"""`darkroom sandbox`: the upstream that draws, alone, for people who test their clients."""

from typing import Annotated

import typer

from darkroom.cli import output


def sandbox(
    port: Annotated[
        int,
        typer.Option(
            "--port", metavar="PORT", min=0, max=65535, help="The port to listen on; 0 takes a free one."
        ),
    ] = 9100,
    host: Annotated[
        str, typer.Option("--host", metavar="HOST", help="The address to listen on.")
    ] = "127.0.0.1",
    scenario: Annotated[
        str,
        typer.Option(
            "--scenario", metavar="TEXT", help="The scenario of requests that name none; see docs/sandbox.md."
        ),
    ] = "",
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="KEY", help="The only API key that is let in; without it any is."),
    ] = None,
) -> None:
    """Run an OpenAI-compatible upstream that draws pictures itself: no key, no network, no costs."""
    import asyncio
    import signal

    from darkroom.sandbox import make_app
    from darkroom.web.server import serving

    app = make_app(scenario_default=scenario, key=key)

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with serving(app, host, port) as server:
            address = f"[{host}]" if ":" in host else host
            output.tell(f"The sandbox is ready at http://{address}:{server.port}/v1")
            await stop.wait()
            server.close_listener()

    asyncio.run(run())
