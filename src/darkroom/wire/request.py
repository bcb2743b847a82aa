"""The canonical ask: what a customer wants, whichever API he said it in.

Law: the tree that he sent is kept whole and is never changed; everything else here is read from it. A path leads from
the tree's root to a value (`("input", 1, "content", 0, "image_url")`).
"""

from typing import Any, Literal

from msgspec import Struct

from darkroom.wire.elide import Path, Tree
from darkroom.wire.fields import Text

Surface = Literal["responses", "generations", "edits"]
"""Which API a request came by: `/v1/responses`, `/v1/images/generations` or `/v1/images/edits`."""


class InputPicture(Struct, frozen=True):
    """A picture that the customer sent or named.

    `kind` says what `value` is: a data URL ("data"), another address ("url"), base64 of an earlier picture
    ("result"), the id of an earlier image call ("item"), the id of a file ("file"), or an `Upload` ("upload").
    """

    path: Path
    kind: Literal["data", "url", "result", "item", "file", "upload"]
    value: Text


class ImageTool(Struct, frozen=True, kw_only=True):
    """The image_generation tool as it was asked for, or the same fields of an Images request, whose path is ().

    None where nothing was said. Source: wire.md 1.1, 4.1, 5.1.
    """

    path: Path
    model: str | None = None
    action: str | None = None
    size: str | None = None
    """ "auto" or "WxH" in pixels."""
    quality: str | None = None
    output_format: str | None = None
    output_compression: int | None = None
    """0 to 100."""
    background: str | None = None
    moderation: str | None = None
    input_fidelity: str | None = None
    input_image_mask: InputPicture | None = None
    partial_images: int | None = None
    """0 to 3."""
    complexity: str | None = None
    frame_count: int | None = None
    frame_duration_ms: int | None = None
    svg: dict[str, Any] | None = None


class Ref(Struct, frozen=True):
    """An id that refers to state of an upstream account.

    `kind` says what becomes of it on the way to an upstream whose account never gave it to this customer:
    "response", "item" and "container" mean nothing without that state, so the request is refused; an "own" id beside
    an item's content is dropped; a "name" that its item cannot be without is replaced; a "citation" goes with the
    annotation that holds it. `value` is "" where an item lacks the name that it cannot be without.
    """

    path: Path
    value: str
    kind: Literal["response", "item", "container", "own", "name", "citation"]


class Request(Struct, frozen=True, kw_only=True):
    """One request of a customer. Everything but `tree` is read from it."""

    surface: Surface = "responses"
    model: str
    """The outer model on Responses, the image model on Images."""
    stream: bool
    image: bool
    """The image tool is there and may be used."""
    forced: bool
    """The answer must hold a picture."""
    tool: ImageTool | None
    texts: tuple[Text, ...]
    """What the user wrote, part by part."""
    inputs: tuple[InputPicture, ...]
    refs: tuple[Ref, ...]
    effort: str | None = None
    """`reasoning.effort`."""
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    n: int = 1
    """How many pictures: 1 to 10 on Images, always 1 on Responses."""
    response_format: Literal["b64_json", "url"] | None = None
    """Images alone: whether pictures come as base64 or as addresses; None: as base64."""
    markup: InputPicture | None = None
    """Images edits alone: an overlay that shows what to change."""
    store: bool | None = None
    """Responses alone: `store`, None where nothing was said."""
    tree: Tree
    """The request as it came, unknown fields included."""

    @property
    def prompt(self) -> str:
        """What the user wrote, joined; texts that lie in a file are left out."""
        return "\n".join(text for text in self.texts if isinstance(text, str))

    @property
    def pictures(self) -> tuple[InputPicture, ...]:
        """Every picture that the customer sent or named: the inputs, the mask and the markup."""
        mask = self.tool.input_image_mask if self.tool is not None else None
        return (*self.inputs, *(picture for picture in (mask, self.markup) if picture is not None))

    @property
    def ids(self) -> dict[Path, str]:
        """Every id of upstream state in the request, by its path."""
        return {ref.path: ref.value for ref in self.refs if ref.value}

    @property
    def pins(self) -> dict[Path, str]:
        """Those ids without which the request means nothing: it must go to the upstream that gave them."""
        return {ref.path: ref.value for ref in self.refs if ref.kind in ("response", "item", "container")}
