"""The documentation is true: commands, settings, links and twins are compared with the code and with each other."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import msgspec
import pytest

import darkroom
from darkroom.channels.catalog import Channel
from darkroom.settings import Settings
from tests import docs
from tests.tidy import ROOT

PAGES = sorted(
    page
    for page in ROOT.rglob("*.md")
    if not {".venv", "node_modules", "build"}.intersection(page.relative_to(ROOT).parts[:-1])
)
README, CHINESE = ROOT / "README.md", ROOT / "README.zh.md"
GUIDES = [README, CHINESE, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def broken(page: Path, text: str) -> list[str]:
    """Links of a page that lead nowhere."""
    found = []
    for target in docs.links(text):
        path, _, name = target.partition("#")
        file = (page.parent / path) if path else page
        anchors = {docs.anchor(heading) for _, heading in docs.headings(file.read_text())} if name else set()
        if not file.exists() or (name and name not in anchors):
            found.append(target)
    return found


def test_pages_are_found() -> None:
    assert {README, CHINESE, ROOT / "docs" / "settings.md"} <= set(PAGES)


@every_page
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    assert broken(page, page.read_text()) == []


@pytest.mark.parametrize("target", ["nowhere.md", "README.md#nothing", "#nothing", "docs/nowhere.svg"])
def test_link_that_leads_nowhere_is_found(target: str) -> None:
    assert broken(README, f"[a](README.md#start) [b](https://x.example) [c]({target})") == [target]


def test_links_in_code_and_to_other_hosts_are_left_alone() -> None:
    assert list(docs.links("[a](https://x.example/y) [b](mailto:x@y.example) [c](d.md)")) == ["d.md"]


def test_settings_page_says_what_the_code_says() -> None:
    page = docs.SETTINGS_PAGE.read_text()
    assert page == docs.filled(page), "run `make docs`"


def test_settings_page_that_fell_behind_is_noticed() -> None:
    page = docs.SETTINGS_PAGE.read_text()
    for fact in ("`8000`", "Higher first."):
        assert fact in page
        assert docs.filled(page.replace(fact, "old")) == page


@pytest.mark.parametrize("kind", [Settings, Channel], ids=["settings", "channel"])
def test_every_setting_has_its_meaning_beside_it(kind: type[msgspec.Struct]) -> None:
    assert docs.meanings(kind).keys() == {field.name for field in msgspec.structs.fields(kind)}
    assert all(meaning.endswith(".") for meaning in docs.meanings(kind).values())


def test_settings_table_has_a_row_for_every_key_of_the_file() -> None:
    rows = re.findall(r"^\| `(?:\[\[)?(\w+)", docs.table(Settings, ("config",)), flags=re.MULTILINE)
    assert rows == [field.encode_name for field in msgspec.structs.fields(Settings) if field.name != "config"]


@pytest.mark.parametrize(
    "default, expected",
    [(None, ""), ((), "`[]`"), (("a",), '`["a"]`'), (1.5, "`1.5`"), (Path("d"), '`"d"`'), (True, "`true`")],
)
def test_default_is_spelled_as_in_the_file(default: object, expected: str) -> None:
    assert docs.spelled(default) == expected


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: str(page.relative_to(ROOT)))
def test_config_shown_in_a_page_is_accepted(page: Path, tmp_path: Path) -> None:
    for language, text in docs.code_blocks(page.read_text()):
        if language == "toml":
            file = tmp_path / "darkroom.toml"
            file.write_text(text)
            assert Settings.load(config=file, env={}).channels == tuple(
                tomllib.loads(text).get("channel", ())
            )


@pytest.mark.parametrize("page", [README, CHINESE], ids=["en", "zh"])
def test_code_of_the_readme_is_well_formed(page: Path) -> None:
    blocks = docs.code_blocks(page.read_text())
    for language, text in blocks:
        if language == "python":
            compile(text, str(page), "exec")
    bodies = [match for _, text in blocks for match in re.findall(r"-d '(.*?)'", text, flags=re.DOTALL)]
    assert len(bodies) == 2
    assert all(json.loads(body)["stream"] is True for body in bodies)


def test_readmes_have_the_same_structure() -> None:
    english, chinese = README.read_text(), CHINESE.read_text()
    assert [level for level, _ in docs.headings(english)] == [level for level, _ in docs.headings(chinese)]
    assert english.count("\n- ") == chinese.count("\n- ")
    assert english.count("\n|") == chinese.count("\n|")
    assert set(docs.links(english)) - {"README.zh.md"} == set(docs.links(chinese)) - {"README.md"}


def test_readmes_show_the_same_code() -> None:
    def bare(page: Path) -> list[tuple[str, str]]:
        text = re.sub(
            r"[“”\"][^\"\n]*(?:lighthouse at dawn|灯塔)[^\"\n]*\"",
            '"…"',
            page.read_text(),
            flags=re.IGNORECASE,
        )
        return [(language, re.sub(r"#.*", "", code)) for language, code in docs.code_blocks(text)]

    assert bare(README) == bare(CHINESE)


def test_english_readme_has_no_chinese_but_the_link() -> None:
    assert re.findall(r"[\u4e00-\u9fff]+", README.read_text()) == ["中文"]


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))


@every_page
def test_make_targets_named_in_a_page_exist(page: Path) -> None:
    assert {words[0] for words in docs.commands(page.read_text(), "make") if words} <= targets()


def test_readme_names_the_commands_of_the_house() -> None:
    for page in (README, CHINESE):
        assert {"run", "test", "check", "bench"} <= {
            words[0] for words in docs.commands(page.read_text(), "make") if words
        }


def named(program: str) -> dict[tuple[str, ...], set[str]]:
    """Every command of the program that the guides name, with the options that they use."""
    found: dict[tuple[str, ...], set[str]] = {}
    for page in GUIDES:
        for words in docs.commands(page.read_text(), program):
            path = tuple(word for word in words[:2] if re.fullmatch(r"[a-z]+", word))
            options = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
            found.setdefault(path, set()).update(options)
    return found


def test_commands_are_read_from_lines_and_blocks() -> None:
    page = (
        "Run `darkroom key list --json`, not `x darkroom y` or `darkroom.db`.\n\n"
        "```sh\nA=1 .venv/bin/darkroom serve \\\n  --port 1 # now\n```\n"
    )
    assert list(docs.commands(page, "darkroom")) == [["key", "list", "--json"], ["serve", "--port", "1"]]


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(named("darkroom")), ids=" ".join)
def test_command_named_in_a_page_exists_with_its_options(path: tuple[str, ...]) -> None:
    program = Path(sys.executable).parent / "darkroom"
    done = subprocess.run([program, *path, "--help"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for option in named("darkroom")[path]:
        assert re.search(rf"(?<![\w-]){option}(?![\w-])", done.stdout), f"{option} is not an option of {path}"


@pytest.mark.slow
def test_readmes_name_every_command_of_the_program() -> None:
    program = Path(sys.executable).parent / "darkroom"
    done = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=60, check=False)
    _, _, listed = done.stdout.partition("Commands")
    commands = set(re.findall(r"^\W*([a-z]+) {2,}", listed, flags=re.MULTILINE))
    assert {"serve", "generate"} <= commands
    assert commands <= {path[0] for path in named("darkroom") if path}


def test_changelog_keeps_its_form() -> None:
    headings = docs.headings((ROOT / "CHANGELOG.md").read_text())
    assert headings[:2] == [(1, "Changelog"), (2, "[Unreleased]")]
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert {text for level, text in headings if level == 3} <= kinds
    assert re.fullmatch(r"\d+\.\d+\.\d+", darkroom.__version__)


def test_contributing_opens_with_what_is_refused() -> None:
    assert docs.headings((ROOT / "CONTRIBUTING.md").read_text())[1] == (2, "What we refuse")


def test_every_decision_is_listed_and_says_why() -> None:
    folder = ROOT / "docs" / "decisions"
    records = sorted(folder.glob("0*.md"))
    listed = list(docs.links((folder / "README.md").read_text()))
    assert listed == [record.name for record in records]
    for number, record in enumerate(records, 1):
        text = record.read_text()
        assert text.startswith(f"# {number:04} ")
        assert "**Decided.**" in text
        assert "**Why.**" in text


def test_architecture_names_every_part_of_the_program() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    parts = {
        path.stem for path in (ROOT / "src" / "darkroom").iterdir() if path.is_dir() or path.suffix == ".py"
    } - {"__init__", "__main__", "__pycache__", "logs", "welcome"}
    assert {part for part in parts if f"`{part}`" not in page} == set()


def test_modules_named_in_the_architecture_exist() -> None:
    source = ROOT / "src" / "darkroom"
    parts = "|".join(path.name for path in source.iterdir() if path.is_dir())
    page = (ROOT / "docs" / "architecture.md").read_text()
    named = re.findall(rf"`((?:{parts})/[a-z0-9_/]+)`", page)
    assert {"gateway/leg", "wire/image_stream", "store/pictures"} <= set(named)
    assert [
        name for name in named if not ((source / name).is_dir() or (source / f"{name}.py").is_file())
    ] == []


@pytest.mark.parametrize("name", ["pictures", "bridges", "sandbox"])
def test_page_in_two_languages_has_one_structure_and_is_linked_from_the_readmes(name: str) -> None:
    english, chinese = ((ROOT / "docs" / f"{name}{end}").read_text() for end in (".md", ".zh.md"))
    assert [level for level, _ in docs.headings(english)] == [level for level, _ in docs.headings(chinese)]
    assert english.count("\n|") == chinese.count("\n|")
    assert docs.code_blocks(english) == docs.code_blocks(chinese)
    assert all(f"docs/{name}.md" in set(docs.links(page.read_text())) for page in (README, CHINESE))


# Spelled in parts, so that this file does not name what it looks for.
FOLDERS = "|".join(("work", "root", "home/[a-z]+"))
INDEXES = "|".join(("py" + r"pi\.org", "python" + "hosted", "npm" + r"js\.", "extra-" + "index"))
MACHINE = re.compile(rf"(?<![\w.~-])/({FOLDERS})/|{INDEXES}")


@pytest.mark.parametrize(
    "text", ["see /{}/main".format("work"), "/{}/.cache".format("root"), "registry.{}js.org".format("npm")]
)
def test_machine_path_or_index_address_is_found(text: str) -> None:
    assert MACHINE.search(text)


def test_no_tracked_file_names_a_machine_or_an_index() -> None:
    files = tracked()
    if not files:
        pytest.skip("not a git checkout")
    found = [
        f"{file.relative_to(ROOT)}: {match.group()}"
        for file in files
        if (match := MACHINE.search(file.read_bytes().decode("utf-8", "replace")))
    ]
    assert found == []
