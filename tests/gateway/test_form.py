"""Multipart bodies: what every client sends is read, everything else is refused clearly, and no file is held."""

import random
import tracemalloc

import pytest

from darkroom.channels.body import pieces
from darkroom.channels.form import content_type, write_form
from darkroom.errors import Error, Invalid, Overloaded, TooLarge
from darkroom.gateway.body import Budget, CallerLeft
from darkroom.gateway.form import Form
from darkroom.gateway.spool import Folder
from darkroom.wire.elide import Upload
from tests.gateway.samples import picture, sender

pytestmark = pytest.mark.anyio
MB = 1024 * 1024
TYPE = b"multipart/form-data; boundary=XX"
PNG, JPEG, WEBP = picture("PNG"), picture("JPEG"), picture("WEBP")


@pytest.fixture
def made(tmp_path):
    forms, folder = [], Folder(tmp_path)

    def made(content_type=TYPE, budget=2000 * MB, limit=850 * MB):
        forms.append(Form(Budget(budget), folder, limit, content_type))
        return forms[-1]

    yield made
    for form in forms:
        form.close()
    folder.clear()


def part(disposition, content, *headers):
    """One part with its boundary before it; `disposition` follows `form-data; `."""
    lines = [b"--XX", b"Content-Disposition: form-data; " + disposition, *headers, b"", content]
    return b"\r\n".join(lines) + b"\r\n"


def body(*parts):
    return b"".join(parts) + b"--XX--\r\n"


async def read(form, data, step=60_000, length=None):
    await form.read(sender(data, step), length, 1)
    return [(name, told(form, value)) for name, value in form.fields]


def told(form, value):
    if isinstance(value, str):
        return value
    return (value.media, value.filename, form.spool.read(value.start, value.stop))


async def refusal(form, data, kind=Invalid):
    with pytest.raises(kind) as caught:
        await form.read(sender(data), None, 1)
    return caught.value


async def test_parts_come_in_their_order_and_media_types_from_the_bytes(made):
    sent = body(
        part(b'name="model"', b"gpt-image-2"),
        part(b'name="image[]"; filename="a.jpg"', PNG, b"Content-Type: image/jpeg"),
        part(b'name="prompt"', "一只猫\r\n--XY".encode(), b"Content-Type: text/plain; charset=UTF-8"),
        part(b'name="image[]"; filename="upload"', JPEG, b"Content-Type: application/octet-stream"),
        part(b'name="n"', b""),
        part(b"name=mask; filename=m", WEBP),
    )
    form = made()
    assert await read(form, sent, length=len(sent)) == [
        ("model", "gpt-image-2"),
        ("image[]", ("image/png", "a.jpg", PNG)),
        ("prompt", "一只猫\r\n--XY"),
        ("image[]", ("image/jpeg", "upload", JPEG)),
        ("n", ""),
        ("mask", ("image/webp", "m", WEBP)),
    ]
    assert form.fields[1][1].path == ("image[]",)
    assert form.spool.size == len(PNG + JPEG + WEBP), "texts are not in the spool"
    assert form.size == len(sent)


@pytest.mark.parametrize(
    "disposition, name, filename",
    [
        ('name="image"; filename="猫.png"'.encode(), "image", "猫.png"),
        (b"name=\"image\"; filename*=UTF-8''%E7%8C%AB.png", "image", "猫.png"),
        (b"filename*=utf-8''x.png; name=image; filename=\"y.png\"", "image", "y.png"),
        (b'name="a%22b%0D%0A"; filename="c\\"d.png"', 'a"b\r\n', 'c"d.png'),
        (b'name="image"; filename="C:\\pictures\\x.png"', "image", "C:\\pictures\\x.png"),
        (b'name="image"; filename="caf\xe9; name=\\"y\\".png"', "image", 'café; name="y".png'),
        (b'Filename="x.png";   NAME="image" ', "image", "x.png"),
    ],
)
async def test_names_are_read_as_every_client_writes_them(made, disposition, name, filename):
    assert await read(made(), body(part(disposition, PNG))) == [(name, ("image/png", filename, PNG))]


async def test_file_is_known_by_its_content_where_no_header_says_so(made):
    sent = body(
        part(b'name="image"', PNG),
        part(b'name="mask"', WEBP),
        part(b'name="image"', JPEG, b"Content-Type: image/x"),
    )
    form = made()
    assert [value[0] for _, value in await read(form, sent)] == ["image/png", "image/webp", "image/jpeg"]


async def test_file_field_in_which_nothing_was_chosen_is_left_out(made):
    sent = body(
        part(b'name="mask"; filename=""', b"", b"Content-Type: application/octet-stream"),
        part(b'name="n"', b"1"),
    )
    assert await read(made(), sent) == [("n", "1")]


@pytest.mark.parametrize(
    "kind",
    [
        b"multipart/form-data;boundary=XX",
        b'Multipart/Form-Data; charset=utf-8; Boundary="XX"',
        b"multipart/form-data ; boundary = XX",
    ],
)
async def test_boundary_is_found_as_clients_write_it(made, kind):
    assert await read(made(kind), body(part(b'name="n"', b"1"))) == [("n", "1")]


