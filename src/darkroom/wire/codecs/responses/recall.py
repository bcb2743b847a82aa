"""Earlier pictures in the place of their ids: an image call that is named by its id alone becomes the picture itself.

For upstreams that never made the picture. Law: the caller's tree is not changed; what lies on the way is copied.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from darkroom.wire.elide import Path, Upload
from darkroom.wire.request import InputPicture, Request


def recall(request: Request, pictures: Mapping[Path, Upload]) -> Request:
    """The request with `pictures` shown by the user in the place of the items at `("input", i, "id")`."""
    items: list[Any] = list(request.tree["input"])
    inputs = list(request.inputs)
    for place, picture in enumerate(inputs):
        upload = pictures.get(picture.path)
        if upload is None:
            continue
        index = int(picture.path[1])
        shown = {"type": "input_image", "image_url": upload}
        items[index] = {"type": "message", "role": "user", "content": [shown]}
        upload.path = ("input", index, "content", 0, "image_url")
        inputs[place] = InputPicture(upload.path, "upload", upload)
    return msgspec.structs.replace(
        request,
        tree={**request.tree, "input": items},
        inputs=tuple(inputs),
        refs=tuple(ref for ref in request.refs if ref.path not in pictures),
    )
