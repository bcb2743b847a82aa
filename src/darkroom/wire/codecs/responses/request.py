"""The Responses request: a body's tree to the canonical ask, and the ask to the tree for an upstream.

Law: nothing that the customer sent is lost or changed, but `stream` (the relay may stream where he does not) and ids
of accounts that are not his (`ownership`). Any JSON tree is either read or refused with a 400 that names the field.
Linear in the tree's size. Source: wire.md section 1.
"""

from collections.abc import Collection, Mapping
from typing import Any

from darkroom.errors import Invalid
from darkroom.wire.codecs.responses.items import Items
from darkroom.wire.codecs.responses.ownership import disown, embed
from darkroom.wire.codecs.responses.state import refuse_top
from darkroom.wire.codecs.responses.tools import read_choice, read_tools
from darkroom.wire.elide import Path, Tree, Upload
from darkroom.wire.fields import (
    check_depth,
    missing,
    read_flag,
    read_number,
    read_object,
    read_word,
    wrong_value,
)
from darkroom.wire.request import Ref, Request


def read_request(tree: Any) -> Request:
    """Read a body's tree; strings may be `Long`. Raises Invalid naming the field that is missing or wrong."""
    if not isinstance(tree, dict):
        raise Invalid(
            'The request body must be a JSON object, for example {"model": "gpt-5.5", "input": "a cat"}.',
            code="invalid_type",
        )
    check_depth(tree)
    model = read_word(tree, "model")
    if not model:
        raise missing(("model",), 'Name a model, for example "gpt-5.5".')
    stream = read_flag(tree, "stream") or False
    refuse_top(tree)
    refs = _responses(tree)
    items = Items(tree)
    tool, types = read_tools(tree)
    image, forced = read_choice(tree, types)
    reasoning = read_object(tree, "reasoning")
    return Request(
        model=model,
        stream=stream,
        image=image,
        forced=forced,
        tool=tool,
        texts=tuple(items.texts),
        inputs=tuple(items.inputs),
        refs=(*refs, *items.refs),
        effort=read_word(reasoning, "effort", ("reasoning",)) if reasoning else None,
        max_output_tokens=read_number(tree, "max_output_tokens", lowest=1),
        max_tool_calls=read_number(tree, "max_tool_calls", lowest=0),
        store=read_flag(tree, "store"),
        tree=tree,
    )


def write_request(
    request: Request,
    *,
    stream: bool | None,
    owned: Collection[str] | Mapping[str, str] | None,
    pictures: Mapping[Path, Upload] | None = None,
) -> tuple[Tree, list[str]]:
    """The tree for an upstream, and a word for each repair. Raises Invalid for an id that means nothing there.

    `stream`: whether the upstream is to stream; None leaves it as asked. `owned`: the ids that this upstream's account
    gave to this customer, or a mapping from them to the upstream's own; None keeps every id (a customer's own client).
    `pictures`: what the files hold whose ids the customer named, by the paths of those ids. Files live at this relay,
    so no upstream ever sees their ids.
    """
    tree = dict(request.tree)
    repairs: list[str] = []
    if owned is not None:
        tree = embed(tree, request.pictures, pictures or {})
        tree, repairs = disown(tree, request.refs, owned)
    if stream is not None and stream != request.stream:
        tree["stream"] = stream
        if not stream and tree.get("stream_options") is not None:
            # Upstreams refuse these options where nothing is streamed.
            del tree["stream_options"]
            repairs.append("stream_options_dropped")
    return tree, repairs


def _responses(tree: Tree) -> list[Ref]:
    """Ids of earlier responses."""
    refs = []
    previous = read_word(tree, "previous_response_id")
    if previous is not None:
        if not previous:
            raise wrong_value(("previous_response_id",), "Name an earlier response, or leave it out.")
        refs.append(Ref(("previous_response_id",), previous, "response"))
    options = tree.get("prompt_cache_options")
    if isinstance(options, dict):
        at = ("prompt_cache_options",)
        compared = read_word(options, "comparison_response_id", at)
        if compared:
            refs.append(Ref((*at, "comparison_response_id"), compared, "response"))
    return refs