async def test_borders_of_chunks_are_invisible(made):
    tricky = PNG[:40] + b"\r\n--X\r\n--XY\r\n--XX-\r\r\n--X" + PNG[40:60]
    sent = body(
        part(b'name="prompt"', b"\r\n--X\r\n"),
        part('name="image"; filename="猫"'.encode(), tricky, b"Content-Type: image/png"),
        part(b'name="mask"', JPEG[:64]),
        part(b'name="image"', WEBP[:64]),
    )
    whole = await read(made(), sent)
    assert whole[1][1][2] == tricky
    assert [name for name, _ in whole] == ["prompt", "image", "mask", "image"]
    for cut in range(1, len(sent)):
        form, halves = made(), iter([sent[:cut], sent[cut:]])

        async def receive(halves=halves):
            return {
                "type": "http.request",
                "body": next(halves, b""),
                "more_body": halves.__length_hint__() > 0,
            }

        await form.read(receive, None, 1)
        assert [(name, told(form, value)) for name, value in form.fields] == whole
        form.close()
    assert await read(made(), sent, step=1) == whole


@pytest.mark.parametrize(
    "data, says",
    [
        (b"", "the body is empty"),
        (b"\r\n\r\n", "last boundary"),
        (b'{"prompt": "a cat"}', "boundary promises"),
        (body(part(b'name="n"', b"1"))[:-8], "last boundary"),
        (part(b'name="n"', b"1"), "last boundary"),
        (body(part(b'filename="a.png"', PNG)), "part 1 has no name"),
        (body(part(b'name=""', b"1")), "part 1 has no name"),
        (b"--XX\r\n\r\n1\r\n--XX--", "part 1 has no name"),
        (b'--XX\r\nContent-Disposition: attachment; name="n"\r\n\r\n1\r\n--XX--', "part 1 has no name"),
        (b"--XX\r\nno header\r\n\r\n1\r\n--XX--", "boundary promises"),
        (b"--XX\r\nA: " + b"x" * 9000 + b"\r\n\r\n1\r\n--XX--", "boundary promises"),
        (b"--XX\r\n" + b"A: x\r\n" * 30 + b"\r\n1\r\n--XX--", "boundary promises"),
        (b"--YY\r\n" + body(part(b'name="n"', b"1")), "boundary promises"),
        (body(part(b'name="n"', b"MQ==", b"Content-Transfer-Encoding: base64")), "Transfer-Encoding base64"),
        (body(*[part(b'name="n"', b"1")] * 201), "more than 200 parts"),
        (body(part(b'name="prompt"', b"\xc3\x28")), "'prompt' cannot be read: it is not UTF-8"),
        (body(part(b'name="prompt"', b"a", b"Content-Type: text/plain; charset=gbk")), "charset is gbk"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_body_that_is_no_form_is_refused_with_the_reason_and_what_to_do(made, data, says):
    error = await refusal(made(), data)
    assert (error.status, error.code) == (400, "invalid_form")
    assert says in error.message
    assert "form" in error.message or "UTF-8" in error.message


@pytest.mark.parametrize("kind", [b"multipart/form-data", b"multipart/form-data; boundary=", b"application/json", b"",
                                  b"multipart/form-data; boundary=" + b"x" * 201])  # fmt: skip
async def test_missing_boundary_is_told_whether_a_body_came_or_not(made, kind):
    for data in (b"", body(part(b'name="n"', b"1"))):
        assert "names no boundary" in (await refusal(made(kind), data)).message


async def test_file_that_is_no_picture_is_named(made):
    sent = body(part(b'name="image[]"; filename="a.pdf"', b"%PDF-1.7 ...", b"Content-Type: application/pdf"))
    error = await refusal(made(), sent)
    assert (error.code, error.param) == ("unsupported_file_mimetype", "image[]")
    for word in ("image[]", "a.pdf", "application/pdf", "image/png", "image/jpeg", "image/webp"):
        assert word in error.message


async def test_empty_file_is_named(made):
    error = await refusal(made(), body(part(b'name="mask"; filename="m.png"', b"")))
    assert (error.code, error.param) == ("empty_image_file", "mask")
    assert "m.png" in error.message


async def test_more_files_than_any_request_can_need_are_refused(made):
    file = part(b'name="image[]"; filename="a.png"', PNG)
    assert len(await read(made(), body(*[file] * 18))) == 18
    assert "16 input images" in (await refusal(made(), body(*[file] * 19))).message


async def test_text_may_be_as_long_as_a_prompt_and_no_longer(made):
    longest = "猫" * 32_000
    assert await read(made(), body(part(b'name="prompt"', longest.encode()))) == [("prompt", longest)]
    for name, size in [(b"prompt", 128 * 1024 + 1), (b"image", 64 * 1024 + 1)]:
        error = await refusal(made(), body(part(b'name="' + name + b'"', b"x" * size)), TooLarge)
        assert (error.status, error.param) == (413, name.decode())
    many = body(*[part(b'name="x"', b"x" * 60_000)] * 20)
    assert "together" in (await refusal(made(), many, TooLarge)).message


@pytest.mark.slow
async def test_file_over_the_limit_is_named(made):
    file = PNG + bytes(50 * MB)
    error = await refusal(made(), body(part(b'name="image[]"; filename="huge.png"', file)), TooLarge)
    assert (error.status, error.param) == (413, "image[]")
    assert "huge.png" in error.message


async def test_limits_of_all_bodies_hold_for_forms_too(made):
    sent = body(part(b'name="image"; filename="a"', picture("PNG", (300, 300))))
    for length in (None, len(sent)):
        with pytest.raises(TooLarge):
            await made(limit=100_000).read(sender(sent), length, 1)
    with pytest.raises(Overloaded):
        await made(budget=100_000).read(sender(sent), None, 1)
    with pytest.raises(CallerLeft):
        await made().read(sender(sent[:1000], end=False), None, 0.05)


async def test_what_is_written_for_an_upstream_is_read_again(made):
    chance = random.Random(7)
    for _ in range(60):
        form, fields = made(), []
        for _ in range(chance.randrange(8)):
            name = (
                "".join(chance.choices("aß猫\"\\;=\r\n[]% '\U0001f600", k=chance.randint(1, 9))).strip()
                or "n"
            )
            if chance.random() < 0.5:
                fields.append((name, "".join(chance.choices("x猫\r\n-\0", k=chance.randrange(200)))))
                continue
            file, start = chance.choice((PNG, JPEG, WEBP)), form.spool.size
            form.spool.append(file)
            media = {id(PNG): "image/png", id(JPEG): "image/jpeg", id(WEBP): "image/webp"}[id(file)]
            fields.append((name, Upload((name,), start, form.spool.size, media, name + ".png")))
        boundary = f"b{chance.getrandbits(64):x}"
        sent = b"".join(map(bytes, pieces(write_form(fields, form.spool.fd, boundary))))
        expected = [(name, told(form, value)) for name, value in fields]
        assert (
            await read(made(content_type(boundary)), sent, step=chance.choice((7, 900, 60_000))) == expected
        )


@pytest.mark.slow
async def test_large_upload_costs_little_memory(made):
    block, head = (
        bytes(range(256)) * 256,
        b"".join([b"--XX\r\n", b'Content-Disposition: form-data; name="image"\r\n\r\n', PNG]),
    )

    async def stream():
        for _ in range(2):
            yield head
            for _ in range(480):
                yield block
            yield b"\r\n"
        yield b"--XX--"

    pieces = stream()

    async def receive():
        piece = await anext(pieces, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    form = made()
    tracemalloc.start()
    await form.read(receive, None, 5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert form.size > 60_000_000
    assert [len(upload) for _, upload in form.fields] == [len(PNG) + 480 * len(block)] * 2
    assert peak < MB


@pytest.mark.slow
async def test_damaged_forms_are_read_or_refused_clearly_and_nothing_else(made):
    chance = random.Random(11)
    whole = body(
        part(b'name="model"', b"gpt-image-2"),
        part(b'name="image[]"; filename="a.png"', PNG[:300], b"Content-Type: image/png"),
        part(b'name="prompt"', "猫".encode() * 20, b"Content-Type: text/plain; charset=utf-8"),
        part(b"name=\"mask\"; filename*=UTF-8''%E7.png", WEBP[:200]),
    )
    bits = [
        b"\r\n",
        b"--XX",
        b"--",
        b'"',
        b";",
        b"\0",
        b"%",
        b"\xff",
        b"=",
        b":",
        b"\r\n\r\n",
        b"name=",
        b"\\",
        b"*",
    ]
    outcomes = {True: 0, False: 0}
    for _ in range(5000):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(data))
            kind = chance.random()
            if kind < 0.4:
                data[at : at + chance.randint(0, 3)] = chance.choice(bits)
            elif kind < 0.7:
                data[at] = chance.randrange(256)
            elif kind < 0.85:
                del data[at : at + chance.randint(1, 80)]
            else:
                data[at:at] = data[chance.randrange(len(data)) :][: chance.randint(1, 200)]
        form = made(TYPE if chance.random() < 0.95 else bytes(chance.choices(TYPE + b'"\\;=\xff', k=40)))
        try:
            for name, value in await read(form, bytes(data), step=chance.choice((3, 50, 60_000))):
                assert isinstance(name, str)
                assert isinstance(value, str | tuple)
                name.encode("utf-8")
            outcomes[True] += 1
        except Error as error:
            assert 400 <= error.status < 500
            assert len(error.message) > 40
            error.message.encode("utf-8")
            outcomes[False] += 1
        form.close()
    assert min(outcomes.values()) > 200, outcomes
