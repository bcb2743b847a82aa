"""`darkroom trace`: what happened, as a list and as a waterfall."""

import asyncio
from pathlib import Path

import pytest

from darkroom.store.engine import Store
from darkroom.traces.recorder import Recorder
from darkroom.traces.trace import Trace
from tests.cli.conftest import Call
from tests.traces.samples import STARTED_AT, full, simple


@pytest.fixture
def kept(tmp_path: Path) -> None:
    """Three traces in the folder `data`."""
    (tmp_path / "data").mkdir()

    async def keep(*traces: Trace) -> None:
        store = await Store.open(f"sqlite:///{tmp_path}/data/traces.db", part="traces")
        recorder = Recorder(store)
        for trace in traces:
            recorder.put(trace)
        await recorder.flush()
        await store.close()

    refused = {"outcome": "refused", "account": "bob", "status": 400, "error_code": "invalid_value"}
    asyncio.run(
        keep(
            full("req_aa1"),
            simple("req_aa2", started_at=STARTED_AT + 1, **refused),
            simple("req_b", started_at=STARTED_AT + 2),
        )
    )


def test_list_of_nothing_is_its_head_alone(cli: Call) -> None:
    assert cli("trace", "list").out.split()[0] == "REQUEST"
    assert cli("trace", "list", "--json").tree == {"traces": []}


@pytest.mark.usefixtures("kept")
def test_list_shows_the_newest_first_and_only_what_is_asked_for(cli: Call) -> None:
    rows = cli("trace", "list").out.splitlines()[1:]
    assert [row.split()[0] for row in rows] == ["req_b", "req_aa2", "req_aa1"]
    assert "refused invalid_value" in rows[1]
    for part in ("工作室", "gpt-5.5 + gpt-image-2", "200", "completed", "12.84 s", "1024x1024 png"):
        assert part in rows[2]

    def ids(*arguments: object) -> list[str]:
        return [trace["request_id"] for trace in cli("trace", "list", "--json", *arguments).tree["traces"]]

    assert ids("--limit", 1) == ["req_b"]
    assert ids("--account", "bob") == ["req_aa2"]
    assert ids("--outcome", "completed") == ["req_b", "req_aa1"]
    assert cli("trace", "list", "--outcome", "odd").code == 2
    assert cli("trace", "list", "--limit", 0).code == 2


@pytest.mark.usefixtures("kept")
def test_show_draws_the_waterfall_of_a_request_in_either_language(cli: Call) -> None:
    shown = cli("trace", "show", "req_aa1")
    assert (shown.code, shown.err) == (0, "")
    assert "generating" in shown.out
    assert "◂ longest" in shown.out
    assert "最长" in cli("trace", "show", "req_aa1", "--lang", "zh").out


@pytest.mark.usefixtures("kept")
def test_show_with_json_has_stages_and_attempts(cli: Call) -> None:
    tree = cli("trace", "show", "req_aa1", "--json").tree
    assert [attempt["channel"] for attempt in tree["attempts"]] == ["main", "backup"]
    assert tree["stages"][0] == ["accepted", 0, None]


@pytest.mark.usefixtures("kept")
def test_show_takes_the_beginning_of_an_id_if_it_is_enough(cli: Call) -> None:
    assert cli("trace", "show", "req_b", "--json").tree["request_id"] == "req_b"
    ambiguous, unknown = cli("trace", "show", "req_aa"), cli("trace", "show", "req_c")
    assert (ambiguous.code, unknown.code) == (1, 1)
    assert "req_aa1, req_aa2" in ambiguous.err
    assert "no trace of 'req_c'" in unknown.err
