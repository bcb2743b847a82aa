"""The stories of POST /v1/responses: a picture, a few words, or a call of a function (wire.md 2.1)."""

import base64
import re
import time
from typing import Any

import msgspec

from darkroom.errors import Error
from darkroom.sandbox import objects
from darkroom.sandbox.easel import Easel, Job
from darkroom.sandbox.files import pad
from darkroom.sandbox.objects import Tree, new_id
from darkroom.sandbox.order import Order, Wish
from darkroom.sandbox.painter import Ask
from darkroom.sandbox.palette import read_mood, seed_of
from darkroom.sandbox.scenario import Scenario
from darkroom.sandbox.teller import Teller
from darkroom.wire import events
from darkroom.wire.codecs.responses.events import encode

DELAYS_MS = {"created": 40, "in_progress": 20, "generating": 120, "partial": 0, "image": 120, "completed": 40}
"""Before each stage when the scenario does not say; drawing comes on top where it takes longer."""

REFUSAL = "I can't help with creating that image, because it may go against the content policy."


class Story:
    """One response, told from created to completed."""

    def __init__(self, order: Order, scenario: Scenario, easel: Easel) -> None:
        self.order = order
        self.scenario = scenario
        self.easel = easel
        self.response = objects.response_object(order, new_id("resp"), int(time.time()))
        self._output: list[Tree] = []

    @property
    def format(self) -> str:
        """The format of the file."""
        return self.order.wish.format if self.order.wish else "png"

    def ending(self, status: str, fields: Tree) -> Tree:
        """The response as it ends when it does not succeed."""
        return (
            objects.failed(self.response, fields) if status == "failed" else objects.incomplete(self.response)
        )

    async def tell(self, teller: Teller) -> None:
        """Tells all of it."""
        job = None
        if self.order.wish is not None:
            wish = delivered(self.order.wish, self.scenario)
            partials = wish.partials if self.scenario.partials is None else self.scenario.partials
            # Drawing begins at once, so that delays and drawing overlap as they do in the real thing.
            job = self.easel.begin(ask_of(wish, self.order.prompt, self.scenario), partials)
        try:
            if job is not None and wish.images:
                # Pictures that cannot be read are refused while the answer still has its status.
                await job.begun()
            await teller.open()
            await self._begin(teller)
            if job is not None:
                usage, tool_usage = await self._tell_image(teller, wish, job, partials)
            elif self.order.function is not None:
                usage, tool_usage = await self._tell_call(teller, self.order.function)
            else:
                usage, tool_usage = await self._tell_words(teller, reply(self.order.prompt), "message")
            await self._end(teller, usage, tool_usage)
        finally:
            if job is not None:
                job.stop()

    # --- beginning and end ---

    async def _begin(self, teller: Teller) -> None:
        begun = {**self.response, "tool_usage": objects.tool_usage(None)}
        await self._say(teller, "created", events.Created(response=begun))
        await teller.point("after_created")
        await self._say(teller, "in_progress", events.InProgress(response=begun))
        await teller.point("after_in_progress")
        if teller.style.reasoning:
            item: Tree = {"id": new_id("rs"), "type": "reasoning", "summary": []}
            await self._add(teller, item)
            await self._done(teller, item)

    async def _end(self, teller: Teller, usage: Tree, tool_usage: Tree) -> None:
        if teller.style.message and self.order.wish is not None:
            await self._tell_words(teller, "", "message")
        await teller.point("before_completed")
        whole = objects.finished(self.response, self._output, usage, tool_usage, int(time.time()))
        if teller.sse:
            await self._say(teller, "completed", events.Completed(response=whole), "in_completed", last=True)
        else:
            await teller.pause("completed", DELAYS_MS["completed"])
            await teller.answer(whole)
        await teller.finish()

    # --- a picture ---

    async def _tell_image(self, teller: Teller, wish: Wish, job: Job, partials: int) -> tuple[Tree, Tree]:
        answer, call, index = self.scenario.answer, new_id("ig"), len(self._output)
        if answer == "refusal":
            return await self._tell_words(teller, REFUSAL, "message")
        at = {"output_index": index, "item_id": call}
        shape = {"size": wish.size, "quality": wish.quality, "output_format": wish.format}
        shape["background"] = "transparent" if wish.transparent else "opaque"
        begun = {"id": call, "type": "image_generation_call", "status": "in_progress"}
        await self._say(teller, "", events.ItemAdded(output_index=index, item=begun))
        await self._say(teller, "", events.ImageInProgress(**at))  # type: ignore[arg-type]
        await self._say(teller, "generating", events.ImageGenerating(**at))  # type: ignore[arg-type]
        await teller.point("after_generating")
        for number in range(partials):
            file = pad(await self._drawn(teller, job, number), self.scenario.partial_bytes or 0)
            partial = events.PartialImage(**at, index=number, image=text_of(file), **shape)  # type: ignore[arg-type]
            await self._say(teller, "partial", partial, "in_partial")
            await teller.point("after_partial")
        await teller.point("in_partial")
        await teller.point("after_partial")
        file = pad(await self._drawn(teller, job, None), self.scenario.image_bytes or 0)
        if answer == "partial_only":
            last = events.PartialImage(**at, index=partials, image=text_of(file), **shape)  # type: ignore[arg-type]
            await self._say(teller, "image", last, "in_final")
        elif answer != "no_image":
            item = objects.image_item(call, wish, revised(self.order.prompt, self.scenario), text_of(file))
            if answer == "no_result":
                error = {
                    "type": "server_error",
                    "code": "server_error",
                    "message": "No image was made.",
                    "param": None,
                }
                item |= {"status": "failed", "result": None, "error": error}
            await self._say(
                teller, "image", {"type": f"{objects.CALL}.completed", "sequence_number": 0, **at}
            )
            await self._done(teller, item, "in_final")
        else:
            await teller.point("in_final")
        # Only streamed partials cost anything.
        cost = objects.image_usage(wish, self.order.prompt, partials if teller.sse else 0)
        return objects.text_usage(self.order, self.order.prompt), objects.tool_usage(cost)

    async def _drawn(self, teller: Teller, job: Job, index: int | None) -> bytes:
        try:
            return await teller.during(job.final() if index is None else job.partial(index))
        except Error as error:
            await teller.fail("both", error.fields())
            raise

    # --- words and calls ---

    async def _tell_words(self, teller: Teller, text: str, kind: str) -> tuple[Tree, Tree]:
        index, item = len(self._output), objects.message_item(new_id("msg"), text)
        await self._say(
            teller,
            "",
            events.ItemAdded(output_index=index, item={**item, "status": "in_progress", "content": []}),
        )
        at = {"item_id": item["id"], "output_index": index, "content_index": 0}
        part = item["content"][0]
        await self._tell_other(teller, "response.content_part.added", **at, part={**part, "text": ""})
        await teller.point("after_generating")
        for word in re.findall(r"\S{1,12}\s*", text):
            await self._tell_other(teller, "response.output_text.delta", **at, delta=word, logprobs=[])
        await teller.point("in_partial")
        await teller.point("after_partial")
        await self._tell_other(teller, "response.output_text.done", "in_final", **at, text=text, logprobs=[])
        await self._tell_other(teller, "response.content_part.done", **at, part=part)
        await self._done(teller, item)
        return objects.text_usage(self.order, text), objects.tool_usage(None)

    async def _tell_call(self, teller: Teller, tool: Tree) -> tuple[Tree, Tree]:
        index, item = len(self._output), objects.function_item(new_id("fc"), tool)
        begun = {**item, "status": "in_progress", "arguments": ""}
        await self._say(teller, "generating", events.ItemAdded(output_index=index, item=begun))
        await teller.point("after_generating")
        at = {"item_id": item["id"], "output_index": index}
        name = "response.function_call_arguments"
        await self._tell_other(teller, f"{name}.delta", **at, delta=item["arguments"])
        await teller.point("in_partial")
        await teller.point("after_partial")
        await self._tell_other(
            teller, f"{name}.done", "in_final", **at, arguments=item["arguments"], name=item["name"]
        )
        await self._done(teller, item)
        return objects.text_usage(self.order, item["arguments"]), objects.tool_usage(None)

    async def _tell_other(self, teller: Teller, kind: str, inside: str | None = None, **fields: Any) -> None:
        await self._say(teller, "", {"type": kind, "sequence_number": 0, **fields}, inside)

    async def _add(self, teller: Teller, item: Tree) -> None:
        await self._say(teller, "", events.ItemAdded(output_index=len(self._output), item=item))

    async def _done(self, teller: Teller, item: Tree, inside: str | None = None) -> None:
        index = len(self._output)
        self._output.append(item)
        await self._say(teller, "", events.ItemDone(output_index=index, item=item), inside)

    async def _say(
        self,
        teller: Teller,
        stage: str,
        event: "events.Event | Tree",
        inside: str | None = None,
        last: bool = False,
    ) -> None:
        tree = event if isinstance(event, dict) else encode(event, 0)
        await teller.say(stage, tree, DELAYS_MS.get(stage, 0), inside, last)


