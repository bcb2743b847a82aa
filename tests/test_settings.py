"""Settings: which source wins, what each default is, and how a wrong one is refused, in plain words."""

import math
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from darkroom import errors
from darkroom.settings import Settings, SettingsError, keys

NOTHING: dict[str, str] = {}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder of one's own; `data` in it is the default data folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    return tmp_path


def configure(folder: Path, text: str) -> Path:
    """Write the config file that is found without being named."""
    file = folder / "data" / "darkroom.toml"
    file.write_text(text, encoding="utf-8")
    return file


def refusal(**kwargs: Any) -> str:
    """The message of a refused start."""
    kwargs.setdefault("env", NOTHING)
    with pytest.raises(SettingsError) as caught:
        Settings.load(**kwargs)
    return caught.value.message


def test_settings_are_the_defaults_when_nothing_is_said(folder: Path) -> None:
    settings = Settings.load(env=NOTHING)
    assert settings == Settings()
    assert (settings.host, settings.port, settings.data) == ("127.0.0.1", 8000, Path("data"))
    assert settings.config is None
    assert settings.channels == ()


def test_settings_default_to_the_figures_of_the_design() -> None:
    settings = Settings()
    assert settings.stop_grace_s == 150
    assert (settings.keep_alive_first_s, settings.keep_alive_every_s) == (45, 15)
    assert (settings.caller_stall_s, settings.caller_lag_s) == (120, 30)
    assert (settings.body_limit_mb, settings.body_spool_kb, settings.body_budget_mb) == (100, 1024, 512)
    assert (settings.leave_policy, settings.field_names, settings.currency) == ("auto", "openai", "USD")
    assert settings.cors_origins == settings.trusted_proxies == ()
    assert settings.trace_prompts is False


def test_settings_cannot_be_changed_after_the_start() -> None:
    with pytest.raises(AttributeError):
        Settings().port = 1  # type: ignore[misc]


def test_flag_wins_over_variable_wins_over_file_wins_over_default(folder: Path) -> None:
    configure(folder, 'host = "10.0.0.1"\nport = 1\n')
    assert Settings.load(env=NOTHING).port == 1
    assert Settings.load(env={"DARKROOM_PORT": "2"}).port == 2
    assert Settings.load(port=3, env={"DARKROOM_PORT": "2"}).port == 3
    assert Settings.load(env=NOTHING).host == "10.0.0.1"
    assert Settings.load(env={"DARKROOM_HOST": "10.0.0.2"}).host == "10.0.0.2"
    assert Settings.load(host="10.0.0.3", env={"DARKROOM_HOST": "10.0.0.2"}).host == "10.0.0.3"


def test_port_zero_given_as_a_flag_is_not_taken_for_none(folder: Path) -> None:
    configure(folder, "port = 1\n")
    assert Settings.load(port=0, env=NOTHING).port == 0


def test_empty_variable_counts_as_unset(folder: Path) -> None:
    empty = dict.fromkeys(("DARKROOM_HOST", "DARKROOM_PORT", "DARKROOM_DATA", "DARKROOM_CONFIG"), "")
    assert Settings.load(env=empty) == Settings()


def test_data_folder_is_taken_from_flag_then_variable_then_named_file(folder: Path) -> None:
    named = folder / "elsewhere.toml"
    named.write_text('data = "kept"\n')
    assert Settings.load(config=named, env=NOTHING).data == folder / "kept"
    assert Settings.load(config=named, env={"DARKROOM_DATA": "v"}).data == Path("v")
    assert Settings.load(config=named, data="f", env={"DARKROOM_DATA": "v"}).data == Path("f")


def test_config_file_is_found_in_the_data_folder_that_was_named(folder: Path) -> None:
    (folder / "other").mkdir()
    (folder / "other" / "darkroom.toml").write_text("port = 77\n")
    settings = Settings.load(data="other", env=NOTHING)
    assert settings.port == 77
    assert settings.config == Path("other/darkroom.toml")
    assert Settings.load(env={"DARKROOM_DATA": "other"}).port == 77


def test_config_file_may_be_named_by_variable_and_flag_wins(folder: Path) -> None:
    for number, name in enumerate(("a.toml", "b.toml")):
        (folder / name).write_text(f"port = {number}\n")
    assert Settings.load(env={"DARKROOM_CONFIG": "a.toml"}).port == 0
    assert Settings.load(config="b.toml", env={"DARKROOM_CONFIG": "a.toml"}).port == 1


def test_file_found_in_the_data_folder_may_not_move_it(folder: Path) -> None:
    file = configure(folder, 'data = "elsewhere"\n')
    message = refusal()
    assert f"{file.relative_to(folder)}: `data`" in message
    assert "--config" in message


def test_file_with_a_byte_order_mark_is_read(folder: Path) -> None:
    configure(folder, "\ufeffport = 5\n")
    assert Settings.load(env=NOTHING).port == 5


