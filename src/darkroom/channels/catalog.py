"""The upstreams that an operator has configured: `[[channel]]` tables in, checked values out.

Counterpart of `router`, which ranks channels, and of `upstream`, which calls them.
Law: a wrong table stops with a message that names the channel and the key and says what to do; a secret is never
part of a message or of a `repr`.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

from darkroom.channels.address import Address, read_address
from darkroom.errors import Invalid

Surface = Literal["responses", "images"]
"""An API that an upstream understands."""
SURFACES: tuple[Surface, ...] = get_args(Surface)

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Priority = Annotated[int, Meta(ge=-1_000_000, le=1_000_000)]
Weight = Annotated[float, Meta(ge=0, le=1_000_000)]
Seconds = Annotated[float, Meta(ge=0.01, le=604_800)]


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """One upstream, as DESIGN section 7 writes it. `_s` is seconds."""

    name: Name
    """Unlike any other; it is what commands and traces say."""
    base_url: str
    """Everything before `/responses`, without a slash at the end."""
    api_key: str
    """The key, or `env:NAME` or `file:PATH` where it is; empty for an upstream that needs none."""
    speaks: tuple[Surface, ...] = SURFACES
    """Which APIs this upstream understands."""
    streams: tuple[Surface, ...] = SURFACES
    """Which of them may be asked to stream."""
    models: Literal["*"] | tuple[str, ...] = "*"
    """Exact names; a responses channel lists the outer model and the tool's, an images channel the image model."""
    bridge_model: str | None = None
    """The outer model of Images requests that are bridged to Responses."""
    priority: Priority = 0
    """Higher first."""
    weight: Weight = 1
    """The share within one priority; 0 is asked only after the others."""
    connect_s: Seconds = 10
    """To resolve the name, connect and shake hands."""
    first_event_s: Seconds = 40
    """From the request to the first event; Responses upstreams only."""
    silence_s: Seconds = 180
    """Between two events."""
    total_s: Seconds = 600
    """For one request, over all attempts."""

    def __repr__(self) -> str:
        """Without the key."""
        return f"Channel(name={self.name!r}, base_url={self.base_url!r})"

    @property
    def address(self) -> Address:
        """`base_url` taken apart."""
        return read_address(self.base_url)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never reach a customer: the key, and where the upstream is.

        A bare name such as `api` would be found inside other words, so it is none.
        """
        address = self.address
        places = (self.base_url, address.authority.decode(), address.host)
        return (*filter(None, [self.api_key]), *(place for place in places if "." in place or ":" in place))

    def serves(self, model: str | None, image_model: str | None, surface: Surface) -> bool:
        """Whether this upstream can be asked for these models through `surface`; None names no model."""
        return self.refusal(model, image_model, surface) is None

    def refusal(self, model: str | None, image_model: str | None, surface: Surface) -> str | None:
        """Why this upstream cannot be asked, in words for the trace; None if it can."""
        if surface not in self.speaks:
            return f"does not speak the {surface} API"
        wanted = (model, image_model) if surface == "responses" else (image_model,)
        for name in wanted:
            if name is not None and self.models != "*" and name not in self.models:
                return f"does not list the model {name}"
        return None


def read_channels(tables: Sequence[Mapping[str, Any]], env: Mapping[str, str]) -> tuple[Channel, ...]:
    """The channels of a config file's `[[channel]]` tables, in their order. Raises Invalid."""
    channels: dict[str, Channel] = {}
    for number, table in enumerate(tables, 1):
        channel = _read(table, number, env)
        if channel.name in channels:
            raise _wrong(f"`{channel.name}`", "name", "two channels have this name; give each its own")
        channels[channel.name] = channel
    return tuple(channels.values())


_FIELDS = {field.name: field for field in msgspec.structs.fields(Channel)}
_WORDS = {
    "name": "text of 1 to 100 characters",
    "base_url": 'the address of the API, such as "https://api.example/v1"',
    "api_key": 'the key, or "env:NAME" or "file:PATH" that says where it is',
    "speaks": 'a list of "responses" and "images"',
    "streams": 'a list of "responses" and "images"',
    "models": '"*" or a list of model names',
    "bridge_model": "the name of a model",
    "priority": "a whole number",
    "weight": "a number from 0",
}
"""By field: what is expected. The rest are seconds."""


