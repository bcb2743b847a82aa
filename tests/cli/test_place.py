"""Where a command works: --data and --config at any place after its name, and the environment behind them."""

from pathlib import Path

import pytest

from tests.cli.conftest import Call


def names(cli: Call, *arguments: object) -> list[str]:
    return [account["name"] for account in cli("account", "list", "--json", *arguments).tree["accounts"]]


def test_data_may_stand_anywhere_after_the_name(cli: Call, tmp_path: Path) -> None:
    there = tmp_path / "there"
    assert cli("account", "--data", there, "create", "one").code == 0
    assert cli("account", "create", "--data", there, "two").code == 0
    assert cli("account", "create", "three", "--data", there).code == 0
    assert names(cli, "--data", there) == ["admin", "one", "two", "three"]
    assert cli("account", "--data", there, "list").out.count("\n") == 5


def test_option_nearest_to_the_end_wins(cli: Call, tmp_path: Path) -> None:
    cli("account", "--data", tmp_path / "a", "create", "one", "--data", tmp_path / "b")
    assert not (tmp_path / "a").exists()
    assert names(cli, "--data", tmp_path / "b") == ["admin", "one"]


def test_data_comes_from_the_environment_else_lies_in_the_working_folder(
    cli: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("account", "create", "here")
    monkeypatch.setenv("DARKROOM_DATA", str(tmp_path / "there"))
    assert names(cli) == ["admin"]
    assert names(cli, "--data", tmp_path / "data") == ["admin", "here"]


def test_config_says_where_the_store_is(cli: Call, tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text(f'database_url = "sqlite:///{tmp_path}/other.db"\n')
    cli("account", "--config", config, "create", "one")
    assert (tmp_path / "other.db").exists()
    assert names(cli, "--config", config) == ["admin", "one"]
    assert names(cli) == ["admin"]


@pytest.mark.parametrize(
    "text, words",
    [
        ("porrt = 1", "`porrt`: there is no such setting; is it `port`?"),
        ("port = 'x'", "`port`"),
        ("port = ", "is not TOML"),
        ("database_url = 'mysql://x/y'", "`database_url`: expected sqlite:///PATH or postgresql://"),
    ],
)
def test_wrong_setting_is_one_line_that_names_file_and_key(
    cli: Call, tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "c.toml").write_text(text)
    for command in (("key", "list"), ("trace", "list"), ("channel", "list"), ("serve", "--port", 0)):
        done = cli(*command, "--config", tmp_path / "c.toml")
        assert done.code == 1
        assert done.err.startswith(f"darkroom: {tmp_path}/c.toml: ")
        assert words in done.err
        assert done.err.count("\n") == 1


def test_file_that_is_no_database_is_told_in_one_line(cli: Call, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "darkroom.db").write_text("not a database, but long enough to look like one " * 50)
    done = cli("key", "list")
    assert done.code == 1
    assert "its file is not a database" in done.err
    assert done.err.count("\n") == 1
