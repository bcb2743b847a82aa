"""Input pictures become checked bytes in the request's spool, or an error that names them."""

import asyncio
import json
import os
import tracemalloc
from base64 import b64encode

import pytest

from darkroom.errors import Internal, Invalid, NotFound, Overloaded, TooLarge
from darkroom.gateway.body import Body, Budget
from darkroom.gateway.inputs import PICTURE_BYTES, check_mask, materialise
from darkroom.gateway.spool import Folder
from darkroom.wire.elide import Long, Upload
from darkroom.wire.request import InputPicture
from tests.gateway.samples import picture, sender

pytestmark = pytest.mark.anyio
MB = 1024 * 1024
PATH = ("input", 0, "content", 1, "image_url")
SPELLED = "input[0].content[1].image_url"


async def nowhere(*_):
    raise AssertionError("not asked for")


@pytest.fixture
def made(tmp_path):
    """Bodies that are closed at the end."""
    bodies = []

    def made(budget=400 * MB, spool_above=1000):
        bodies.append(Body(Budget(budget), Folder(tmp_path), 100 * MB, spool_above))
        return bodies[-1]

    yield made
    for body in bodies:
        body.close()


async def gathered(body, kind, value, fetch=nowhere, resolve=nowhere, path=PATH):
    asked = InputPicture(path, kind, value)
    return await materialise(asked, body, fetch=fetch, resolve=resolve, slots=asyncio.Semaphore(2))


def content(body, upload):
    return body.spool.read(upload.start, upload.stop)


@pytest.mark.parametrize(
    "kind, lead", [("data", "data:image/png;base64,"), ("result", ""), ("result", "data:;base64,")]
)
@pytest.mark.parametrize("size", [(5, 4), (300, 200)])
async def test_base64_becomes_the_files_bytes_whether_it_lies_in_the_tree_or_in_the_spool(
    made, kind, lead, size
):
    file = picture("PNG", size, "RGBA")
    body = made()
    text = lead + b64encode(file).decode()
    sent = json.dumps({"image": text, "more": ["x" * 400]}).replace("/", "\\/")
    await body.read(sender(sent.encode()), None, 1)
    value = body.tree["image"]
    assert isinstance(value, Long) == (size == (300, 200))
    upload = await gathered(body, kind, value)
    assert content(body, upload) == file
    assert (upload.path, upload.media, upload.alpha) == (PATH, "image/png", True)
    assert (upload.width, upload.height) == size
    assert body.tree["image"] is value


async def test_address_and_ids_are_left_to_those_who_know_them(made):
    file, body, seen = picture("JPEG"), made(), []

    async def fetch(url, param, sink):
        seen.append((url, param))
        for at in range(0, len(file), 100):
            sink(file[at : at + 100])
            await asyncio.sleep(0)

    async def resolve(asked, sink):
        seen.append(asked.value)
        sink(file)

    found = await asyncio.gather(
        gathered(body, "url", "https://a.example/1", fetch=fetch),
        gathered(body, "item", "ig_1", resolve=resolve),
        gathered(body, "url", "https://a.example/2", fetch=fetch),
        gathered(body, "file", "file-2", resolve=resolve),
    )
    assert [content(body, upload) for upload in found] == [file] * 4, "asked for at once, and none in another"
    assert {upload.media for upload in found} == {"image/jpeg"}
    assert seen == [("https://a.example/1", SPELLED), "ig_1", ("https://a.example/2", SPELLED), "file-2"]


async def test_failure_of_whoever_knows_is_passed_on_and_the_next_picture_is_whole(made):
    body, file = made(), picture("PNG")

    async def half(url, param, sink):
        sink(file[:50])
        raise NotFound("gone", param=param)

    with pytest.raises(NotFound):
        await gathered(body, "url", "https://a.example", fetch=half)
    assert content(body, await gathered(body, "result", b64encode(file).decode())) == file


@pytest.mark.parametrize(
    "text, code, says",
    [
        ("data:image/png;base64,QUJD?", "invalid_base64_image", "does not belong there"),
        ("data:image/png,QUJD", "invalid_base64_image", "`;base64`"),
        ("data:image/png;base64,", "empty_image_file", "is empty"),
        (
            "data:image/png;base64," + b64encode(b"<html></html>").decode(),
            "unsupported_file_mimetype",
            "'image/webp'",
        ),
        (
            "data:image/png;base64," + b64encode(b"GIF89a" + bytes(40)).decode(),
            "unsupported_file_mimetype",
            "image/gif",
        ),
        (b64encode(picture("JPEG")[:-300]).decode(), "invalid_image_file", "is cut off"),
        (b64encode(picture("PNG")[:-5]).decode(), "invalid_image_file", "is cut off"),
    ],
)
async def test_what_is_no_whole_picture_is_refused_with_its_place_and_the_reason(made, text, code, says):
    with pytest.raises(Invalid) as caught:
        await gathered(made(), "data", text)
    assert (caught.value.code, caught.value.param, caught.value.status) == (code, SPELLED, 400)
    assert SPELLED in caught.value.message
    assert says in caught.value.message


