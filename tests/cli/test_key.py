"""`darkroom key`: shown once, listed without the secret, ended for ever."""

import re

import pytest

from tests.cli.conftest import Call


def test_key_alone_stands_on_stdout_so_that_a_shell_can_take_it(cli: Call) -> None:
    done = cli("key", "create", "--account", "admin")
    assert re.fullmatch(r"sk-[\w-]{43}\n", done.out)
    assert done.err == "Key 1 of account admin. It is shown this once; keep it safe.\n"


def test_key_with_json_is_id_key_and_account(cli: Call) -> None:
    done = cli("key", "create", "--account", "admin", "--name", "x", "--json")
    assert done.tree.keys() == {"id", "key", "account"}
    assert (done.tree["id"], done.tree["account"]) == (1, "admin")
    assert done.err == ""


def test_key_of_an_unknown_account_is_refused(cli: Call) -> None:
    done = cli("key", "create", "--account", "nobody")
    assert (done.code, done.out) == (1, "")
    assert "nobody" in done.err
    assert cli("key", "list", "--account", "nobody").code == 1


def test_list_shows_everything_but_the_key(cli: Call) -> None:
    secret = cli("key", "create", "--account", "admin", "--name", "第一 把").out.strip()
    cli("account", "create", "bob")
    wish = ("--test", "--model", "gpt-5.5", "--model", "gpt-image-2", "--model", "gpt-5.5")
    test = cli("key", "create", "--account", "bob", *wish, "--json").tree["key"]
    assert test.startswith("sk-test-")
    listed = cli("key", "list")
    assert secret not in listed.out
    assert "第一 把" in listed.out
    assert f"sk-…{secret[-4:]}" in listed.out
    (only,) = cli("key", "list", "--account", "bob", "--json").tree["keys"]
    assert only["models"] == ["gpt-5.5", "gpt-image-2"]
    assert only["test"] is True
    assert only["store"] is None
    assert test not in str(only)


@pytest.mark.parametrize("choice", ["always", "never"])
def test_key_says_whether_its_pictures_are_stored(cli: Call, choice: str) -> None:
    cli("key", "create", "--account", "admin", "--store", choice)
    (only,) = cli("key", "list", "--json").tree["keys"]
    assert only["store"] == choice
    head, row = cli("key", "list").out.splitlines()
    assert row[head.index("STORE") :].split()[0] == choice


def test_key_that_would_store_something_else_is_a_wrong_command(cli: Call) -> None:
    assert cli("key", "create", "--account", "admin", "--store", "asked").code == 2
    assert cli("key", "list", "--json").tree["keys"] == []


def test_key_is_revoked_once_and_stays_so(cli: Call) -> None:
    cli("key", "create", "--account", "admin")
    assert re.fullmatch(r"Key 1 \(sk-….{4}\) of account admin is revoked\.\n", cli("key", "revoke", 1).out)
    first = cli("key", "list", "--json").tree["keys"][0]["revoked_at"]
    assert cli("key", "revoke", 1, "--json").tree["revoked_at"] == first
    assert cli("key", "revoke", 99).code == 1
