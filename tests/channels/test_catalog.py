"""Channel tables: what they become, what is refused and how, and that no key is ever shown."""

import msgspec
import pytest

from darkroom.channels.catalog import read_channels
from darkroom.errors import Invalid

URL = "http://127.0.0.1:9100/v1"
LEAST = {"name": "main", "base_url": URL, "api_key": "sk-literal"}


def read(env=(), **table):
    return read_channels([LEAST | table], dict(env))[0]


def refused(env=(), **table):
    with pytest.raises(Invalid) as caught:
        read_channels([{k: v for k, v in (LEAST | table).items() if v is not ...}], dict(env))
    return caught.value


def test_channel_has_the_documented_defaults_when_only_three_keys_are_given():
    assert msgspec.structs.asdict(read()) == {
        "name": "main",
        "base_url": URL,
        "api_key": "sk-literal",
        "speaks": ("responses", "images"),
        "streams": ("responses", "images"),
        "models": "*",
        "bridge_model": None,
        "priority": 0,
        "weight": 1,
        "connect_s": 10,
        "first_event_s": 40,
        "silence_s": 180,
        "total_s": 600,
    }


def test_channel_takes_every_documented_key():
    table = {
        "speaks": ["responses", "images"],
        "streams": ["responses"],
        "models": ["gpt-5.5", "gpt-image-2"],
        "bridge_model": "gpt-5.5",
        "priority": 10,
        "weight": 0.5,
        "connect_s": 1,
        "first_event_s": 2.5,
        "silence_s": 3,
        "total_s": 4,
    }
    channel = read(**table)
    for key, value in table.items():
        assert getattr(channel, key) == (tuple(value) if isinstance(value, list) else value)


def test_channels_keep_their_order():
    tables = [LEAST | {"name": name} for name in ("b", "a", "备用")]
    assert [channel.name for channel in read_channels(tables, {})] == ["b", "a", "备用"]
    assert read_channels([], {}) == ()


def test_key_comes_from_the_environment_or_a_file(tmp_path):
    file = tmp_path / "key"
    file.write_text("sk-from-file\n")
    assert read(env={"MAIN_KEY": " sk-from-env "}, api_key="env:MAIN_KEY").api_key == "sk-from-env"
    assert read(api_key=f"file:{file}").api_key == "sk-from-file"
    assert read(api_key="").api_key == ""


@pytest.mark.parametrize(
    "api_key, content, words",
    [
        ("env:MAIN_KEY", None, ["MAIN_KEY", "set it"]),
        ("env:EMPTY", None, ["EMPTY", "set it"]),
        ("file:{file}", None, ["cannot be read", "No such file"]),
        ("file:{file}", b" \n", ["is empty"]),
        ("file:{file}", b"\xff\xfe\x00", ["it is not text"]),
        ("file:{file}", b"two words", ["visible ASCII"]),
        ("sk-line\nbreak", None, ["visible ASCII"]),
        ("sk-schlüssel", None, ["visible ASCII"]),
        (42, None, ["expected the key"]),
    ],
)
def test_key_that_cannot_be_had_is_told_without_showing_it(tmp_path, api_key, content, words):
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    given = api_key.replace("{file}", str(file)) if isinstance(api_key, str) else api_key
    error = refused(env={"EMPTY": " "}, api_key=given)
    assert error.message.startswith("channel `main`: `api_key`: ")
    assert error.param == "api_key"
    for word in words:
        assert word in error.message
    for shown in ("two words", "sk-line", "schl", "42"):
        assert shown not in error.message


