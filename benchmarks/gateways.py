"""What is measured, how each is started, and how it is called. Every one relays to the fake upstream on UPSTREAM."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parent / "build" / "bench"
UPSTREAM, NGINX, DARKROOM = 9100, 9201, 9301
DARKROOM_BIN = str(pathlib.Path(sys.executable).parent / "darkroom")
CONFIG = f"""
[[channel]]
name = "bench"
base_url = "http://127.0.0.1:{UPSTREAM}/v1"
api_key = "sk-upstream"
"""


def build():
    """Compile the fake upstream and the load generator."""
    for name in ("bin", "logs", "results"):
        (BUILD / name).mkdir(parents=True, exist_ok=True)
    for name in ("fakeup", "loadgen"):
        source, out = HERE / f"{name}.c", BUILD / "bin" / name
        if not out.exists() or out.stat().st_mtime < source.stat().st_mtime:
            subprocess.run(["gcc", "-O2", "-o", out, source], check=True)


def nginx_binary():
    return shutil.which("nginx") or shutil.which("/usr/sbin/nginx")


class Gateway:
    """One gateway as a process group on its own core: `with Gateway(name, core) as gateway`."""

    def __init__(self, name, core):
        self.name, self.core, self.headers, self.process = name, core, [], None
        self.port = {"direct": UPSTREAM, "nginx": NGINX, "darkroom": DARKROOM}[name]

    def __enter__(self):
        if self.name == "nginx":
            self.start([nginx_binary(), "-p", str(BUILD), "-c", str(HERE / "nginx.conf")])
        elif self.name == "darkroom":
            self.start_darkroom()
        try:
            self.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self, command):
        log = open(BUILD / "logs" / f"{self.name}.log", "ab")
        command = ["taskset", "-c", self.core, *command]
        self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, cwd=BUILD)

    def start_darkroom(self):
        data = BUILD / "data"
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir()
        (data / "darkroom.toml").write_text(CONFIG)
        create = [DARKROOM_BIN, "key", "create", "--account", "admin", "--json", "--data", str(data)]
        key = json.loads(subprocess.run(create, check=True, capture_output=True, text=True).stdout)["key"]
        self.headers = [f"Authorization: Bearer {key}"]
        self.start([DARKROOM_BIN, "serve", "--port", str(DARKROOM), "--data", str(data)])

    def wait(self):
        path = "/readyz" if self.name == "darkroom" else "/v1/models"
        for _ in range(200):
            if self.process is not None and self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended at its start; see {BUILD / 'logs'}")
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=2).read()
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"{self.name} did not become ready")

    def __exit__(self, *_):
        if self.process is None or self.process.poll() is not None:
            return
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
