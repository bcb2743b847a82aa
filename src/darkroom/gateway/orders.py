"""One request as it goes to one upstream: path, headers and body, through whichever API the upstream is asked.

Law: nothing is held: pictures stay in the request's spool and are read, or made base64, while they are sent.
"""

from collections.abc import Mapping
from secrets import token_hex
from typing import Any

import msgspec
from msgspec import Struct

from darkroom.channels.body import FilePart, Part, inlined
from darkroom.channels.form import content_type, write_form
from darkroom.errors import Invalid
from darkroom.gateway.body import Incoming
from darkroom.gateway.routes import Route, outer_model
from darkroom.wire.codecs.images.bridge import to_responses
from darkroom.wire.codecs.images.write import long_texts
from darkroom.wire.codecs.images.write import write_request as write_images
from darkroom.wire.codecs.responses import write_request
from darkroom.wire.elide import Long, Path, Upload, render
from darkroom.wire.fields import spell
from darkroom.wire.request import Request

_JSON = b"application/json"


class Order(Struct, frozen=True):
    """What is sent: `lost` names what this upstream cannot be asked for, `repairs` what was put right."""

    path: bytes
    content_type: bytes
    parts: tuple[Part, ...]
    lost: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()


def write_order(
    request: Request,
    route: Route,
    body: Incoming,
    *,
    stream: bool,
    n: int,
    pictures: Mapping[Path, Upload],
    owned: Mapping[str, str],
) -> Order:
    """The request for `route`. `pictures`: those that lie in the body's spool; `owned`: ids that the upstream gave."""
    fd = body.spool.fd
    if route.surface == "responses":
        if request.surface == "responses":
            tree, repairs = write_request(request, stream=stream, owned=owned, pictures=pictures)
            return Order(b"/responses", _JSON, _parts(tree, fd), repairs=tuple(repairs))
        tree, lost = to_responses(request, model=outer_model(route.channel), stream=stream, pictures=pictures)
        return Order(b"/responses", _JSON, _parts(tree, fd), lost)
    texts = {long.path: _text(body, long) for long in long_texts(request)}
    written = write_images(request, stream=stream, n=n, pictures=pictures, texts=texts)
    path = written.path.encode()
    if written.form is None:
        return Order(path, _JSON, _parts(written.tree, fd), written.lost)
    boundary = token_hex(20)
    return Order(path, content_type(boundary), tuple(write_form(written.form, fd, boundary)), written.lost)


def _parts(tree: Any, fd: int) -> tuple[Part, ...]:
    """A tree as it is sent: text, and what lies in the spool."""
    out: list[Part] = []
    for part in render(tree):
        if isinstance(part, bytes):
            out.append(part)
        elif isinstance(part, Upload):
            out.append(inlined(part, fd))
        else:
            out.append(FilePart(fd, part.start, part.stop))
    return tuple(out)


def _text(body: Incoming, long: Long) -> str:
    """A long string of the body, as JSON has it; nobody has looked into it before. Raises Invalid."""
    try:
        text: str = msgspec.json.decode(b'"' + body.spool.read(long.start, long.stop) + b'"')
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise Invalid(
            f"The text in '{spell(long.path)}' is not JSON in UTF-8: {exc}. Let a JSON library write the request.",
            code="invalid_json",
            param=spell(long.path),
        ) from None
    return text
