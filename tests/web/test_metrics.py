"""Metrics: what traces tell, in figures whose number is bounded, for those who may see them."""

from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from darkroom.errors import Error
from darkroom.settings import Settings
from darkroom.traces.trace import Attempt, Trace
from darkroom.web.metrics import OTHER, WORDS_MAX, Metrics, admit
from darkroom.web.outlet import Protocol
from darkroom.web.server import serving
from tests.relaying import IMAGE_BODY, channel, play_picture, relaying, upstream
from tests.traces.samples import full, simple
from tests.web.routing import make_app

pytestmark = pytest.mark.slow


class Figures:
    """Rendered metrics, by name and labels."""

    def __init__(self, text: bytes) -> None:
        self.found = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text.decode())
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float | None:
        return self.found.get((f"darkroom_{name}", frozenset(labels.items())))


async def observed(folder: Path, *traces: Trace) -> Figures:
    async with relaying(folder) as relay:
        metrics = Metrics(relay.gateway)
        for trace in traces:
            metrics.observe(trace)
        return Figures(metrics.render())


async def test_request_is_counted_with_all_that_its_trace_tells(tmp_path: Path) -> None:
    got = await observed(
        tmp_path, full(), full(delivered=[{"index": 0, "size": "512x512", "format": "webp"}])
    )
    assert got("requests_total", surface="responses", outcome="completed", status="200", code="") == 2
    assert got("images_delivered_total", surface="responses", format="png") == 1
    assert got("images_delivered_total", surface="responses", format="webp") == 1
    assert got("attempts_total", channel="main", outcome="failed") == 2
    assert got("attempts_total", channel="backup", outcome="completed") == 2
    assert got("repairs_total", repair="field_name", channel="backup") == 4
    assert got("bytes_total", direction="in") == 2 * 812
    assert got("bytes_total", direction="out") == 2 * 4_567_890
    assert got("fidelity_mismatches_total", kind="size") == 1
    assert got("fidelity_mismatches_total", kind="format") == 1
    assert got("fidelity_mismatches_total", kind="quality") is None


async def test_stages_are_measured_from_the_start_to_their_first_mark(tmp_path: Path) -> None:
    trace = simple(stages=[("accepted", 0, None), ("partial", 6_000_000, "0"), ("partial", 9_000_000, "1")])
    got = await observed(tmp_path, trace)
    assert got("stage_seconds_count", stage="first_partial") == 1
    assert got("stage_seconds_sum", stage="first_partial") == 6
    assert got("stage_seconds_bucket", stage="first_partial", le="5.0") == 0
    assert got("stage_seconds_bucket", stage="first_partial", le="10.0") == 1
    assert got("stage_seconds_count", stage="image") is None


async def test_pictures_that_did_not_arrive_are_not_counted_as_delivered(tmp_path: Path) -> None:
    stages = [mark for mark in full().stages if mark[0] != "delivered"]
    got = await observed(tmp_path, full(outcome="left", stages=stages))
    assert got("requests_total", surface="responses", outcome="left", status="200", code="") == 1
    assert got("images_delivered_total", surface="responses", format="png") is None


async def test_missing_pictures_are_a_mismatch_of_the_count(tmp_path: Path) -> None:
    got = await observed(tmp_path, full(requested={"n": 4}), full(requested={"n": 1}))
    assert got("fidelity_mismatches_total", kind="count") == 1


async def test_figures_stay_bounded_whatever_words_come(tmp_path: Path) -> None:
    wild = [
        simple(
            str(number),
            outcome="failed",
            error_code=f'code_{number}\n"{"x" * (number % 300)}',
            attempts=[Attempt(channel=f"c{number}", started_us=0, outcome="failed")],
            repairs={f"r{number}": 1},
            delivered=[{"format": f"f{number}"}, {"format": 5}],
        )
        for number in range(WORDS_MAX * 3)
    ]
    got = await observed(tmp_path, *wild)
    assert len(got.found) < WORDS_MAX * 12
    assert got("attempts_total", channel=OTHER, outcome="failed") == WORDS_MAX * 2


