"""A trace as text that a person reads: a line a stage, its bar as long as it took; the slow hop is a look away.

Counterpart: `words`, which holds every word. What callers and upstreams said is printed without control characters:
it may end up in a terminal.
"""

import unicodedata
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec

from darkroom.traces.trace import Attempt, Trace
from darkroom.traces.words import Language, say

_BARS = " ▏▎▍▌▋▊▉"
_TIMES = 20  # columns of the two times together
_SIZES = ("size", "quality", "format", "background")
_ASKED_AS = {"format": "output_format"}


class _Line(NamedTuple):
    at_us: int
    label: str
    is_stage: bool
    note: str = ""


def waterfall(trace: Trace, lang: Language = "en", width: int = 100) -> str:
    """The whole trace in lines of at most `width` columns where its texts allow; ends without a line break."""
    return "\n".join([*_heading(trace, lang), "", *_chart(trace, lang, width), "", *_facts(trace, lang)])


def elapsed(us: int) -> str:
    """A span in the unit that fits: 812 µs, 4.2 ms, 340 ms, 12.84 s, 3 min 20 s."""
    if us < 1000:
        return f"{us} µs" if us else "0"
    if us < 10_000:
        return f"{us / 1000:.1f} ms"
    if us < 999_500:
        return f"{us / 1000:.0f} ms"
    if us < 120_000_000:
        return f"{us / 1_000_000:.2f} s"
    minutes, seconds = divmod(round(us / 1_000_000), 60)
    return f"{minutes} min {seconds} s"


def size(count: int) -> str:
    """A number of bytes in the unit that fits: 512 B, 3.4 KB, 1.8 MB."""
    if count < 1000:
        return f"{count} B"
    if count < 999_950:
        return f"{count / 1000:.1f} KB"
    return f"{count / 1_000_000:.1f} MB"


# what it was


