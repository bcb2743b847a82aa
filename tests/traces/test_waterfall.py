"""A waterfall reads well, lines up in every language, and is safe to print."""

import unicodedata
from typing import Any

import pytest

from darkroom.traces.trace import Attempt, Trace
from darkroom.traces.waterfall import elapsed, size, waterfall
from darkroom.traces.words import Language
from tests.traces.samples import MS, full, simple

PICTURE = """\
req_full · POST /v1/responses · 200 · completed in 12.84 s
2026-11-18 11:06:40.123 UTC · account 工作室 · key 3 · gpt-5.5 + gpt-image-2 · streamed · sandbox

stage                       at       gap  0                        12.84 s
accepted                     0            ▏
routed                  1.0 ms    1.0 ms  ▏
attempt 1 · main        2.0 ms
connected               5.0 ms    4.0 ms  ▏
sent                    6.0 ms    1.0 ms  ▏
failed                   10 ms    4.0 ms  ▏
attempt 1 failed         10 ms            The connection was reset. (upstream_connection_lost)
attempt 2 · backup       11 ms
connected                12 ms    2.0 ms  ▏
headers                  40 ms     28 ms  ▏
created                  41 ms    1.0 ms  ▏
in progress              44 ms    3.0 ms  ▏
generating              2.10 s    2.06 s  █████▏
partial 0               6.00 s    3.90 s       █████████▉
image 0                12.60 s    6.60 s                █████████████████▍ ◂ longest
completed              12.61 s     10 ms                                 ▍
delivered              12.84 s    230 ms                                 █

asked      1024x1024, medium, png, partial images: 1
delivered  1024x1024, png, 1.8 MB
lost       text
repairs    field_name × 2
usage      {"usage":{"input_tokens":20}}
traffic    812 B in, 4.6 MB out
upstream   backup: request req_upstream_9
client     curl/8.5.0
prompt     a silver speaker 银色音箱
outcome    Completed: everything was delivered."""


def columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def chart(trace: Trace, lang: Language = "en", width: int = 80) -> list[str]:
    return waterfall(trace, lang, width).split("\n\n")[1].splitlines()


def facts(trace: Trace, lang: Language = "en") -> dict[str, str]:
    lines = waterfall(trace, lang).split("\n\n")[2].splitlines()
    return {label.strip(): text.strip() for label, text in (line.split("  ", 1) for line in lines)}


def test_waterfall_reads_as_it_should() -> None:
    assert waterfall(full(), width=74) == PICTURE


def test_waterfall_in_chinese_has_no_english_words_of_its_own() -> None:
    text = waterfall(full(), "zh")
    for word in ("accepted", "generating", "attempt", "asked", "outcome", "longest", "streamed", "account"):
        assert word not in text
    for word in ("已接收", "生成中", "第 1 次尝试 · main", "请求", "已完成：全部内容已送达。", "账户 工作室"):
        assert word in text


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_bars_begin_in_one_column(lang: Language) -> None:
    lines = [line for line in chart(full(), lang)[1:] if "▏" in line]
    starts = {columns(line[: line.index("▏")]) for line in lines if not line.rstrip().endswith(("已送达",))}
    assert len(starts - {max(starts)}) <= 1  # all at the left edge, but for what came at the very end


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("width", [60, 80, 140])
def test_chart_fits_the_width(lang: Language, width: int) -> None:
    trace = full()
    trace.attempts[0].error_message = trace.attempts[0].error_code = None  # its text is as long as it is
    note = columns(" ◂ longest")
    assert max(columns(line) for line in chart(trace, lang, width)) <= width + note


def test_bar_is_as_long_as_its_share() -> None:
    trace = simple(stages=[("accepted", 0, None), ("sent", 250 * MS, None), ("headers", 1000 * MS, None)])
    trace.finished_at = trace.started_at + 1000 * MS
    sent, headers = (line.count("█") for line in chart(trace)[2:4])
    assert headers == pytest.approx(3 * sent, abs=2)


def test_longest_hop_is_marked_once() -> None:
    assert [("longest" in line) for line in chart(full())].count(True) == 1
    assert "longest" not in "".join(chart(simple(stages=[("accepted", 0, None), ("sent", 5, None)])))
    assert "longest" not in "".join(chart(simple(stages=[("accepted", 0, None)] * 4)))


def test_stages_are_shown_once_in_the_order_of_their_times() -> None:
    trace = full()
    trace.stages.reverse()
    assert chart(trace) == chart(full())