async def test_picture_of_too_many_pixels_is_told_as_such(made):
    head = picture("PNG", (7, 9)).replace((7).to_bytes(4, "big"), (60_000).to_bytes(4, "big"))
    head = head.replace((9).to_bytes(4, "big"), (60_000).to_bytes(4, "big"))
    with pytest.raises(Invalid, match="60000x60000 pixels") as caught:
        await gathered(made(), "result", b64encode(head).decode())
    assert caught.value.code == "image_too_large"


async def test_picture_over_the_limit_is_refused_however_it_comes(made):
    async def endless(_, __, sink):
        while True:
            sink(bytes(MB))

    body = made()
    with pytest.raises(TooLarge) as caught:
        await gathered(body, "url", "https://a.example", fetch=endless)
    assert (caught.value.code, caught.value.param) == ("image_file_too_large", SPELLED)
    assert body.spool.size <= PICTURE_BYTES
    with pytest.raises(TooLarge, match="50 MB"):
        await gathered(made(), "result", "QUJD" * (PICTURE_BYTES // 3 + 1))


async def test_budget_counts_what_is_made_and_gets_it_back(tmp_path):
    budget = Budget(10_000)
    body = Body(budget, Folder(tmp_path), MB, MB)
    file = picture("PNG", (40, 40))
    await gathered(body, "result", b64encode(file).decode())
    assert len(file) <= budget.used <= len(file) + 6
    with pytest.raises(Overloaded):
        await gathered(body, "result", b64encode(file * 2).decode())
    body.close()
    assert budget.used == 0


async def test_long_string_that_should_be_an_address_is_refused(made):
    with pytest.raises(Invalid) as caught:
        await gathered(made(), "url", Long(PATH, 0, 90_000))
    assert caught.value.code == "invalid_image_url"


async def test_upload_is_checked_where_it_lies(made):
    body, file = made(), picture("WEBP")
    body.spool.append(b"before" + file)
    upload = Upload(("image[]",), 6, 6 + len(file), "application/octet-stream", "cat.png")
    assert await gathered(body, "upload", upload, path=("image[]",)) is upload
    assert (upload.media, upload.width) == ("image/webp", 48)
    cut = Upload(("image[]",), 6, len(file) - 9, filename="cat\n.png")
    with pytest.raises(Invalid, match=r"'image\[\]' \(file 'cat\?\.png'\) is cut off"):
        await gathered(body, "upload", cut, path=("image[]",))
    with pytest.raises(Internal):
        await gathered(body, "upload", Long(("image",), 0, 5))


async def test_mask_must_have_the_images_size_and_an_alpha_channel():
    def sized(path, width, height, alpha):
        upload = Upload((path,), 0, 1)
        upload.width, upload.height, upload.alpha = width, height, alpha
        return upload

    image = sized("image", 64, 32, False)
    check_mask(sized("mask", 64, 32, True), image)
    with pytest.raises(Invalid, match=r"64x64 pixels.*64x32") as caught:
        check_mask(sized("mask", 64, 64, True), image)
    assert caught.value.param == "mask"
    with pytest.raises(Invalid, match="no alpha channel") as caught:
        check_mask(sized("mask", 64, 32, False), image)
    assert (caught.value.param, caught.value.code) == ("mask", "invalid_image_mode")


@pytest.mark.slow
async def test_large_picture_in_the_spool_costs_little_memory(made):
    body = made()
    file = picture("PNG", (3200, 3200), compress_level=0)
    assert len(file) > 29 * MB
    body.spool.append(b64encode(file))
    value = Long(PATH, 0, body.spool.size)
    tracemalloc.start()
    upload = await gathered(body, "result", value)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(upload) == len(file)
    assert peak < 3 * MB


@pytest.mark.slow
async def test_cancelled_request_does_not_let_go_of_its_spool_while_a_thread_writes_to_it(tmp_path):
    folder = Folder(tmp_path)
    for wait in range(12):
        body = Body(Budget(400 * MB), folder, 100 * MB, MB)
        body.spool.append(b64encode(os.urandom(12 * MB)))
        asking = asyncio.ensure_future(gathered(body, "result", Long(PATH, 0, body.spool.size)))
        await asyncio.sleep(wait * 0.004)
        asking.cancel()
        with pytest.raises((asyncio.CancelledError, Invalid)):
            await asking
        size = body.spool.size
        await asyncio.sleep(0.02)
        assert body.spool.size == size
        body.close()
    folder.clear()
