"""Traces as rows and back. Both directions live here, so a column's meaning exists in one file.

Strings come from callers and upstreams: what a database would refuse is taken out, and the length is bounded.
"""

from typing import Any

import msgspec
from sqlalchemy import Row

from darkroom.traces.trace import Attempt, StageMark, Trace

TEXT_MAX = 2000
"""Letters kept of any one string but the prompt."""
PROMPT_MAX = 32_000
JSON_MAX = 64_000
"""Letters of one JSON column, beyond which every string in it is shortened to `MENDED_MAX`."""
MENDED_MAX = 200
STAGES_MAX = 500
"""Marks kept of one request or attempt: far more than a right stream has."""

_JSON: dict[str, Any] = {
    "requested": dict[str, Any],
    "lost": list[str],
    "delivered": list[dict[str, Any]],
    "repairs": dict[str, int],
    "usage": dict[str, Any] | None,
    "stages": list[StageMark],
}
_TRACE_NAMES = [name for name in Trace.__struct_fields__ if name != "attempts"]
_ATTEMPT_NAMES = Attempt.__struct_fields__
_decoders = {name: msgspec.json.Decoder(type) for name, type in _JSON.items()}


def trace_row(trace: Trace) -> dict[str, Any]:
    """The columns of `traces`."""
    return {name: _write(name, getattr(trace, name)) for name in _TRACE_NAMES}


def attempt_rows(trace: Trace) -> list[dict[str, Any]]:
    """The columns of `attempts`, a dict for each."""
    return [
        {"request_id": _write("request_id", trace.request_id), "number": number}
        | {name: _write(name, getattr(attempt, name)) for name in _ATTEMPT_NAMES}
        for number, attempt in enumerate(trace.attempts)
    ]


def read_trace(row: Row[Any]) -> Trace:
    """A row of `traces` as a trace without its attempts."""
    return Trace(**{name: _read(name, getattr(row, name)) for name in _TRACE_NAMES})


def read_attempt(row: Row[Any]) -> Attempt:
    """A row of `attempts`."""
    return Attempt(**{name: _read(name, getattr(row, name)) for name in _ATTEMPT_NAMES})


def _write(name: str, value: Any) -> Any:
    if name in _JSON:
        return None if value is None else _encode(value[:STAGES_MAX] if name == "stages" else value)
    if isinstance(value, str):
        return _clean(value, PROMPT_MAX if name == "prompt" else TEXT_MAX)
    return value


def _read(name: str, value: Any) -> Any:
    return value if value is None or name not in _decoders else _decoders[name].decode(value)


def _encode(value: Any) -> str:
    try:
        text = msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # half a surrogate pair somewhere inside
        text = ""
    if text and len(text) <= JSON_MAX:
        return text
    return msgspec.json.encode(_mend(value)).decode()


def _mend(value: Any) -> Any:
    """The same with every string cleaned and shortened."""
    if isinstance(value, str):
        return _clean(value, MENDED_MAX)
    if isinstance(value, dict):
        return {_mend(name): _mend(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_mend(each) for each in value]
    return value


def _clean(text: str, most: int) -> str:
    text = text if len(text) <= most else text[: most - 1] + "…"
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
