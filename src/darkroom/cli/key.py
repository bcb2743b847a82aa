"""`darkroom key`: the API keys that let customers in."""

from typing import Annotated, Literal

import typer

from darkroom.cli import output, place

app = typer.Typer(help="API keys.", no_args_is_help=True, rich_markup_mode=None)
app.callback()(place.remember)


@app.command()
def create(
    context: typer.Context,
    account: Annotated[
        str, typer.Option("--account", metavar="NAME", help="The account that the key belongs to.")
    ],
    name: Annotated[
        str | None, typer.Option("--name", metavar="LABEL", help="A label, to tell keys apart by.")
    ] = None,
    test: Annotated[
        bool,
        typer.Option(
            "--test", help="A test key (sk-test-…): the sandbox answers, and nothing costs anything."
        ),
    ] = False,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model", metavar="MODEL", help="A model that the key may use; repeat it. Without: every model."
        ),
    ] = None,
    store: Annotated[
        Literal["always", "never"] | None,
        typer.Option(
            "--store",
            help="Store all finished pictures of this key, or none. Without: as the installation's"
            " `store_pictures` says.",
        ),
    ] = None,
    data: place.Data = None,
    config: place.Config = None,
    json: output.Json = False,
) -> None:
    """Make an API key and print it, this once; only its hash is kept."""
    from darkroom.ledger.keys import Keys

    models = tuple(dict.fromkeys(model)) if model else None
    made, secret = place.in_store(
        place.settings(context, data, config),
        lambda opened: Keys(opened).create(account, name, test, models, store=store),
    )
    if json:
        output.document({"id": made.id, "key": secret, "account": made.account})
        return
    output.say(secret)
    output.tell(f"Key {made.id} of account {made.account}. It is shown this once; keep it safe.")


@app.command("list")
def show_all(
    context: typer.Context,
    account: Annotated[
        str | None, typer.Option("--account", metavar="NAME", help="Only the keys of this account.")
    ] = None,
    data: place.Data = None,
    config: place.Config = None,
    json: output.Json = False,
) -> None:
    """Show the keys, revoked ones too, the oldest first; never a key itself."""
    import msgspec

    from darkroom.ledger.keys import Keys

    found = place.in_store(place.settings(context, data, config), lambda store: Keys(store).list(account))
    if json:
        output.document({"keys": msgspec.to_builtins(found)})
        return
    output.table(
        ("ID", "ACCOUNT", "KEY", "NAME", "MODELS", "STORE", "MADE (UTC)", "LAST USED (UTC)", "REVOKED (UTC)"),
        [
            (
                key.id,
                key.account,
                key.hint,
                key.name,
                "all" if key.models is None else ",".join(key.models),
                key.store or "default",
                output.moment(key.created_at),
                output.moment(key.last_used_at),
                output.moment(key.revoked_at),
            )
            for key in found
        ],
    )


@app.command()
def revoke(
    context: typer.Context,
    number: Annotated[
        int, typer.Argument(metavar="ID", help="The key's id, as `darkroom key list` shows it.")
    ],
    data: place.Data = None,
    config: place.Config = None,
    json: output.Json = False,
) -> None:
    """End a key for ever, within a second in running servers."""
    import msgspec

    from darkroom.ledger.keys import Keys

    key = place.in_store(place.settings(context, data, config), lambda store: Keys(store).revoke(number))
    if json:
        output.document(msgspec.to_builtins(key))
    else:
        output.say(f"Key {key.id} ({key.hint}) of account {key.account} is revoked.")
