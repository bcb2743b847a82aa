"""`darkroom generate` against a real sandbox: pictures on disk, stages on stderr, one answer on stdout."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import KEY, Call
from tests.client.playing import call as stage
from tests.client.playing import created, frames, head, picture, play, stream
from tests.client.playing import story as told_in_full

SIZE = ("--size", "1024x1024", "--quality", "low")


def kind(path: Path) -> tuple[str | None, tuple[int, int]]:
    with Image.open(path) as image:
        image.load()
        return image.format, image.size


@pytest.mark.slow
def test_picture_is_saved_with_its_previews(customer: Call, tmp_path: Path) -> None:
    done = customer("generate", "A lighthouse", "-o", "a.png", "--partials", "2", *SIZE)
    assert done.code == 0
    assert kind(tmp_path / "a.png") == ("PNG", (1024, 1024))
    assert {path.name for path in tmp_path.iterdir()} == {"a.png", "a.partial0.png", "a.partial1.png"}
    assert done.out.startswith("a.png  1024x1024  png  ")
    assert done.out.count("\n") == 1
    stages = [line.partition(" s  ")[2] for line in done.err.splitlines() if " s  " in line]
    assert stages[-6:] == ["in progress", "generating", "partial 0", "partial 1", "image", "completed"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, more, format",
    [
        ("a.jpg", (), "JPEG"),
        ("a.webp", (), "WEBP"),
        ("a", (), "PNG"),
        ("a.bin", ("--format", "webp"), "WEBP"),
    ],
)
def test_format_is_that_of_the_file_or_of_the_option(
    customer: Call, tmp_path: Path, name: str, more: tuple[str, ...], format: str
) -> None:
    assert customer("generate", "cat", "-o", name, *SIZE, *more).code == 0
    assert kind(tmp_path / name)[0] == format


@pytest.mark.slow
def test_json_is_one_document_that_tells_everything(customer: Call, tmp_path: Path) -> None:
    done = customer("generate", "cat", "-o", "a.png", "--partials", "1", "--json", *SIZE)
    tree = done.tree
    assert (tree["path"], tree["format"], tree["size"]) == ("a.png", "png", "1024x1024")
    assert tree["bytes"] == (tmp_path / "a.png").stat().st_size
    assert tree["partials"] == ["a.partial0.png"]
    assert tree["request_id"].startswith("req_")
    assert tree["usage"]["output_tokens"] > 0
    assert [mark["stage"] for mark in tree["stages"]][-1] == "completed"


@pytest.mark.slow
def test_picture_is_edited_within_its_mask(customer: Call, tmp_path: Path) -> None:
    Image.new("RGB", (1024, 1024), (200, 30, 30)).save(tmp_path / "in.png")
    mask = Image.new("RGBA", (1024, 1024), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (512, 0, 1024, 1024))
    mask.save(tmp_path / "mask.png")
    done = customer("generate", "snow", "-o", "out.png", "--edit", "in.png", "--mask", "mask.png", *SIZE)
    assert done.code == 0, done.err
    assert kind(tmp_path / "out.png") == ("PNG", (1024, 1024))


def test_wishes_reach_the_relay_as_the_contract_spells_them(customer: Call, tmp_path: Path) -> None:
    (tmp_path / "in.png").write_bytes(picture())
    with play(stream(*told_in_full(picture()))) as played:
        wishes = (
            "--background",
            "opaque",
            "--model",
            "m",
            "--image-model",
            "i",
            "--effort",
            "",
            "--partials",
            3,
        )
        done = customer(
            "generate", "猫", "-o", "a.png", "--edit", "in.png", "--edit", "in.png", "--base-url", played.url,
            "--api-key", "sk-mine", *SIZE, *wishes,
        )  # fmt: skip
    assert done.code == 0, done.err
    assert b"authorization: bearer sk-mine" in played.heads[0].lower()
    body = played.body()
    assert (body["model"], body["stream"], "reasoning" in body) == ("m", True, False)
    assert [part["type"] for part in body["input"][0]["content"]] == [
        "input_text",
        "input_image",
        "input_image",
    ]
    assert body["input"][0]["content"][0]["text"] == "猫"
    assert body["tools"] == [
        {
            "type": "image_generation", "model": "i", "size": "1024x1024", "quality": "low",
            "output_format": "png", "background": "opaque", "partial_images": 3,
        }
    ]  # fmt: skip


def test_prompt_is_read_from_stdin_for_a_dash(customer: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("a cat\nin the rain"))
    with play(stream(*told_in_full(picture()))) as played:
        assert customer("generate", "-", "-o", "a.png", "--base-url", played.url).code == 0
    assert played.body()["input"][0]["content"][0]["text"] == "a cat\nin the rain"


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("cat",), "--output"),
        ((" ", "-o", "a.png"), "the prompt is empty"),
        (("cat", "-o", "a.gif"), ".gif names no format"),
        (("cat", "-o", "a.png", "--mask", "in.png"), "--edit"),
        (("cat", "-o", "a.png", "--edit", "no.png"), "no.png"),
        (("cat", "-o", "a.png", "--partials", "4"), "--partials"),
        (("cat", "-o", "a.png", "--format", "gif"), "--format"),
    ],
)
def test_wrong_usage_is_2_and_nothing_is_sent(
    cli: Call, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    (tmp_path / "in.png").write_bytes(picture())
    done = cli("generate", *arguments, "--base-url", "http://127.0.0.1:1/v1", "--api-key", "sk-x")
    assert (done.code, done.out) == (2, "")
    assert words in done.err


def test_what_is_missing_in_the_environment_is_said(cli: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "DARKROOM_BASE_URL" in cli("generate", "cat", "-o", "a.png").err
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    done = cli("generate", "cat", "-o", "a.png")
    assert (done.code, done.err) == (1, "darkroom: There is no API key: set DARKROOM_API_KEY.\n")


FAILURES = [
    ("status=500", "server_error", True, False),
    ("status=429,retry_after=7", "rate_limit_exceeded", True, False),
    ("code=insufficient_quota", "insufficient_quota", False, False),
    ("code=moderation_blocked", "moderation_blocked", False, False),
    ("status=401", "invalid_api_key", False, False),
    ("cut=after_created", "connection_lost", True, False),
    ("cut=in_final", "connection_lost", False, True),
    ("error=flat", "server_error", False, True),
    ("answer=refusal", "no_image", False, True),
]


@pytest.mark.parametrize("scenario, code, again, paid", FAILURES)
def test_failure_is_1_and_its_document_says_what_to_do(
    customer: Call, tmp_path: Path, scenario: str, code: str, again: bool, paid: bool
) -> None:
    prompt = f"cat [scenario: {scenario}]"
    done = customer("generate", prompt, "-o", "a.png", "--retries", "0", "--json", *SIZE)
    error = done.tree["error"]
    assert done.code == 1
    assert (error["code"], error["retryable"], error["paid"]) == (code, again, paid)
    assert error["retry_after_s"] == (7 if "retry_after" in scenario else None)
    last = done.err.splitlines()[-1]
    assert last.startswith(f"darkroom: {error['message']} (request {error['request_id']})")
    assert last.endswith("The picture may have been paid for.") is paid
    assert list(tmp_path.iterdir()) == []


def test_failure_without_json_leaves_stdout_empty(customer: Call) -> None:
    done = customer("generate", "cat", "-o", "a.png", "--api-key", "sk-wrong")
    assert (done.code, done.out) == (1, "")
    assert "Incorrect API key" in done.err.splitlines()[-1]


def test_failure_is_tried_again_and_that_is_said(customer: Call, tmp_path: Path) -> None:
    refused = [
        head(503, "application/json", retry_after="0"),
        json.dumps({"error": {"message": "Busy."}}).encode(),
    ]
    with play(refused, stream(*told_in_full(picture()))) as played:
        done = customer("generate", "cat", "-o", "a.png", "--base-url", played.url)
    assert done.code == 0
    assert "Busy. Trying again in 0.0 s." in done.err
    assert (tmp_path / "a.png").read_bytes() == picture()


def test_picture_in_another_format_than_asked_for_is_saved_and_said(customer: Call, tmp_path: Path) -> None:
    with play(stream(*told_in_full(picture("WEBP")))) as played:
        done = customer("generate", "cat", "-o", "a.png", "--base-url", played.url)
    assert done.code == 0
    assert done.err.endswith("darkroom: png was asked for, but the picture is webp.\n")
    assert kind(tmp_path / "a.png")[0] == "WEBP"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
def test_picture_that_cannot_be_written_is_a_refusal_that_names_the_request(customer: Call) -> None:
    with play(stream(*told_in_full(picture()), x_request_id="req_9")) as played:
        done = customer("generate", "cat", "-o", "/dev/full", "--json", "--base-url", played.url)
    assert done.code == 1
    assert done.tree["error"]["code"] == "cannot_write"
    assert "the picture was made, but cannot be written: No space left on device (request req_9)" in done.err


def test_words_of_the_relay_bring_no_control_characters(customer: Call) -> None:
    odd = {"type": "error", "error": {"message": "No\x1b[31m\nway", "code": "x\x1b"}}
    with play([head(), frames(created(), stage("generating"), odd)]) as played:
        done = customer("generate", "cat", "-o", "a.png", "--base-url", played.url)
    assert done.code == 1
    assert "\x1b" not in done.err
    assert "darkroom: No?[31m way" in done.err


def test_key_is_never_shown(customer: Call) -> None:
    for scenario in ("fast", "status=401"):
        done = customer("generate", f"cat [scenario: {scenario}]", "-o", "a.png", *SIZE)
        assert KEY not in done.out + done.err
