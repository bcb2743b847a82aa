"""Logs: lines of JSON for programs, columns for people, one door for uvicorn's too. Each in a process of its own."""

import contextlib
import json
import os
import pty
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow
CODE = """
import logging, structlog
from darkroom import logs
logs.configure()
log = structlog.get_logger("darkroom.test")
log.debug("hidden")
log.info("serving", port=8000, name="工作室")
logging.getLogger("uvicorn.error").info("hidden")
logging.getLogger("uvicorn.error").warning("odd %s", "request")
structlog.contextvars.bind_contextvars(request_id="req_1")
try:
    1 / 0
except ZeroDivisionError as error:
    log.error("crashed", exc_info=error)
    logging.getLogger("asyncio").error("lost", exc_info=error)
"""


def test_every_event_is_one_line_of_json_where_there_is_no_terminal() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    serving, odd, crashed, lost = map(json.loads, done.stderr.splitlines())
    assert (serving["event"], serving["level"], serving["port"], serving["name"]) == (
        "serving", "info", 8000, "工作室",
    )  # fmt: skip
    assert serving["timestamp"].endswith("Z")
    assert (odd["event"], odd["level"]) == ("odd request", "warning")
    assert (crashed["event"], crashed["request_id"]) == ("crashed", "req_1")
    assert "ZeroDivisionError" in json.dumps(crashed)
    assert lost["event"] == "lost"
    assert "ZeroDivisionError" in json.dumps(lost), "what uvicorn and asyncio tell of a crash is not lost"


def test_terminal_gets_columns() -> None:
    shown = on_terminal(CODE)
    assert "serving" in shown
    assert '"event"' not in shown
    assert "odd request" in shown
    assert "ZeroDivisionError" in shown


def test_variables_of_code_that_crashed_are_not_told() -> None:
    code = CODE.replace("    1 / 0", "    secret = 'sk-' + 'x' * 3\n    1 / 0")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "ZeroDivisionError" in done.stderr
    assert "sk-xxx" not in done.stderr
    assert "sk-xxx" not in on_terminal(code)


def on_terminal(code: str) -> str:
    """What a terminal shows of the code's stderr."""
    above, below = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", code], stderr=below)
    os.close(below)
    shown = b""
    with contextlib.suppress(OSError):  # Linux ends a terminal that nobody holds any more with an error
        while piece := os.read(above, 65536):
            shown += piece
    os.close(above)
    assert process.wait(30) == 0
    return shown.decode()
