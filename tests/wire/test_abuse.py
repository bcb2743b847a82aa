"""The relay machine under abuse: pictures far larger than its memory, and a hundred thousand broken streams."""

import gc
import random
import tracemalloc
from collections.abc import Iterator

import pytest

from darkroom.wire.actions import Earn, Keep, Replay, Send
from darkroom.wire.elide import LIMIT
from tests.wire.playing import events, machine, play
from tests.wire.recorded import LARGE, PLAIN, RECORDED, SMALL, begun, done, ended, item, right

JSON = b"application/json"


@pytest.mark.slow
@pytest.mark.parametrize("stream", [True, False])
def test_memory_for_a_picture_of_64_mb_stays_small(stream: bool) -> None:
    """Twice, as events repeat it: passing it, keeping it for a repair, and passing the copy take no memory for it."""
    relay, sizes = machine(stream=stream), {Send: 0, Keep: 0}
    head, tail = right([*begun(), done(item())]).split(LARGE.encode())
    last, end = right([*begun(), done(item()), ended([item()])])[len(head) + len(tail) + len(LARGE) :].split(
        LARGE.encode()
    )
    piece = b"A" * 65_536

    def take(body: bytes) -> None:
        for action in relay.receive(body, 1.0):
            assert isinstance(action, Send | Keep) or action == Earn(0)
            if isinstance(action, Send | Keep):
                sizes[type(action)] += len(action.data)
        assert relay.kept <= LIMIT

    gc.collect()
    tracemalloc.start()
    try:
        for before, after in ((head, tail), (last, end)):
            take(before)
            for _ in range(1024):
                take(piece)
            take(after)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert relay.ended
    assert sizes[Keep] == 1024 * 65_536
    assert sizes[Send] > (1 + stream) * 1024 * 65_536
    assert peak < 1_000_000


@pytest.mark.slow
def test_repair_of_a_picture_of_64_mb_goes_through_the_spool() -> None:
    """Its event leaves out what must come first, so that nothing of it can pass before it is whole."""
    relay, piece, kept = machine(), b"A" * 65_536, 0
    before, after = right([ended([item()])]).split(LARGE.encode())
    gc.collect()
    tracemalloc.start()
    try:
        relay.receive(before, 1.0)
        for _ in range(1024):
            actions = relay.receive(piece, 1.0)
            assert all(isinstance(action, Keep) for action in actions)
            kept += sum(len(action.data) for action in actions if isinstance(action, Keep))
        actions = relay.receive(after, 1.0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert kept == 1024 * 65_536
    assert [action for action in actions if isinstance(action, Replay)] == [Replay(0, kept)] * 2
    assert sum(len(action.data) for action in actions if isinstance(action, Send)) < 10_000
    assert relay.ended
    assert peak < 1_000_000


def mutants(chance: random.Random, seeds: list[bytes], count: int, most: int) -> Iterator[bytes]:
    """One to `most` of the seeds in a row, with bytes changed, parts cut out, doubled, moved and mixed."""
    spice = [b'"', b"\\", b"\n", b"\n\n", b"\r", b"{", b"}", b"[", b"]", b",", b":", b"\x00", b"\xff", b"\xe4", b"null",
             b"data: ", b"event: ", b'"type":', b"1e9", b"-", b'"id":[]', b'"id":{}', b"true", b"[DONE]"]  # fmt: skip
    for _ in range(count):
        body = bytearray().join(chance.choice(seeds) for _ in range(chance.randint(1, most)))
        for _ in range(chance.choice((1, 1, 2, 3, 8))):
            at, to = chance.randrange(len(body) + 1), chance.randrange(len(body) + 1)
            match chance.randrange(6):
                case 0:
                    body[at:at] = chance.choice(spice)
                case 1:
                    del body[at : at + chance.randrange(1, 40)]
                case 2 if at < len(body):
                    body[at] = chance.randrange(256)
                case 3:
                    body[to:to] = body[at : at + chance.randrange(300)]
                case 4:
                    other = chance.choice(seeds)
                    begin = chance.randrange(len(other))
                    body[at:at] = other[begin : begin + chance.randrange(400)]
                case _:
                    body[at : at + 4] = chance.choice(spice)
        yield bytes(body)


def check(body: bytes, chance: random.Random) -> None:
    """Whatever an upstream says: no exception, one end, and a stream that can be read."""
    stream = chance.random() < 0.7
    border = chance.randrange(len(body) + 1)
    kind = chance.choice((JSON, b"text/event-stream"))
    told = play(
        [body[:border], body[border:]], stream=stream, content_type=kind, forced=chance.random() < 0.5
    )
    outcome = told.outcome
    assert (outcome.status == "failed") == (outcome.error is not None)
    assert [number for number, _ in told.earned] == list(range(len(told.earned)))
    if stream and told.sent and not told.cut:
        found = events(told.sent, ours=False)
        assert found[-1]["type"] == f"response.{outcome.status}"
        assert sum(t["type"] in ("response.completed", "response.incomplete", "error") for t in found) == 1


SMALL_BODIES = [
    body.replace(LARGE.encode(), SMALL.encode()) for body in (*RECORDED.values(), *PLAIN.values())
]
SMALL_BODIES = [body for body in SMALL_BODIES if 0 < len(body) < 4_000]
FRAMES = sorted({frame + b"\n\n" for body in SMALL_BODIES for frame in body.split(b"\n\n") if frame})


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_no_short_stream_is_too_broken_to_end_well(seed: int) -> None:
    chance = random.Random(seed)
    for body in mutants(chance, FRAMES, 23_000, 3):
        check(body, chance)


@pytest.mark.slow
def test_no_stream_is_too_broken_to_end_well() -> None:
    chance = random.Random(7)
    for body in mutants(chance, SMALL_BODIES, 6_500, 1):
        check(body, chance)


@pytest.mark.slow
def test_no_large_stream_is_too_broken_to_end_well() -> None:
    chance = random.Random(8)
    seeds = [body for body in (*RECORDED.values(), *PLAIN.values()) if 4_000 < len(body) < 60_000]
    for body in mutants(chance, seeds, 1_500, 1):
        check(body, chance)


def test_few_broken_streams_end_well() -> None:
    chance = random.Random(99)
    for body in mutants(chance, SMALL_BODIES, 400, 1):
        check(body, chance)
