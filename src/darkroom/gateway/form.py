"""A multipart/form-data body, read as it arrives: texts to memory, files to the spool, in the order of the parts.

The sibling of `body`, its writer's counterpart is `channels/form`. Law: a file is never held, and what the parts say
of themselves is not believed: a picture's media type is read from its first bytes (wire.md 5.1). Whatever the body is,
`read` ends with `fields` or with an Error that says what to do.
"""

import logging
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from darkroom.errors import Invalid, TooLarge
from darkroom.gateway.body import Budget, Incoming
from darkroom.gateway.inputs import FORMATS, PICTURE_BYTES, empty, too_large, unsupported
from darkroom.gateway.spool import Folder
from darkroom.wire.elide import Upload
from darkroom.wire.fields import show
from darkroom.wire.picture import ENOUGH, mime, read_format

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

PARTS = 200
BOUNDARY_BYTES = 200
"""The standard says 70; not every library keeps to it."""
FILES = 18
"""16 input images, a mask and a markup."""
TEXT_BYTES = 64 * 1024
PROMPT_BYTES = 128 * 1024
"""32,000 characters, whatever the script."""
ALL_TEXT_BYTES = 1024 * 1024
"""All texts of a form together, for they are what is held."""
_FOR_FILES = ("image/", "application/octet-stream")
_PARAMETER = re.compile(
    r';[ \t]*([\w-]+\*?)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^;"]*))', re.ASCII | re.DOTALL
)
_ESCAPED = re.compile(r'\\(["\\])')
_ENCODED = re.compile("%(22|0D|0A)", re.IGNORECASE)
_UNICODE = ("utf-8", "utf8", "us-ascii", "ascii")
_PLAIN = ("7bit", "8bit", "binary")


