"""Pictures over HTTP: for whoever holds the link, with the right type, in ranges, until the link ends."""

import asyncio
import time
from pathlib import Path

import pytest

from darkroom.store.pictures import StoredPicture, new_picture_id
from tests.web.routing import Shop, shop

pytestmark = pytest.mark.slow
PIXELS = bytes(range(256)) * 40


async def put(shop: Shop, **fields: object) -> StoredPicture:
    account = 1
    return await shop.pictures.put(account, "req_1", 0, "png", [PIXELS], **fields)  # type: ignore[arg-type]


def link(shop: Shop, picture: StoredPicture, until_s: float = 0) -> str:
    return shop.links.sign(picture.id, picture.format, int(until_s or time.time() + 3600))


async def test_picture_comes_whole_with_its_type_and_no_way_to_be_anything_else(tmp_path: Path) -> None:
    async with shop(tmp_path) as opened:
        picture = await put(opened)
        answer = await opened.client.get(link(opened, picture))
        assert (answer.status_code, answer.content) == (200, PIXELS)
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["content-length"] == str(len(PIXELS))
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert answer.headers["content-disposition"] == f'inline; filename="{picture.id}.png"'
        head = await opened.client.head(link(opened, picture))
        assert (head.status_code, head.content) == (200, b"")
        same = ("content-type", "content-length", "etag", "accept-ranges")
        assert [head.headers[name] for name in same] == [answer.headers[name] for name in same]


async def test_picture_may_be_kept_by_the_browser_until_link_or_picture_ends(tmp_path: Path) -> None:
    async with shop(tmp_path) as opened:
        picture = await put(opened)
        now = time.time()
        for until, most in ((now + 100, 100), (now + 10 * 86_400, 86_400)):
            kept = (await opened.client.get(link(opened, picture, until))).headers["cache-control"]
            assert kept.startswith("private, max-age=")
            assert most - 30 <= int(kept.split("=")[1].split(",")[0]) <= most


async def test_picture_that_the_caller_has_is_not_sent_again(tmp_path: Path) -> None:
    async with shop(tmp_path) as opened:
        address = link(opened, await put(opened))
        tag = (await opened.client.get(address)).headers["etag"]
        for given in (tag, f'"other", W/{tag}', "*"):
            answer = await opened.client.get(address, headers={"if-none-match": given})
            assert (answer.status_code, answer.content) == (304, b"")
            assert answer.headers["etag"] == tag
        answer = await opened.client.get(address, headers={"if-none-match": '"other"'})
        assert answer.status_code == 200  # and on the same connection: the 304 left nothing behind


@pytest.mark.parametrize(
    "asked, start, stop",
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-99", 10, 100),
        ("bytes=10000-", 10_000, len(PIXELS)),
        ("bytes=-7", len(PIXELS) - 7, len(PIXELS)),
        ("bytes=-99999999", 0, len(PIXELS)),
        ("bytes=5-99999999", 5, len(PIXELS)),
    ],
)
async def test_one_range_is_sent_alone(tmp_path: Path, asked: str, start: int, stop: int) -> None:
    async with shop(tmp_path) as opened:
        answer = await opened.client.get(link(opened, await put(opened)), headers={"range": asked})
        assert (answer.status_code, answer.content) == (206, PIXELS[start:stop])
        assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(PIXELS)}"


async def test_range_that_lies_outside_is_refused_and_one_not_understood_is_ignored(tmp_path: Path) -> None:
    async with shop(tmp_path) as opened:
        address = link(opened, await put(opened))
        for asked in (f"bytes={len(PIXELS)}-", "bytes=99999999-100000000", "bytes=-0"):
            answer = await opened.client.get(address, headers={"range": asked})
            assert (answer.status_code, answer.json()["error"]["code"]) == (416, "range_not_satisfiable")
            assert answer.headers["content-range"] == f"bytes */{len(PIXELS)}"
        for asked in (
            "bytes=0-1,5-6",
            "bytes=9-5",
            "bytes=-",
            "pages=1-2",
            "bytes=a-b",
            "bytes=" + "9" * 30 + "-",
        ):
            answer = await opened.client.get(address, headers={"range": asked})
            assert (answer.status_code, answer.content) == (200, PIXELS)
        stale = await opened.client.get(address, headers={"range": "bytes=0-0", "if-range": '"older"'})
        assert (stale.status_code, stale.content) == (200, PIXELS)


async def test_wrong_or_expired_link_is_403_and_says_why(tmp_path: Path) -> None:
    async with shop(tmp_path) as opened:
        picture = await put(opened)
        other = new_picture_id()
        for address, code in (
            (link(opened, picture, time.time() - 1), "link_expired"),
            (link(opened, picture) + "x", "link_invalid"),
            (link(opened, picture).replace(picture.id, other), "link_invalid"),
            (f"/pictures/{picture.id}.png", "link_invalid"),
        ):
            answer = await opened.client.get(address, headers=opened.key)  # a key does not help
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, code)
            assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


async def test_unknown_expired_or_half_picture_is_404(tmp_path: Path) -> None:
    async with shop(tmp_path) as opened:
        picture = await put(opened)
        unknown = opened.links.sign(new_picture_id(), "png", int(time.time() + 60))
        other_format = opened.links.sign(picture.id, "gif", int(time.time() + 60))
        await opened.bucket.delete(f"pictures/{picture.id}")  # the row is there, the file is not
        for address, code in (
            (unknown, "picture_not_found"),
            (other_format, "picture_not_found"),
            (link(opened, picture), "picture_gone"),
        ):
            answer = await opened.client.get(address)
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, code)


@pytest.mark.parametrize(
    "path",
    [
        "/pictures/../main.db",
        "/pictures/%2e%2e/main.db",
        "/pictures/..%2fmain.db",
        "/pictures/",
        "/pictures/%00.png",
    ],
)
async def test_path_leads_nowhere_else(tmp_path: Path, path: str) -> None:
    async with shop(tmp_path) as opened:
        reader, writer = await asyncio.open_connection("127.0.0.1", opened.port)
        query = opened.links.sign(new_picture_id(), "png", 9_999_999_999).split("?")[1]
        writer.write(f"GET {path}?{query} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 404")
        assert b"SQLite" not in answer


async def test_other_methods_are_refused(tmp_path: Path) -> None:
    async with shop(tmp_path) as opened:
        assert (await opened.client.post(link(opened, await put(opened)))).status_code == 405
