"""Pictures and files that are kept: found by their own account alone, under ids chosen early, or a clear failure."""

import asyncio
import base64
import json
import shutil

import httpx2
import pytest

from darkroom.errors import Invalid
from darkroom.gateway.album import Album, Kept
from darkroom.gateway.spool import Folder, Spool
from darkroom.settings import Settings
from darkroom.store.pictures import ID
from darkroom.wire.actions import Picture
from darkroom.wire.base64 import NotBase64
from darkroom.wire.request import InputPicture
from tests.relaying import PIXEL, channel, picture_events, relaying, upstream
from tests.store.shelves import REQUEST, names

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
RIGHT = base64.b64encode(base64.b64decode(PIXEL[:4000])).decode()
WRONG = RIGHT[:2000] + "!" + RIGHT[2001:]
BODY = {"model": "gpt-image-2", "prompt": "a boat", "response_format": "url"}


@pytest.fixture
async def album(store, tmp_path):
    opened = await Album.open(Settings(data=tmp_path), store)
    yield opened
    await opened.close()


@pytest.fixture
def spool(tmp_path):
    folder = Folder(tmp_path / "spool")
    made = Spool(folder, 1 << 26)
    yield made
    made.close()
    folder.clear()


async def resolved(album, account_id, kind, id):
    got = bytearray()
    picture = InputPicture(("input", 0, "id"), kind, id)
    await album.resolver(account_id)(picture, got.extend)
    return bytes(got)


async def test_pictures_and_files_are_found_by_their_own_account_alone(album, spool):
    spool.append(b"--" + base64.b64encode(b"pixels"))
    shelf = Kept(album, 7, REQUEST, "http://x")
    await album.store(shelf, 0, Picture("ig_1", "webp", 8, 9), spool, 2, spool.size)
    file = await album.files.put(7, "a.png", "vision", "image/png", [b"file"])
    assert await resolved(album, 7, "item", "ig_1") == b"pixels"
    assert await resolved(album, 7, "file", file.id) == b"file"
    for account, kind, id, code in (
        (8, "item", "ig_1", "item_not_found"),
        (8, "file", file.id, "image_file_not_found"),
        (7, "item", file.id, "item_not_found"),
        (7, "file", "ig_1", "image_file_not_found"),
        (7, "item", None, "item_not_found"),
    ):
        with pytest.raises(Invalid) as unknown:
            await resolved(album, account, kind, id)
        assert (unknown.value.code, unknown.value.param) == (code, "input[0].id")


async def test_id_is_chosen_before_the_picture_is_there_and_stays(album, spool):
    shelf = Kept(album, 7, REQUEST, "https://relay.example")
    link = shelf.link(1, "jpeg")
    assert ID.fullmatch(shelf.id(1))
    assert link.startswith(f"https://relay.example/pictures/{shelf.id(1)}.jpeg?")
    assert len({shelf.id(0), shelf.id(1), Kept(album, 7, REQUEST, "").id(1)}) == 3
    spool.append(base64.b64encode(b"pixels"))
    await album.store(shelf, 1, Picture("ig_1", "jpeg"), spool, 0, spool.size)
    kept = await album.pictures.get(shelf.id(1))
    assert kept is not None
    assert (kept.account_id, kept.request_id, kept.number, kept.media) == (7, REQUEST, 1, "image/jpeg")
    path, _, query = link.removeprefix("https://relay.example").partition("?")
    assert album.links.check(path, query, 0)[0] == kept.id


async def test_picture_that_is_no_base64_leaves_nothing_behind(album, spool):
    spool.append(WRONG.encode())
    with pytest.raises(NotBase64):
        await album.store(Kept(album, 7, REQUEST, ""), 0, Picture("ig_1"), spool, 0, spool.size)
    assert await album.pictures.by_request(7, REQUEST) == ()
    assert await names(album._bucket) == set()


def native(text, *, stream):
    """An Images upstream's answer."""

    async def play(heard):
        if not stream:
            document = {"created": 1, "data": [{"b64_json": text}]}
            await heard.whole("200 OK", "application/json", json.dumps(document).encode())
            return
        await heard.begin()
        for kind in ("partial_image", "completed"):
            tree = {"type": f"image_generation.{kind}", "b64_json": text, "partial_image_index": 0}
            await heard.say(f"event: {tree['type']}\ndata: {json.dumps(tree)}\n\n".encode())
        await heard.end()

    return play


def bridged(text):
    async def play(heard):
        await heard.begin()
        await heard.say(*picture_events(text))
        await heard.end()

    return play


async def ask(relay, **more):
    async with httpx2.AsyncClient(timeout=20) as client:
        path = relay.url + "/v1/images/generations"
        return await client.post(path, json=BODY | more, headers=relay.headers)


@pytest.mark.parametrize("fault", ["no base64", "no folder"])
@pytest.mark.parametrize("speaks", ["responses", "images"])
@pytest.mark.parametrize("stream", [False, True])
async def test_picture_that_cannot_be_stored_is_a_clear_error_where_its_address_is_wanted(
    tmp_path, speaks, stream, fault
):
    text = WRONG if fault == "no base64" else RIGHT
    play = native(text, stream=stream) if speaks == "images" else bridged(text)
    streams = (speaks,) if stream or speaks == "responses" else ()
    async with upstream(play) as up:
        async with relaying(tmp_path, channel(up, speaks=(speaks,), streams=streams)) as relay:
            if fault == "no folder":
                shutil.rmtree(tmp_path / "pictures", ignore_errors=True)
                (tmp_path / "pictures").write_bytes(b"")
            more = {"stream": True, "partial_images": 1} if stream else {}
            answer = await ask(relay, **more)
            if stream:
                frames = answer.text.removesuffix("\n\n").split("\n\n")
                events = [json.loads(frame.split("\n")[1].removeprefix("data: ")) for frame in frames]
                assert [event["type"] for event in events] == ["image_generation.partial_image", "error"]
                error = events[-1]["error"]
            else:
                assert answer.status_code == 500
                assert answer.headers["x-should-retry"] == "false"
                error = answer.json()["error"]
            assert "could not be stored" in error["message"]
            assert answer.headers["x-request-id"] in error["message"]
            assert "/pictures/" not in answer.text
            await relay.idle()
            (trace,) = await relay.traces()
            assert (trace.outcome, trace.delivered) == ("failed", [])
            kept = await relay.gateway.album.pictures.by_request(trace.account_id, trace.request_id)
            assert kept == ()


async def test_picture_that_cannot_be_stored_is_delivered_all_the_same_where_it_is_sent_itself(tmp_path):
    async with upstream(bridged(WRONG)) as up:
        async with relaying(tmp_path, channel(up, speaks=("responses",)), store_pictures="always") as relay:
            answer = await ask(relay, response_format="b64_json")
            assert answer.json()["data"][0]["b64_json"] == WRONG
            await relay.idle()
            (trace,) = await relay.traces()
            assert trace.outcome == "completed"


async def test_picture_that_cannot_be_stored_after_white_space_is_told_in_the_body(tmp_path):
    """The status has gone: what was to begin the document must not stand before the error."""

    async def slow(heard):
        await asyncio.sleep(0.4)
        await bridged(WRONG)(heard)

    quick = {"keep_alive_first_s": 0.1, "keep_alive_every_s": 0.1}
    async with upstream(slow) as up:
        async with relaying(tmp_path, channel(up, speaks=("responses",)), **quick) as relay:
            answer = await ask(relay)
    assert answer.text.startswith("\n")
    assert "could not be stored" in answer.json()["error"]["message"]
