"""What clients rely on and some upstreams leave out of whole events: a response's status, age and so on, and numbers.

A partial's number is counted here where the upstream does not say it.
"""

from typing import Any

from darkroom.wire.codecs.images.events import Remote
from darkroom.wire.codecs.responses.events import PARTIAL
from darkroom.wire.elide import Long, Malformed, Tree, parse

_STATUSES = {
    "response.created": "in_progress",
    "response.queued": "queued",
    "response.in_progress": "in_progress",
    "response.completed": "completed",
    "response.incomplete": "incomplete",
}


class Filling:
    """Fills the events of one answer; `known` are the response's fields as the relay knows them."""

    def __init__(self, known: dict[str, Any]) -> None:
        self._known = known
        self._partials: dict[int, int] = {}

    def fill(self, tree: Tree, repairs: list[str]) -> Tree:
        """A whole canonical event with nothing missing; what was is named in `repairs`."""
        response = tree.get("response")
        if isinstance(response, dict):
            known = {"object": "response", "status": _STATUSES.get(tree["type"]), **self._known}
            missing = {k: value for k, value in known.items() if value and response.get(k) is None}
            if missing:
                repairs.append("response_fields")
                return {**tree, "response": {**response, **missing}}
        return self._numbered(tree, repairs) if tree["type"] == PARTIAL else tree

    def _numbered(self, tree: Tree, repairs: list[str]) -> Tree:
        """A partial with its number, counted here if the upstream does not say it."""
        place = tree.get("output_index")
        place = place if isinstance(place, int) else 0
        number = self._partials[place] = self._partials.get(place, -1) + 1
        if "partial_image_index" in tree:
            return tree
        repairs.append("partial_index")
        return {**tree, "partial_image_index": number}


def take_addresses(tree: Tree) -> list[tuple[str, Long]]:
    """The addresses that stand in a canonical event for its pictures, each with the Long that takes its place there.

    Whoever fetches them says where they lie before the event is written.
    """
    response = tree.get("response")
    output = response.get("output") if isinstance(response, dict) else [tree.get("item")]
    found: list[tuple[str, Long]] = []
    for item in output if isinstance(output, list) else []:
        if isinstance(item, dict) and isinstance(item.get("result"), Remote):
            long = Long(())
            found.append((str(item["result"]), long))
            item["result"] = long
    return found


def as_object(value: Any) -> Tree | None:
    """A frame's object; some upstreams send it as a string of JSON."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = parse(value.encode())
        except Malformed:
            return None
    return value if isinstance(value, dict) else None


def done_event(tree: Tree, number: int) -> Tree:
    """The event of an output item of a whole answer."""
    item = tree["response"]["output"][number]
    return {"type": "response.output_item.done", "output_index": number, "item": item}
