"""`darkroom trace`: what happened to requests, stage by stage."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from darkroom.cli import output, place

if TYPE_CHECKING:
    from darkroom.traces.trace import Trace

app = typer.Typer(
    help="What happened to requests, stage by stage.", no_args_is_help=True, rich_markup_mode=None
)
app.callback()(place.remember)

Outcome = Literal["completed", "incomplete", "failed", "refused", "left"]
WIDTH = 100
"""Columns of a waterfall where there is no terminal to ask."""


@app.command("list")
def show_all(
    context: typer.Context,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=1000, help="How many.")] = 20,
    account: Annotated[
        str | None, typer.Option("--account", metavar="NAME", help="Only requests of this account.")
    ] = None,
    outcome: Annotated[Outcome | None, typer.Option("--outcome", help="Only requests that ended so.")] = None,
    data: place.Data = None,
    config: place.Config = None,
    json: output.Json = False,
) -> None:
    """Show the newest requests."""
    import msgspec

    from darkroom.traces.queries import newest

    page = place.in_traces(
        place.settings(context, data, config),
        lambda store: store.read(lambda c: newest(c, account=account, outcome=outcome, limit=limit)),
    )
    if json:
        output.document({"traces": msgspec.to_builtins(page.traces)})
        return
    head = ("REQUEST", "BEGAN (UTC)", "ACCOUNT", "MODEL", "STATUS", "OUTCOME", "TOOK", "PICTURE")
    output.table(head, map(_row, page.traces))


@app.command()
def show(
    context: typer.Context,
    request_id: Annotated[
        str, typer.Argument(metavar="ID", help="The request id (x-request-id), or enough of its beginning.")
    ],
    lang: Annotated[Literal["en", "zh"], typer.Option("--lang", help="The language of the words.")] = "en",
    data: place.Data = None,
    config: place.Config = None,
    json: output.Json = False,
) -> None:
    """Show one request as a waterfall: when each stage was reached, and where the time went."""
    import shutil
    import sys

    import msgspec

    from darkroom.traces.queries import find
    from darkroom.traces.waterfall import waterfall

    trace = place.in_traces(
        place.settings(context, data, config), lambda store: store.read(lambda c: find(c, request_id))
    )
    if json:
        output.document(msgspec.to_builtins(trace))
        return
    width = shutil.get_terminal_size((WIDTH, 24)).columns if sys.stdout.isatty() else WIDTH
    output.say(waterfall(trace, lang, width))


def _row(trace: "Trace") -> tuple[object, ...]:
    from darkroom.traces.waterfall import elapsed

    models = dict.fromkeys(model for model in (trace.model, trace.image_model) if model)
    pictures = [f"{made.get('size') or '?'} {made.get('format') or ''}".strip() for made in trace.delivered]
    return (
        trace.request_id,
        output.moment(trace.started_at),
        trace.account,
        " + ".join(models),
        trace.status,
        f"{trace.outcome} {trace.error_code}" if trace.error_code else trace.outcome,
        elapsed(trace.took_us),
        ", ".join(pictures),
    )
