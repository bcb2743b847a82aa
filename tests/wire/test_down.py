"""What both forms of an answer share: frames that were begun are always ended, and the spool is never trusted twice."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.wire.actions import Cut, Keep, Outcome, Replay, Send
from darkroom.wire.down import Down, Hold, closing, completed, is_picture, resume
from darkroom.wire.elide import Long, render
from darkroom.wire.sse import Piece
from tests.wire.playing import machine, play
from tests.wire.recorded import LARGE, RECORDED, SMALL, begun, done, ended, item, right

CALL = {"id": "ig_up", "type": "image_generation_call"}


def down(limit: int = 1_000) -> Down:
    return Down(Outcome(), response_id="resp_own", model="gpt-5.5", created_at=1, keep_limit=limit)


def spooled(side: Down, *pieces: bytes) -> Long:
    """A long string that comes in these pieces and is kept."""
    long = Long(("item", "result"))
    side.hold = Hold("spool", "response.output_item.done", {"item": {"result": long}}, long, None)
    side.begin(side.hold, pieces[0])
    for piece in pieces[1:]:
        side.piece(Piece(piece))
    side.hold = None
    return long


# cut frames


@settings(max_examples=100, deadline=None)
@given(st.text('ab\\"/\n\t你é😀\x00', min_size=1, max_size=30), st.booleans())
def test_string_cut_anywhere_can_be_made_whole(text: str, ascii_: bool) -> None:
    told = json.dumps(text, ensure_ascii=ascii_)[1:-1].encode()
    for stop in range(len(told) + 1):
        json.loads(b'"' + told[:stop] + completed(told[max(0, stop - 6) : stop]) + b'"')


@pytest.mark.parametrize(
    "path", [("partial_image_b64",), ("item", "result"), ("response", "output", 1, "result")]
)
def test_cut_frame_closes_as_the_error_that_its_last_keys_tell(path: tuple[Any, ...]) -> None:
    long = Long(path)
    tree: Any = long
    for key in reversed(path):
        tree = [{"id": "first"}, tree] if isinstance(key, int) else {"status": "completed", key: tree}
    tree = {"type": "some.event", "sequence_number": 5, **tree}
    hold = Hold("write", "some.event", tree, long, None, end=b"AA\\u00")
    error = {"type": "error", "sequence_number": 5, "error": {"message": 'say "no"'}, "message": "no"}
    begun_, rest = render(tree)[0], closing(hold, error)
    assert rest is not None
    assert rest.endswith(b"\n\n")
    told = json.loads(begun_ + b"AA\\u00" + rest)
    assert told | error == told
    for key in path:
        told = told[key]
    assert told == ""
    assert closing(Hold("raw", "x", {}, long, None), error) is None


def test_resumed_tree_ends_what_its_beginning_has_begun() -> None:
    long, more = Long(("a",)), Long(("b",))
    sent = {"type": "t", "n": 1, "items": [{"id": "mine", "r": long}]}
    tree = {
        "items": [{"id": "theirs", "r": long, "z": 2}, {"r": more}],
        "late": True,
        "type": "other",
        "n": 9,
    }
    whole = resume(sent, tree)
    assert whole == {
        "type": "t",
        "n": 1,
        "items": [{"id": "mine", "r": long, "z": 2}, {"r": more}],
        "late": True,
    }
    assert list(whole) == ["type", "n", "items", "late"]
    assert render(whole)[0] == render(sent)[0]


@pytest.mark.parametrize(
    "where, wanted",
    [(("item", "result"), True), (("partial_image_b64",), True), (("response", "output", 3, "result"), True),
     (("item", "revised_prompt"), False), (("response", "instructions"), False), (("result",), False),
     (("response", "output", 3, "content"), False)],
)  # fmt: skip
def test_pictures_stand_in_three_places(where: Any, wanted: bool) -> None:
    assert is_picture(where) is wanted


# the spool


def test_kept_string_is_replayed_from_where_it_lies() -> None:
    side = down()
    spooled(side, b"x" * 300)
    long = spooled(side, b"A" * 300, b"B" * 20, b"C")
    assert long.kept == (300, 621)
    assert (
        b"".join(a.data for a in side.out if isinstance(a, Keep))
        == b"x" * 300 + b"A" * 300 + b"B" * 20 + b"C"
    )
    assert not any(isinstance(action, Send) for action in side.out)
    side.out = []
    side.spell(render({"result": long}), [0], b">", b"<")
    assert [type(action).__name__ for action in side.out] == ["Send", "Replay", "Earn", "Send"]
    assert side.out[1] == Replay(300, 621)
    assert (side.out[0], side.out[3]) == (Send(b'>{"result":"'), Send(b'"}<'))


@pytest.mark.parametrize("pieces", [[500], [499, 1], [300] + [1] * 200, [256, 244]])
def test_spool_that_is_full_keeps_nothing_more_however_the_pieces_came(pieces: list[int]) -> None:
    side = down(limit=499)
    long = spooled(side, *[b"A" * size for size in pieces])
    after = spooled(side, b"B")
    assert (long.kept, after.kept) == (None, None)
    assert side.outcome.repairs == {"spool_full": 2}
    side.out = []
    side.spell(render({"result": long}), [])
    assert [type(action) for action in side.out] == [Send, Cut]


def test_lost_spool_is_never_asked_for() -> None:
    side = down()
    long = spooled(side, b"A" * 300)
    side.remember(0, {**CALL, "result": long})
    side.remember(1, {**CALL, "id": "ig_2", "result": SMALL})
    assert list(side.done) == [0, 1]
    side.forget_spool()
    assert list(side.done) == [1]
    assert long.kept is None
    assert spooled(side, b"B" * 300).kept is None


@pytest.mark.parametrize("limit", [0, 16_900])
@pytest.mark.parametrize("name", RECORDED)
def test_answer_ends_well_without_room_in_the_spool(name: str, limit: int) -> None:
    told = play([RECORDED[name]], keep_limit=limit)
    assert len(told.spool) <= limit
    assert told.sent == b"" or told.cut or told.kinds[-1] in ("completed", "incomplete", "failed")
    chance = random.Random(name)
    border = chance.randrange(len(RECORDED[name]) + 1)
    again = play([RECORDED[name][:border], RECORDED[name][border:]], keep_limit=limit)
    assert (again.sent, again.earned, again.cut) == (told.sent, told.earned, told.cut)


def test_spool_lost_while_a_repair_needs_it_is_one_failure_of_ours() -> None:
    relay = machine()
    body = right([*begun(), ended([item()])])
    told = play([body[: body.index(LARGE.encode()) + 16_500]], machine())
    assert told.outcome.status == "failed"
    actions = relay.receive(body[: body.index(LARGE.encode()) + 16_500], 1.0)
    assert any(isinstance(action, Keep) for action in actions)
    relay.forget_spool()
    rest = [*relay.receive(body[body.index(LARGE.encode()) + 16_500 :], 2.0), *relay.close(None, 3.0)]
    assert not any(isinstance(action, Replay | Cut) for action in rest)
    error = relay.outcome.error
    assert error is not None
    assert error.blame == "gateway"


# pictures and ids


def test_picture_is_earned_once_whatever_repeats_it() -> None:
    side = down()
    first = {**CALL, "result": SMALL, "quality": "high"}
    assert side.earn(first) == 0
    assert side.earn(first) is None
    assert side.earn({**CALL, "id": None, "result": SMALL}, 1) == 1
    assert side.earn({**CALL, "id": None, "result": SMALL}, 2) == 2
    assert side.earn({**CALL, "id": "ig_3", "result": ""}) is None
    assert side.earn({"type": "message", "id": "m", "result": SMALL}) is None
    picture = side.outcome.pictures[0]
    assert (picture.item_id, picture.format, picture.width, picture.height) == ("ig_up", "png", 1024, 1536)
    assert (picture.quality, picture.bytes) == ("high", len(SMALL))


def test_prefix_is_stripped_only_where_its_end_is_sure_to_have_come() -> None:
    repairs: list[str] = []
    assert down().strip(b"DATA:image/png;base64,AAAA", repairs) == b"AAAA"
    assert repairs == ["data_prefix"]
    late = b"data:" + b"x" * 300 + b",AAAA"
    assert down().strip(late, repairs) == late
    assert down().strip(b"AAAA,", repairs) == b"AAAA,"
    assert repairs == ["data_prefix"]


@pytest.mark.parametrize(
    "output", [[], None, "absent", [{**CALL, "result": None}], [{"id": "rs", "type": "reasoning"}]]
)
def test_last_response_gets_what_was_delivered(output: Any) -> None:
    side, repairs = down(), list[str]()
    delivered = {**CALL, "result": SMALL}
    side.remember(0, delivered)
    response = {"id": "r"} if output == "absent" else {"id": "r", "output": output}
    filled = side.fill(response, repairs)["output"]
    assert delivered in filled
    assert [i.get("id") for i in filled].count("ig_up") == 1
    assert len(filled) == (2 if output and output[0] != "a" and output[0]["id"] == "rs" else 1)
    assert repairs == ["output"]


def test_full_response_is_left_alone_and_strange_ids_do_no_harm() -> None:
    side = down()
    side.remember(0, {**CALL, "result": SMALL})
    side.remember(1, {"id": ["x"], "type": "later"})
    response = {"output": [{**CALL, "result": SMALL}, {"id": {"a": 1}}]}
    assert side.fill(response, []) is response
    assert side.full(response)
    assert side.full({"id": "still arriving"})
    assert not side.full({"output": []})


def test_one_delivered_picture_is_not_replayed_for_a_right_stream() -> None:
    assert play([RECORDED["two pictures"]]).replayed == 0
    assert play([right([*begun(), done(item()), ended([])])]).replayed == len(LARGE)
