"""Who may send what: the key from the header, a place in flight, and the models that the key may use."""

import pytest

from darkroom.errors import Forbidden, Stopping, TooMany, Unauthorized
from darkroom.gateway import admission
from darkroom.wire.codecs.responses import read_request
from tests.relaying import relaying

pytestmark = pytest.mark.anyio


@pytest.fixture
async def gateway(tmp_path):
    """The gateway of a running relay."""
    async with relaying(tmp_path, in_flight_per_key=2) as relay:
        yield relay.gateway


def ask(model="gpt-5.5", image_model=None):
    tool = {"type": "image_generation"} | ({"model": image_model} if image_model else {})
    return read_request({"model": model, "input": "a cat", "tools": [tool]})


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER   ", " Bearer "])
async def test_key_is_found_in_the_header_cold_and_warm(gateway, scheme):
    key, secret = await gateway.keys.create("admin")
    for _ in range(2):
        found = await admission.sign_in(gateway, f"{scheme}{secret} ".encode())
        assert (found.id, found.account) == (key.id, "admin")


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (None, "didn't provide an API key"),
        (b"", "didn't provide an API key"),
        (b"Bearer", "must read `Authorization: Bearer"),
        (b"Bearer ", "must read `Authorization: Bearer"),
        (b"Basic dXNlcjpwYXNz", "must read `Authorization: Bearer"),
        (b"sk-only", "must read `Authorization: Bearer"),
        (b"Bearer sk-wrongwrongwrongwrong", "Incorrect API key"),
        (b"Bearer \xff\xfe\xe4", "Incorrect API key"),
        (b"Bearer YOUR_API_KEY", "Incorrect API key"),
        (b"Bearer sk-" + b"x" * 5000, "Incorrect API key"),
    ],
)
async def test_header_that_is_missing_or_wrong_is_refused_with_what_to_do(gateway, header, words):
    with pytest.raises(Unauthorized) as caught:
        await admission.sign_in(gateway, header)
    assert words in caught.value.message
    assert (caught.value.status, caught.value.code) == (401, "invalid_api_key")


async def test_nobody_is_let_in_while_the_gateway_stops(gateway):
    _, secret = await gateway.keys.create("admin")
    gateway.stopping = True
    with pytest.raises(Stopping) as caught:
        await admission.sign_in(gateway, b"Bearer " + secret.encode())
    assert caught.value.headers["retry-after"]


async def test_places_in_flight_are_counted_by_key_and_given_back(gateway):
    one, _ = await gateway.keys.create("admin")
    other, _ = await gateway.keys.create("admin")
    admission.enter(gateway, one)
    admission.enter(gateway, one)
    with pytest.raises(TooMany, match="2 requests in flight") as caught:
        admission.enter(gateway, one)
    assert (caught.value.status, caught.value.code) == (429, "too_many_images_in_flight")
    assert caught.value.headers["retry-after"] == "5"
    admission.enter(gateway, other)
    gateway.leave(one)
    admission.enter(gateway, one)
    for key in (one, one, other):
        gateway.leave(key)
    assert gateway.in_flight == {}


@pytest.mark.parametrize(
    ("models", "request_", "param"),
    [
        (None, ask("gpt-9", "anything"), None),
        (("gpt-5.5", "gpt-image-2"), ask("gpt-5.5", "gpt-image-2"), None),
        (("gpt-5.5",), ask("gpt-5.5"), None),
        (("gpt-5.5",), ask("gpt-9"), "model"),
        (("gpt-5.5",), ask("gpt-5.5", "gpt-image-2"), "tools"),
        ((), ask("gpt-5.5"), "model"),
    ],
)
async def test_key_may_use_its_own_models_alone(gateway, models, request_, param):
    key, _ = await gateway.keys.create("admin", models=models)
    if param is None:
        admission.allow(key, request_)
        return
    with pytest.raises(Forbidden) as caught:
        admission.allow(key, request_)
    assert (caught.value.status, caught.value.code, caught.value.param) == (403, "model_not_enabled", param)
    assert "Ask the operator" in caught.value.message
