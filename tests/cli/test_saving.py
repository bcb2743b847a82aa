"""Where a picture goes: found out beforehand, whole or not at all."""

import os
from pathlib import Path

import pytest

from darkroom import errors
from darkroom.cli import saving
from darkroom.cli.saving import Target, format_of, read_input
from tests.client.playing import picture


@pytest.mark.parametrize(
    "name, format",
    [
        ("a.png", "png"),
        ("a.JPG", "jpeg"),
        ("a.jpeg", "jpeg"),
        ("a.b.webp", "webp"),
        ("a", "png"),
        ("a.gif", None),
    ],
)
def test_format_is_what_the_name_says(name: str, format: str | None) -> None:
    assert format_of(Path(name)) == format


def test_picture_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    target = Target(path)
    assert path.read_bytes() == b"old"
    target.save(b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_preview_stands_beside_the_picture(tmp_path: Path) -> None:
    target = Target(tmp_path / "a.b.png")
    assert target.save_partial(1, b"p") == tmp_path / "a.b.partial1.png"
    assert (tmp_path / "a.b.partial1.png").read_bytes() == b"p"


def test_link_stays_a_link(tmp_path: Path) -> None:
    link = tmp_path / "link.png"
    link.symlink_to(tmp_path / "real.png")
    Target(link).save(b"new")
    assert link.is_symlink()
    assert (tmp_path / "real.png").read_bytes() == b"new"


def test_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    null = Target(Path(os.devnull))
    null.save(b"x")
    null.save_partial(0, b"x")
    assert Path(os.devnull).is_char_device()
    assert not Path("/dev/null.partial0").exists()


def test_place_where_nothing_can_be_written_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "no" / "a.png", tmp_path / "file" / "a.png", Path("/proc/a.png")):
        with pytest.raises(errors.Invalid, match="Nothing was sent"):
            Target(path)


def test_failed_save_leaves_the_old_picture_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    target = Target(path)
    path.mkdir()  # what was free a moment ago
    (path / "x").touch()
    with pytest.raises(OSError):
        saving._write(path, b"new")
    assert [one.name for one in tmp_path.iterdir()] == ["a.png"]
    assert target.path == path


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_input_picture_is_read_as_it_is(tmp_path: Path, format: str) -> None:
    (tmp_path / "in").write_bytes(picture(format))
    assert read_input(tmp_path / "in") == picture(format)


def test_input_that_is_no_picture_or_too_large_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "in.gif").write_bytes(picture("GIF"))
    with (tmp_path / "large.png").open("wb") as file:
        file.truncate(saving.INPUT_LIMIT + 1)
    for name, code in (
        ("text.png", "invalid_image"),
        ("in.gif", "invalid_image"),
        ("large.png", "image_too_large"),
    ):
        with pytest.raises(errors.Invalid, match=name) as told:
            read_input(tmp_path / name)
        assert told.value.code == code
