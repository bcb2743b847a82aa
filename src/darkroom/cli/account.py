"""`darkroom account`: who may use the relay."""

from typing import TYPE_CHECKING, Annotated

import typer

from darkroom.cli import output, place

if TYPE_CHECKING:
    from collections.abc import Iterable

    from darkroom.ledger.accounts import Account

app = typer.Typer(help="The accounts of customers.", no_args_is_help=True, rich_markup_mode=None)
app.callback()(place.remember)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The account's name.")]


@app.command()
def create(
    context: typer.Context,
    name: Name,
    data: place.Data = None,
    config: place.Config = None,
    json: output.Json = False,
) -> None:
    """Make an account. Its name is its own for ever."""
    from darkroom.ledger.accounts import Accounts

    made = place.in_store(place.settings(context, data, config), lambda store: Accounts(store).create(name))
    _show(made, json, "is made")


@app.command("list")
def show_all(
    context: typer.Context,
    data: place.Data = None,
    config: place.Config = None,
    json: output.Json = False,
) -> None:
    """Show every account, the oldest first."""
    import msgspec

    from darkroom.ledger.accounts import Accounts

    found = place.in_store(place.settings(context, data, config), lambda store: Accounts(store).list())
    if json:
        output.document({"accounts": msgspec.to_builtins(found)})
    else:
        _table(found)


@app.command("show")
def show_one(
    context: typer.Context,
    name: Name,
    data: place.Data = None,
    config: place.Config = None,
    json: output.Json = False,
) -> None:
    """Show one account."""
    import msgspec

    from darkroom.ledger.accounts import Accounts

    found = place.in_store(place.settings(context, data, config), lambda store: Accounts(store).get(name))
    if json:
        output.document(msgspec.to_builtins(found))
    else:
        _table([found])


@app.command()
def suspend(
    context: typer.Context,
    name: Name,
    data: place.Data = None,
    config: place.Config = None,
    json: output.Json = False,
) -> None:
    """Refuse every key of an account from now on, within a second in running servers."""
    from darkroom.ledger.accounts import Accounts

    changed = place.in_store(
        place.settings(context, data, config), lambda store: Accounts(store).suspend(name)
    )
    _show(changed, json, "is suspended")


@app.command()
def resume(
    context: typer.Context,
    name: Name,
    data: place.Data = None,
    config: place.Config = None,
    json: output.Json = False,
) -> None:
    """Let the keys of a suspended account work again."""
    from darkroom.ledger.accounts import Accounts

    changed = place.in_store(
        place.settings(context, data, config), lambda store: Accounts(store).resume(name)
    )
    _show(changed, json, "is active")


def _table(found: "Iterable[Account]") -> None:
    rows = [(account.id, account.name, account.state, output.moment(account.created_at)) for account in found]
    output.table(("ID", "NAME", "STATE", "MADE (UTC)"), rows)


def _show(account: "Account", json: bool, words: str) -> None:
    import msgspec

    if json:
        output.document(msgspec.to_builtins(account))
    else:
        output.say(f"Account {output.plain(account.name)} {words}.")
