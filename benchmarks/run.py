"""Measures Darkroom against nginx in the same run: CPU, memory and delay that relaying an image stream adds.

    make bench                                  everything; writes RESULTS.md
    .venv/bin/python benchmarks/run.py B D      some scenarios, printed only

The gateway has core 0 for itself; the fake upstream and the load generator share core 1. Compare ratios.
"""

import argparse
import contextlib
import json
import statistics
import subprocess
import urllib.request

import report
import verify
from gateways import BUILD, UPSTREAM, Gateway, build, nginx_binary
from procstat import Sampler

GATEWAY_CORE, LOAD_CORE = "0", "1"
IMAGE = {"model": "gpt-5", "input": "a lighthouse at dawn", "stream": True, "store": False,
         "tools": [{"type": "image_generation", "partial_images": 1, "quality": "high"}]}  # fmt: skip
PLAIN = {"model": "gpt-5", "input": "a lighthouse at dawn"}


def control(path):
    with urllib.request.urlopen(f"http://127.0.0.1:{UPSTREAM}{path}", timeout=10) as answer:
        return json.load(answer)


def spec(text):
    """Choose what the upstream answers: pPARTIALS-sBYTES-dDELAY_MS-cCHUNK."""
    control(f"/__default?fake={text}")


def load(gateway, body, concurrency, requests, limit_s=150, **flags):
    """One run of the load generator."""
    command = ["taskset", "-c", LOAD_CORE, BUILD / "bin" / "loadgen", "-p", str(gateway.port), "-u", "/v1/responses",
               "-b", json.dumps(body), "-c", str(concurrency), "-n", str(requests), "-t", str(limit_s)]  # fmt: skip
    for header in gateway.headers:
        command += ["-H", header]
    for flag, value in flags.items():
        command += [f"-{flag}", str(value)]
    out = subprocess.run(command, capture_output=True, text=True, timeout=limit_s + 30, check=True)
    return json.loads(out.stdout)


def repeated(gateway, body, concurrency, requests, times):
    """The run with the middle CPU time a request of several."""
    runs = []
    for _ in range(times):
        with Sampler(gateway.process.pid if gateway.process else UPSTREAM_PID) as sampler:
            run = load(gateway, body, concurrency, requests)
        run["cpu_ms"] = sampler.cpu_s / max(1, run["ok"]) * 1e3
        runs.append(run)
    runs.sort(key=lambda run: run["cpu_ms"])
    middle = runs[len(runs) // 2]
    middle["per_s_all"] = [run["per_s"] for run in runs]
    middle["per_s"] = statistics.median(middle["per_s_all"])
    return middle


def scenario_v(gateway):
    """Correct: the same bytes, in time."""
    headers = dict(header.split(": ", 1) for header in gateway.headers)
    return verify.compare(gateway.port, "/v1/responses", headers, "gpt-5", UPSTREAM)


def scenario_a(gateway):
    """Small plain answers (2 KB), keep-alive."""
    spec("p0-s900-d0")
    quick = load(gateway, PLAIN, 32, 500)
    result = repeated(gateway, PLAIN, 32, max(500, min(100000, int(quick["per_s"] * 3))), TIMES)
    result["c1"] = load(gateway, PLAIN, 1, max(200, min(4000, int(quick["per_s"]))), limit_s=30)
    return result


def scenario_b(gateway):
    """Streams of a partial and a final picture of 1.5 MB each (4.5 MB in all), no delay, eight at a time."""
    spec("p1-s1500000-d0-c16384")
    quick = load(gateway, IMAGE, 8, 32)
    return repeated(gateway, IMAGE, 8, max(48, min(2000, int(quick["per_s"] * 4))), TIMES)


def scenario_c(gateway):
    """200 streams at once, paced over 10 s each."""
    spec("p1-s2048-d0-c16384")
    load(gateway, IMAGE, 8, 100)
    spec("p1-s1500000-d5000-c16384")
    with Sampler(gateway.process.pid if gateway.process else UPSTREAM_PID, 0.05) as sampler:
        result = load(gateway, IMAGE, 200, 200, m=8000)
    return result | {
        "kb_each": sampler.growth_kb / 200,
        "cpu_ms": sampler.cpu_s / 200 * 1e3,
        "proc": sampler.dict(),
    }


def scenario_d(gateway):
    """20 readers at 200 kB/s of an 8 MB picture (16 MB a stream), stopped after 20 s."""
    spec("p1-s2048-d0-c16384")
    load(gateway, IMAGE, 4, 40)
    spec("p0-s8000000-d0-c16384")
    before = control("/__stats")["bytes"]
    with Sampler(gateway.process.pid if gateway.process else UPSTREAM_PID, 0.05) as sampler:
        result = load(gateway, IMAGE, 20, 20, limit_s=20, r=200000)
    pulled = (control("/__stats")["bytes"] - before) / 1e6
    return result | {
        "kb_each": sampler.growth_kb / 20,
        "pulled_mb": pulled,
        "cpu_s": sampler.cpu_s,
        "proc": sampler.dict(),
    }


SCENARIOS = {"V": scenario_v, "A": scenario_a, "B": scenario_b, "C": scenario_c, "D": scenario_d}


def main():
    global UPSTREAM_PID, TIMES
    parser = argparse.ArgumentParser()
    parser.add_argument("scenarios", nargs="*", default=[])
    parser.add_argument("--only", default="direct,nginx,darkroom")
    parser.add_argument("--times", type=int, default=5)
    given = parser.parse_args()
    TIMES = given.times
    names = [name for name in given.only.split(",") if name != "nginx" or nginx_binary()]
    build()
    upstream = subprocess.Popen(["taskset", "-c", LOAD_CORE, BUILD / "bin" / "fakeup", "-p", str(UPSTREAM)])
    UPSTREAM_PID = upstream.pid
    results = {name: {} for name in names}
    try:
        for scenario in given.scenarios or SCENARIOS:
            for name in names:
                with Gateway(name, GATEWAY_CORE) as gateway:
                    results[name][scenario] = SCENARIOS[scenario](gateway)
                print(scenario, name, report.brief(scenario, results[name][scenario]), flush=True)
    finally:
        upstream.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            upstream.wait(5)
    (BUILD / "results" / "last.json").write_text(json.dumps(results, indent=1))
    if not given.scenarios and "nginx" in names:
        report.write(results)
    elif "nginx" in names:
        print(report.goals(results))


if __name__ == "__main__":
    main()
