"""What an operator can set: one frozen value, read once when the program starts.

A flag wins over `DARKROOM_HOST`, `_PORT`, `_DATA`, `_CONFIG`, these over the file, that over the default.
Every default and meaning is stated once, on its field; `docs/settings.md` is written from them (`make docs`).
Law of this file: a wrong setting stops the start with a message that names file and key, never a traceback.
"""

import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import msgspec
from msgspec import Meta

from darkroom import errors

CONFIG_NAME = "darkroom.toml"

Port = Annotated[int, Meta(ge=0, le=65535)]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
Hours = Annotated[int, Meta(ge=1, le=87_600)]  # ten years: a time in microseconds must fit the store
# A week at most, so that `inf` and slips of the keyboard are refused; a wait of nothing would spin.
Grace = Annotated[float, Meta(ge=0, le=604_800)]
Wait = Annotated[float, Meta(ge=0.01, le=604_800)]
Currency = Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
Table = dict[str, Any]
S = TypeVar("S", bound="Settings")


class SettingsError(errors.GatewayError):
    """The configuration is wrong; the message names the file or variable, and the key."""

    code = "invalid_settings"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that an operator can set. `_s` is seconds, `_kb` 1024 bytes, `_mb` 1024 of those."""

    host: str = "127.0.0.1"
    """The address to listen on; `0.0.0.0` for every IPv4 address of the machine."""
    port: Port = 8000
    """The port to listen on; 0 takes a free one."""
    data: Path = Path("data")
    """The folder of everything that is kept. In a config file it is relative to that file, elsewhere to the
    working folder."""
    config: Path | None = None
    """The config file that was read. Named by flag or variable, not in the file itself; without either,
    `darkroom.toml` in the data folder is read if it is there."""
    database_url: str | None = None
    """Where accounts, keys and channels live: `sqlite:///PATH` or `postgresql://…`. Unset: `darkroom.db` in
    the data folder."""
    traces_url: str | None = None
    """Where traces live. Unset: `traces.db` in the data folder on SQLite, else the same as `database_url`."""
    pictures_url: str | None = None
    """Where pictures and files lie: `s3://BUCKET/PREFIX` or `file:///PATH`. Of a bucket `?endpoint=https://…`,
    `&region=…`, `&access_key_id=env:NAME` and `&secret_access_key=env:NAME` may say more; else the environment does
    (`AWS_ENDPOINT`, `AWS_ACCESS_KEY_ID`, …). Unset: the folder `pictures` in the data folder."""

    name: str = "Darkroom"
    """What this installation calls itself."""
    support: str = ""
    """Whom customers may ask, a mail address or a link: it ends the message of every 5xx answer."""
    public_url: str | None = None
    """The address that customers use, without `/v1`, when a proxy stands in front."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks, such as `10.0.0.0/8`, whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed."""
    cors_origins: tuple[str, ...] = ()
    """Origins, such as `https://chat.example` or `*`, whose pages may call the API from a browser."""
    currency: Currency = "USD"
    """The currency of balances and prices, three capital letters."""

    leave_policy: Literal["auto", "finish", "cancel"] = "auto"
    """What happens to a picture whose customer left: `auto` cancels it while nothing can have been paid and
    finishes it afterwards, `finish` always finishes it, `cancel` always stops it, at the operator's cost."""
    field_names: Literal["openai", "contract"] = "openai"
    """How a partial picture is spelled on Responses streams: `openai` is `partial_image_b64`, `contract` is
    `partial_image`. A key may have its own."""
    stop_grace_s: Grace = 150
    """How long running requests may go on after SIGTERM."""
    keep_alive_first_s: Wait = 45
    """Silence before the first keep-alive of an answer that has not begun."""
    keep_alive_every_s: Wait = 15
    """Silence between keep-alives once an answer has begun."""
    keep_alive_plain: bool = True
    """Whether plain JSON answers are kept alive too, by white space before the JSON."""
    caller_stall_s: Wait = 120
    """A customer who takes no byte for this long has left."""
    caller_lag_s: Wait = 30
    """Once a customer lags this long, the rest goes to disk and the upstream is let go."""

    in_flight_per_key: Count = 500
    """Requests of one key at the same time; more are answered 429."""
    body_limit_mb: Count = 100
    """The largest request body; larger ones are answered 413."""
    body_budget_mb: Count = 512
    """All request bodies of this process together; beyond it, 503 with `Retry-After`."""
    upload_limit_mb: Count = 850
    """The largest multipart body; its pictures go to disk as they arrive. Larger ones are answered 413."""
    upload_budget_mb: Count = 4096
    """All multipart bodies of this process together, on disk; beyond it, 503 with `Retry-After`."""
    fetch_private: bool = False
    """Whether pictures that customers name by address may lie in private networks, on this machine included.
    Whoever has a key can then reach what this server reaches."""
    body_spool_kb: Count = 1024
    """Request bodies above this size are read to disk, not to memory."""
    spool_limit_mb: Count = 256
    """The most that one answer may put on disk, for a slow customer or a repair."""

    store_pictures: Literal["asked", "always", "never"] = "asked"
    """Which finished pictures are stored: `asked` those whose address was asked for (`response_format: "url"`), those
    of Responses requests with `store: true`, and, unless they say `store: false`, of those that an Images upstream
    serves, which keeps nothing itself; `always` all, `never` none: then addresses are refused.
    A key may have its own."""
    picture_hours: Hours = 24
    """Hours that stored pictures are kept."""
    link_hours: Hours = 24
    """Hours that the address of a picture works, never longer than the picture is kept."""
    file_hours: Hours = 48
    """Hours that files uploaded with `POST /v1/files` are kept, unless the upload says `expires_after`."""

    trace_days: Count = 30
    """Days that traces are kept."""
    trace_prompts: bool = False
    """Whether traces keep the prompt. They never keep pictures."""

    metrics_networks: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """Networks that may read `/metrics` without a token. Requests that some proxy has passed on count as from outside,
    unless the proxy is one of `trusted_proxies`."""
    metrics_token: str | None = None
    """Whoever sends it as `Authorization: Bearer …` may read `/metrics` from anywhere. Unset: nobody else may."""

    channels: tuple[Table, ...] = msgspec.field(default=(), name="channel")
    """The upstreams, one table each. Until there is a first one, the built-in sandbox serves."""
    prices: tuple[Table, ...] = msgspec.field(default=(), name="price")
    """The operator's own prices, one table each."""

    def __post_init__(self) -> None:
        for key, problem in _CHECKS.items():
            if found := problem(getattr(self, key)):
                raise ValueError(f"`{key}`: {found}")
        if self.body_budget_mb < self.body_limit_mb:
            raise ValueError(
                "`body_budget_mb`: must be at least `body_limit_mb`, or the largest body never fits"
            )
        if self.upload_budget_mb < self.upload_limit_mb:
            raise ValueError(
                "`upload_budget_mb`: must be at least `upload_limit_mb`, or the largest upload never fits"
            )

    def __repr__(self) -> str:
        """Only what cannot be a secret: URLs and channels may hold passwords and keys."""
        return f"Settings(host={self.host!r}, port={self.port}, data={str(self.data)!r})"

    @property
    def store_url(self) -> str:
        """`database_url`, or the SQLite file in the data folder."""
        return self.database_url or f"sqlite:///{(self.data / 'darkroom.db').absolute()}"

    @property
    def trace_store_url(self) -> str:
        """`traces_url`; else a second SQLite file in the data folder or, on PostgreSQL, the same database."""
        if self.traces_url:
            return self.traces_url
        if self.store_url.startswith("sqlite"):
            return f"sqlite:///{(self.data / 'traces.db').absolute()}"
        return self.store_url

    @classmethod
    def load(
        cls,
        data: str | Path | None = None,
        config: str | Path | None = None,
        host: str | None = None,
        port: int | None = None,
        env: Mapping[str, str] = os.environ,
    ) -> Self:
        """The settings of this start; the arguments are the command line's flags. Raises SettingsError."""
        folder = data or env.get("DARKROOM_DATA")
        named = config or env.get("DARKROOM_CONFIG")
        file = Path(named) if named else Path(folder or "data") / CONFIG_NAME
        table = _read(file, must_exist=bool(named))
        if "data" in table and not named:
            raise SettingsError(
                f"{file}: `data`: only a file named by --config or DARKROOM_CONFIG may set the data folder"
            )
        overrides: dict[str, Any] = {"config": file} if named or table else {}
        if folder:
            overrides["data"] = Path(folder)
        if address := host or env.get("DARKROOM_HOST"):
            overrides["host"] = address
        if port is not None:
            overrides["port"] = _port(str(port), "--port")
        elif text := env.get("DARKROOM_PORT"):
            overrides["port"] = _port(text, "DARKROOM_PORT")
        settings = _convert(cls, table, file)
        try:
            return msgspec.structs.replace(settings, **overrides)
        except ValueError as exc:
            raise SettingsError(str(exc)) from None


