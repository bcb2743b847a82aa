"""The stories of the Images API: generations and edits, as one JSON answer or as a stream (wire.md 4 and 5)."""

import time
from collections.abc import Sized
from typing import Any

import msgspec

from darkroom.errors import Error, Invalid
from darkroom.sandbox import objects
from darkroom.sandbox.easel import Easel, Job
from darkroom.sandbox.files import pad
from darkroom.sandbox.forms import Part
from darkroom.sandbox.objects import Tree
from darkroom.sandbox.order import Wish, flag, missing, number, read_wish, take_picture, wrong_type
from darkroom.sandbox.responses import ask_of, delivered, text_of
from darkroom.sandbox.scenario import Scenario
from darkroom.sandbox.teller import Teller

SILENT_MS = 200
"""The time before the first picture is begun, of which an Images stream says nothing."""
MOST_IMAGES = 16
NUMBERS = ("n", "output_compression", "partial_images")


class Batch(msgspec.Struct, frozen=True):
    """An Images request: `n` pictures of one wish."""

    prompt: str
    n: int
    stream: bool
    wish: Wish
    edit: bool


def read_batch(body: Any, edit: bool, files: tuple[bytes, ...] = (), mask: bytes | None = None) -> Batch:
    """An Images request from its JSON body, or from a form's fields and files."""
    if not isinstance(body, dict):
        raise wrong_type("body", "an object")
    prompt = body.get("prompt")
    if prompt is None:
        raise missing("prompt")
    if not isinstance(prompt, str):
        raise wrong_type("prompt", "a string")
    if not prompt.strip() or len(prompt) > 32_000:
        raise Invalid("The prompt must have 1 to 32000 characters.", param="prompt")
    if edit and not files:
        files, mask = _read_references(body)
    tree = {"model": "gpt-image-2", **{key: value for key, value in body.items() if value is not None}}
    return Batch(
        prompt=prompt,
        n=number(body, "n", 1, 10, 1),
        stream=flag(body, "stream"),
        wish=read_wish({**tree, "action": "edit" if edit else "generate"}, files, mask),
        edit=edit,
    )


def read_edit_form(parts: list[Part]) -> Batch:
    """An edit from a form: `image`, `image[]` or `image[0]` files, `mask`, and plain fields."""
    files = [part for part in parts if part.name.partition("[")[0] == "image"]
    masks = [part for part in parts if part.name == "mask"]
    if not files:
        raise missing("image")
    _check_count(files, "image")
    for part in (*files, *masks):
        if part.type not in ("image/png", "image/jpeg", "image/webp"):
            raise Invalid(
                f"Invalid file '{part.name}': unsupported mimetype ('{part.type}'). Supported file formats are"
                " 'image/jpeg', 'image/png', and 'image/webp'.",
                param=part.name,
                code="unsupported_file_mimetype",
            )
    fields: Tree = {part.name: part.text for part in parts if part not in files and part not in masks}
    for name in NUMBERS:
        if name in fields:
            if not fields[name].isdecimal() or len(fields[name]) > 9:
                raise wrong_type(name, "an integer")
            fields[name] = int(fields[name])
    if "stream" in fields:
        fields["stream"] = fields["stream"] == "true"
    return read_batch(
        fields, True, tuple(part.content for part in files), masks[0].content if masks else None
    )


def _read_references(body: Tree) -> tuple[tuple[bytes, ...], bytes | None]:
    """The pictures of an edit's JSON form."""
    images, mask = body.get("images"), body.get("mask")
    if not isinstance(images, list) or not images:
        raise missing("images")
    if not all(isinstance(image, dict) for image in images) or not isinstance(mask, dict | None):
        raise wrong_type("images", "an array of objects")
    _check_count(images, "images")
    files = tuple(take_picture(image, f"images[{at}]") for at, image in enumerate(images))
    return files, take_picture(mask, "mask") if mask is not None else None


