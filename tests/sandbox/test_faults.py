"""Refusals: codes with their statuses, bodies as strangers write them, and shapes inside a stream."""

import json

import pytest

from darkroom.sandbox.faults import BODIES, CODES, SECRETS, SHAPES, USUAL, Fault, fault_of

FIELDS = CODES["slow_down"].fields("slow_down")


@pytest.mark.parametrize("code", CODES)
def test_code_brings_its_status_and_all_four_keys(code):
    status, name, fault = fault_of(None, code)
    assert (status, name) == (fault.status, code)
    assert list(fault.fields(code))[:4] == ["message", "type", "param", "code"]
    assert 400 <= status < 600
    assert fault.message


@pytest.mark.parametrize("status", USUAL)
def test_bare_status_stands_for_its_usual_failure(status):
    assert fault_of(status, None) == (status, USUAL[status], CODES[USUAL[status]])
    assert CODES[USUAL[status]].status == status


@pytest.mark.parametrize(
    "status, kind", [(200, "invalid_request_error"), (418, "invalid_request_error"), (529, "server_error")]
)
def test_other_statuses_are_told_without_a_code(status, kind):
    assert fault_of(status, None)[:2] == (status, None)
    assert fault_of(status, None)[2].type == kind
    assert str(status) in fault_of(status, None)[2].message


def test_status_and_code_together_are_kept_as_they_are():
    assert fault_of(200, "slow_down") == (200, "slow_down", CODES["slow_down"])
    assert fault_of(None, None)[:2] == (502, "bad_gateway")


def test_statuses_of_the_wire_are_the_ones_of_the_codes():
    wanted = {"moderation_blocked": 400, "invalid_api_key": 401, "model_not_found": 404, "rate_limit_exceeded": 429,
              "insufficient_quota": 429, "server_is_overloaded": 503}  # fmt: skip
    assert {code: CODES[code].status for code in wanted} == wanted
    assert CODES["moderation_blocked"].fields("x")["moderation_details"] == {
        "moderation_stage": "input", "categories": ["sexual"],
    }  # fmt: skip
    assert CODES["insufficient_quota"].headers == (("x-should-retry", "false"),)
    assert CODES["rate_limit_exceeded"].headers == (("retry-after", "12"),)


@pytest.mark.parametrize("name", ["openai", "string", "detail", "wrapped", "secret"])
def test_bodies_of_json_are_json(name):
    kind, content = BODIES[name](429, FIELDS)
    assert kind == "application/json"
    assert FIELDS["message"] in content.decode() or name == "secret"
    json.loads(content)


def test_body_of_openai_is_the_error_object_and_wrapped_holds_it_as_text():
    assert json.loads(BODIES["openai"](429, FIELDS)[1]) == {"error": FIELDS}
    inner = json.loads(BODIES["wrapped"](429, FIELDS)[1])["error"]["message"]
    assert json.loads(inner) == {"error": FIELDS}


def test_bodies_that_are_no_json():
    kind, page = BODIES["html"](524, FIELDS)
    assert kind.startswith("text/html")
    assert b"<h1>524</h1>" in page
    assert BODIES["empty"](500, FIELDS) == (None, b"")
    assert BODIES["text"](503, FIELDS)[0].startswith("text/plain")
    with pytest.raises(json.JSONDecodeError):
        json.loads(BODIES["broken"](500, FIELDS)[1])


def test_body_secret_holds_every_secret():
    content = BODIES["secret"](401, FIELDS)[1].decode()
    assert all(secret in content for secret in SECRETS)


def said(shape):
    return [(one.event, one.tree, one.raw) for one in SHAPES[shape](FIELDS)]


def test_shapes_of_the_wire():
    flat = {key: FIELDS[key] for key in ("code", "message", "param")}
    head = {"type": "error", "sequence_number": 0}
    assert said("nested") == [("error", {**head, "error": FIELDS}, False)]
    assert said("flat") == [("error", {**head, **flat}, False)]
    assert said("both") == [
        ("error", {**head, "error": FIELDS, **flat}, False),
        ("response.failed", None, False),
    ]
    assert said("bare") == [(None, {"error": FIELDS}, False)]
    assert said("raw_json") == [(None, {"error": FIELDS}, True)]
    assert said("upstream_error") == [("upstream_error", {"error": FIELDS}, False)]
    assert said("failed") == [("response.failed", None, False)]
    assert said("incomplete") == [("response.incomplete", None, False)]
    assert json.loads(said("string")[0][1]) == {"error": FIELDS}
    assert json.loads(said("string_inside")[0][1]["error"]) == FIELDS
    assert said("vendor_type")[0][1]["error"]["type"] == "packy_rate_limit_error"


def test_every_shape_is_said_of_every_fault_without_changing_it():
    plain = Fault(500, "server_error", "m").fields(None)
    before = dict(plain)
    for shape in SHAPES.values():
        assert shape(plain)
    assert plain == before
