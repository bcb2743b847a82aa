"""`darkroom channel`: what the config file names, and whether it answers."""

import socket
import threading
from pathlib import Path

import pytest

from tests.cli.conftest import KEY, Call

TABLE = '[[channel]]\nname = "{}"\nbase_url = "{}"\napi_key = "{}"\n'


def write(*channels: tuple[str, str, str], more: str = "") -> None:
    Path("data").mkdir(exist_ok=True)
    Path("data/darkroom.toml").write_text("".join(TABLE.format(*channel) for channel in channels) + more)


def test_list_says_that_the_sandbox_serves_while_there_is_no_channel(cli: Call) -> None:
    done = cli("channel", "list")
    assert (done.code, done.out) == (0, "")
    assert "sandbox" in done.err
    assert cli("channel", "list", "--json").tree == {"channels": []}


def test_list_shows_the_first_asked_on_top_and_no_key(cli: Call) -> None:
    low, high = ("low", "http://127.0.0.1:1/v1", "sk-secret"), ("high", "https://up.example/v1/", "sk-secret")
    write(low, high, more='priority = 5\nweight = 0.5\nspeaks = ["responses"]\nmodels = ["a", "b"]\n')
    done = cli("channel", "list")
    rows = [line.split() for line in done.out.splitlines()[1:]]
    assert rows == [
        ["high", "https://up.example/v1", "yes", "responses", "a,b", "5", "0.5"],
        ["low", "http://127.0.0.1:1/v1", "yes", "responses,images", "all", "0", "1"],
    ]
    listed = cli("channel", "list", "--json")
    assert "sk-secret" not in done.out + listed.out
    assert [(one["name"], one["api_key"]) for one in listed.tree["channels"]] == [
        ("high", True),
        ("low", True),
    ]


def test_wrong_table_is_one_line_that_names_channel_and_key(cli: Call) -> None:
    write(("main", "http://127.0.0.1:1/v1", "env:NO_SUCH_KEY"))
    done = cli("channel", "list")
    assert done.code == 1
    assert done.err == (
        "darkroom: channel `main`: `api_key`: the environment has no NO_SUCH_KEY; set it before the start\n"
    )


def test_check_says_that_address_and_key_are_right(cli: Call, drawing: str) -> None:
    write(("main", drawing, KEY))
    done = cli("channel", "check", "main")
    assert (done.code, done.err) == (0, "main: address and key are right.\n")
    message = "main: address and key are right."
    expected = {"channel": "main", "status": 200, "ok": True, "message": message}
    assert cli("channel", "check", "main", "--json").tree == expected


def test_check_says_what_is_wrong(cli: Call, drawing: str) -> None:
    write(
        ("key", drawing, "sk-other"), ("path", drawing + "/v2", KEY), ("gone", "http://127.0.0.1:1/v1", KEY)
    )
    for name, status, words in (
        ("key", 401, "refuses the key"),
        ("path", 404, "should end in /v1"),
        ("gone", 0, "cannot be reached"),
    ):
        done = cli("channel", "check", name, "--json")
        assert (done.code, done.tree["status"], done.tree["ok"]) == (1, status, False)
        assert words in done.tree["message"]
        assert KEY not in done.out


@pytest.mark.parametrize("status", [302, 500])
def test_check_is_not_content_with_any_answer(cli: Call, status: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(65536)
                peer.sendall(b"HTTP/1.1 %d X\r\ncontent-length: 0\r\nlocation: /else\r\n\r\n" % status)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        write(("odd", f"http://127.0.0.1:{listener.getsockname()[1]}/v1", KEY))
        done = cli("channel", "check", "odd")
        thread.join(10)
    assert (done.code, done.err) == (1, f"odd: answers with status {status}.\n")


def test_check_of_an_unknown_channel_is_refused(cli: Call) -> None:
    assert cli("channel", "check", "main").err.startswith("darkroom: There is no channel main.")
