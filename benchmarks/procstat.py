"""Memory and CPU of a process tree, from /proc (no dependency).

python procstat.py PID [SECONDS]     prints one JSON line at the end: base/peak RSS and PSS (kB), CPU seconds
"""

import json
import os
import sys
import threading
import time

TICK = os.sysconf("SC_CLK_TCK")


def tree(pid):
    kids = {}
    for p in os.listdir("/proc"):
        if p.isdigit():
            try:
                with open(f"/proc/{p}/stat") as f:
                    kids.setdefault(int(f.read().rsplit(")", 1)[1].split()[1]), []).append(int(p))
            except OSError:
                pass
    out, todo = [], [pid]
    while todo:
        p = todo.pop()
        out.append(p)
        todo += kids.get(p, [])
    return out


def rss_kb(pids, field="VmRSS"):
    n = 0
    for p in pids:
        try:
            with open(f"/proc/{p}/status") as f:
                for line in f:
                    if line.startswith(field):
                        n += int(line.split()[1])
                        break
        except OSError:
            pass
    return n


def cpu_s(pids):
    n = 0
    for p in pids:
        try:
            with open(f"/proc/{p}/stat") as f:
                v = f.read().rsplit(")", 1)[1].split()
            n += sum(int(x) for x in v[11:15])  # utime stime cutime cstime
        except OSError:
            pass
    return n / TICK


class Sampler:
    """with Sampler(pid) as s: ...   then s.base_kb, s.peak_kb, s.growth_kb, s.cpu_s, s.wall_s"""

    def __init__(self, pid, every=0.1):
        self.pid, self.every = pid, every

    def __enter__(self):
        self.pids = tree(self.pid)
        self.base_kb = self.peak_kb = rss_kb(self.pids)
        self.cpu0, self.t0 = cpu_s(self.pids), time.time()
        self.stop = threading.Event()
        self.th = threading.Thread(target=self.run, daemon=True)
        self.th.start()
        return self

    def run(self):
        while not self.stop.wait(self.every):
            self.peak_kb = max(self.peak_kb, rss_kb(self.pids))

    def __exit__(self, *a):
        self.stop.set()
        self.th.join()
        self.pids = tree(self.pid)
        self.end_kb = rss_kb(self.pids)
        self.peak_kb = max(self.peak_kb, self.end_kb)
        self.cpu_s, self.wall_s = cpu_s(self.pids) - self.cpu0, time.time() - self.t0
        self.growth_kb = self.peak_kb - self.base_kb

    def dict(self):
        return {
            k: round(getattr(self, k), 3)
            for k in ("base_kb", "peak_kb", "growth_kb", "end_kb", "cpu_s", "wall_s")
        }


if __name__ == "__main__":
    with Sampler(int(sys.argv[1])) as s:
        try:
            time.sleep(float(sys.argv[2]) if len(sys.argv) > 2 else 10)
        except KeyboardInterrupt:
            pass
    print(json.dumps(s.dict()))