async def test_two_processes_worth_of_metrics_do_not_share_a_figure(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        one, two = Metrics(relay.gateway), Metrics(relay.gateway)
        one.observe(full())
        assert Figures(two.render())("bytes_total", direction="in") is None


async def test_gauges_tell_what_is_under_way_now(tmp_path: Path) -> None:
    async with relaying(tmp_path) as relay:
        metrics = Metrics(relay.gateway)
        relay.gateway.in_flight[1] = 3
        relay.gateway.budget.take(77)
        got = Figures(metrics.render())
        assert (got("requests_in_flight"), got("body_bytes"), got("spool_bytes")) == (3, 77, 0)
        relay.gateway.in_flight.clear()
        assert Figures(metrics.render())("requests_in_flight") == 0


async def test_metrics_of_a_real_request_are_served_to_this_machine(tmp_path: Path) -> None:
    async with upstream(play_picture) as up, relaying(tmp_path, channel(up)) as relay:
        metrics = Metrics(relay.gateway)
        async with (
            serving(make_app(relay.gateway, metrics.table), "127.0.0.1", 0, http=Protocol) as server,
            httpx2.AsyncClient() as client,
        ):
            await client.post(f"{relay.url}/v1/responses", json=IMAGE_BODY, headers=relay.headers)
            await relay.idle()
            for trace in await relay.traces():
                metrics.observe(trace)
            answer = await client.get(f"http://127.0.0.1:{server.port}/metrics")
            assert answer.headers["content-type"].startswith("text/plain; version=")
            got = Figures(answer.content)
            assert got("requests_total", surface="responses", outcome="completed", status="200", code="") == 1
            assert got("images_delivered_total", surface="responses", format="png") == 1
            head = await client.head(f"http://127.0.0.1:{server.port}/metrics")
            assert (head.status_code, head.content) == (200, b"")


class Asked:
    """As much of a call as decides who may see the metrics."""

    def __init__(self, host: str | None, **headers: str) -> None:
        self.scope = {"client": (host, 1) if host else None}
        self.headers = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}


def verdict(asked: Any, **settings: Any) -> int:
    try:
        admit(asked, Settings(**settings))
    except Error as error:
        return error.status
    return 200


@pytest.mark.parametrize(
    "asked, settings, status",
    [
        (Asked("127.0.0.1"), {}, 200),
        (Asked("::1"), {}, 200),
        (Asked("::ffff:127.0.0.1"), {}, 200),
        (Asked("10.1.2.3"), {}, 403),
        (Asked("2001:db8::1"), {}, 403),
        (Asked(None), {}, 403),
        (Asked("unix"), {}, 403),
        (Asked("10.1.2.3"), {"metrics_networks": ("10.0.0.0/8",)}, 200),
        (Asked("127.0.0.1"), {"metrics_networks": ("10.0.0.0/8",)}, 403),
        (Asked("127.0.0.1"), {"metrics_networks": ()}, 403),
        # A proxy on this machine that nobody said is trusted: the caller may be anybody.
        (Asked("127.0.0.1", x_forwarded_for="203.0.113.9"), {}, 403),
        (Asked("127.0.0.1", forwarded="for=203.0.113.9"), {}, 403),
        # A trusted one: the server has put the caller's own address in place of the proxy's.
        (Asked("127.0.0.1", x_forwarded_for="127.0.0.1"), {"trusted_proxies": ("127.0.0.1",)}, 200),
        (Asked("203.0.113.9", x_forwarded_for="203.0.113.9"), {"trusted_proxies": ("127.0.0.1",)}, 403),
        (
            Asked("203.0.113.9", authorization="Bearer token-of-metrics"),
            {"metrics_token": "token-of-metrics"},
            200,
        ),
        (
            Asked("203.0.113.9", authorization="bearer  token-of-metrics "),
            {"metrics_token": "token-of-metrics"},
            200,
        ),
        (
            Asked("203.0.113.9", authorization="Bearer token-of-metric"),
            {"metrics_token": "token-of-metrics"},
            401,
        ),
        (
            Asked("203.0.113.9", authorization="Basic token-of-metrics"),
            {"metrics_token": "token-of-metrics"},
            401,
        ),
        (Asked("203.0.113.9"), {"metrics_token": "token-of-metrics"}, 401),
        (Asked("203.0.113.9", authorization="Bearer None"), {}, 403),
        (Asked("203.0.113.9", authorization="Bearer "), {}, 403),
    ],
)
def test_metrics_are_for_trusted_networks_and_the_token(asked: Any, settings: Any, status: int) -> None:
    assert verdict(asked, **settings) == status
