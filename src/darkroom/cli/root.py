"""The tree of commands, and the one place where a refusal becomes words on stderr and exit code 1."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from darkroom import __version__, errors
from darkroom.cli import account, channel, generate, key, output, sandbox, serve, trace


class Root(TyperGroup):
    """Runs a command; what the program refuses is told in one line, never as a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that the arguments name."""
        try:
            return super().invoke(ctx)
        except errors.Error as error:
            output.refuse(ctx, error)
        except BrokenPipeError:
            raise
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            output.refuse(ctx, errors.GatewayError(f"{place}{error.strerror or error}", code="system_error"))
        raise typer.Exit(output.REFUSED)


app = typer.Typer(
    cls=Root,
    help="Darkroom, a self-hosted relay for image generation.",
    epilog="Exit codes: 0 done, 1 refused, 2 wrong usage.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        output.say(f"darkroom {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and leave."),
    ] = False,
) -> None:
    """Take the options that stand before a command."""


app.command()(serve.serve)
app.command(epilog=generate.EPILOG)(generate.generate)
app.command()(sandbox.sandbox)
app.add_typer(account.app, name="account")
app.add_typer(key.app, name="key")
app.add_typer(channel.app, name="channel")
app.add_typer(trace.app, name="trace")
