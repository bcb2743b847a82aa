"""The README's examples: its commands and its Python work as they stand, but for URL and key, in both languages."""

import base64
import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from PIL import Image

from tests.e2e.clients import digest_of
from tests.e2e.serving import BIN, Target
from tests.relaying import frames
from tests.tidy import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("e2e")]

READMES = ["README.md", "README.zh.md"]
KEY = "sk-…"


def snippet(readme: str, language: str, word: str, target: Target) -> str:
    """The one code block of a README in that language with that word, made to call `target`."""
    text = (ROOT / readme).read_text(encoding="utf-8")
    found = [block for block in re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL) if word in block]
    assert len(found) == 1, found
    return found[0].replace("http://127.0.0.1:8000", target.origin).replace(KEY, target.key)


def run(command: list[str], folder: Path, target: Target) -> str:
    """What a command prints; it must succeed."""
    environment = {**os.environ, "DARKROOM_API_KEY": target.key}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("readme", READMES)
def test_readme_command_makes_the_picture(readme: str, target: Target, tmp_path: Path) -> None:
    lines = snippet(readme, "sh", "darkroom generate", target)
    run(["bash", "-ec", lines.replace(".venv/bin/", f"{BIN}/")], tmp_path, target)
    digest_of((tmp_path / "lighthouse.png").read_bytes())


@pytest.mark.parametrize("readme", READMES)
def test_readme_curl_streams_the_picture(readme: str, target: Target, tmp_path: Path) -> None:
    told = frames(run(["bash", "-ec", snippet(readme, "sh", "/v1/responses", target)], tmp_path, target))
    [done] = [event for event in told if event["type"] == "response.output_item.done"]
    digest_of(base64.b64decode(done["item"]["result"]))


@pytest.mark.parametrize("readme", READMES)
def test_readme_python_saves_the_picture(readme: str, target: Target, tmp_path: Path) -> None:
    run([sys.executable, "-c", snippet(readme, "python", "OpenAI", target)], tmp_path, target)
    digest_of((tmp_path / "lighthouse.png").read_bytes())


@pytest.mark.parametrize("readme", READMES)
def test_readme_images_curl_streams_the_picture(readme: str, target: Target, tmp_path: Path) -> None:
    text = run(["bash", "-ec", snippet(readme, "sh", "/generations", target)], tmp_path, target)
    told = [json.loads(line) for line in re.findall(r"^data: (.*)$", text, flags=re.MULTILINE)]
    assert [event["type"] for event in told] == [
        "image_generation.partial_image",
        "image_generation.completed",
    ]
    digest_of(base64.b64decode(told[1]["b64_json"]))


@pytest.mark.parametrize("readme", READMES)
def test_readme_edit_gives_an_address_that_opens(readme: str, target: Target, tmp_path: Path) -> None:
    Image.new("RGB", (1024, 1024), "navy").save(tmp_path / "lighthouse.png")
    made = json.loads(run(["bash", "-ec", snippet(readme, "sh", "/edits", target)], tmp_path, target))
    address = made["data"][0]["url"]
    assert address.startswith(target.origin + "/pictures/")
    with urllib.request.urlopen(address, timeout=30) as picture:
        digest_of(picture.read())


@pytest.mark.parametrize("readme", READMES)
def test_readme_upload_gives_an_id(readme: str, target: Target, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "navy").save(tmp_path / "lighthouse.png")
    file = json.loads(run(["bash", "-ec", snippet(readme, "sh", "/v1/files", target)], tmp_path, target))
    assert (file["object"], file["purpose"]) == ("file", "vision")
    assert file["id"].startswith("file-")


def test_first_start_shows_a_line_that_works(built_in: Target, tmp_path: Path) -> None:
    text = (built_in.data / "first-start.txt").read_text(encoding="utf-8")
    command = re.search(r"curl -N .*?\n.*?'\{.*?\}'", text)
    assert command, text
    told = frames(run(["bash", "-ec", command[0]], tmp_path, built_in))
    assert told[-1]["type"] == "response.completed"
