"""A stream for the caller: right frames untouched, the rest mended, marked, and in the one right order."""

import json
from typing import Any

import pytest

from darkroom.wire.codecs.responses.events import CALL, PARTIAL
from tests.wire.playing import Told, failed_once, machine, play
from tests.wire.recorded import (
    AT,
    BASE,
    INSTRUCTIONS,
    LARGE,
    MANY,
    NAMES,
    PLAIN,
    RECORDED,
    RIGHT,
    SMALL,
    STORY,
    TWO,
    WORDY,
    begun,
    done,
    ended,
    finished,
    item,
    partial,
    right,
)

STEPS = [
    "output_item.added",
    f"{CALL}.in_progress",
    f"{CALL}.generating",
    f"{CALL}.completed",
    "output_item.done",
]
WHOLE = ["created", "in_progress", *STEPS, "completed"]
PICTURED = [
    "CRLF", "CR", "no space after the colon", "several data lines", "line break inside a picture", "no event lines",
    "sorted keys", "wrong numbers", "ids change", "data prefix", "status generating, no completed event",
    "status at the end", "no status, no type", "empty output", "null output", "no output", "no response",
    "picture without its call at the end", "no completed", "picture only at the end", "nothing but the end",
    "preview without its fields", "picture under data[]", "bare responses", "bare response under a name",
    "arrays and texts", "long instructions, no output", "long instructions after an empty output",
    "long instructions, picture at the end", *(f"picture in {key}" for key in NAMES),
    *(f"preview in {key}" for key in NAMES),
]  # fmt: skip
REPAIRS = {
    "CRLF": {"frame": 9}, "no event lines": {"frame": 9}, "several data lines": {"frame": 8},
    "sorted keys": {"frame": 9, "type": 2, "spooled": 2}, "data prefix": {"data_prefix": 3},
    "status generating, no completed event": {"added_completed": 1, "item_status": 1},
    "empty output": {"added_completed": 1, "output": 1}, "no completed": {"added_completed": 2},
    "picture only at the end": {"added_completed": 1, "added_done": 1, "frame": 1, "spooled": 1},
    "picture in b64_json": {"added_completed": 1, "image_field": 2}, "preview in image": {"image_field": 1},
    "preview without its fields": {"image_field": 1, "partial_index": 1},
    "long instructions, no output": {"added_completed": 1, "output": 1},
}  # fmt: skip


def picture(told: Told) -> Any:
    """The picture as its own event and as the last event give it; both must be the same."""
    one = next(tree["item"] for tree in told.events if tree["type"] == "response.output_item.done")
    last = told.events[-1]["response"]["output"]
    assert [i["result"] for i in last if i.get("type") == CALL] == [one["result"]]
    assert last[0]["id"] == one["id"]
    return one


@pytest.mark.parametrize("name", PICTURED)
def test_every_dialect_becomes_one_whole_story_with_its_picture(name: str) -> None:
    told = play([RECORDED[name]])
    kinds = [kind for kind in told.kinds if not kind.endswith("partial_image")]
    assert kinds == WHOLE
    one = picture(told)
    assert one["status"] == "completed"
    assert one["result"].replace("\n", "") in (LARGE, SMALL)
    assert [number for number, _ in told.earned] == [0]
    assert {tree["item_id"] for tree in told.events if "item_id" in tree} <= {one["id"]}
    assert len({tree["response"]["id"] for tree in told.events if "response" in tree}) == 1
    if name in REPAIRS:
        assert told.outcome.repairs == REPAIRS[name]
    for tree in told.events:
        if tree["type"] == PARTIAL:
            assert list(tree)[-1] == "partial_image_b64" or tree["partial_image_index"] == 0
            assert tree["partial_image_b64"] in (SMALL, LARGE)


@pytest.mark.parametrize("name", RECORDED)
def test_picture_is_earned_before_the_last_bytes_of_its_event_and_only_once(name: str) -> None:
    told = play([RECORDED[name]])
    assert [number for number, _ in told.earned] == list(range(len(told.outcome.pictures)))
    for number, at in told.earned:
        before, after = told.sent[:at], told.sent[at:]
        assert after
        event = before.rpartition(b"\n\n")[2] + after.partition(b"\n\n")[0]
        assert (
            json.loads(event.partition(b"\ndata: ")[2])["type"] == "response.output_item.done"
            or "complex" in name
        )
        assert told.outcome.pictures[number].format in ("png", None)


