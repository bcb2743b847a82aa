"""Pictures that are kept: stored once, found by their owner, gone when their time is over."""

import asyncio
import base64
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from darkroom.gateway.spool import Folder, Spool
from darkroom.store.bucket import Bucket
from darkroom.store.engine import Store
from darkroom.store.pictures import ID, Pictures, decoded, new_picture_id
from darkroom.wire.base64 import NotBase64
from tests.store.shelves import HOUR_US, NOW, REQUEST, names, whole


@pytest.fixture
async def bucket(tmp_path: Path) -> AsyncIterator[Bucket]:
    opened = Bucket.open(None, tmp_path / "pictures", {})
    yield opened
    await opened.close()


@pytest.fixture
def pictures(store: Store, bucket: Bucket) -> Pictures:
    return Pictures(store, bucket, keep_hours=24)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    folder = Folder(tmp_path / "spool")
    made = Spool(folder, 1 << 26)
    yield made
    made.close()
    folder.clear()


async def test_picture_is_found_as_it_was_put(pictures: Pictures) -> None:
    put = await pictures.put(
        7, REQUEST, 0, "png", [b"pixels"], item_id="ig_1", width=1024, height=1536, now=NOW
    )
    assert ID.fullmatch(put.id)
    assert (put.bytes, put.media, put.width, put.height) == (6, "image/png", 1024, 1536)
    assert (put.created_at, put.expires_at) == (NOW, NOW + 24 * HOUR_US)
    assert await pictures.get(put.id, NOW) == put
    assert await pictures.by_item(7, "ig_1", NOW) == put
    assert await pictures.by_request(7, REQUEST, NOW) == (put,)
    assert await whole(pictures.open(put)) == b"pixels"
    assert await whole(pictures.open(put, 2, 4)) == b"xe"


async def test_picture_is_decoded_from_its_text_in_a_spool(pictures: Pictures, spool: Spool) -> None:
    picture = os.urandom(1_000_001)
    text = base64.b64encode(picture).replace(b"/", rb"\/")
    spool.append(b'{"result":"' + text + b'"}')
    put = await pictures.put(7, REQUEST, 0, "png", decoded(spool.pieces, 11, 11 + len(text)))
    assert await whole(pictures.open(put)) == picture


async def test_picture_whose_text_is_not_base64_is_not_there(
    pictures: Pictures, bucket: Bucket, spool: Spool
) -> None:
    spool.append(b"QUJD" * 500_000 + b"!")
    with pytest.raises(NotBase64):
        await pictures.put(7, REQUEST, 0, "png", decoded(spool.pieces, 0, spool.size))
    assert await pictures.by_request(7, REQUEST) == ()
    assert await names(bucket) == set()
    put = await pictures.put(7, REQUEST, 0, "png", decoded(spool.pieces, 0, 4))  # and its place is free again
    assert put.bytes == 3


async def test_text_that_its_spool_does_not_hold_is_no_short_picture(
    pictures: Pictures, spool: Spool
) -> None:
    spool.append(b"QUJD")
    with pytest.raises(OSError, match="the spool ends early"):
        await pictures.put(7, REQUEST, 0, "png", decoded(spool.pieces, 0, 8))
    assert await pictures.by_request(7, REQUEST) == ()


async def test_id_may_be_chosen_before_the_picture_exists(pictures: Pictures) -> None:
    pic_id = new_picture_id()
    assert await pictures.get(pic_id) is None
    await pictures.put(7, REQUEST, 0, "webp", [b"x"], pic_id=pic_id)
    found = await pictures.get(pic_id)
    assert found is not None
    assert found.format == "webp"


async def test_picture_put_again_is_stored_once(pictures: Pictures, bucket: Bucket) -> None:
    first = await pictures.put(7, REQUEST, 0, "png", [b"first"])
    again = await pictures.put(7, REQUEST, 0, "png", [b"second"], pic_id=new_picture_id())
    assert again == first
    assert await names(bucket) == {f"pictures/{first.id}"}
    assert await whole(pictures.open(first)) == b"first"


