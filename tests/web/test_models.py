"""The models that a caller sees: published ones where a channel takes any, each once, and his key's alone."""

from darkroom.channels.catalog import Channel
from darkroom.ledger.keys import Key
from darkroom.web.models import PUBLISHED, offered


def key(models=None):
    return Key(
        id=1, account_id=1, account="a", name=None, hint="", test=False, models=models, dialect=None,
        created_at=0, last_used_at=None, revoked_at=None,
    )  # fmt: skip


def channel(name, models="*"):
    return Channel(name=name, base_url="http://up.example/v1", api_key="", models=models)


def names(*channels, models=None):
    return [each["id"] for each in offered(channels, key(models))]


def test_channel_that_takes_any_model_offers_the_published_ones():
    assert names(channel("any")) == list(PUBLISHED)
    assert {"gpt-5.5", "gpt-image-2"} <= set(names(channel("any")))


def test_models_are_those_of_all_channels_each_once():
    found = names(channel("a", ("gpt-image-2", "my-model")), channel("b", ("gpt-image-2", "other")))
    assert found == ["gpt-image-2", "my-model", "other"]
    assert names() == []


def test_key_sees_only_the_models_that_it_may_use():
    assert names(channel("any"), models=("gpt-5.5", "unknown")) == ["gpt-5.5"]
    assert names(channel("any"), models=()) == []


def test_model_objects_have_the_fields_of_the_wire():
    for model in offered([channel("a", ("gpt-image-2", "my-model"))], key()):
        assert model["object"] == "model"
        assert model["owned_by"]
        assert model["created"] > 1_600_000_000