def keys() -> tuple[str, ...]:
    """Every key that the TOML file may hold, as it is spelled there."""
    return tuple(f.encode_name for f in msgspec.structs.fields(Settings) if f.name != "config")


def _read(file: Path, *, must_exist: bool) -> Table:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        if must_exist:
            raise SettingsError(f"{file}: there is no such config file") from None
        return {}
    except OSError as exc:
        raise SettingsError(f"{file}: cannot be read: {exc.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{file}: is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as exc:
        raise SettingsError(f"{file}: is not TOML: {exc}") from None


def _convert(cls: type[S], table: Table, file: Path) -> S:
    for key in table:
        if key not in keys():
            near = difflib.get_close_matches(key, keys(), n=1)
            raise SettingsError(
                f"{file}: `{key}`: there is no such setting" + (f"; is it `{near[0]}`?" if near else "")
            )
    try:
        return msgspec.convert(table, cls, dec_hook=lambda _, value: _path(value, file.parent))
    except msgspec.ValidationError as exc:
        raise SettingsError(f"{file}: {_plainly(str(exc))}") from None


def _path(value: object, folder: Path) -> Path:
    if not isinstance(value, str) or not value:
        raise ValueError("Expected the path of a folder")
    return folder / value


def _port(text: str, source: str) -> int:
    if text.isascii() and text.isdecimal() and int(text) <= 65535:
        return int(text)
    raise SettingsError(f"{source}: expected a port from 0 to 65535, got {text!r}")


_WORDS = {
    "`object`": "a table",
    "`array`": "a list",
    "`str`": "text",
    "`int`": "a whole number",
    "`float`": "a number",
}


def _plainly(message: str) -> str:
    """A conversion's "Expected `int`, got `str` - at `$.port`" in an operator's words, the key first."""
    match = re.fullmatch(r"(.*) - at `\$\.?(.*)`", message, re.DOTALL)
    if match is None:
        return message
    problem, key = match.groups()
    for word, plain in _WORDS.items():
        problem = problem.replace(word, plain)
    if key in ("channel", "price"):
        problem += f" (write [[{key}]] with two brackets, once for each)"
    return f"`{key}`: {problem[0].lower()}{problem[1:]}"


def _no_folder(value: Path) -> str | None:
    return "a path with `?` cannot be written as a database URL" if "?" in str(value) else None


def _no_database(value: str | None) -> str | None:
    if value is None or re.match(r"(sqlite(\+\w+)?:///|postgres(ql)?(\+\w+)?://)", value):
        return None
    return "expected sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME"


def _no_bucket(value: str | None) -> str | None:
    if value is None or re.fullmatch(r"s3://[^/\s?#]+(/[^\s?#]*)?(\?[^\s#]*)?|file:///[^\s?#]+", value):
        return None
    return "expected s3://BUCKET/PREFIX or file:///PATH"


def _no_token(value: str | None) -> str | None:
    if value is None or re.fullmatch(r"[!-~]{8,}", value):
        return None
    return "expected at least 8 letters, digits and signs without spaces"


def _no_address(value: str | None) -> str | None:
    if value is None or re.fullmatch(r"https?://[^/\s?#]+(/[^\s?#]*[^/\s?#])?", value):
        return None
    return "expected an address such as https://images.example, without a slash at the end"


def _no_networks(value: tuple[str, ...]) -> str | None:
    for network in value:
        try:
            ipaddress.ip_network(network)
        except ValueError as exc:
            return f"expected networks such as 10.0.0.0/8: {exc}"
    return None


def _no_origins(value: tuple[str, ...]) -> str | None:
    for origin in value:
        if origin != "*" and not re.fullmatch(r"https?://[^/\s?#]+", origin):
            return f"expected origins such as https://chat.example, got {origin!r}"
    return None


_CHECKS: dict[str, Callable[[Any], str | None]] = {
    "data": _no_folder,
    "database_url": _no_database,
    "traces_url": _no_database,
    "pictures_url": _no_bucket,
    "metrics_networks": _no_networks,
    "metrics_token": _no_token,
    "public_url": _no_address,
    "trusted_proxies": _no_networks,
    "cors_origins": _no_origins,
}
"""By field: what is wrong with a value, or None."""