async def test_picture_put_by_many_at_the_same_time_is_stored_once(
    pictures: Pictures, bucket: Bucket, store_url: str
) -> None:
    other = await Store.open(store_url)
    everyone = [pictures, Pictures(other, bucket, keep_hours=24)] * 4
    put = await asyncio.gather(*(each.put(7, REQUEST, 0, "png", [b"same"]) for each in everyone))
    await other.close()
    assert len({each.id for each in put}) == 1
    assert await names(bucket) == {f"pictures/{put[0].id}"}


async def test_pictures_of_a_request_come_in_their_order_and_the_newest_of_an_item_counts(
    pictures: Pictures,
) -> None:
    for number in (2, 0, 1):
        await pictures.put(7, REQUEST, number, "png", [b"x"], item_id="ig_1", now=NOW)
    later = await pictures.put(7, "req_later", 0, "png", [b"x"], item_id="ig_1", now=NOW + 1)
    assert [each.number for each in await pictures.by_request(7, REQUEST, NOW)] == [0, 1, 2]
    assert await pictures.by_item(7, "ig_1", NOW) == later


async def test_pictures_of_another_account_are_not_found(pictures: Pictures) -> None:
    await pictures.put(7, REQUEST, 0, "png", [b"x"], item_id="ig_1")
    assert await pictures.by_item(8, "ig_1") is None
    assert await pictures.by_request(8, REQUEST) == ()
    with pytest.raises(ValueError, match="belongs to another"):
        await pictures.put(8, REQUEST, 0, "png", [b"y"])


async def test_id_of_another_picture_is_never_written_over(pictures: Pictures) -> None:
    first = await pictures.put(7, REQUEST, 0, "png", [b"mine"])
    with pytest.raises(ValueError, match="belongs to another"):
        await pictures.put(8, "req_other", 0, "png", [b"theirs"], pic_id=first.id)
    assert await whole(pictures.open(first)) == b"mine"


@pytest.mark.parametrize(
    "pic_id, format", [("../../etc/passwd", "png"), ("pic_1", "png"), (None, "svg"), (None, "x/y")]
)
async def test_id_or_format_that_is_not_ours_is_refused(
    pictures: Pictures, pic_id: str | None, format: str
) -> None:
    with pytest.raises(ValueError, match="no picture of ours"):
        await pictures.put(7, REQUEST, 0, format, [b"x"], pic_id=pic_id)


async def test_expired_picture_is_not_found_and_then_purged(pictures: Pictures, bucket: Bucket) -> None:
    put = await pictures.put(7, REQUEST, 0, "png", [b"x"], item_id="ig_1", now=NOW)
    after = NOW + 24 * HOUR_US
    assert await pictures.get(put.id, after - 1) == put
    assert await pictures.get(put.id, after) is None
    assert await pictures.by_item(7, "ig_1", after) is None
    assert await pictures.by_request(7, REQUEST, after) == ()
    assert (await pictures.purge(after - 1), await pictures.purge(after)) == (0, 1)
    assert await names(bucket) == set()


async def test_deleted_picture_is_gone(pictures: Pictures) -> None:
    put = await pictures.put(7, REQUEST, 0, "png", [b"x"])
    assert [await pictures.delete(put.id), await pictures.delete(put.id)] == [True, False]
    assert await pictures.get(put.id) is None


@pytest.mark.parametrize("keep, link, hours", [(24, 24, 24), (24, 1, 1), (2, 24, 2)])
async def test_link_never_outlives_its_picture(
    store: Store, bucket: Bucket, keep: int, link: int, hours: int
) -> None:
    pictures = Pictures(store, bucket, keep_hours=keep, link_hours=link)
    assert pictures.link_until_s(now=NOW) == (NOW + hours * HOUR_US) // 1_000_000
    put = await pictures.put(7, REQUEST, 0, "png", [b"x"], now=NOW)
    late = put.expires_at - HOUR_US // 2
    assert pictures.link_until_s(put, now=late) == put.expires_at // 1_000_000