class Form(Incoming):
    """A multipart body: `fields` has its parts in order; the bytes of an `Upload` lie in `spool` as they came."""

    def __init__(self, budget: Budget, folder: Folder, limit: int, content_type: bytes) -> None:
        super().__init__(budget, folder, limit)
        self.fields: list[tuple[str, str | Upload]] = []
        self._boundary = _boundary(content_type)
        self._parser: MultipartParser | None = None
        self._headers: dict[bytes, bytes] = {}
        self._name = bytearray()
        self._value = bytearray()
        self._part: _Part | None = None
        self._begun = 0
        self._files = 0
        self._texts = 0
        self._complete = False

    def close(self) -> None:
        """Give memory, disk and budget back."""
        super().close()
        self.fields = []
        self._parser = None

    def _feed(self, data: bytes) -> None:
        parser = self._parser or self._begin()
        try:
            parser.write(data)
        except FormParserError as exc:
            raise _invalid("it is not what its boundary promises", internal=str(exc)) from None

    def _finish(self) -> None:
        if self._boundary is None:
            self._begin()
        if not self.size:
            raise _invalid("the body is empty")
        if not self._complete:
            raise _invalid("it ends before its last boundary, so a part of it was lost on the way")
        self._parser = None

    def _begin(self) -> MultipartParser:
        if not self._boundary:
            raise _invalid(
                f"its Content-Type names no boundary, or one that is longer than {BOUNDARY_BYTES} characters"
            )
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._part_begins,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_ends,
            "on_headers_finished": self._headers_end,
            "on_part_data": self._part_goes_on,
            "on_part_end": self._part_ends,
            "on_end": self._ends,
        }
        self._parser = MultipartParser(self._boundary, callbacks, max_header_count=16)
        # What is wrong with a body is told to its sender, not to the log.
        self._parser.logger = logging.Logger("darkroom.form", logging.CRITICAL)
        return self._parser

    # called by the parser

    def _part_begins(self) -> None:
        self._begun += 1
        if self._begun > PARTS:
            raise _invalid(f"it has more than {PARTS} parts")
        self._headers = {}

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ends(self) -> None:
        self._headers[bytes(self._name).lower()] = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def _headers_end(self) -> None:
        self._part = _Part(self._headers, self._begun)
        if self._part.file:
            self._open_file(self._part)

    def _part_goes_on(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        assert part is not None
        piece = data if end - start == len(data) else data[start:end]
        if part.upload is not None:
            self._store(part.upload, piece)
            return
        short = len(part.text) < ENOUGH
        part.text += piece
        if short and part.may_be_file and read_format(bytes(part.text[:ENOUGH])) in FORMATS:
            # A picture that was sent as if it were a text: no text begins like that.
            text, part.text = bytes(part.text), bytearray()
            self._store(self._open_file(part), text)
            return
        limit = PROMPT_BYTES if part.name == "prompt" else TEXT_BYTES
        if len(part.text) > limit or self._texts + len(part.text) > ALL_TEXT_BYTES:
            raise _long_text(part, limit)

    def _part_ends(self) -> None:
        part, self._part = self._part, None
        assert part is not None
        if part.upload is None:
            self._texts += len(part.text)
            self.fields.append((part.name, part.decoded()))
            return
        upload = part.upload
        if not len(upload):
            if not part.filename:
                self._files -= 1
                return  # how browsers send a file field in which nothing was chosen
            raise empty(upload)
        format = read_format(self.spool.read(upload.start, min(upload.stop, upload.start + ENOUGH)))
        if format is None:
            raise unsupported(upload)
        upload.media = mime(format)
        self.fields.append((part.name, upload))

    def _ends(self) -> None:
        self._complete = True

    def _open_file(self, part: "_Part") -> Upload:
        self._files += 1
        if self._files > FILES:
            raise Invalid(
                f"The form has more than {FILES} files. Send at most 16 input images, a mask and a markup.",
                code="too_many_files",
                param=show(part.name),
            )
        at = self.spool.size
        part.upload = Upload((part.name,), at, at, part.media or "application/octet-stream", part.filename)
        return part.upload

    def _store(self, upload: Upload, data: bytes) -> None:
        if len(upload) + len(data) > PICTURE_BYTES:
            raise too_large(upload)
        self.keep(data)
        upload.stop += len(data)


class _Part:
    """One part under way, as its headers describe it. Raises Invalid if they do not."""

    def __init__(self, headers: dict[bytes, bytes], number: int) -> None:
        self.upload: Upload | None = None
        self.text = bytearray()
        disposition = headers.get(b"content-disposition", b"").decode("utf-8", "surrogateescape")
        said = _parameters(disposition)
        kind, parameters = headers.get(b"content-type", b"").decode("latin-1"), {}
        if ";" in kind:
            parameters = _parameters(kind[kind.index(";") :])
        name = _read_name(said, "name")
        if not disposition.lower().startswith("form-data") or not name:
            raise _invalid(
                f'part {number} has no name (`Content-Disposition: form-data; name="…"` is expected)'
            )
        filename = _read_name(said, "filename")
        self.name = name
        self.filename = filename or ""
        self.media = kind.partition(";")[0].strip().lower()
        self.file = filename is not None or self.media.startswith(_FOR_FILES)
        self.may_be_file = not self.file
        charset = parameters.get("charset", "utf-8").lower()
        if not self.file and charset not in _UNICODE:
            raise self._not_unicode(f"its charset is {show(charset)}")
        encoding = headers.get(b"content-transfer-encoding", b"binary").decode("latin-1").strip().lower()
        if encoding not in _PLAIN:
            raise _invalid(
                f"the part '{show(name)}' has the Content-Transfer-Encoding {show(encoding)}; send plain bytes"
            )

    def decoded(self) -> str:
        """The text. Raises Invalid if it is not UTF-8."""
        try:
            return self.text.decode("utf-8")
        except UnicodeDecodeError:
            raise self._not_unicode("it is not UTF-8") from None

    def _not_unicode(self, reason: str) -> Invalid:
        return Invalid(
            f"The field '{show(self.name)}' cannot be read: {reason}. Send texts in UTF-8, and pictures as files.",
            code="invalid_form",
            param=show(self.name),
        )


def _boundary(content_type: bytes) -> bytes | None:
    """The boundary of a Content-Type; None if there is no proper one."""
    kind = content_type.decode("latin-1")
    if kind.partition(";")[0].strip().lower() != "multipart/form-data":
        return None
    boundary = _parameters(kind[kind.find(";") :] if ";" in kind else "").get("boundary", "").strip(" \t")
    return boundary.encode("latin-1") if 0 < len(boundary) <= BOUNDARY_BYTES else None


def _parameters(text: str) -> dict[str, str]:
    """The parameters of a header, by lower-case name; the first of a name counts."""
    found: dict[str, str] = {}
    for match in _PARAMETER.finditer(text):
        value = _ESCAPED.sub(r"\1", match[2]) if match[2] is not None else match[3].strip(" \t")
        found.setdefault(match[1].lower(), value)
    return found


def _read_name(said: dict[str, str], key: str) -> str | None:
    """A part's name or file name: as browsers write it (`%22` for a quote), or as RFC 5987 does (`filename*=`)."""
    if (value := said.get(key)) is not None:
        value = _ENCODED.sub(lambda match: chr(int(match[1], 16)), value)
        raw = value.encode("utf-8", "surrogateescape")
    elif (extended := said.get(key + "*")) is not None:
        raw = unquote_to_bytes(extended.rpartition("'")[2].encode("utf-8", "surrogateescape"))
    else:
        return None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _long_text(part: _Part, limit: int) -> TooLarge:
    return TooLarge(
        f"The field '{show(part.name)}' is longer than the {limit // 1024} KB that a text may have in a form, or all "
        "texts together are longer than 1 MB. Send pictures as files: `-F 'image=@picture.png'` in curl.",
        param=show(part.name),
    )


def _invalid(reason: str, internal: str = "") -> Invalid:
    return Invalid(
        f"We could not read the multipart form of your request: {reason}. Let your HTTP library build the form and set "
        "`Content-Type: multipart/form-data; boundary=…` itself, as `curl -F` does.",
        code="invalid_form",
        internal=internal,
    )