def delivered(wish: Wish, scenario: Scenario) -> Wish:
    """What is delivered for a wish: the same, unless the scenario plays an upstream that does as it likes."""
    width, height = scenario.deliver_size or (wish.width, wish.height)
    format = scenario.deliver_format or wish.format
    return msgspec.structs.replace(
        wish, width=width, height=height, format=format, transparent=wish.transparent and format != "jpeg"
    )


def ask_of(wish: Wish, prompt: str, scenario: Scenario, variant: int = 0) -> Ask:
    """What is to be painted for a wish."""
    return Ask(
        prompt=prompt,
        width=wish.width,
        height=wish.height,
        quality=wish.quality,
        transparent=wish.transparent,
        format=wish.format,
        compression=wish.compression,
        mark=scenario.mark,
        seed=scenario.seed + variant,
        images=wish.images,
        mask=wish.mask,
    )


def text_of(file: bytes) -> str:
    """The file in base64."""
    return base64.b64encode(file).decode("ascii")


def revised(prompt: str, scenario: Scenario) -> str:
    """The prompt in the painter's words."""
    mood = read_mood(prompt, seed_of(prompt, scenario.seed))
    return f"{prompt} ({mood.scene}, {mood.palette.name} light)"


def reply(prompt: str) -> str:
    """A short answer to words without a picture tool."""
    said = prompt if len(prompt) <= 200 else prompt[:200] + "…"
    if re.search("[\u4e00-\u9fff]", prompt):
        return f"这里是暗房的沙盒:它会画图,除此之外只回答一句话。您说的是:“{said}”。"
    return f"This is the Darkroom sandbox: it draws pictures and says little else. You said: “{said}”."
