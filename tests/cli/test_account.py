"""`darkroom account`: accounts come, fall and rise again."""

from tests.cli.conftest import Call


def test_account_is_made_and_shown(cli: Call) -> None:
    made = cli("account", "create", "工作室-1", "--json")
    assert made.tree["name"] == "工作室-1"
    assert made.tree["state"] == "active"
    assert made.err == ""
    assert cli("account", "show", "工作室-1", "--json").tree == made.tree
    assert cli("account", "list", "--json").tree["accounts"][1] == made.tree
    assert cli("account", "create", "bob").out == "Account bob is made.\n"
    head, row = cli("account", "show", "bob").out.splitlines()
    assert head.split() == ["ID", "NAME", "STATE", "MADE", "(UTC)"]
    assert row.split()[1:3] == ["bob", "active"]


def test_admin_is_there_from_the_first_command(cli: Call) -> None:
    assert cli("account", "show", "admin", "--json").tree["id"] == 1


def test_numbers_are_given_to_new_accounts_alone(cli: Call) -> None:
    for _ in range(3):
        cli("key", "list")
    assert cli("account", "create", "bob", "--json").tree["id"] == 2


def test_taken_or_odd_name_is_refused(cli: Call) -> None:
    assert cli("account", "create", "bob").code == 0
    for name in ("bob", "admin", "a b", "", "-x", "a" * 65):
        done = cli("account", "create", "--json", "--", name)
        assert done.code == 1
        assert done.tree["error"]["code"] in ("account_exists", "invalid_account_name")
    assert len(cli("account", "list").out.splitlines()) == 3


def test_account_is_suspended_and_resumed(cli: Call) -> None:
    cli("account", "create", "bob")
    assert cli("account", "suspend", "bob").out == "Account bob is suspended.\n"
    assert cli("account", "show", "bob", "--json").tree["state"] == "suspended"
    assert cli("account", "resume", "bob", "--json").tree["state"] == "active"
    assert cli("account", "suspend", "nobody").code == 1
