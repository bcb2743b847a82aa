"""Events are values: the same whatever made them, and never half filled in."""

import pytest

from darkroom.wire import events
from darkroom.wire.elide import Long

EVENTS = [
    events.Created(response={"id": "r"}), events.ItemDone(output_index=0, item={"result": "x"}),
    events.ImageGenerating(output_index=0, item_id="ig"), events.KeepAlive(), events.Error(message="no"),
    events.PartialImage(output_index=0, item_id="ig", index=1, image="AAAA"), events.Other(type="x", tree={}),
]  # fmt: skip


@pytest.mark.parametrize("event", EVENTS)
def test_event_is_one_of_its_kind_and_cannot_be_changed(event: events.Event) -> None:
    assert isinstance(event, events.Event)
    named = {name: getattr(event, name) for name in event.__struct_fields__}
    assert type(event)(**named) == event
    assert sum(event == other for other in EVENTS) == 1
    for name in named:
        with pytest.raises(AttributeError):
            setattr(event, name, None)


def test_event_needs_its_fields() -> None:
    for kind in (events.Created, events.ItemDone, events.PartialImage, events.Error, events.Other):
        with pytest.raises(TypeError):
            kind()


def test_error_has_the_four_keys_and_partial_may_lie_elsewhere() -> None:
    error = events.Error(message="no")
    assert (error.code, error.type, error.param) == (None, "server_error", None)
    long = Long(("partial_image_b64",), 3, 9)
    partial = events.PartialImage(output_index=0, item_id="ig", index=0, image=long)
    assert partial.image is long
    assert (partial.size, partial.output_format) == (None, None)
