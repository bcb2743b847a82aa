"""Keys: shown once, verified warm without the store, and forgotten within a second of their end."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from sqlalchemy import select

from darkroom import errors
from darkroom.ledger import keys as module
from darkroom.ledger.accounts import Accounts
from darkroom.ledger.keys import Keys, mask
from darkroom.store import schema
from darkroom.store.engine import Store
from darkroom.store.faults import Unavailable

WRONG = "sk-" + "x" * 43


@pytest.fixture
async def keys(store: Store) -> Keys:
    await Accounts(store).create("studio")
    return Keys(store)


@asynccontextmanager
async def watching(*watched: Keys) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each.watch()) for each in watched]
    yield
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def refused_after(keys: Keys, secret: str) -> tuple[float, errors.Error]:
    """How long a key that fell is still taken, as the web layer asks: from memory first."""
    start = time.monotonic()
    while True:
        try:
            keys.warm(secret) or await keys.verify(secret)
        except errors.CallerError as error:
            return time.monotonic() - start, error
        await asyncio.sleep(0.01)


async def test_key_is_verified_after_it_was_created(keys: Keys) -> None:
    key, secret = await keys.create("studio", name="laptop")
    assert await keys.verify(secret) == key
    assert key.account == "studio"
    assert key.name == "laptop"
    assert (key.test, key.models, key.dialect, key.store, key.revoked_at) == (False, None, None, None, None)


async def test_secret_has_256_bits_and_a_prefix(keys: Keys) -> None:
    secrets = {(await keys.create("studio"))[1] for _ in range(20)}
    assert len(secrets) == 20
    assert {len(secret) for secret in secrets} == {3 + 43}
    assert all(secret.startswith("sk-") for secret in secrets)


async def test_test_key_says_so_in_its_name(keys: Keys) -> None:
    key, secret = await keys.create("studio", test=True)
    assert secret.startswith("sk-test-")
    assert key.test
    assert key.hint == f"sk-test-…{secret[-4:]}"
    assert (await keys.verify(secret)).test


async def test_key_carries_what_it_was_made_with(keys: Keys) -> None:
    made, secret = await keys.create("studio", models=("gpt-5.5", "图"), dialect="contract", store="never")
    assert made.models == ("gpt-5.5", "图")
    assert (made.dialect, made.store) == ("contract", "never")
    assert await keys.verify(secret) == made
    none, secret = await keys.create("studio", models=())
    assert none.models == ()  # an empty list allows nothing, it is not "every model"


async def test_key_of_an_unknown_account_is_not_made(keys: Keys) -> None:
    with pytest.raises(errors.NotFound, match="no account named 'nobody'"):
        await keys.create("nobody")
    assert await keys.list() == ()


async def test_secret_is_kept_nowhere(keys: Keys, store: Store) -> None:
    key, secret = await keys.create("studio")
    await keys.verify(secret)
    rows = await store.read(
        lambda connection: [tuple(row) for row in connection.execute(select(schema.keys))]
    )
    kept = repr(rows) + repr(vars(keys)) + repr(key)
    assert secret not in kept
    assert secret[3:20] not in kept
    assert key.hint == f"sk-…{secret[-4:]}"


async def test_warm_knows_a_key_only_after_it_was_verified(keys: Keys) -> None:
    key, secret = await keys.create("studio")
    assert keys.warm(secret) is None
    await keys.verify(secret)
    assert keys.warm(secret) == key
    assert keys.warm(WRONG) is None


async def test_warm_key_needs_no_store(keys: Keys, store: Store) -> None:
    key, secret = await keys.create("studio")
    await keys.verify(secret)
    await store.close()
    assert await keys.verify(secret) == key
    with pytest.raises(Unavailable):
        await keys.verify(WRONG)


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        (WRONG, "sk-…xxxx"),
        ("sk-short", "***"),
        ("hunter2-hunter2-hunter2", "***"),
        ("sk-" + "é" * 40, "***"),
        ("sk-" + "x" * 40 + "\x1b[31m", "***"),
        ("sk-" + "x" * 60_000, "***"),
        ("sk-\ud800" + "x" * 40, "***"),
        (" sk-" + "x" * 43, "***"),
    ],
)
async def test_unknown_key_is_refused_and_shown_masked(keys: Keys, secret: str, shown: str) -> None:
    assert keys.warm(secret) is None
    with pytest.raises(errors.Unauthorized) as caught:
        await keys.verify(secret)
    assert (caught.value.status, caught.value.code) == (401, "invalid_api_key")
    assert f"Incorrect API key provided: {shown}. Check that" in caught.value.message
    assert secret not in caught.value.message
    assert len(caught.value.message) < 300


async def test_missing_key_is_told_how_to_send_it(keys: Keys) -> None:
    with pytest.raises(errors.Unauthorized, match="didn't provide an API key") as caught:
        await keys.verify("")
    assert caught.value.code == "invalid_api_key"
    assert "`Authorization: Bearer sk-…`" in caught.value.message


def test_mask_never_shows_more_than_seven_letters() -> None:
    assert mask("sk-" + "abcdefgh" * 5) == "sk-…efgh"
    assert mask("sk-abcdefgh") == "***"


async def test_revoked_key_is_refused_at_once_here(keys: Keys) -> None:
    key, secret = await keys.create("studio")
    await keys.verify(secret)
    revoked = await keys.revoke(key.id)
    assert revoked.revoked_at is not None
    assert keys.warm(secret) is None
    with pytest.raises(errors.Unauthorized, match="was revoked") as caught:
        await keys.verify(secret)
    assert (caught.value.status, caught.value.code) == (401, "key_revoked")


async def test_revocation_keeps_its_first_time(keys: Keys) -> None:
    key, _ = await keys.create("studio")
    first = await keys.revoke(key.id)
    assert await keys.revoke(key.id) == first


async def test_revocation_leaves_other_keys_alone(keys: Keys) -> None:
    key, _ = await keys.create("studio")
    _, other = await keys.create("studio")
    await keys.revoke(key.id)
    await keys.verify(other)


async def test_revocation_of_an_unknown_key_is_refused(keys: Keys) -> None:
    with pytest.raises(errors.NotFound, match="no key 12345"):
        await keys.revoke(12345)


async def test_revocation_elsewhere_is_noticed_within_a_second(keys: Keys, store_url: str) -> None:
    elsewhere = Keys(await Store.open(store_url))
    key, secret = await keys.create("studio")
    async with watching(keys):
        await keys.verify(secret)
        await asyncio.sleep(0.7)
        assert keys.warm(secret) is not None
        await elsewhere.revoke(key.id)
        took, error = await refused_after(keys, secret)
    assert took < 1
    assert error.code == "key_revoked"
    await elsewhere._store.close()


async def test_suspension_elsewhere_is_noticed_within_a_second(keys: Keys, store_url: str) -> None:
    elsewhere = await Store.open(store_url)
    key, secret = await keys.create("studio")
    async with watching(keys):
        await keys.verify(secret)
        await Accounts(elsewhere).suspend("studio")
        took, error = await refused_after(keys, secret)
    assert took < 1
    assert (error.status, error.code) == (403, "account_suspended")
    await Accounts(elsewhere).resume("studio")
    assert await keys.verify(secret) == key
    await elsewhere.close()


async def test_late_answer_does_not_bring_a_revoked_key_back(keys: Keys, store: Store) -> None:
    key, secret = await keys.create("studio")
    digest = module._digest(secret)
    old = await store.read(lambda connection: module._look_up(connection, digest))
    await keys.revoke(key.id)

    class Late:
        async def read(self, fn: object) -> object:
            return old  # as if the reader had been held up since before the revocation

    keys._store = Late()  # type: ignore[assignment]
    await keys.verify(secret)
    assert keys.warm(secret) is None
    keys._store = store
    with pytest.raises(errors.Unauthorized):
        await keys.verify(secret)


async def test_memory_is_not_believed_for_long_when_the_store_cannot_be_asked(
    keys: Keys, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TRUST_S", 0.6)
    _, secret = await keys.create("studio")
    async with watching(keys):
        await keys.verify(secret)
        await asyncio.sleep(1.2)
        assert keys.warm(secret) is not None  # looks succeed: trust is renewed
        await store.close()
        start = time.monotonic()
        while keys.warm(secret) is not None:
            await asyncio.sleep(0.01)
        assert time.monotonic() - start < 1
        with pytest.raises(Unavailable) as caught:
            await keys.verify(secret)
        assert caught.value.status == 503


async def test_watch_recovers_after_looks_that_failed(
    keys: Keys, store: Store, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POLL_S", 0.05)
    monkeypatch.setattr(module, "TRUST_S", 0.2)
    key, secret = await keys.create("studio")
    await keys.verify(secret)
    await store.close()
    async with watching(keys):
        await asyncio.sleep(0.4)
        assert keys.warm(secret) is None
        keys._store = again = await Store.open(store_url)
        await asyncio.sleep(0.3)
        assert keys.warm(secret) == key
    await again.close()


async def test_wrong_keys_do_not_grow_memory(keys: Keys) -> None:
    _, secret = await keys.create("studio")
    await keys.verify(secret)
    for number in range(300):
        for wrong in (f"sk-{number:043}", f"nonsense {number}", "sk-" + "x" * number):
            with pytest.raises(errors.Unauthorized):
                await keys.verify(wrong)
    gc.collect()
    assert len(keys._warm) == 1
    assert len(keys._used) == 1


async def test_memory_keeps_the_keys_used_last(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WARM_MAX", 3)
    secrets = [(await keys.create("studio"))[1] for _ in range(5)]
    for secret in secrets[:3]:
        await keys.verify(secret)
    keys.warm(secrets[0])
    for secret in secrets[3:]:
        await keys.verify(secret)
    assert [keys.warm(secret) is not None for secret in secrets] == [True, False, False, True, True]


async def test_keys_are_listed_of_one_account_or_all(keys: Keys, store: Store) -> None:
    await Accounts(store).create("other")
    one, _ = await keys.create("studio", name="one")
    two, _ = await keys.create("other", name="two")
    three, _ = await keys.create("studio", name="three")
    three = await keys.revoke(three.id)
    assert await keys.list() == (one, two, three)
    assert await keys.list("studio") == (one, three)
    with pytest.raises(errors.NotFound):
        await keys.list("nobody")


async def test_last_use_is_written_in_batches(keys: Keys) -> None:
    made = [await keys.create("studio") for _ in range(3)]
    before = time.time_ns() // 1000
    for _, secret in made[:2]:
        await keys.verify(secret)
        keys.warm(secret)
    assert [key.last_used_at for key in await keys.list()] == [None] * 3
    await keys.flush()
    first, second, third = (key.last_used_at for key in await keys.list())
    assert first is not None
    assert second is not None
    assert before <= first <= second <= time.time_ns() // 1000
    assert third is None
    await keys.flush()


async def test_last_use_never_goes_back(keys: Keys) -> None:
    key, secret = await keys.create("studio")
    await keys.verify(secret)
    await keys.flush()
    later = (await keys.list())[0].last_used_at
    keys._used[key.id] = 5  # what another process saw before
    await keys.flush()
    assert (await keys.list())[0].last_used_at == later


async def test_last_use_waits_while_the_store_is_away(keys: Keys, store: Store, store_url: str) -> None:
    _, secret = await keys.create("studio")
    await keys.verify(secret)
    await store.close()
    with pytest.raises(Unavailable):
        await keys.flush()
    keys._store = again = await Store.open(store_url)
    await keys.flush()
    assert (await keys.list())[0].last_used_at is not None
    await again.close()


async def test_watch_writes_last_use_now_and_then(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_S", 0.05)
    monkeypatch.setattr(module, "USED_S", 0.1)
    _, secret = await keys.create("studio")
    async with watching(keys):
        await keys.verify(secret)
        await asyncio.sleep(0.4)
    assert (await keys.list())[0].last_used_at is not None


async def test_warm_verification_is_fast(keys: Keys) -> None:
    _, secret = await keys.create("studio")
    await keys.verify(secret)
    start = time.perf_counter()
    for _ in range(10_000):
        keys.warm(secret)
    assert time.perf_counter() - start < 0.5  # 50 µs each, with room for a busy machine


async def test_close_writes_last_use_if_the_store_is_there(keys: Keys, store: Store) -> None:
    _, secret = await keys.create("studio")
    await keys.verify(secret)
    await keys.close()
    assert (await keys.list())[0].last_used_at is not None
    keys.warm(secret)
    await store.close()
    await keys.close()  # nothing is raised: the program ends
