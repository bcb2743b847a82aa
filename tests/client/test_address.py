import pytest

from darkroom import errors
from darkroom.client.address import find_api_key, find_base_url, is_local

OURS = {"DARKROOM_BASE_URL": "http://ours:1/v1", "DARKROOM_API_KEY": "sk-ours"}
THEIRS = {"OPENAI_BASE_URL": "http://theirs:1/v1", "OPENAI_API_KEY": "sk-theirs"}


@pytest.mark.parametrize(
    "given, env, url",
    [
        ("http://given:1/v1", OURS | THEIRS, "http://given:1/v1"),
        (None, OURS | THEIRS, "http://ours:1/v1"),
        (None, THEIRS, "http://theirs:1/v1"),
        (None, {**THEIRS, "DARKROOM_BASE_URL": " "}, "http://theirs:1/v1"),
        ("http://given:1/v1/", {}, "http://given:1/v1"),
        (" https://relay.example/v1 ", {}, "https://relay.example/v1"),
        ("http://[::1]:8000/v1", {}, "http://[::1]:8000/v1"),
    ],
)
def test_base_url_is_given_or_ours_or_theirs(given: str | None, env: dict[str, str], url: str) -> None:
    assert find_base_url(given, env) == url


@pytest.mark.parametrize("given, env, key", [("sk-x", OURS, "sk-x"), (None, OURS | THEIRS, "sk-ours")])
def test_api_key_is_given_or_ours(given: str | None, env: dict[str, str], key: str) -> None:
    assert find_api_key(given, env) == key


def test_api_key_falls_back_to_theirs() -> None:
    assert find_api_key(None, THEIRS) == "sk-theirs"
    assert find_api_key(" sk-with-a-line-end\n", {}) == "sk-with-a-line-end"


def test_missing_base_url_is_refused_with_the_name_of_the_variable() -> None:
    with pytest.raises(errors.Invalid, match="DARKROOM_BASE_URL"):
        find_base_url(None, {})


def test_missing_api_key_is_refused_with_the_name_of_the_variable() -> None:
    with pytest.raises(errors.Invalid, match="DARKROOM_API_KEY"):
        find_api_key("", {})


@pytest.mark.parametrize(
    "url", ["relay.example/v1", "ftp://relay/v1", "http://", "http://[bad/v1", "http://a:99999/v1"]
)
def test_base_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(errors.Invalid, match="no base URL"):
        find_base_url(url, {})


@pytest.mark.parametrize("key", ["sk-…abcd", "sk-a b", "sk-a\nb", "密钥"])
def test_api_key_that_no_header_can_carry_is_refused(key: str) -> None:
    with pytest.raises(errors.Invalid, match="copied whole"):
        find_api_key(key, {})


@pytest.mark.parametrize(
    "url, local",
    [
        ("http://127.0.0.1:8000/v1", True),
        ("http://localhost:8000/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://127.9.9.9/v1", True),
        ("http://192.168.1.4:8000/v1", False),
        ("https://relay.example/v1", False),
        ("https://localhost.example/v1", False),
    ],
)
def test_is_local_knows_this_machine(url: str, local: bool) -> None:
    assert is_local(url) is local
