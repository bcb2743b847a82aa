"""Objects by name, in a folder and in a bucket: whole or not there, read in pieces, never through a foreign name."""

import asyncio
import os
import threading
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from darkroom import errors
from darkroom.store import bucket as module
from darkroom.store.bucket import Away, Bucket
from tests.store.buckets import s3_bucket

MB = 1024 * 1024


@pytest.fixture(params=["folder", "s3"])
async def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bucket]:
    if request.param == "folder":
        opened = Bucket.open(None, tmp_path / "pictures", {})
        yield opened
        await opened.close()
    else:
        async with s3_bucket() as (opened, _):
            yield opened


async def whole(bucket: Bucket, name: str, start: int, stop: int) -> bytes:
    return b"".join([piece async for piece in bucket.read(name, start, stop)])


@pytest.mark.parametrize("size", [0, 1, 700_000, 12 * MB + 3])
async def test_object_comes_back_as_it_was_written(bucket: Bucket, size: int) -> None:
    written = os.urandom(size)
    pieces = [written[at : at + 300_001] for at in range(0, size, 300_001)]
    assert await bucket.write("pictures/pic_1", pieces) == size
    assert await whole(bucket, "pictures/pic_1", 0, size) == written
    if size > 1:
        assert await whole(bucket, "pictures/pic_1", 1, size - 1) == written[1:-1]


async def test_second_write_takes_the_place_of_the_first(bucket: Bucket) -> None:
    await bucket.write("pictures/pic_1", [b"first"])
    await bucket.write("pictures/pic_1", [b"second"])
    assert await whole(bucket, "pictures/pic_1", 0, 6) == b"second"


@pytest.mark.parametrize("error", [ValueError("not base64"), OSError("the spool ends early")])
@pytest.mark.parametrize("good", [1, 12])
async def test_write_whose_source_fails_leaves_nothing_and_says_why(
    bucket: Bucket, error: Exception, good: int
) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(good):
            yield bytes(MB)
        raise error

    with pytest.raises(type(error), match=str(error)) as caught:
        await bucket.write("pictures/pic_1", pieces())
    assert not isinstance(caught.value, errors.Error)
    with pytest.raises(errors.NotFound):
        await whole(bucket, "pictures/pic_1", 0, 1)


async def test_cancelled_write_never_touches_its_source_again(bucket: Bucket) -> None:
    begun, taken = threading.Event(), 0

    def pieces() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            begun.set()
            yield bytes(MB)

    writing = asyncio.create_task(bucket.write("pictures/pic_1", pieces()))
    await asyncio.to_thread(begun.wait)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    seen = taken
    await bucket.close()  # until the thread has ended
    assert taken == seen
    with pytest.raises(errors.NotFound):
        await whole(bucket, "pictures/pic_1", 0, 1)


async def test_deleted_object_is_gone_and_may_be_deleted_again(bucket: Bucket) -> None:
    await bucket.write("files/file-1", [b"x"])
    await bucket.delete("files/file-1")
    await bucket.delete("files/file-1")
    with pytest.raises(errors.NotFound):
        await whole(bucket, "files/file-1", 0, 1)


@pytest.mark.parametrize(
    "name",
    ["../pic", "pictures/../pic", "pictures/a.b", "/pictures/a", "a", "a/b/c", "pictures/", "P/a", "a/b\n"],
)
async def test_name_that_is_not_ours_is_never_used(bucket: Bucket, name: str) -> None:
    for use in (bucket.write(name, [b"x"]), bucket.delete(name), whole(bucket, name, 0, 1)):
        with pytest.raises(ValueError, match="not a name of ours"):
            await use


async def test_object_that_ends_early_is_no_short_answer(bucket: Bucket) -> None:
    await bucket.write("pictures/pic_1", [b"short"])
    with pytest.raises(Away):
        await whole(bucket, "pictures/pic_1", 0, 100)


async def test_large_object_is_written_in_bounded_memory(tmp_path: Path) -> None:
    bucket = Bucket.open(None, tmp_path, {})
    tracemalloc.start()
    try:
        assert await bucket.write("pictures/pic_1", (bytes(256 * 1024) for _ in range(160))) == 40 * MB
        async for _ in bucket.read("pictures/pic_1", 0, 40 * MB):
            pass
        assert tracemalloc.get_traced_memory()[1] < 4 * MB
    finally:
        tracemalloc.stop()
        await bucket.close()


async def test_folder_is_for_its_owner_alone_and_holds_only_whole_objects(tmp_path: Path) -> None:
    bucket = Bucket.open(f"file://{tmp_path}/kept%20here", tmp_path / "unused", {})
    await bucket.write("pictures/pic_1", [bytes(MB)] * 3)
    assert (tmp_path / "kept here").stat().st_mode & 0o777 == 0o700
    assert [file.name for file in (tmp_path / "kept here").rglob("*") if file.is_file()] == ["pic_1"]
    assert not (tmp_path / "unused").exists()
    await bucket.close()


async def test_sweep_deletes_beginnings_that_nobody_finishes(tmp_path: Path) -> None:
    bucket = Bucket.open(None, tmp_path, {})
    await bucket.write("pictures/pic_1", [b"whole"])
    left = tmp_path / "pictures" / "pic_2#1"
    left.write_bytes(b"half")
    now = left.stat().st_mtime
    assert await bucket.sweep(now + 10) == 0
    assert await bucket.sweep(now + module.ABANDONED_S + 10) == 1
    assert not left.exists()
    assert await whole(bucket, "pictures/pic_1", 0, 5) == b"whole"
    await bucket.close()


async def test_store_that_is_away_is_a_503_that_keeps_its_secrets(tmp_path: Path) -> None:
    async with s3_bucket() as (bucket, server):
        server.refuses = True
        for use in (
            bucket.write("pictures/a", [b"x"]),
            bucket.delete("pictures/a"),
            whole(bucket, "pictures/a", 0, 1),
        ):
            with pytest.raises(Away) as caught:
                await use
            assert (caught.value.status, caught.value.code) == (503, "pictures_unavailable")
            assert "127.0.0.1" not in caught.value.message


async def test_objects_lie_under_the_prefix_and_are_signed_with_the_keys_of_the_environment() -> None:
    async with s3_bucket() as (bucket, server):
        await bucket.write("pictures/pic_1", [b"x"])
        assert list(server.objects) == ["/shop/kept/here/pictures/pic_1"]
        assert "Credential=id/" in server.asked[0][2]["authorization"]


async def test_small_object_is_one_request_and_a_large_one_comes_in_parts() -> None:
    async with s3_bucket() as (bucket, server):
        await bucket.write("pictures/small", [b"x"] * 10)
        assert [method for method, _, _ in server.asked] == ["PUT"]
        await bucket.write("pictures/large", [bytes(MB)] * 11)
        assert [method for method, _, _ in server.asked][1:] == ["POST", "PUT", "PUT", "PUT", "POST"]


@pytest.mark.parametrize(
    "url, reason",
    [
        ("s3://shop?endpoint=env:NOWHERE", "the environment has no NOWHERE"),
        ("s3://shop?colour=red", "no option 'colour'"),
        ("file:///proc/nothing/here", "cannot be used"),
    ],
)
def test_address_that_cannot_be_right_stops_the_start(tmp_path: Path, url: str, reason: str) -> None:
    with pytest.raises(errors.Invalid, match=reason) as caught:
        Bucket.open(url, tmp_path, {})
    assert caught.value.param == "pictures_url"
