"""Turns a run's figures into RESULTS.md: every goal with its ratio, met or not, then the raw numbers."""

import os
import pathlib
import platform
import re
import subprocess
import sys
from importlib.metadata import version

RESULTS = pathlib.Path(__file__).resolve().parent / "RESULTS.md"
MARK = "<!-- figures -->"


def brief(scenario, run):
    """One line for the terminal."""
    keys = {"V": ("status", "identical_bytes", "event_types"), "A": ("per_s", "cpu_ms", "failed"),
            "B": ("per_s", "cpu_ms", "MBps", "failed"), "C": ("ok", "failed", "kb_each", "cpu_ms"),
            "D": ("kb_each", "pulled_mb", "cpu_s")}[scenario]  # fmt: skip
    return " ".join(f"{key}={_short(run.get(key))}" for key in keys)


def _short(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _rows(results):
    """(goal, figure, whether it is met, stretch) for every scenario that nginx and darkroom have both run."""
    ours, base, direct = results["darkroom"], results["nginx"], results.get("direct", {})
    if "B" in ours:
        ratio = ours["B"]["cpu_ms"] / base["B"]["cpu_ms"]
        yield "B: CPU time a stream, × nginx", f"{ratio:.2f}", ratio <= 2.5, "≤ 2.5 (stretch 1.3)"
        rate = ours["B"]["per_s"] / base["B"]["per_s"]
        yield "B: MB/s, of nginx", f"{rate:.2f}", rate >= 0.4, "≥ 0.4"
    if "C" in ours:
        yield (
            "C: memory a stream, KB",
            f"{ours['C']['kb_each']:.0f}",
            ours["C"]["kb_each"] <= 256,
            "≤ 256 (stretch 96)",
        )
        if "C" in direct:
            added = ours["C"]["ttfb_ms"]["p99"] - direct["C"]["ttfb_ms"]["p99"]
            yield "C: added time to first byte, p99, ms", f"{added:.1f}", added <= 5, "≤ 5"
    if "D" in ours:
        yield (
            "D: memory a slow reader, KB",
            f"{ours['D']['kb_each']:.0f}",
            ours["D"]["kb_each"] <= 512,
            "≤ 512 (stretch 128)",
        )
        pulled, theirs = ours["D"]["pulled_mb"], base["D"]["pulled_mb"]
        yield (
            "D: MB pulled from the upstream (nginx)",
            f"{pulled:.0f} ({theirs:.0f})",
            pulled <= theirs * 1.2,
            "as nginx",
        )
    if "A" in ours:
        rate = ours["A"]["per_s"] / base["A"]["per_s"]
        yield "A: requests/s, of nginx", f"{rate:.3f}", rate >= 0.05, "≥ 0.05 (stretch 0.25)"
        if "A" in direct:
            added = ours["A"]["c1"]["ttfb_ms"]["p50"] - direct["A"]["c1"]["ttfb_ms"]["p50"]
            yield "A: added time to first byte, one at a time, p50, ms", f"{added:.2f}", added < 0.5, "< 0.5"


def goals(results):
    """The goals as a table."""
    lines = ["| goal | Darkroom | wanted | met |", "|---|---:|---|---|"]
    lines += [
        f"| {goal} | {figure} | {wanted} | {'yes' if met else '**no**'} |"
        for goal, figure, met, wanted in _rows(results)
    ]
    return "\n".join(lines)


def _figures(results):
    lines = ["| | A req/s | A CPU ms | B streams/s | B CPU ms | B MB/s | C KB a stream | C CPU ms | D KB a reader | D MB pulled | failed |",
             "|---|" + "---:|" * 10]  # fmt: skip
    for name, run in results.items():
        a, b, c, d = (run.get(letter, {}) for letter in "ABCD")
        failed = sum(part.get("failed", 0) for part in (a, b, c))
        cells = [a.get("per_s"), a.get("cpu_ms"), b.get("per_s"), b.get("cpu_ms"), b.get("MBps"), c.get("kb_each"),
                 c.get("cpu_ms"), d.get("kb_each"), d.get("pulled_mb"), failed]  # fmt: skip
        lines.append(f"| {name} | " + " | ".join(_short(cell) for cell in cells) + " |")
    return "\n".join(lines)


def _versions():
    nginx = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=False).stderr.strip()
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    packages = ", ".join(
        f"{name} {version(name)}" for name in ("uvicorn", "uvloop", "httptools", "msgspec", "sqlalchemy")
    )
    processor = f"{os.cpu_count()} × {cpu.group(1) if cpu else platform.machine()}"
    return f"{processor}, Linux {platform.release()}, Python {sys.version.split()[0]}, {packages}, {nginx.replace('nginx version: ', '')}."


def write(results):
    """Replace the figures of RESULTS.md; the words above the mark stay."""
    head = RESULTS.read_text().partition(MARK)[0] if RESULTS.exists() else "# Results\n\n"
    verified = results["darkroom"].get("V", {})
    text = [_versions(), "", goals(results), "", "Raw figures:", "", _figures(results), "",
            f"V: answer byte for byte the upstream's: {verified.get('identical_bytes')}; events in order: "
            f"{verified.get('event_types')}; lateness of each event in ms: {verified.get('late_ms')}."]  # fmt: skip
    RESULTS.write_text(head + MARK + "\n\n" + "\n".join(text) + "\n")
    print(goals(results))
