"""GET /metrics: what happened, counted for Prometheus. Fed with finished traces, behind the road of the bytes.

Law: state belongs to one `Metrics`, never to the module, and its size does not depend on what callers or upstreams say:
words from outside beyond `WORDS_MAX` of a kind are counted as `other`. Times are seconds, sizes bytes.
"""

import hmac
import ipaddress
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from darkroom.errors import Forbidden, Unauthorized
from darkroom.gateway import answers
from darkroom.gateway.fidelity import differences
from darkroom.gateway.gateway import Gateway
from darkroom.settings import Settings
from darkroom.traces.trace import Trace
from darkroom.web.call import Call, Table
from darkroom.web.outlet import EXTENSION, Outlet

WORDS_MAX = 200
OTHER = "other"
BUCKETS_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600)
_STAGES = {
    "created": "created",
    "generating": "generating",
    "partial": "first_partial",
    "image": "image",
    "completed": "completed",
    "delivered": "delivered",
}
"""Stages that are measured, from the request's start to the first time that they are reached, and their names here."""
_FORWARDED = (b"x-forwarded-for", b"forwarded", b"x-real-ip")


class Metrics:
    """The figures of one process: `observe` each finished trace, `render` them all."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._words: dict[str, set[str]] = {}
        self._registry = made = CollectorRegistry()
        ProcessCollector(registry=made)
        self._requests = Counter(
            "darkroom_requests",
            "Requests that have ended.",
            ["surface", "outcome", "status", "code"],
            registry=made,
        )
        self._images = Counter(
            "darkroom_images_delivered",
            "Final pictures that reached callers.",
            ["surface", "format"],
            registry=made,
        )
        self._stages = Histogram(
            "darkroom_stage_seconds",
            "From a request's start to the first time that it reached a stage.",
            ["stage"],
            buckets=BUCKETS_S,
            registry=made,
        )
        self._repairs = Counter(
            "darkroom_repairs",
            "What was put right in upstreams' answers.",
            ["repair", "channel"],
            registry=made,
        )
        self._attempts = Counter(
            "darkroom_attempts",
            "Attempts at channels that have ended.",
            ["channel", "outcome"],
            registry=made,
        )
        self._mismatches = Counter(
            "darkroom_fidelity_mismatches",
            "Requests whose pictures are not as asked.",
            ["kind"],
            registry=made,
        )
        self._bytes = Counter(
            "darkroom_bytes", "Bytes of requests and answers.", ["direction"], registry=made
        )
        gauges = {
            "darkroom_requests_in_flight": ("Requests under way.", lambda: sum(gateway.in_flight.values())),
            "darkroom_spool_bytes": ("Bytes in open spools.", lambda: gateway.spools.used),
            "darkroom_body_bytes": ("Bytes of request bodies that are held.", lambda: gateway.budget.used),
            "darkroom_traces_waiting": ("Traces not written yet.", lambda: gateway.recorder.waiting),
            "darkroom_traces_dropped": ("Traces lost since the start.", lambda: gateway.recorder.dropped),
        }
        for name, (meaning, read) in gauges.items():
            Gauge(name, meaning, registry=made).set_function(read)

    @property
    def table(self) -> Table:
        """To be merged with other routes."""
        return {"/metrics": {"GET": self.show}}

    def observe(self, trace: Trace) -> None:
        """Count a finished request."""
        known = self._known
        surface, code = known("surface", trace.surface), known("code", trace.error_code)
        status = str(trace.status) if trace.status else ""
        self._requests.labels(surface, known("outcome", trace.outcome), status, code).inc()
        self._bytes.labels("in").inc(max(0, trace.bytes_in))
        self._bytes.labels("out").inc(max(0, trace.bytes_out))
        reached: dict[str, int] = {}
        for stage, at_us, _ in trace.stages:
            reached.setdefault(stage, at_us)
        for stage, name in _STAGES.items():
            if stage in reached:
                self._stages.labels(name).observe(reached[stage] / 1_000_000)
        if "delivered" in reached:
            for picture in trace.delivered:
                self._images.labels(surface, known("format", picture.get("format"))).inc()
        for attempt in trace.attempts:
            self._attempts.labels(known("channel", attempt.channel), known("outcome", attempt.outcome)).inc()
        channel = known("channel", trace.attempts[-1].channel if trace.attempts else None)
        for repair, count in trace.repairs.items():
            self._repairs.labels(known("repair", repair), channel).inc(count)
        n = trace.requested.get("n")
        found = differences(trace.requested, trace.delivered, n if isinstance(n, int) else 1)
        for kind in dict.fromkeys(each.kind for each in found):
            self._mismatches.labels(kind).inc()

    def render(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)

    async def show(self, call: Call) -> None:
        """GET /metrics. Raises Unauthorized or Forbidden."""
        admit(call, self._gateway.settings)
        outlet: Outlet = call.scope["extensions"][EXTENSION]
        text = self.render()
        outlet.start(200, answers.headers(call.request_id, CONTENT_TYPE_LATEST.encode()), len(text))
        if call.method == "GET":
            outlet.write(text)
        outlet.finish()

    def _known(self, kind: str, word: object) -> str:
        """The word as a label; one too many of its kind is `other`."""
        if not isinstance(word, str) or not word:
            return ""
        known = self._words.setdefault(kind, set())
        if word not in known:
            if len(known) >= WORDS_MAX or len(word) > 100:
                return OTHER
            known.add(word)
        return word


def admit(call: Call, settings: Settings) -> None:
    """Let in who asks from a trusted network or has the token. Raises Unauthorized or Forbidden."""
    token, given = settings.metrics_token, call.headers.get(b"authorization", b"")
    scheme, _, secret = given.partition(b" ")
    right = token is not None and scheme.lower() == b"bearer"
    if right and hmac.compare_digest(secret.strip(), str(token).encode()):
        return
    client = call.scope.get("client")
    # Behind a proxy that is not trusted every caller seems to come from the proxy's own machine.
    passed_on = any(name in call.headers for name in _FORWARDED) and not settings.trusted_proxies
    if client and not passed_on and _inside(client[0], settings.metrics_networks):
        return
    if token is not None:
        raise Unauthorized(
            "The metrics need their token: `Authorization: Bearer …` (the setting `metrics_token`)."
        )
    raise Forbidden(
        "The metrics are shown to trusted networks only. The operator can set `metrics_networks` or `metrics_token`.",
        code="metrics_forbidden",
    )


def _inside(host: str, networks: Iterable[str]) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in ipaddress.ip_network(network) for network in networks)