def _wrong(channel: str, key: str, problem: str) -> Invalid:
    return Invalid(f"channel {channel}: `{key}`: {problem}", code="invalid_settings", param=key)


def _read(table: Mapping[str, Any], number: int, env: Mapping[str, str]) -> Channel:
    name = table.get("name")
    known = f"`{name}`" if isinstance(name, str) and name else f"number {number}"
    for key in table:
        if key not in _FIELDS:
            near = difflib.get_close_matches(key, _FIELDS, n=1)
            raise _wrong(known, key, "there is no such key" + (f"; is it `{near[0]}`?" if near else ""))
    for key, field in _FIELDS.items():
        if field.required and key not in table:
            raise _wrong(known, key, f"is missing; expected {_WORDS[key]}")
    values = {key: _convert(known, key, value) for key, value in table.items()}
    values["api_key"] = _secret(values["api_key"], env, known)
    if "streams" not in values:
        values["streams"] = values.get("speaks", SURFACES)
    for key, check in _CHECKS.items():
        if key in values and (problem := check(values)):
            raise _wrong(known, key, problem)
    values["base_url"] = values["base_url"].rstrip("/")
    if values.get("models") != "*" and "*" in values.get("models", ()):
        values["models"] = "*"
    return Channel(**values)


def _convert(channel: str, key: str, value: Any) -> Any:
    try:
        return msgspec.convert(value, _FIELDS[key].type)
    except msgspec.ValidationError:
        shown = "" if key == "api_key" else f", got {value!r}"
        raise _wrong(channel, key, f"expected {_WORDS.get(key, 'a number of seconds')}{shown}") from None


def _secret(text: str, env: Mapping[str, str], channel: str) -> str:
    """The key that `env:NAME` or `file:PATH` names, or the text itself."""
    source, _, rest = text.partition(":")
    if source == "env":
        text = env.get(rest, "").strip()
        if not text:
            raise _wrong(channel, "api_key", f"the environment has no {rest}; set it before the start")
    elif source == "file":
        try:
            text = Path(rest).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else "it is not text"
            raise _wrong(channel, "api_key", f"the file {rest} cannot be read: {reason}") from None
        if not text:
            raise _wrong(channel, "api_key", f"the file {rest} is empty")
    if not text.isascii() or any(not "!" <= letter <= "~" for letter in text):
        raise _wrong(channel, "api_key", "a key has only visible ASCII characters, without spaces")
    return text


def _no_name(values: dict[str, Any]) -> str | None:
    name = values["name"]
    fine = name.isprintable() and name == name.strip()
    return None if fine else "must not have control characters, or spaces around it"


def _no_address(values: dict[str, Any]) -> str | None:
    try:
        read_address(values["base_url"])
    except ValueError as exc:
        return f"{exc}; expected {_WORDS['base_url']}"
    return None


def _no_surfaces(values: dict[str, Any]) -> str | None:
    return None if values["speaks"] else "is empty; leave it out if the upstream understands both"


def _no_streams(values: dict[str, Any]) -> str | None:
    unspoken = [surface for surface in values["streams"] if surface not in values.get("speaks", SURFACES)]
    return f'"{unspoken[0]}" is not in `speaks`; only what is spoken can stream' if unspoken else None


def _no_models(values: dict[str, Any]) -> str | None:
    models = values["models"]
    if models == "*" or (models and all(models)):
        return None
    return f'expected {_WORDS["models"]}; "*" if it serves any'


_CHECKS: dict[str, Callable[[dict[str, Any]], str | None]] = {
    "name": _no_name,
    "base_url": _no_address,
    "speaks": _no_surfaces,
    "streams": _no_streams,
    "models": _no_models,
}
"""By field: what is wrong with a table's converted values, or None."""
