"""Uploaded files: per account, in order, for as long as they were meant to be kept."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from darkroom.store.bucket import Bucket
from darkroom.store.engine import Store
from darkroom.store.files import NAME_MAX, Files, StoredFile
from tests.store.shelves import HOUR_US, NOW, names, whole


@pytest.fixture
async def bucket(tmp_path: Path) -> AsyncIterator[Bucket]:
    opened = Bucket.open(None, tmp_path / "pictures", {})
    yield opened
    await opened.close()


@pytest.fixture
def files(store: Store, bucket: Bucket) -> Files:
    return Files(store, bucket, keep_hours=48)


async def put(files: Files, account_id: int = 7, name: str = "cat.png", **fields: Any) -> StoredFile:
    return await files.put(
        account_id, name, **{"purpose": "vision", "media": "image/png", "source": [b"pixels"]} | fields
    )


async def test_file_is_found_as_it_was_put(files: Files) -> None:
    made = await put(files, width=3, height=4, now=NOW)
    assert await files.get(7, made.id, NOW) == made
    assert (made.filename, made.purpose, made.bytes, made.width) == ("cat.png", "vision", 6, 3)
    assert made.expires_at == NOW + 48 * HOUR_US
    assert await whole(files.open(made)) == b"pixels"
    assert await whole(files.open(made, 1, 3)) == b"ix"


async def test_file_of_another_account_is_not_found_listed_or_deleted(files: Files) -> None:
    made = await put(files)
    assert await files.get(8, made.id) is None
    assert await files.list(8, limit=10) == ((), False)
    assert not await files.delete(8, made.id)
    assert await files.get(7, made.id) == made


@pytest.mark.parametrize(
    "file_id", ["", "file-1", "../file", "file-" + "g" * 32, "file-\x00", "file-" + "0" * 32]
)
async def test_id_that_nobody_has_is_not_found(files: Files, file_id: str) -> None:
    assert await files.get(7, file_id) is None
    assert not await files.delete(7, file_id)


async def test_files_are_listed_page_by_page_in_both_orders(files: Files) -> None:
    made = [await put(files, now=NOW + number // 2) for number in range(7)]  # some share their moment
    made.sort(key=lambda file: (file.created_at, file.id))
    for newest_first in (True, False):
        right = made[::-1] if newest_first else made
        got: list[StoredFile] = []
        more = True
        while more:
            after = got[-1] if got else None
            page, more = await files.list(7, limit=3, after=after, newest_first=newest_first, now=NOW)
            got += page
        assert got == right


async def test_files_are_listed_by_purpose(files: Files) -> None:
    one = await put(files, purpose="user_data")
    await put(files)
    assert await files.list(7, limit=5, purpose="user_data") == ((one,), False)


async def test_file_lives_as_long_as_it_says(files: Files, bucket: Bucket) -> None:
    short, long = await put(files, life_s=3600, now=NOW), await put(files, now=NOW)
    after = NOW + HOUR_US
    assert await files.get(7, short.id, after - 1) == short
    assert await files.get(7, short.id, after) is None
    assert (await files.list(7, limit=5, now=after))[0] == (long,)
    assert await files.purge(after) == 1
    assert await names(bucket) == {f"files/{long.id}"}


async def test_deleted_file_is_gone(files: Files, bucket: Bucket) -> None:
    made = await put(files)
    assert [await files.delete(7, made.id), await files.delete(7, made.id)] == [True, False]
    assert await names(bucket) == set()


@pytest.mark.parametrize(
    "given, kept",
    [
        ("猫.png", "猫.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\cat.png", "cat.png"),
        ("a\x00b\r\nc.png", "abc.png"),
        ("half\ud800.png", "half.png"),
        ("x" * 1000, "x" * NAME_MAX),
        ("", "file"),
        ("/", "file"),
    ],
)
async def test_name_is_kept_for_people_alone(files: Files, given: str, kept: str) -> None:
    assert (await put(files, name=given)).filename == kept
