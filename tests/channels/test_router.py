"""Ranking: priority, chance by weight, and the reason for every channel."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from darkroom.channels.catalog import Channel
from darkroom.channels.router import rank


def channel(name, **more):
    return Channel(name=name, base_url="http://127.0.0.1:1/v1", api_key="sk-x", **more)


def lowest(low, high):
    """A chance that always takes the first."""
    return low


def highest(low, high):
    """A chance at the very end of its range, as `random.uniform` may give."""
    return high


def names(ranking):
    return [choice.channel.name for choice in ranking]


def test_higher_priority_comes_first_whatever_the_weight():
    channels = [channel("low", priority=-1, weight=1000), channel("high", priority=5), channel("middle")]
    for pick in (lowest, highest):
        assert names(rank(channels, "m", None, "responses", pick=pick)) == ["high", "middle", "low"]


def test_chance_decides_within_one_priority():
    channels = [channel("a"), channel("b"), channel("c")]
    assert names(rank(channels, "m", None, "responses", pick=lowest)) == ["a", "b", "c"]
    assert names(rank(channels, "m", None, "responses", pick=highest)) == ["c", "b", "a"]


def test_weight_is_the_share_of_first_places():
    channels = [channel("a", weight=3), channel("b", weight=1), channel("c", weight=0)]
    chance = random.Random(7)
    firsts, lasts = Counter(), Counter()
    for _ in range(4000):
        ranked = names(rank(channels, "m", None, "responses", pick=chance.uniform))
        firsts[ranked[0]] += 1
        lasts[ranked[-1]] += 1
    assert 2850 < firsts["a"] < 3150
    assert lasts == {"c": 4000}


def test_every_channel_that_is_passed_over_has_its_reason():
    channels = [
        channel("images", speaks=("images",)),
        channel("other", models=("gpt-4",)),
        channel("no-tool", models=("gpt-5.5",)),
        channel("fits", models=("gpt-5.5", "gpt-image-2")),
    ]
    ranking = rank(channels, "gpt-5.5", "gpt-image-2", "responses", pick=lowest)
    assert names(ranking) == ["fits"]
    assert ranking.passed_over == {
        "images": "does not speak the responses API",
        "other": "does not list the model gpt-5.5",
        "no-tool": "does not list the model gpt-image-2",
    }


def test_every_choice_has_its_reason():
    channels = [channel("a", weight=2), channel("b", weight=0), channel("c", priority=9)]
    reasons = {
        choice.channel.name: choice.reason for choice in rank(channels, "m", None, "images", pick=lowest)
    }
    assert reasons == {
        "c": "priority 9",
        "a": "priority 0, drawn with weight 2 of 2",
        "b": "priority 0, weight 0: after the others",
    }


def test_bound_request_goes_only_where_it_is_bound():
    channels = [channel("a"), channel("b"), channel("c")]
    ranking = rank(channels, "m", None, "responses", only={"b"}, pick=lowest)
    assert names(ranking) == ["b"]
    assert ranking.passed_over["a"] == "the request is bound to b"
    gone = rank(channels, "m", None, "responses", only=["removed"], pick=lowest)
    assert not gone
    assert set(gone.passed_over) == {"a", "b", "c"}


def test_binding_does_not_make_a_channel_serve_what_it_cannot():
    ranking = rank([channel("a", models=("x",))], "m", None, "responses", only={"a"}, pick=lowest)
    assert not ranking
    assert ranking.passed_over == {"a": "does not list the model m"}


def test_nothing_configured_ranks_nothing():
    ranking = rank([], "m", None, "responses", pick=lowest)
    assert not ranking
    assert list(ranking) == []
    assert ranking.passed_over == {}


@given(
    st.lists(
        st.tuples(st.integers(-2, 2), st.sampled_from([0.0, 0.25, 1.0, 7.0]), st.booleans()), max_size=12
    ),
    st.randoms(use_true_random=False),
)
def test_ranking_holds_every_channel_once_and_in_order(parts, chance):
    channels = [
        channel(f"c{i}", priority=priority, weight=weight, speaks=("responses",) if fits else ("images",))
        for i, (priority, weight, fits) in enumerate(parts)
    ]
    ranking = rank(channels, "m", None, "responses", pick=chance.uniform)
    told = names(ranking) + list(ranking.passed_over)
    assert sorted(told) == sorted(c.name for c in channels)
    assert len(ranking) == sum(fits for _, _, fits in parts)
    keys = [(-choice.channel.priority, choice.channel.weight <= 0) for choice in ranking]
    assert keys == sorted(keys)


def test_the_same_chance_gives_the_same_ranking():
    channels = [channel(name, weight=weight) for name, weight in (("a", 1), ("b", 2), ("c", 3))]
    one = rank(channels, "m", None, "responses", pick=random.Random(3).uniform)
    assert one == rank(channels, "m", None, "responses", pick=random.Random(3).uniform)
