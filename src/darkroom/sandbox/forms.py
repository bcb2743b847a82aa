"""Reads multipart/form-data that is in memory already: the sandbox takes a form as it takes JSON, whole."""

import re
from email.message import Message

import msgspec

from darkroom.errors import Invalid


class Part(msgspec.Struct, frozen=True):
    """One part of a form; `filename` is None for a plain field."""

    name: str
    content: bytes
    filename: str | None = None
    type: str = "text/plain"

    @property
    def text(self) -> str:
        """The content of a plain field."""
        return self.content.decode("utf-8", "replace")


def read_form(content_type: str, body: bytes) -> list[Part]:
    """The parts of a form in their order; raises `Invalid` if it is not one."""
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        raise Invalid("The form has no boundary in its Content-Type.", code="invalid_form")
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary.encode())
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise Invalid("The form is not complete.", code="invalid_form")
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> Part:
    head, found, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    if not found:
        raise Invalid("A part of the form has no headers.", code="invalid_form")
    lines = head.decode("utf-8", "replace").split("\r\n")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    disposition = headers.get("content-disposition", "")
    name = re.search(r'(?<![a-z])name="([^"]*)"', disposition)
    filename = re.search(r'filename="([^"]*)"', disposition)
    if name is None:
        raise Invalid("A part of the form has no name.", code="invalid_form")
    return Part(
        name[1], content, filename[1] if filename else None, headers.get("content-type", "text/plain")
    )
