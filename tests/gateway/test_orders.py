"""Requests as they go to an upstream, byte by byte: each API asked through itself and through the other one."""

import json
from base64 import b64encode
from typing import Any

import pytest

from darkroom.channels.body import length, pieces
from darkroom.channels.catalog import Channel
from darkroom.errors import Invalid
from darkroom.gateway.body import Body, Budget
from darkroom.gateway.form import Form
from darkroom.gateway.orders import Order, write_order
from darkroom.gateway.routes import Route
from darkroom.gateway.spool import Folder
from darkroom.wire.codecs.images.request import read_edit, read_form, read_generation
from darkroom.wire.codecs.responses import read_request
from darkroom.wire.elide import Upload
from tests.gateway.samples import sender

pytestmark = pytest.mark.anyio
PNG = b"\x89PNG\r\n\x1a\n\0pixels\xff"
DATA = "data:image/png;base64," + b64encode(PNG).decode()
RESPONSE: dict[str, Any] = {
    "model": "gpt-5.5",
    "input": [{"role": "user", "content": [{"type": "input_text", "text": "猫 \\ \n"}]}],
    "tools": [{"type": "image_generation", "model": "gpt-image-2", "size": "1024x1024"}],
    "tool_choice": {"type": "image_generation"},
}


def route(surface: Any, bridged: bool = False) -> Route:
    return Route(Channel(name="up", base_url="http://127.0.0.1:1/v1", api_key="sk-x"), surface, bridged, "")


@pytest.fixture
def received(tmp_path):
    """Bodies as they were read; given back at the end."""
    bodies, folder = [], Folder(tmp_path)

    async def received(data, content_type=None):
        budget = Budget(1 << 26)
        body = (
            Form(budget, folder, 1 << 26, content_type)
            if content_type
            else Body(budget, folder, 1 << 26, 1000)
        )
        bodies.append(body)
        raw = data if isinstance(data, bytes) else json.dumps(data, ensure_ascii=False).encode()
        await body.read(sender(raw), None, 10)
        return body

    yield received
    for body in bodies:
        body.close()
    folder.clear()


def sent(order: Order) -> bytes:
    """All bytes of the order's body; twice, for a body can be sent again."""
    first, again = (b"".join(map(bytes, pieces(order.parts))) for _ in range(2))
    assert first == again
    assert len(first) == length(order.parts)
    return first


def order(request, way, body, *, pictures=None, **more):
    asked = {"stream": False, "n": request.n, "owned": {}} | more
    return write_order(request, way, body, pictures=pictures or {}, **asked)


def fields(order: Order) -> list[tuple[str, bytes]]:
    """The fields of a form, in order: their heads and their bytes."""
    kind, _, boundary = order.content_type.decode().partition("; boundary=")
    assert kind == "multipart/form-data"
    parts = sent(order).split(b"--" + boundary.encode())
    assert (parts[0], parts[-1]) == (b"", b"--\r\n")
    split = [part.removeprefix(b"\r\n").removesuffix(b"\r\n").split(b"\r\n\r\n", 1) for part in parts[1:-1]]
    return [(head.decode(), value) for head, value in split]


@pytest.mark.parametrize("size", [10, 400_000])
async def test_responses_request_goes_to_its_own_api_as_it_came(received, size) -> None:
    tree = {**RESPONSE, "metadata": {"k": "v"}, "new_field": [1.5, None], "instructions": 'say "é"' * size}
    body = await received(tree)
    made = order(read_request(body.tree), route("responses"), body, stream=True)
    assert (made.path, made.content_type, made.lost) == (b"/responses", b"application/json", ())
    assert json.loads(sent(made)) == {**tree, "stream": True}


async def test_ids_that_the_upstream_gave_are_translated_for_it(received) -> None:
    body = await received({**RESPONSE, "previous_response_id": "resp_ours"})
    made = order(read_request(body.tree), route("responses"), body, owned={"resp_ours": "resp_theirs"})
    assert json.loads(sent(made))["previous_response_id"] == "resp_theirs"


async def test_file_stands_as_data_url_where_responses_is_asked(received) -> None:
    shown = {"role": "user", "content": [{"type": "input_image", "file_id": "file-1"}]}
    body = await received({**RESPONSE, "input": [*RESPONSE["input"], shown]})
    request = read_request(body.tree)
    (picture,) = request.inputs
    body.spool.append(b"before" + PNG + b"after")
    pictures = {picture.path: Upload(picture.path, 6, 6 + len(PNG), "image/png")}
    content = json.loads(sent(order(request, route("responses"), body, pictures=pictures)))["input"][1][
        "content"
    ]
    assert content == [{"type": "input_image", "image_url": DATA}]


async def test_generation_goes_to_images_as_json_with_its_number(received) -> None:
    body = await received({"model": "gpt-image-2", "prompt": "猫", "n": 3, "size": "auto"})
    request = read_generation(body.tree)
    made = order(request, route("images"), body, stream=True)
    assert (made.path, made.content_type) == (b"/images/generations", b"application/json")
    assert json.loads(sent(made)) == {
        "model": "gpt-image-2", "prompt": "猫", "n": 3, "size": "auto", "stream": True,
    }  # fmt: skip
    assert json.loads(sent(order(request, route("images"), body, n=1)))["n"] == 1