def test_every_repair_of_a_frame_is_marked() -> None:
    for name in PICTURED:
        told = play([RECORDED[name]])
        changed = told.sent != RECORDED[name].replace(b"\r\n", b"\n")
        renumbered = {"ids change", "wrong numbers", "line break inside a picture", "arrays and texts",
                      "preview in partial_image_b64"}  # fmt: skip
        assert bool(told.outcome.repairs) or name in renumbered or not changed


def test_two_pictures_have_their_own_steps_and_places() -> None:
    told = play([RECORDED["two pictures"]])
    assert told.kinds == ["created", "in_progress", *STEPS, *STEPS, "completed"]
    assert [at for at, _ in told.earned] == [0, 1]
    assert told.events[-1]["response"]["output"] == TWO
    assert [p.item_id for p in told.outcome.pictures] == ["ig_up", "ig_two"]
    late = play([right([*begun(), ended(TWO)])])
    assert late.kinds == told.kinds
    assert late.replayed == 2 * sum(len(each["result"]) for each in TWO)
    half = play([right([*begun(), done(TWO[0]), ended(TWO)])])
    # The event has begun to pass by then: the second one is in it, and earned with it.
    assert half.events[-1]["response"]["output"] == TWO
    assert [at for at, _ in half.earned] == [0, 1]


def test_escapes_are_never_touched_and_prompts_behind_the_picture_pass() -> None:
    told = play([RECORDED["escapes"]])
    assert told.sent == RECORDED["escapes"]
    assert picture(play([RECORDED["escaped prompt after the picture"]])) == WORDY


@pytest.mark.parametrize("spelling", ["partial_image", "partial_image_b64"])
@pytest.mark.parametrize("image", [SMALL, LARGE])
def test_preview_is_spelled_as_the_caller_wants(spelling: str, image: str) -> None:
    told = play([right([*begun(), partial(image), *finished()])], spelling=spelling)
    (preview,) = [tree for tree in told.events if tree["type"] == PARTIAL]
    assert preview[spelling] == image
    assert len({"partial_image", "partial_image_b64"} & set(preview)) == 1
    if spelling == "partial_image_b64":
        assert told.sent == right([*begun(), partial(image), *finished()])


def test_numbers_and_ids_of_the_upstream_are_replaced_where_they_do_not_fit() -> None:
    told = play([RECORDED["wrong numbers"]])
    assert told.events == play([RIGHT]).events
    other = play([RECORDED["ids change"]])
    assert other.events[-1]["response"]["id"] == "resp_up"
    assert picture(other)["id"] == "ig_up"


def test_unknown_events_pass_and_foreign_ones_wait_for_the_beginning() -> None:
    later = {"type": "response.something.new", "x": {"y": [1, None]}}
    told = play([right([*begun(), later, *finished()])])
    assert told.sent == right([*begun(), later, *finished()])
    early = play([right([{"type": "codex.rate_limits"}, *begun(), *finished()])])
    assert early.kinds[:2] == ["created", "in_progress"]


def test_text_that_came_only_with_the_end_is_told_as_a_stream() -> None:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
               "content": [{"type": "output_text", "text": "hi", "annotations": []}]}  # fmt: skip
    told = play([right([*begun()[:2], ended([message])])])
    assert told.kinds == [
        "created", "in_progress", "output_item.added", "content_part.added", "output_text.delta",
        "output_text.done", "content_part.done", "output_item.done", "completed",
    ]  # fmt: skip
    long = {**message, "content": [{"type": "output_text", "text": "x" * 20_000, "annotations": []}]}
    streamed = right(
        [*begun(instructions=INSTRUCTIONS)[:2], done(long), ended([long], instructions=INSTRUCTIONS)]
    )
    again = play([streamed])
    assert again.sent == streamed
    assert again.outcome.repairs == {}


def test_event_that_the_caller_has_had_is_not_repeated() -> None:
    for more in ({}, {"instructions": INSTRUCTIONS}):
        told = play([right([*begun(**more)[:2], *begun(**more), *finished(**more)])])
        assert told.kinds == WHOLE
        assert told.replayed == 0