def test_stages_of_attempts_are_shown_where_the_request_has_none() -> None:
    trace = full(stages=[("accepted", 0, None)])
    labels = [line.split("  ")[0] for line in chart(trace)]
    assert labels[:5] == ["stage", "accepted", "attempt 1 · main", "connected", "sent"]
    assert "generating" in labels


def test_attempt_without_an_end_is_told_where_it_began() -> None:
    attempt = Attempt(channel="main", started_us=5 * MS, error_code="upstream_timeout")
    line = chart(simple(attempts=[attempt]))[-1]
    assert line.startswith("attempt 1 failed")
    assert line.endswith("no reason was given (upstream_timeout)")


def test_trace_of_nothing_is_told() -> None:
    text = waterfall(Trace(request_id="req_1", started_at=0))
    assert text.startswith("req_1 · no answer · unknown in 0\n1970-01-01 00:00:00.000 UTC · plain")
    assert text.endswith("outcome  unknown")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"outcome": "completed"}, "Completed: everything was delivered."),
        ({"outcome": "incomplete"}, "Incomplete: the upstream ended the answer early, and said so."),
        (
            {"outcome": "failed", "error_code": "upstream_timeout", "error_message": "Nothing came."},
            "Failed: Nothing came. (upstream_timeout)",
        ),
        ({"outcome": "failed"}, "Failed: no reason was given"),
        ({"outcome": "refused", "error_message": "Wrong size."}, "Refused: Wrong size."),
        ({"outcome": "left"}, "The caller left before everything was delivered."),
        (
            {"outcome": "left", "error_code": "x", "error_message": "Cancelled."},
            "The caller left before everything was delivered. Cancelled. (x)",
        ),
        ({"outcome": "teleported"}, "teleported"),
    ],
)
def test_outcome_is_told_in_words(fields: dict[str, Any], told: str) -> None:
    assert facts(simple(**fields))["outcome"] == told


@pytest.mark.parametrize(
    ("asked", "got", "told"),
    [
        ({"size": "1024x1024"}, {"size": "1536x1024"}, "size: asked 1024x1024, delivered 1536x1024"),
        ({"output_format": "webp"}, {"format": "png"}, "format: asked webp, delivered png"),
        ({"size": "auto"}, {"size": "1536x1024"}, None),
        ({}, {"size": "1536x1024"}, None),
        ({"size": "1024x1024"}, {}, None),
        ({"quality": "high"}, {"quality": "high"}, None),
    ],
)
def test_difference_between_asked_and_delivered_is_told(
    asked: dict[str, Any], got: dict[str, Any], told: str | None
) -> None:
    trace = simple(image=True, requested=asked, delivered=[{"index": 0, **got, "bytes": 5}])
    assert facts(trace).get("differs") == told


def test_request_for_text_is_not_said_to_ask_for_a_picture() -> None:
    assert "asked" not in facts(simple())
    assert facts(simple(image=True))["asked"] == "nothing"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_nothing_printed_can_command_a_terminal(lang: Language) -> None:
    evil = "\x1b[2J\r\nfake line\u202e{0}{x}"
    trace = full(
        request_id=evil,
        account=evil,
        method=evil,
        path=evil,
        model=evil,
        outcome=evil,
        error_message=evil,
        error_code=evil,
        user_agent=evil,
        prompt=evil,
        requested={"size": evil, "quality": evil, "partial_images": evil},
        delivered=[{"size": evil, "format": evil}],
        repairs={evil: 1},
        usage={evil: evil},
        stages=[("partial", 1, evil), (evil, 2, None)],
        attempts=[
            Attempt(channel=evil, started_us=1, outcome=evil, error_message=evil, upstream_request_id=evil)
        ],
    )
    text = waterfall(trace, lang)
    assert all(c.isprintable() or c == "\n" for c in text)
    assert len(text.splitlines()) < 25
    assert not any(line.startswith("fake") for line in text.splitlines())


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (0, "0"),
        (812, "812 µs"),
        (4_200, "4.2 ms"),
        (9_999, "10.0 ms"),
        (340_400, "340 ms"),
        (999_499, "999 ms"),
        (999_500, "1.00 s"),
        (12_840_000, "12.84 s"),
        (200_000_000, "3 min 20 s"),
        (3_599_999_999, "60 min 0 s"),
    ],
)
def test_elapsed_is_in_the_unit_that_fits(us: int, text: str) -> None:
    assert elapsed(us) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (3_400, "3.4 KB"),
        (999_949, "999.9 KB"),
        (999_950, "1.0 MB"),
        (10**8, "100.0 MB"),
    ],
)
def test_size_is_in_the_unit_that_fits(count: int, text: str) -> None:
    assert size(count) == text
