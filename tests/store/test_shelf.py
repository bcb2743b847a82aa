"""Rows and their objects live and die together, whatever fails between them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Row, func, insert, select

from darkroom import errors
from darkroom.store import shelf as module
from darkroom.store.bucket import Away, Bucket
from darkroom.store.engine import Store
from darkroom.store.schema import files
from darkroom.store.shelf import Shelf
from tests.store.buckets import s3_bucket
from tests.store.shelves import NOW, names, whole


@pytest.fixture
async def bucket(tmp_path: Path) -> AsyncIterator[Bucket]:
    opened = Bucket.open(None, tmp_path / "pictures", {})
    yield opened
    await opened.close()


@pytest.fixture
def shelf(store: Store, bucket: Bucket) -> Shelf:
    return Shelf(store, bucket, files)


def row(id: str, **fields: Any) -> dict[str, Any]:
    times = {"created_at": NOW, "expires_at": NOW * 2}
    return {
        "id": id,
        "account_id": 1,
        "filename": "a.png",
        "purpose": "vision",
        "media": "image/png",
        **times,
    } | fields


def claim(id: str, **fields: Any) -> Any:
    def made(connection: Connection) -> Row[Any]:
        return connection.execute(insert(files).values(**row(id, **fields)).returning(files)).one()

    return made


def found(id: str) -> Any:
    return lambda connection: connection.execute(select(files).where(files.c.id == id)).one()


async def count(shelf: Shelf, *, all: bool = False) -> int:
    query = select(func.count()).select_from(files)
    query = query if all else query.where(shelf.visible(NOW))
    return await shelf.store.read(lambda c: c.scalar(query) or 0)


async def test_row_is_invisible_until_its_object_is_whole(shelf: Shelf) -> None:
    seen: list[tuple[int, int]] = []
    loop = asyncio.get_running_loop()

    async def look() -> tuple[int, int]:
        return await count(shelf), await count(shelf, all=True)

    def pieces() -> Iterator[bytes]:
        yield b"first"
        seen.append(asyncio.run_coroutine_threadsafe(look(), loop).result(5))
        yield b"second"

    made = await shelf.put(claim("file-1"), pieces())
    assert seen == [(0, 1)]
    assert made.bytes == 11
    assert await count(shelf) == 1
    assert await whole(shelf.open("file-1", 0, 11)) == b"firstsecond"


async def test_row_goes_when_its_source_fails(shelf: Shelf, bucket: Bucket) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"first"
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await shelf.put(claim("file-1"), pieces())
    assert await count(shelf, all=True) == 0
    assert await names(bucket) == set()


async def test_whole_row_is_given_back_without_touching_the_source(shelf: Shelf) -> None:
    first = await shelf.put(claim("file-1"), [b"first"])

    def pieces() -> Iterator[bytes]:
        raise AssertionError("nobody should ask")
        yield b""

    assert await shelf.put(found("file-1"), pieces()) == first


async def test_two_writers_of_one_row_agree(shelf: Shelf) -> None:
    await shelf.store.write(claim("file-1"))
    both = await asyncio.gather(*(shelf.put(found("file-1"), [b"same", b"bytes"]) for _ in range(2)))
    assert both[0] == both[1]
    assert await whole(shelf.open("file-1", 0, 9)) == b"samebytes"


async def test_row_deleted_while_it_is_written_leaves_no_object(shelf: Shelf, bucket: Bucket) -> None:
    loop = asyncio.get_running_loop()

    def pieces() -> Iterator[bytes]:
        yield b"first"
        purging = asyncio.run_coroutine_threadsafe(shelf.purge(NOW * 3), loop)
        assert purging.result(5) == 1

    with pytest.raises(Away):
        await shelf.put(claim("file-1"), pieces())
    assert await names(bucket) == set()
    assert await count(shelf, all=True) == 0


async def test_deleted_row_and_object_are_gone_once(shelf: Shelf, bucket: Bucket) -> None:
    await shelf.put(claim("file-1"), [b"x"])
    await shelf.put(claim("file-2"), [b"x"])
    assert not await shelf.delete("file-1", files.c.account_id == 2)
    assert [await shelf.delete("file-1") for _ in range(2)] == [True, False]
    assert await names(bucket) == {"files/file-2"}
    assert await count(shelf, all=True) == 1


async def test_purge_ends_what_has_expired_and_nothing_else(
    shelf: Shelf, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PURGE_ROWS", 2)
    for number in range(5):
        await shelf.put(claim(f"file-{number}", expires_at=NOW + number), [b"x"])
    await shelf.store.write(
        claim("file-dead", expires_at=NOW)
    )  # a write that died before its object was there
    assert await shelf.purge(NOW - 1) == 0
    assert await shelf.purge(NOW + 3) == 5
    assert await names(bucket) == {"files/file-4"}
    assert await count(shelf, all=True) == 1


async def test_row_whose_object_cannot_be_deleted_now_is_invisible_and_goes_with_the_next_purge(
    store: Store,
) -> None:
    async with s3_bucket() as (bucket, server):
        shelf = Shelf(store, bucket, files)
        await shelf.put(claim("file-1"), [b"x"])
        server.refuses = True
        assert await shelf.delete("file-1")
        assert (await count(shelf), await count(shelf, all=True)) == (0, 1)
        with pytest.raises(errors.Overloaded):
            await shelf.purge(NOW)
        server.refuses = False
        assert await shelf.purge(NOW) == 1
        assert server.objects == {}
