"""Drawing in threads: files in order, remembered for a while, dropped when nobody waits, and failures told."""

import asyncio

import pytest
from PIL import Image

from darkroom.errors import Invalid
from darkroom.sandbox.easel import Easel
from darkroom.sandbox.painter import Ask
from tests.sandbox.drawing import far, file, opened

pytestmark = pytest.mark.anyio
CAT = Ask(prompt="a cat", width=96, height=64)
BROKEN = Ask(prompt="a cat", width=96, height=64, images=(b"no picture",))


@pytest.fixture
def easel():
    made = Easel(threads=1)
    yield made
    made.close()


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
async def test_previews_and_picture_are_whole_files_from_coarse_to_fine(easel, format):
    job = easel.begin(Ask(prompt="a cat", width=96, height=64, format=format), 3)
    final = opened(await job.final())
    previews = [opened(await job.partial(index)) for index in range(3)]
    assert {(image.format, image.size) for image in (final, *previews)} == {(format.upper(), (96, 64))}
    distances = [far(preview, final) for preview in previews]
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] > 0


async def test_picture_drawn_a_moment_ago_is_not_drawn_again(easel):
    first, other = easel.begin(CAT, 1), easel.begin(CAT, 0)
    final, alone = await first.final(), await other.final()
    again = easel.begin(CAT, 1)
    await again.begun()
    assert await again.final() is final
    assert await again.partial(0) is await first.partial(0)
    assert alone == final, "previews change nothing of the picture"


async def test_no_more_is_remembered_than_fits():
    size = len(await (easel := Easel(1)).begin(CAT).final())
    easel.close()
    small = Easel(1, keep_bytes=size * 6)
    asks = [Ask(prompt="a cat", width=96, height=64, seed=seed) for seed in range(12)]
    files = [await small.begin(ask).final() for ask in asks]
    newest, oldest = await small.begin(asks[-1]).final(), await small.begin(asks[0]).final()
    small.close()
    assert newest is files[-1]
    assert oldest is not files[0]
    assert oldest == files[0]


async def test_what_is_too_large_is_not_remembered():
    none = Easel(1, keep_bytes=10)
    first = await none.begin(CAT).final()
    assert await none.begin(CAT).final() is not first
    none.close()


async def test_input_pictures_are_read_before_anything_is_drawn(easel):
    image = file(Image.new("RGB", (96, 64), (200, 40, 40)))
    job = easel.begin(Ask(prompt="dusk", width=96, height=64, images=(image,)), 1)
    await job.begun()
    assert opened(await job.final()).size == (96, 64)
    broken = easel.begin(BROKEN, 2)
    for wait in (broken.begun(), broken.partial(0), broken.partial(1), broken.final()):
        with pytest.raises(Invalid):
            await wait


async def test_job_that_is_stopped_is_dropped_and_the_next_one_drawn(easel):
    waiting = [easel.begin(Ask(prompt=f"cat {at}", width=400, height=300), 3) for at in range(4)]
    for job in waiting[1:]:
        job.stop()
        assert job.is_stopped()
        with pytest.raises(asyncio.CancelledError):
            await job.final()
    assert opened(await easel.begin(CAT).final()).size == (96, 64)
    assert opened(await waiting[0].final()).size == (400, 300)


async def test_stop_after_a_failure_leaves_nothing_to_complain_about(easel):
    job = easel.begin(BROKEN, 1)
    with pytest.raises(Invalid):
        await job.begun()
    job.stop()
    job.fail(RuntimeError("late"))
    job.take(0, b"late")


async def test_one_who_waits_may_give_up_and_another_still_gets_it(easel):
    job = easel.begin(CAT)
    impatient = asyncio.get_running_loop().create_task(job.final())
    await asyncio.sleep(0)
    impatient.cancel()
    assert opened(await job.final()).size == (96, 64)


def test_loop_that_was_closed_meanwhile_is_not_missed():
    easel = Easel(1)

    async def leave():
        easel.begin(CAT, 2)

    asyncio.run(leave())
    assert asyncio.run(_drawn(easel)).size == (96, 64)
    easel.close()


async def _drawn(easel):
    return opened(await easel.begin(CAT).final())