@pytest.mark.parametrize("cut", [LARGE[:9_000], "A" * 16_000, "\\u0041" * 3_000, "灯塔" * 4_000])
@pytest.mark.parametrize("where", ["result", "partial_image_b64", "completed"])
def test_frame_that_is_cut_anywhere_in_its_picture_is_closed_as_an_error(where: str, cut: str) -> None:
    text = "A" * 16_400 + cut
    found = item("@")
    story = {
        "result": [*begun(), done(found)],
        "partial_image_b64": [*begun(), partial("@")],
        "completed": [*begun(), done(item("B")), ended([found])],
    }[where]
    whole = right(story).replace(b"@", text.encode())
    stop = whole.rindex(text[-8:].encode()) + 8
    for back in range(12):
        told = play([whole[: stop - back]])
        error = failed_once(told)
        assert cut[-40:] not in json.dumps(error, ensure_ascii=False)
        assert told.events[-1]["response"]["error"]["code"] == "upstream_error"


def test_failure_keeps_what_is_known_of_the_response() -> None:
    told = play(
        [
            right(
                [
                    {
                        "type": "response.created",
                        "response": {**BASE, "metadata": {"a": "b"}, "x": INSTRUCTIONS},
                    }
                ]
            )
        ]
    )
    last = told.events[-1]["response"]
    assert (last["id"], last["metadata"], last["created_at"], last["model"]) == (
        "resp_up", {"a": "b"}, 1764000000, "gpt-5.5",
    )  # fmt: skip
    assert "x" not in last


def test_clean_end_completes_only_what_was_delivered() -> None:
    assert play([right([*begun(), done(item())])]).kinds[-1] == "completed"
    for story in ([*begun()], [*begun()[:2]], [*begun(), partial(LARGE)], [*begun(), done(item("", "nothing"))],
                  [*begun(), done(item()), {**begun()[4], "output_index": 1, "item_id": "ig_2"}]):  # fmt: skip
        failed_once(play([right(story)]))


def test_event_too_complex_to_follow_passes_if_nothing_in_it_must_change() -> None:
    search = {"type": "response.tool.search", "found": MANY}
    body = right([*begun(), search, *finished()])
    assert play([body]).sent == body
    behind = right(
        [*begun(), {"type": f"response.{CALL}.completed", **AT}, done(item(found=MANY)), ended([])]
    )
    told = play([behind])
    assert [number for number, _ in told.earned] == [0]
    assert told.events[6]["item"]["found"] == MANY
    assert told.events[-1]["response"]["output"][0]["result"] == LARGE
    first = right(
        [{"type": "response.created", "response": {**BASE, "tools": MANY}}, *begun()[1:], *finished()]
    )
    assert play([first]).sent == first


@pytest.mark.parametrize("kind", ["response.failed", "error"])
def test_failure_too_complex_to_read_is_told_in_our_words(kind: str) -> None:
    tree = {"type": kind, "message": "secret words", "response": {**BASE, "tools": MANY}}
    error = failed_once(play([right([*begun(), tree])]))
    assert "secret" not in error["message"]


@pytest.mark.parametrize("name", [name for name, body in PLAIN.items() if b'"status":"completed"' in body])
def test_document_becomes_a_stream(name: str) -> None:
    told = play([PLAIN[name]], content_type=b"application/json")
    if told.sent and not told.cut:
        assert told.kinds[:2] == ["created", "in_progress"]
        assert told.kinds[-1] in ("completed", "incomplete", "failed")
    if name in ("document", "small document", "document in another name"):
        assert told.kinds == WHOLE
        assert picture(told)["result"] in (LARGE, SMALL)


def test_story_passes_in_pieces_as_it_arrives() -> None:
    """The bytes of a picture leave with the very chunk that brought them."""
    relay, told = machine(), Told()
    begin = RIGHT.index(b"A" * 40) + 16_500
    told.carry_out(relay.receive(RIGHT[:begin], 1.0))
    for at in range(begin, begin + 200):
        told.carry_out(relay.receive(RIGHT[at : at + 1], 1.0))
        assert told.sent == RIGHT[: at + 1]
    assert len(STORY) > len(told.sent.split(b"\n\n"))
