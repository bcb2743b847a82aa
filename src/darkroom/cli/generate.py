"""`darkroom generate`: one picture from a prompt, saved to a file.

Counterpart of `darkroom.client`, which does the asking. A script that must know why there is no picture asks for
`--json`: the error object says its code, whether to send the request again, and whether it may have been paid for.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from darkroom import errors
from darkroom.cli import output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from darkroom.cli.saving import Target
    from darkroom.client import Client, Failure, Partial, Picture
    from darkroom.client.ask import Ask
    from darkroom.wire.stages import Mark

EPILOG = """Exit codes: 0 the picture is saved, 1 it is not, 2 wrong usage. With --json a failure is
{"error": {"message", "code", "retryable", "paid", "request_id", …}}."""


def generate(
    context: typer.Context,
    prompt: Annotated[
        str, typer.Argument(metavar="PROMPT", help="What the picture shows; - reads it from stdin.")
    ],
    target: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where to save it; overwritten if it is there. Its extension decides the format.",
        ),
    ],
    size: Annotated[
        str | None, typer.Option("--size", metavar="WxH", help="1024x1024, 1536x1024, … or auto.")
    ] = None,
    quality: Annotated[
        str | None, typer.Option("--quality", metavar="QUALITY", help="low, medium, high or auto.")
    ] = None,
    format: Annotated[
        Literal["png", "jpeg", "webp"] | None,
        typer.Option("--format", help="The format, whatever FILE is called."),
    ] = None,
    background: Annotated[
        Literal["transparent", "opaque", "auto"] | None, typer.Option("--background", help="The background.")
    ] = None,
    partials: Annotated[
        int,
        typer.Option("--partials", metavar="N", min=0, max=3, help="Previews, saved as NAME.partial0.png, …"),
    ] = 0,
    edit: Annotated[
        list[Path] | None,
        typer.Option(
            "--edit",
            metavar="IMAGE",
            exists=True,
            dir_okay=False,
            help="A picture to edit or to follow; repeat it for more.",
        ),
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Option(
            "--mask",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Its transparent parts are what may change in the first IMAGE.",
        ),
    ] = None,
    model: Annotated[
        str, typer.Option("--model", metavar="MODEL", help="The model that calls the image tool.")
    ] = "gpt-5.5",
    image_model: Annotated[
        str, typer.Option("--image-model", metavar="MODEL", help="The model that makes the picture.")
    ] = "gpt-image-2",
    effort: Annotated[
        str,
        typer.Option(
            "--effort", metavar="EFFORT", help="MODEL's reasoning effort; '' for models that do not reason."
        ),
    ] = "xhigh",
    timeout: Annotated[
        float,
        typer.Option(
            "--timeout", metavar="SECONDS", min=1, help="The most that one try may take; 180 or more is wise."
        ),
    ] = 600,
    retries: Annotated[
        int,
        typer.Option(
            "--retries",
            metavar="N",
            min=0,
            max=20,
            help="Times to try again while nothing can have been paid for.",
        ),
    ] = 2,
    retry_paid: Annotated[
        bool,
        typer.Option("--retry-paid", help="Try again even where the picture may then be paid for twice."),
    ] = False,
    base_url: Annotated[
        str | None,
        typer.Option(
            "--base-url",
            metavar="URL",
            help="The relay's, ending in /v1 [DARKROOM_BASE_URL, OPENAI_BASE_URL].",
        ),
    ] = None,
    api_key: Annotated[
        str | None,
        typer.Option("--api-key", metavar="KEY", help="Your API key [DARKROOM_API_KEY, OPENAI_API_KEY]."),
    ] = None,
    json: output.Json = False,
) -> None:
    """Make a picture and save it. Its stages are shown on stderr as they are reached."""
    if mask is not None and not edit:
        raise typer.BadParameter("a mask needs a picture to edit: give --edit too", param_hint="--mask")
    from darkroom.cli import saving
    from darkroom.client import Client
    from darkroom.client.ask import Ask

    if format is None and saving.format_of(target) is None:
        wish = f"{target.suffix} names no format that is offered; use .png, .jpg or .webp, or give --format"
        raise typer.BadParameter(wish, param_hint="--output")
    ask = Ask(
        prompt=_read_prompt(prompt),
        model=model,
        image_model=image_model or None,
        effort=effort or None,
        size=size,
        quality=quality,
        format=format or saving.format_of(target),
        background=background,
        partials=partials,
        images=[saving.read_input(path) for path in edit or ()],
        mask=None if mask is None else saving.read_input(mask),
    )
    place = saving.Target(target)
    with Client(base_url, api_key, timeout_s=timeout, retries=retries, retry_paid=retry_paid) as client:
        _make(context, client, ask, place, json)


def _make(context: typer.Context, client: "Client", ask: "Ask", target: "Target", json: bool) -> None:
    from darkroom.cli.progress import Progress
    from darkroom.client import Failure

    partials: list[str] = []
    with Progress() as progress:

        def keep(partial: "Partial") -> None:
            try:
                path = str(target.save_partial(partial.index, partial.content))
            except OSError as error:
                progress.note(f"Preview {partial.index} was not saved: {error.strerror}.")
                return
            partials.append(path)
            progress.note(f"Preview {partial.index}: {path}")

        try:
            picture = client.generate(ask, on_stage=progress.stage, on_partial=keep, on_retry=progress.retry)
        except Failure as failure:
            progress.close()
            _tell_failure(context, failure)
            raise typer.Exit(output.REFUSED) from None
    _save(picture, target)
    if picture.format != ask.format:
        output.tell(f"darkroom: {ask.format} was asked for, but the picture is {picture.format}.")
    _show(picture, str(target.path), partials, json)


def _tell_failure(context: typer.Context, failure: "Failure") -> None:
    asked = f" (request {failure.request_id})" if failure.request_id else ""
    paid = " The picture may have been paid for." if failure.paid else ""
    failure.details |= {
        "retryable": failure.again,
        "paid": failure.paid,
        "request_id": failure.request_id,
        "retry_after_s": failure.retry_after_s,
        "stages": _stages(failure.stages),
    }
    output.refuse(context, failure, f"{failure.message}{asked}{paid}")


def _save(picture: "Picture", target: "Target") -> None:
    try:
        target.save(picture.content)
    except OSError as error:
        raise errors.GatewayError(
            f"{target.path}: the picture was made, but cannot be written: {error.strerror}"
            f" (request {picture.request_id or 'unknown'})",
            code="cannot_write",
        ) from None


def _show(picture: "Picture", path: str, partials: list[str], json: bool) -> None:
    if not json:
        size = picture.size or "unknown size"
        output.say(f"{path}  {size}  {picture.format}  {len(picture.content)} bytes  {picture.took_s:.1f} s")
        return
    output.document(
        {
            "path": path,
            "format": picture.format,
            "size": picture.size,
            "bytes": len(picture.content),
            "seconds": round(picture.took_s, 3),
            "request_id": picture.request_id,
            "revised_prompt": picture.revised_prompt,
            "usage": picture.usage,
            "partials": partials,
            "stages": _stages(picture.stages),
        }
    )


def _stages(marks: "Sequence[Mark]") -> list[dict[str, Any]]:
    return [{"stage": str(mark.stage), "at_s": round(mark.at_s, 3), "detail": mark.detail} for mark in marks]


def _read_prompt(prompt: str) -> str:
    text = sys.stdin.read() if prompt == "-" else prompt
    if not text.strip():
        raise typer.BadParameter("the prompt is empty", param_hint="PROMPT")
    return text