def _heading(trace: Trace, lang: Language) -> list[str]:
    status = str(trace.status) if trace.status is not None else say(lang, "no_status")
    took = say(
        lang, "took", outcome=say(lang, _safe(trace.outcome or "unknown")), time=elapsed(trace.took_us)
    )
    began = datetime.fromtimestamp(trace.started_at / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    who = [f"{began} UTC"]
    if trace.account is not None:
        who.append(say(lang, "account", account=_safe(trace.account)))
    if trace.key_id is not None:
        who.append(say(lang, "key", key_id=trace.key_id))
    models = dict.fromkeys(_safe(model) for model in (trace.model, trace.image_model) if model)
    if models:
        who.append(" + ".join(models))
    who.append(say(lang, "streamed" if trace.streamed else "plain"))
    if trace.sandbox:
        who.append(say(lang, "sandbox"))
    path = f"{_safe(trace.method)} {_safe(trace.path)}".strip()
    return [
        " · ".join(part for part in (_safe(trace.request_id), path, status, took) if part),
        " · ".join(who),
    ]


# when it happened


def _chart(trace: Trace, lang: Language, width: int) -> list[str]:
    lines = _lines(trace, lang)
    total = max([trace.took_us, *(line.at_us for line in lines), 1])
    label = max(_columns(line.label) for line in lines) + 2 if lines else 8
    bar = max(width - label - _TIMES - 2, 10)
    longest = _longest(lines)
    head = _pad(say(lang, "stage"), label) + _times(say(lang, "at"), say(lang, "gap"))
    out = [f"{head}  0 {elapsed(total).rjust(bar - 2)}"]
    before = 0
    for index, line in enumerate(lines):
        if not line.is_stage:
            out.append(
                (_pad(line.label, label) + _times(elapsed(line.at_us), "") + "  " + line.note).rstrip()
            )
            continue
        gap = line.at_us - before
        text = _pad(line.label, label) + _times(elapsed(line.at_us), elapsed(gap) if index else "")
        text += "  " + _bar(before, line.at_us, total, bar)
        out.append(text.rstrip() + (f" ◂ {say(lang, 'longest')}" if index == longest else ""))
        before = line.at_us
    return out


def _lines(trace: Trace, lang: Language) -> list[_Line]:
    # The request's own stages hold those of its attempts; a trace that came from elsewhere may hold them apart.
    marks = dict.fromkeys([*trace.stages, *(mark for attempt in trace.attempts for mark in attempt.stages)])
    lines = [
        _Line(at, f"{say(lang, _safe(stage))} {_safe(note or '')}".rstrip(), True)
        for stage, at, note in marks
    ]
    for number, attempt in enumerate(trace.attempts, 1):
        label = say(lang, "attempt", number=number, channel=_safe(attempt.channel))
        lines.insert(0, _Line(attempt.started_us, label, False))
        if attempt.error_code or attempt.error_message:
            ended = attempt.started_us if attempt.ended_us is None else attempt.ended_us
            outcome = say(lang, _safe(attempt.outcome or "failed"))
            label = say(lang, "attempt_ended", number=number, outcome=outcome)
            lines.append(_Line(ended, label, False, _error(attempt, lang)))
    return sorted(lines, key=lambda line: line.at_us)


def _longest(lines: list[_Line]) -> int | None:
    """The stage that took the most time, if it stands out at all."""
    stages = [(index, line.at_us) for index, line in enumerate(lines) if line.is_stage]
    gaps = [(later[1] - sooner[1], later[0]) for sooner, later in pairwise(stages)]
    return max(gaps)[1] if len(gaps) > 1 and max(gaps)[0] > 0 else None


def _bar(start: int, end: int, total: int, width: int) -> str:
    """From `start` to `end` on a scale of `total`, in eighths of a column; never nothing at all."""
    first = min(start * width // total, width - 1)
    eighths = max((end * width * 8) // total - first * 8, 1)
    full, rest = divmod(eighths, 8)
    return " " * first + "█" * full + _BARS[rest].strip()


def _times(at: str, gap: str) -> str:
    half = _TIMES // 2
    return " " * (half - _columns(at)) + at + " " * (half - _columns(gap)) + gap


# what came of it


def _facts(trace: Trace, lang: Language) -> list[str]:
    facts: list[tuple[str, str]] = []
    if trace.image or trace.requested:
        facts.append(("asked", _asked(trace, lang)))
    facts += [("delivered_line", _picture(picture)) for picture in trace.delivered]
    facts += [("differs", text) for text in _differences(trace, lang)]
    if trace.lost:
        facts.append(("lost", ", ".join(map(_safe, trace.lost))))
    if trace.repairs:
        repairs = sorted(trace.repairs.items())
        facts.append(("repairs", ", ".join(f"{_safe(name)} × {count}" for name, count in repairs)))
    if trace.usage:
        facts.append(("usage", _safe(msgspec.json.encode(trace.usage).decode())))
    traffic = {"bytes_in": size(trace.bytes_in), "bytes_out": size(trace.bytes_out)}
    facts.append(("traffic", say(lang, "traffic_text", **traffic)))
    for attempt in trace.attempts:
        if attempt.upstream_request_id:
            ids = {"channel": _safe(attempt.channel), "id": _safe(attempt.upstream_request_id)}
            facts.append(("upstream", say(lang, "upstream_text", **ids)))
    if trace.user_agent:
        facts.append(("client", _safe(trace.user_agent)))
    if trace.prompt:
        facts.append(("prompt", _safe(trace.prompt)))
    facts.append(("result", _result(trace, lang)))
    label = max(_columns(say(lang, name)) for name, _ in facts) + 2
    return [_pad(say(lang, name), label) + text for name, text in facts]


def _asked(trace: Trace, lang: Language) -> str:
    asked = trace.requested
    parts = [_safe(str(asked[name])) for name in (_ASKED_AS.get(n, n) for n in _SIZES) if asked.get(name)]
    if asked.get("partial_images"):
        parts.append(say(lang, "partials", count=_safe(str(asked["partial_images"]))))
    return ", ".join(parts) or say(lang, "nothing")


def _picture(picture: dict[str, Any]) -> str:
    parts = [_safe(str(picture[name])) for name in _SIZES if picture.get(name)]
    if isinstance(picture.get("bytes"), int):
        parts.append(size(picture["bytes"]))
    return ", ".join(parts)


def _differences(trace: Trace, lang: Language) -> list[str]:
    """Where a picture is not what was asked for; `auto` leaves the choice to the upstream."""
    found = []
    for picture in trace.delivered:
        for name in _SIZES:
            asked, got = trace.requested.get(_ASKED_AS.get(name, name)), picture.get(name)
            if asked and got and asked != "auto" and asked != got:
                values = {"name": name, "asked": _safe(str(asked)), "delivered": _safe(str(got))}
                found.append(say(lang, "differs_text", **values))
    return list(dict.fromkeys(found))


def _result(trace: Trace, lang: Language) -> str:
    failed = trace.error_code or trace.error_message
    word = f"outcome_{trace.outcome}"
    if trace.outcome == "left" and failed:
        word = "outcome_left_error"
    said = say(lang, word, error=_error(trace, lang))
    return say(lang, _safe(trace.outcome or "unknown")) if said == word else said


def _error(of: Trace | Attempt, lang: Language) -> str:
    words = _safe(of.error_message or say(lang, "no_reason"))
    return f"{words} ({_safe(of.error_code)})" if of.error_code else words


# columns of a terminal


def _safe(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _pad(text: str, width: int) -> str:
    return text + " " * (width - _columns(text))
