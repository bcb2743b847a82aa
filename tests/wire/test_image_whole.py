"""Images documents: begun with the first picture, one document whatever the upstream does."""

import json

from darkroom.errors import Lost
from darkroom.wire.image_whole import ending, opening
from tests.wire.imaging import USAGE, Ran, images_events, images_plain, picture, response, responses_events


def test_document_is_made_of_its_opening_entries_and_ending() -> None:
    assert opening(7) + ending({}, None) == b'{"created":7,"data":[]}'
    whole = json.loads(opening(7) + b'{"b64_json":"x"}' + ending({"size": "1x1"}, USAGE))
    assert whole == {"created": 7, "data": [{"b64_json": "x"}], "size": "1x1", "usage": USAGE}


def test_several_pictures_keep_their_order() -> None:
    pictures = [picture(1), picture(2, 300), picture(3)]
    for data, kind, spoken in (
        (images_events(pictures), "text/event-stream", "images"),
        (images_plain(pictures), "application/json", "images"),
        (responses_events(pictures), "text/event-stream", "responses"),
        (json.dumps(response(pictures)).encode(), "application/json", "responses"),
    ):
        ran = Ran(surface="images", stream=False, n=3).read(data, kind, spoken)
        assert [entry["b64_json"] for entry in json.loads(ran.body)["data"]] == pictures
        assert [i for i, name in enumerate(ran.order) if name == "Earn"]
        assert ran.order[-2:] == ["Earn", "Send"]


def test_bare_part_of_a_batch_is_its_entries_alone() -> None:
    ran = Ran(surface="images", stream=False, bare=True)
    ran.read(responses_events([picture(1)]), "text/event-stream", "responses")
    assert json.loads(ran.body) == {"b64_json": picture(1)}


def test_failure_after_white_space_is_an_error_body_or_a_cut() -> None:
    for cut in (False, True):
        ran = Ran(surface="images", stream=False, cut_plain=cut)
        ran.relay.begin(b"application/json", "images")
        ran.play(ran.relay.tick(ran.relay.due))
        ran.play(ran.relay.close(Lost("gone"), 99))
        assert ran.cut is cut
        if not cut:
            assert json.loads(ran.body)["error"]["message"] == "gone"


def test_failure_inside_the_document_is_a_cut() -> None:
    data = images_plain([picture(1)])
    ran = Ran(surface="images", stream=False).read(
        data[:40_000], "application/json", "images", error=Lost("gone")
    )
    assert ran.cut
    assert ran.body


def test_document_whose_fields_must_be_mended_is_written_again() -> None:
    data = json.dumps({"created": 5, "data": [{"image": "data:image/png;base64," + picture(1)}]}).encode()
    ran = Ran(surface="images", stream=False).read(data, "application/json", "images")
    assert json.loads(ran.body)["data"] == [{"b64_json": picture(1)}]
    assert ran.relay.outcome.repairs == {"image_field": 1, "data_prefix": 1}


def test_white_space_stands_before_the_document_alone() -> None:
    ran = Ran(surface="images", stream=False)
    data = images_plain([picture(1)])
    ran.relay.begin(b"application/json", "images")
    ran.play(ran.relay.tick(ran.relay.due))
    ran.play(ran.relay.receive(data[:40_000], 50))
    ran.play(ran.relay.tick(ran.relay.due))
    ran.play(ran.relay.receive(data[40_000:], 99))
    ran.play(ran.relay.close(None, 99))
    assert ran.body == b"\n" + data
