"""Earlier pictures in the place of their ids: what the next upstream is told of them."""

import copy
from typing import Any

from darkroom.wire.codecs.images.write import write_request as write_images
from darkroom.wire.codecs.responses import read_request, write_request
from darkroom.wire.codecs.responses.recall import recall
from darkroom.wire.elide import Upload, render

TREE: dict[str, Any] = {
    "model": "gpt-5.5",
    "tools": [{"type": "image_generation"}],
    "input": [
        {"type": "image_generation_call", "id": "ig_1"},
        {"role": "user", "content": "at night"},
        {"type": "image_generation_call", "id": "ig_2"},
    ],
}


def test_recalled_picture_is_shown_by_the_user_and_its_id_is_forgotten() -> None:
    before = copy.deepcopy(TREE)
    request = read_request(TREE)
    assert request.pins == {("input", 0, "id"): "ig_1", ("input", 2, "id"): "ig_2"}
    upload = Upload(("input", 0, "id"), 3, 9, "image/png")
    recalled = recall(request, {("input", 0, "id"): upload})
    shown = {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": upload}]}
    assert recalled.tree == {**TREE, "input": [shown, *TREE["input"][1:]]}
    assert upload.path == ("input", 0, "content", 0, "image_url")
    assert [(picture.path, picture.kind) for picture in recalled.inputs] == [
        (upload.path, "upload"),
        (("input", 2, "id"), "item"),
    ]
    assert recalled.pins == {("input", 2, "id"): "ig_2"}
    assert before == TREE
    assert request.tree is TREE
    assert len(request.inputs) == len(request.pins) == 2


def test_recalled_request_can_be_written_for_either_api() -> None:
    uploads = {("input", i, "id"): Upload(("input", i, "id"), i, i + 9, "image/png") for i in (0, 2)}
    recalled = recall(read_request(TREE), uploads)
    tree, repairs = write_request(recalled, stream=False, owned={}, pictures={})
    assert [part for part in render(tree) if isinstance(part, Upload)] == [*uploads.values()]
    assert repairs == []
    written = write_images(recalled, stream=False, n=1, pictures={})
    assert written.path == "/images/edits"
    assert [value for name, value in written.form or () if name == "image[]"] == [*uploads.values()]
    assert ("prompt", "at night") in (written.form or ())


def test_nothing_to_recall_leaves_the_request_as_it_is() -> None:
    request = read_request(TREE)
    assert recall(request, {}) == request
