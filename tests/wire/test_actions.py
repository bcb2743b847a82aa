"""Actions are values, and an outcome starts from nothing."""

import pytest

from darkroom.wire.actions import Cut, Earn, Keep, Outcome, Picture, Replay, Send


@pytest.mark.parametrize("action", [Send(b"x"), Keep(b"x"), Replay(0, 9), Earn(1), Cut()])
def test_action_equals_its_like_and_cannot_be_changed(action: object) -> None:
    fields = [getattr(action, name) for name in type(action).__struct_fields__]  # type: ignore[attr-defined]
    assert action == type(action)(*fields)
    for name in type(action).__struct_fields__:  # type: ignore[attr-defined]
        with pytest.raises(AttributeError):
            setattr(action, name, None)
    assert Send(b"x") != Keep(b"x")


def test_outcome_counts_repairs_by_name_and_shares_nothing() -> None:
    outcome = Outcome()
    outcome.repaired(["frame", "output"])
    outcome.repaired([])
    outcome.repaired(["frame"])
    assert outcome.repairs == {"frame": 2, "output": 1}
    outcome.pictures.append(Picture("ig_1"))
    fresh = Outcome()
    assert (fresh.status, fresh.error, fresh.repairs, fresh.pictures, fresh.ids) == ("", None, {}, [], [])