@pytest.mark.parametrize(
    "table, key, words",
    [
        ({"name": ...}, "name", ["channel number 1", "is missing"]),
        ({"base_url": ...}, "base_url", ["is missing", "https://api.example/v1"]),
        ({"api_key": ...}, "api_key", ["is missing", "env:NAME"]),
        ({"name": ""}, "name", ["1 to 100 characters"]),
        ({"name": "x" * 101}, "name", ["1 to 100 characters"]),
        ({"name": " main"}, "name", ["spaces around"]),
        ({"name": "a\nb"}, "name", ["control characters"]),
        ({"name": 3}, "name", ["channel number 1", "got 3"]),
        ({"base_url": "api.example"}, "base_url", ["must start with http"]),
        ({"base_url": "http://u:p@api.example"}, "base_url", ["user or password"]),
        ({"speaks": []}, "speaks", ["is empty"]),
        ({"speaks": "responses"}, "speaks", ['a list of "responses" and "images"', "got 'responses'"]),
        ({"speaks": ["chat"]}, "speaks", ['a list of "responses" and "images"']),
        ({"speaks": ["images"], "streams": ["responses"]}, "streams", ["not in `speaks`"]),
        ({"models": []}, "models", ["model names"]),
        ({"models": ["a", ""]}, "models", ["model names"]),
        ({"models": "gpt-5.5"}, "models", ['expected "*" or a list']),
        ({"bridge_model": 5}, "bridge_model", ["the name of a model"]),
        ({"priority": 1.5}, "priority", ["a whole number", "got 1.5"]),
        ({"priority": True}, "priority", ["a whole number"]),
        ({"weight": -1}, "weight", ["a number from 0"]),
        ({"weight": float("inf")}, "weight", ["a number from 0"]),
        ({"connect_s": 0}, "connect_s", ["a number of seconds", "got 0"]),
        ({"first_event_s": "40"}, "first_event_s", ["a number of seconds"]),
        ({"silence_s": float("nan")}, "silence_s", ["a number of seconds"]),
        ({"total_s": float("inf")}, "total_s", ["a number of seconds"]),
        ({"base_ulr": "x"}, "base_ulr", ["no such key", "is it `base_url`?"]),
        ({"colour": "red"}, "colour", ["no such key"]),
    ],
)
def test_wrong_table_is_told_by_channel_and_key(table, key, words):
    error = refused(**table)
    assert error.param == key
    assert f"`{key}`" in error.message
    assert error.message.startswith("channel `main`: ") or "name" in table
    for word in words:
        assert word in error.message
    assert "sk-literal" not in error.message


def test_two_channels_with_one_name_are_refused():
    with pytest.raises(Invalid, match="channel `main`: `name`: two channels"):
        read_channels([LEAST, LEAST], {})


def test_streams_follow_what_is_spoken_unless_they_are_named():
    assert read(speaks=["images"]).streams == ("images",)
    assert read(speaks=["images"], streams=[]).streams == ()


def test_models_with_a_star_among_them_are_any():
    assert read(models=["gpt-5.5", "*"]).models == "*"
    assert read(models="*").models == "*"


def test_slashes_at_the_end_of_the_url_are_dropped():
    assert read(base_url=URL + "//").base_url == URL


def test_repr_never_shows_the_key():
    channel = read(api_key="sk-very-secret")
    assert "very-secret" not in f"{channel} {channel!r} {[channel]}"
    assert "main" in repr(channel)


def test_secrets_are_the_key_and_the_place_but_no_bare_word():
    assert read().secrets == ("sk-literal", URL, "127.0.0.1:9100", "127.0.0.1")
    assert read(api_key="", base_url="http://api/v1").secrets == ("http://api/v1",)


@pytest.mark.parametrize(
    "models, model, image_model, surface, serves",
    [
        ("*", "anything", "gpt-image-2", "responses", True),
        (["gpt-5.5"], "gpt-5.5", None, "responses", True),
        (["gpt-5.5"], "gpt-5.5", "gpt-image-2", "responses", False),
        (["gpt-5.5", "gpt-image-2"], "gpt-5.5", "gpt-image-2", "responses", True),
        (["gpt-image-2"], "gpt-5.5", "gpt-image-2", "responses", False),
        (["gpt-image-2"], "gpt-5.5", "gpt-image-2", "images", True),
        (["gpt-image-2"], None, "gpt-image-1", "images", False),
        (["gpt-5.5"], None, None, "responses", True),
        (["gpt-5.5"], "gpt-5", None, "responses", False),
        (["GPT-5.5"], "gpt-5.5", None, "responses", False),
    ],
)
def test_channel_serves_the_models_that_it_lists(models, model, image_model, surface, serves):
    channel = read(models=models)
    assert channel.serves(model, image_model, surface) is serves
    assert (channel.refusal(model, image_model, surface) is None) is serves


def test_channel_does_not_serve_what_it_does_not_speak():
    channel = read(speaks=["images"])
    assert not channel.serves("gpt-5.5", None, "responses")
    assert channel.refusal("gpt-5.5", None, "responses") == "does not speak the responses API"
