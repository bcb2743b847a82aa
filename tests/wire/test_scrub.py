"""Nothing of the operator's reaches a customer, and what a customer can act upon stays."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.wire.scrub import LONGEST, REMOVED, scrub

KEPT = [
    "Invalid size '512x512'. Requested resolution is below the current minimum pixel budget.",
    "Invalid value: 'ultra'. Supported values are: 'low', 'medium', 'high', and 'auto'.",
    "Unknown parameter: 'tools[0].style'.",
    "Missing required parameter: 'input[0].content[1].image_url'.",
    "Transparent background is not supported for this model.",
    "The model `gpt-image-2.6-sunburst` does not exist or you do not have access to it.",
    "Your request was rejected by the safety system. safety_violations=[sexual].",
    "Previous response with id 'resp_68e5f1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f7' not found.",
    "'organization_usage_limit_exceeded' and 'response.in_progress' are names, 3:1 a ratio, 12:30:45 a time",
    "png, webp and image/jpeg are accepted, and/or gif.",
    "您的提示词不符合内容政策，请修改后重试。",
    "Use POST /v1/responses instead.",
    "input.image.size must be set; metadata.store too",
    "response.output_item.done",
]

LEAKS = [
    ("Incorrect API key provided: sk-proj-abcd1234.", "sk-proj"),
    ("Incorrect API key provided: sk-ab****************wxyz.", "wxyz"),
    ("bad header Authorization: Bearer abc.def-123", "abc.def"),
    ("Rate limit reached in organization org-AbCdEfGh12345678", "AbCdEfGh"),
    ("project proj_AbCdEfGh12345678 is archived", "AbCdEfGh"),
    ("user-abc123def456 is banned", "abc123"),
    ("proxy https://relay.internal:8443/v1/responses?key=1 failed", "relay"),
    ("no route to api.some-relay.top", "some-relay"),
    ("no route to api.some-relay.com:8443/v1", "8443"),
    ("host upstream.default.svc.cluster.local", "cluster"),
    ("connect to localhost:3000 refused", "3000"),
    ("connect to 10.1.2.3:443 refused", "10.1.2.3"),
    ("connect to [2001:db8::ff00:42:8329]:443 refused", "2001"),
    ("connect to fe80:0:0:0:1:2:3:4 refused", "fe80"),
    ("ask admin@example.com for help", "admin"),
    ("failed (request id: 20261109abcdef)", "20261109"),
    ("failed, request id: 2026110912345", "2026110912345"),
    ("failed, request_id=abc-123-def", "123"),
    ("failed, include the request ID req_0123456789abcdef please", "req_"),
    ("trace 123e4567-e89b-12d3-a456-426614174000", "e89b"),
    ("token 0123456789abcdef0123456789abcdef", "0123"),
    ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "eyJ"),
    ("open /var/lib/relay/keys.json: denied", "/var"),
    ("open C:\\relay\\keys.json: denied", "relay"),
    ("panic at controller/relay.go:123", "relay.go"),
    ("bad picture data:image/png;base64,iVBORw0KGgo=", "iVBOR"),
    ("bad picture " + "iVBORw0KGgo" * 10, "iVBOR"),
    ("<b>bad</b> <a href='https://x.y/z'>request</a>", "<"),
    ("bad\x00\x1b[31m text", "\x1b"),
]


@pytest.mark.parametrize("text", KEPT)
def test_what_a_customer_can_act_upon_stays(text: str) -> None:
    assert scrub(text) == text


@pytest.mark.parametrize("text, leak", LEAKS)
def test_what_belongs_to_the_operator_goes(text: str, leak: str) -> None:
    assert leak in text
    assert leak not in scrub(text)


@pytest.mark.parametrize("text, leak", LEAKS)
def test_it_goes_in_the_middle_of_chinese_too(text: str, leak: str) -> None:
    assert leak not in scrub(f"错误：{text}，请重试")


def test_secrets_go_wherever_they_stand() -> None:
    assert scrub("keyhunter2key and HUNTER", ("hunter2", "")) == f"key{REMOVED}key and HUNTER"
    assert "hunter" not in scrub("hunter2hunter2-long", ("hunter2", "hunter2-long"))
    assert "secret" not in scrub("x" * 3995 + "secret", ("secret",))


def test_invitations_to_a_removed_address_go_as_a_whole() -> None:
    text = (
        "Your request was rejected by the safety system. If you believe this is an error, contact us at "
        "help.openai.com and include the request ID req_0123456789. safety_violations=[sexual]."
    )
    assert scrub(text) == "Your request was rejected by the safety system. safety_violations=[sexual]."


def test_sentences_about_a_removed_address_stay() -> None:
    text = "Error while downloading https://example.org/cat.png. Upstream status code: 404."
    assert scrub(text) == f"Error while downloading {REMOVED}. Upstream status code: 404."


@pytest.mark.parametrize(
    "page",
    [
        "<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>",
        "\n <html>\n<head><title>524</title></head>",
        "error: < HTML >",
        "https://only.an.address.com/",
        "<br><br>",
        "",
    ],
)
def test_pages_and_bare_addresses_leave_nothing(page: str) -> None:
    assert scrub(page) == ""


def test_long_texts_are_cut() -> None:
    text = scrub("word " * 5000)
    assert len(text) <= LONGEST
    assert text.endswith("…")


@settings(max_examples=300)
@given(st.text())
def test_any_text_can_be_scrubbed_and_encoded(text: str) -> None:
    scrub(text).encode()


@given(
    st.from_regex(r"(sk|sess)-[A-Za-z0-9]{8,40}", fullmatch=True),
    st.text(alphabet=" .,:;'\"()\n，。", min_size=1),
)
def test_a_key_never_survives_its_surroundings(key: str, around: str) -> None:
    assert key[3:] not in scrub(f"bad key{around}{key}{around}end")


@pytest.mark.parametrize(
    "unit", ["a-", "a.", "<", "a:", "1.", "/a", "data:", "a@a.", "(request id", "[removed]", " "]
)
def test_texts_made_to_be_slow_are_not(unit: str) -> None:
    begin = time.perf_counter()
    scrub(unit * 200_000)
    assert time.perf_counter() - begin < 1


def test_stand_in_for_a_key_tears_no_words_apart() -> None:
    assert scrub("Invalid size '512x512'.", ("x", "")) == "Invalid size '512x512'."