def test_named_file_that_is_missing_is_refused_by_name(folder: Path) -> None:
    assert refusal(config="nowhere.toml") == "nowhere.toml: there is no such config file"


def test_folder_named_as_config_is_refused_without_a_traceback(folder: Path) -> None:
    assert "cannot be read" in refusal(config=folder)


def test_broken_toml_is_refused_with_its_line(folder: Path) -> None:
    configure(folder, "port = 1\nhost = \n")
    assert re.search(r"darkroom\.toml: is not TOML: .*line 2", refusal())


def test_file_that_is_not_utf8_is_refused(folder: Path) -> None:
    (folder / "data" / "darkroom.toml").write_bytes(b'name = "\xff\xfe"\n')
    assert "is not UTF-8 text" in refusal()


def test_unknown_key_is_refused_with_the_nearest_one(folder: Path) -> None:
    file = configure(folder, "prot = 1\n")
    assert refusal() == f"{file.relative_to(folder)}: `prot`: there is no such setting; is it `port`?"


def test_unknown_key_like_no_other_is_refused_without_a_guess(folder: Path) -> None:
    configure(folder, "zzzzzz = 1\n")
    assert refusal().endswith("`zzzzzz`: there is no such setting")


def test_fields_set_by_flag_alone_are_no_keys_of_the_file(folder: Path) -> None:
    configure(folder, 'config = "other.toml"\n')
    assert "`config`: there is no such setting" in refusal()


@pytest.mark.parametrize(
    "line, key, words",
    [
        ('port = "80"', "port", "expected a whole number, got text"),
        ("port = 70000", "port", "<= 65535"),
        ("port = true", "port", "a whole number"),
        ("host = 1", "host", "expected text"),
        ("host = 2024-01-01", "host", "expected text"),
        ('stop_grace_s = "1"', "stop_grace_s", "expected a number, got text"),
        ("stop_grace_s = -1", "stop_grace_s", ">= 0"),
        ("stop_grace_s = inf", "stop_grace_s", "<="),
        ("keep_alive_every_s = nan", "keep_alive_every_s", "a number"),
        ("keep_alive_every_s = 0", "keep_alive_every_s", ">= 0.01"),
        ('leave_policy = "stay"', "leave_policy", "stay"),
        ('field_names = "both"', "field_names", "both"),
        ('currency = "usd"', "currency", "[A-Z]{3}"),
        ('trusted_proxies = "10.0.0.0/8"', "trusted_proxies", "expected a list, got text"),
        ('trusted_proxies = ["10.0.0.1/8"]', "trusted_proxies", "10.0.0.1/8"),
        ('trusted_proxies = ["here"]', "trusted_proxies", "here"),
        ("trusted_proxies = [1]", "trusted_proxies[0]", "expected text"),
        ('cors_origins = ["chat.example"]', "cors_origins", "https://chat.example"),
        ('cors_origins = ["https://chat.example/"]', "cors_origins", "https://chat.example"),
        ('public_url = "images.example"', "public_url", "https://images.example"),
        ('public_url = "https://images.example/"', "public_url", "slash"),
        ('database_url = "mysql://x"', "database_url", "postgresql://"),
        ('traces_url = "traces.db"', "traces_url", "sqlite:///"),
        ('pictures_url = "pictures"', "pictures_url", "s3://BUCKET/PREFIX"),
        ('pictures_url = "gs://bucket"', "pictures_url", "s3://BUCKET/PREFIX"),
        ("picture_hours = 0", "picture_hours", ">= 1"),
        ('metrics_networks = ["here"]', "metrics_networks", "here"),
        ('metrics_token = "short"', "metrics_token", "at least 8"),
        ("body_limit_mb = 0", "body_limit_mb", ">= 1"),
        ("body_limit_mb = 600", "body_budget_mb", "at least `body_limit_mb`"),
        ("trace_days = 1.5", "trace_days", "a whole number"),
        ('trace_prompts = "yes"', "trace_prompts", "bool"),
        ('[channel]\nname = "x"', "channel", "[[channel]]"),
        ('[price]\nmodel = "x"', "price", "[[price]]"),
    ],
)
def test_wrong_value_is_refused_naming_file_and_key(folder: Path, line: str, key: str, words: str) -> None:
    file = configure(folder, line + "\n")
    message = refusal()
    assert message.startswith(f"{file.relative_to(folder)}: `{key}`: ")
    assert words in message


@pytest.mark.parametrize("text", ["http", "-1", "65536", "1.5", "٣", "+1"])
def test_wrong_port_in_the_variable_is_refused_naming_the_variable(folder: Path, text: str) -> None:
    assert refusal(env={"DARKROOM_PORT": text}).startswith("DARKROOM_PORT: expected a port from 0 to 65535")


@pytest.mark.parametrize("port", [-1, 65536])
def test_wrong_port_as_a_flag_is_refused_naming_the_flag(folder: Path, port: int) -> None:
    assert refusal(port=port).startswith("--port: ")