async def test_generation_is_bridged_to_responses_with_the_outer_model(received) -> None:
    body = await received(
        {"model": "gpt-image-2", "prompt": "a cat", "n": 3, "quality": "low", "style": "vivid"}
    )
    made = order(read_generation(body.tree), route("responses", True), body, stream=True)
    tree = json.loads(sent(made))
    assert (made.path, made.lost) == (b"/responses", ("style",))
    assert (tree["model"], tree["tool_choice"]) == ("gpt-5.5", {"type": "image_generation"})
    assert tree["tools"] == [{"type": "image_generation", "model": "gpt-image-2", "quality": "low"}]
    assert tree["input"][0]["content"] == [{"type": "input_text", "text": "a cat"}]


def form(*parts: tuple[str, bytes]) -> bytes:
    lines = b"".join(
        b"--b\r\nContent-Disposition: form-data; " + head.encode() + b"\r\n\r\n" + value + b"\r\n"
        for head, value in parts
    )
    return lines + b"--b--\r\n"


EDIT = form(
    ('name="model"', b"gpt-image-2"),
    ('name="prompt"', "加雪".encode()),
    ('name="image[]"; filename="a.png"\r\nContent-Type: image/png', PNG),
    ('name="image[]"; filename="b.png"\r\nContent-Type: image/png', PNG * 2),
    ('name="mask"; filename="m.png"\r\nContent-Type: image/png', PNG * 3),
)


async def test_edit_goes_to_images_as_a_form_with_its_files(received) -> None:
    body = await received(EDIT, b"multipart/form-data; boundary=b")
    made = order(read_form(body.fields), route("images"), body)
    assert made.path == b"/images/edits"
    found = fields(made)
    assert [(head.split("\r\n")[0].split("; ", 1)[1], value) for head, value in found] == [
        ('name="model"', b"gpt-image-2"),
        ('name="prompt"', "加雪".encode()),
        ('name="image[]"; filename="a.png"', PNG),
        ('name="image[]"; filename="b.png"', PNG * 2),
        ('name="mask"; filename="m.png"', PNG * 3),
    ]


async def test_edit_is_bridged_to_responses_with_its_files_as_data_urls(received) -> None:
    body = await received(EDIT, b"multipart/form-data; boundary=b")
    request = read_form(body.fields)
    pictures = {picture.path: picture.value for picture in request.pictures}
    for upload in pictures.values():
        upload.media = "image/png"
    tree = json.loads(sent(order(request, route("responses", True), body, pictures=pictures)))
    shown = [part["image_url"] for part in tree["input"][0]["content"][1:]]
    begin = "data:image/png;base64,"
    assert shown == [begin + b64encode(PNG * times).decode() for times in (1, 2)]
    assert tree["tools"][0]["input_image_mask"] == {"image_url": begin + b64encode(PNG * 3).decode()}
    assert tree["tools"][0]["action"] == "edit"


async def test_responses_request_with_a_picture_is_bridged_to_an_edit(received) -> None:
    shown = {"role": "user", "content": [{"type": "input_image", "image_url": DATA}]}
    body = await received({**RESPONSE, "input": [*RESPONSE["input"], shown], "text": {"verbosity": "low"}})
    request = read_request(body.tree)
    start = body.spool.size
    body.spool.append(PNG)
    path = request.inputs[0].path
    pictures = {path: Upload(path, start, start + len(PNG), "image/png")}
    made = order(request, route("images", True), body, pictures=pictures)
    assert (made.path, made.lost) == (b"/images/edits", ("text",))
    found = {head.split("; name=")[1].split("\r\n")[0]: value for head, value in fields(made)}
    assert found['"image"; filename="image.png"'] == PNG
    assert found['"prompt"'] == "猫 \\ \n".encode()
    assert found['"model"'] == b"gpt-image-2"


async def test_long_prompt_of_an_edit_is_read_back_from_the_file_with_its_escapes(received) -> None:
    prompt = 'snow "❄" \\ \n' * 2000
    tree = {"model": "gpt-image-2", "prompt": prompt, "images": [{"image_url": DATA}]}
    body = await received(tree)
    request = read_edit(body.tree)
    assert not isinstance(body.tree["prompt"], str)
    start = body.spool.size
    body.spool.append(PNG)
    path = request.inputs[0].path
    made = order(
        request, route("images"), body, pictures={path: Upload(path, start, start + len(PNG), "image/png")}
    )
    assert [value for head, value in fields(made) if 'name="prompt"' in head] == [prompt.encode()]


async def test_long_prompt_with_wrong_escapes_is_the_callers_fault(received) -> None:
    images = json.dumps([{"image_url": DATA}])
    raw = b'{"model":"gpt-image-2","images":%b,"prompt":"%b \\x"}' % (images.encode(), b"snow " * 8000)
    body = await received(raw)
    request = read_edit(body.tree)
    path = request.inputs[0].path
    with pytest.raises(Invalid) as wrong:
        order(request, route("images"), body, pictures={path: Upload(path, 0, 10, "image/png")})
    assert (wrong.value.code, wrong.value.param) == ("invalid_json", "prompt")
