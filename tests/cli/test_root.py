"""The tree of commands: what is refused is told in words, never as a traceback."""

from pathlib import Path

from tests.cli.conftest import Call


def test_refusal_is_one_line_on_stderr(cli: Call) -> None:
    done = cli("account", "show", "nobody")
    assert done.out == ""
    assert done.err == (
        "darkroom: There is no account named 'nobody'. `darkroom account list` shows the accounts.\n"
    )


def test_refusal_is_the_one_document_with_json(cli: Call) -> None:
    done = cli("account", "show", "nobody", "--json")
    assert done.code == 1
    assert done.tree["error"]["code"] == "account_not_found"
    assert set(done.tree["error"]) == {"message", "type", "param", "code"}
    assert done.err == f"darkroom: {done.tree['error']['message']}\n"


def test_wish_for_json_does_not_outlive_its_command(cli: Call) -> None:
    assert cli("account", "show", "nobody", "--json").out
    assert cli("account", "show", "nobody").out == ""


def test_refusal_of_the_system_names_the_file(cli: Call, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = cli("key", "list", "--config", tmp_path / "c.toml", "--data", tmp_path)
    assert (done.code, done.err) == (1, f"darkroom: {tmp_path}/c.toml: there is no such config file\n")
    (tmp_path / "c.toml").touch()
    done = cli("key", "list", "--json", "--config", tmp_path / "c.toml", "--data", tmp_path / "file")
    assert done.code == 1
    assert done.err == f"darkroom: {tmp_path}/file: File exists\n"
    assert done.tree["error"]["code"] == "system_error"


def test_refusal_brings_no_control_characters_to_the_terminal(cli: Call) -> None:
    done = cli("channel", "check", "red\x1b[31m\nblue")
    assert done.code == 1
    assert "\x1b" not in done.err
    assert done.err.count("\n") == 1
