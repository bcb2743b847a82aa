"""Whether an answer must end as a failure, and as which: what the upstream said, or what its answer lacks.

Reads canonical trees; the relay asks before it passes an event on. The words are `failure`'s or our own.
"""

from collections.abc import Iterable
from typing import Any

from darkroom.errors import Error, Internal, Invalid, UpstreamError
from darkroom.wire.backfill import texts_of
from darkroom.wire.codecs.responses.events import is_error, is_image
from darkroom.wire.complaint import Failure, read_failure
from darkroom.wire.elide import Tree
from darkroom.wire.failure import error_for_customer


def failed(tree: Tree, secrets: tuple[str, ...]) -> Error | None:
    """The failure that an event tells: an error in any shape, or a failed response."""
    if not is_error(tree) and tree["type"] != "response.failed":
        return None
    failure = read_failure(tree, status=None) or Failure()
    return error_for_customer(failure, status=None, secrets=secrets)


def lacks_image(tree: Tree, done: Iterable[Tree], *, images: bool) -> bool:
    """The last event of an answer that must have a picture, of which nothing is there: no picture, and no word why.

    With `images` the caller speaks the Images API, where a word is not enough.
    """
    items = [*_output(tree), *done]
    if any(isinstance(item, dict) and is_image(item.get("result")) for item in items):
        return False
    return images or not any(isinstance(item, dict) and item.get("type") == "message" for item in items)


def no_image(tree: Tree, *, images: bool) -> Error:
    """The error of an answer without its picture: what the model said instead, where it said something."""
    said = [text for item in _output(tree) for text in texts_of(item)]
    if said and images:
        return Invalid(
            f"No picture was made; the model answered: {' '.join(said)[:2000]}",
            code="content_policy_violation",
            type="image_generation_user_error",
        )
    return UpstreamError(
        "The upstream finished without a picture. Please send the request again.", code="no_image"
    )


def unsaid() -> Error:
    """The upstream failed in an event that is too complex to be read."""
    return UpstreamError("The upstream failed. Please send the request again.")


def not_json() -> Error:
    """What has been begun to be sent turned out not to be JSON."""
    return UpstreamError("The upstream's answer is not valid JSON. Please send the request again.")


def too_complex() -> Error:
    """What had to be rewritten has more structure than is kept of an event."""
    return UpstreamError("The upstream's answer is too complex to be mended. Please send the request again.")


def spool_lost() -> Error:
    """What had to be written again could not be kept."""
    return Internal("This server had no room to finish the answer. Please send the request again.")


def web_page() -> Error:
    """The upstream answered with HTML."""
    return UpstreamError("The upstream answered with a web page instead of an image stream; please retry.")


def _output(tree: Tree) -> list[Any]:
    response = tree.get("response")
    output = response.get("output") if isinstance(response, dict) else None
    return output if isinstance(output, list) else []