def test_data_folder_that_no_url_can_hold_is_refused(folder: Path) -> None:
    assert "`data`: a path with `?`" in refusal(data="what?")


@pytest.mark.parametrize(
    "line, value",
    [
        ("stop_grace_s = 0", 0),
        ("stop_grace_s = 2.5", 2.5),
        ('cors_origins = ["*", "http://localhost:3000"]', ("*", "http://localhost:3000")),
        ('trusted_proxies = ["10.0.0.0/8", "::1", "192.0.2.7"]', ("10.0.0.0/8", "::1", "192.0.2.7")),
        ('public_url = "https://images.example/relay"', "https://images.example/relay"),
        (
            'database_url = "postgresql://user:word@db.example/darkroom"',
            "postgresql://user:word@db.example/darkroom",
        ),
        ('database_url = "postgres://db.example/darkroom"', "postgres://db.example/darkroom"),
        ('pictures_url = "s3://bucket/a/b?region=x"', "s3://bucket/a/b?region=x"),
        ('pictures_url = "file:///srv/pictures"', "file:///srv/pictures"),
        ('support = "帮助@图.example"', "帮助@图.example"),
        ('leave_policy = "finish"', "finish"),
        ("body_budget_mb = 100", 100),
    ],
)
def test_right_value_is_taken_as_it_is_written(folder: Path, line: str, value: object) -> None:
    configure(folder, line + "\n")
    assert getattr(Settings.load(env=NOTHING), line.split(" = ")[0]) == value


def test_channel_and_price_tables_are_kept_raw_and_in_order(folder: Path) -> None:
    configure(
        folder,
        '[[channel]]\nname = "a"\nanything = {deep = [1]}\n[[channel]]\nname = "b"\n'
        '[[price]]\nmodel = "gpt-image-2"\nper_image_micros = 40000\n',
    )
    settings = Settings.load(env=NOTHING)
    assert settings.channels == ({"name": "a", "anything": {"deep": [1]}}, {"name": "b"})
    assert settings.prices == ({"model": "gpt-image-2", "per_image_micros": 40000},)


def test_store_is_two_files_in_the_data_folder_unless_a_url_is_set(folder: Path) -> None:
    settings = Settings.load(data="kept", env=NOTHING)
    assert settings.store_url == f"sqlite:///{folder}/kept/darkroom.db"
    assert settings.trace_store_url == f"sqlite:///{folder}/kept/traces.db"


def test_traces_stay_a_file_beside_a_sqlite_store_and_follow_a_postgresql_one() -> None:
    assert (
        Settings(data=Path("/d"), database_url="sqlite:////x/y.db").trace_store_url
        == "sqlite:////d/traces.db"
    )
    assert Settings(database_url="postgresql://db/x").trace_store_url == "postgresql://db/x"
    assert (
        Settings(database_url="postgresql://db/x", traces_url="sqlite:////t.db").trace_store_url
        == "sqlite:////t.db"
    )


def test_settings_shown_in_a_log_hold_no_secret() -> None:
    settings = Settings(database_url="postgresql://me:secret@db/x", channels=({"api_key": "sk-secret"},))
    assert "secret" not in repr(settings)
    assert "secret" not in str(settings)


def test_settings_made_in_code_are_checked_too() -> None:
    with pytest.raises(ValueError, match="`public_url`"):
        Settings(public_url="x")


def test_settings_error_is_of_the_one_tree_and_blames_the_installation() -> None:
    error = SettingsError("words")
    assert isinstance(error, errors.Error)
    assert error.blame == "gateway"
    assert not error.retryable
    assert error.body()["error"]["code"] == "invalid_settings"


def test_keys_are_the_names_of_the_file_and_leave_out_what_it_cannot_set() -> None:
    assert {"port", "data", "channel", "price", "stop_grace_s"} <= set(keys())
    assert not {"config", "channels", "prices"} & set(keys())
    assert len(keys()) == len(msgspec.structs.fields(Settings)) - 1


toml_values = st.one_of(
    st.integers(-(2**40), 2**40),
    st.floats(allow_nan=True, allow_infinity=True),
    st.booleans(),
    st.text(st.characters(codec="ascii", categories=("L", "N")), max_size=8),
)


def spell(value: object) -> str:
    """A value as TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and (math.isnan(value) or math.isinf(value)):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, float):
        return repr(value) if "." in repr(value) else f"{value:.1f}"
    return f'"{value}"' if isinstance(value, str) else str(value)


@hypothesis_settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(key=st.sampled_from(keys()), value=toml_values)
def test_any_value_is_either_taken_or_refused_by_name(folder: Path, key: str, value: object) -> None:
    file = folder / "any.toml"
    file.write_text(f"{key} = {spell(value)}\n")
    try:
        settings = Settings.load(config=file, env=NOTHING)
    except SettingsError as refused:
        assert str(file) in refused.message
        assert "`" in refused.message
    else:
        assert isinstance(settings, Settings)