def _check_count(images: Sized, param: str) -> None:
    if len(images) > MOST_IMAGES:
        raise Invalid(f"Too many images: at most {MOST_IMAGES} are allowed.", param=param)


class Story:
    """The pictures of one batch, told one after the other."""

    def __init__(self, batch: Batch, scenario: Scenario, easel: Easel) -> None:
        self.batch = batch
        self.scenario = scenario
        self.easel = easel
        self.created = int(time.time())
        self.wish = delivered(batch.wish, scenario)
        self.partials = self.wish.partials if scenario.partials is None else scenario.partials
        self.count = min(batch.n, scenario.deliver_n if scenario.deliver_n is not None else batch.n)
        self.name = "image_edit" if batch.edit else "image_generation"

    @property
    def format(self) -> str:
        """The format of the files."""
        return self.wish.format

    async def tell(self, teller: Teller) -> None:
        """Tells all of it."""
        shown = self.partials if teller.sse else 0
        asks = [ask_of(self.wish, self.batch.prompt, self.scenario, variant) for variant in range(self.count)]
        jobs = [self.easel.begin(ask, shown) for ask in asks]
        try:
            if jobs and self.wish.images:
                # Pictures that cannot be read are refused while the answer still has its status.
                await jobs[0].begun()
            await teller.open()
            for stage, point in (("created", "after_created"), ("in_progress", "after_in_progress")):
                await teller.pause(stage, 0)
                await teller.point(point)
            await teller.pause("generating", SILENT_MS)
            await teller.point("after_generating")
            files = [await self._tell_picture(teller, job, at, shown) for at, job in enumerate(jobs)]
            await teller.point("before_completed")
            if not teller.sse:
                await teller.pause("completed", 0)
                await teller.answer(self._result(files))
            elif not jobs or self.scenario.answer is not None:
                await teller.close()
            await teller.finish()
        finally:
            for job in jobs:
                job.stop()

    async def _tell_picture(self, teller: Teller, job: Job, at: int, shown: int) -> str:
        for index in range(shown):
            file = pad(await self._drawn(teller, job, index), self.scenario.partial_bytes or 0)
            tree = {
                "type": f"{self.name}.partial_image",
                "b64_json": text_of(file),
                "partial_image_index": index,
            }
            await teller.say("partial", tree | self._shape(), 0, "in_partial")
            await teller.point("after_partial")
        await teller.point("in_partial")
        await teller.point("after_partial")
        image = text_of(pad(await self._drawn(teller, job, None), self.scenario.image_bytes or 0))
        usage = objects.image_usage(self.wish, self.batch.prompt, shown)
        last = at == self.count - 1
        if self.scenario.answer is None:
            tree = {"type": f"{self.name}.completed", "b64_json": image, **self._shape(), "usage": usage}
            await teller.say("image", tree, 100, "in_final" if at == 0 else None, last)
        elif self.scenario.answer == "partial_only":
            tree = {"type": f"{self.name}.partial_image", "b64_json": image, "partial_image_index": shown}
            await teller.say("image", tree | self._shape(), 100, "in_final")
        return image

    async def _drawn(self, teller: Teller, job: Job, index: int | None) -> bytes:
        try:
            return await teller.during(job.final() if index is None else job.partial(index))
        except Error as error:
            await teller.fail("nested", error.fields())
            raise

    def _shape(self) -> Tree:
        background = "transparent" if self.wish.transparent else "opaque"
        return {
            "created_at": self.created,
            "size": self.wish.size,
            "quality": self.wish.quality,
            "background": background,
            "output_format": self.wish.format,
        }

    def _result(self, images: list[str]) -> Tree:
        shape = {key: value for key, value in self._shape().items() if key != "created_at"}
        answer = self.scenario.answer
        entries = [{"b64_json": None if answer == "no_result" else image} for image in images]
        usage = objects.image_usage(self.wish, self.batch.prompt, 0, len(images))
        return {
            "created": self.created,
            "data": [] if answer in ("no_image", "refusal") else entries,
            **shape,
            "usage": usage,
        }
