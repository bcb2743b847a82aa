"""Accounts: made, found, suspended, resumed."""

import asyncio
import time

import pytest

from darkroom import errors
from darkroom.ledger.accounts import ADMIN, Accounts
from darkroom.store.engine import Store


@pytest.fixture
def accounts(store: Store) -> Accounts:
    return Accounts(store)


async def test_admin_is_made_once(accounts: Accounts) -> None:
    first = await accounts.ensure_admin()
    assert first.name == ADMIN
    assert await accounts.ensure_admin() == first
    assert await accounts.list() == (first,)


async def test_admin_is_made_once_by_many_at_the_same_time(accounts: Accounts, store_url: str) -> None:
    other = await Store.open(store_url)
    everyone = [accounts, Accounts(other)] * 10
    found = await asyncio.gather(*(each.ensure_admin() for each in everyone))
    await other.close()
    assert len(set(found)) == 1
    assert len(await accounts.list()) == 1


async def test_ensure_admin_leaves_a_suspended_admin_suspended(accounts: Accounts) -> None:
    await accounts.ensure_admin()
    await accounts.suspend(ADMIN)
    assert (await accounts.ensure_admin()).state == "suspended"


async def test_account_is_found_after_it_was_created(accounts: Accounts) -> None:
    before = time.time_ns() // 1000
    made = await accounts.create("studio")
    assert made.name == "studio"
    assert made.state == "active"
    assert before <= made.created_at <= time.time_ns() // 1000
    assert await accounts.get("studio") == made


async def test_accounts_are_listed_oldest_first(accounts: Accounts) -> None:
    for name in ("zoe", "amy", "工作室"):
        await accounts.create(name)
    assert [account.name for account in await accounts.list()] == ["zoe", "amy", "工作室"]


async def test_account_name_is_taken_once(accounts: Accounts) -> None:
    await accounts.create("studio")
    with pytest.raises(errors.CallerError, match="already an account named 'studio'") as caught:
        await accounts.create("studio")
    assert (caught.value.status, caught.value.code) == (409, "account_exists")
    assert len(await accounts.list()) == 1


async def test_account_name_is_won_by_one_of_many(accounts: Accounts) -> None:
    answers = await asyncio.gather(*(accounts.create("studio") for _ in range(10)), return_exceptions=True)
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1


@pytest.mark.parametrize("name", ["a", "a" * 64, "ops@example.com", "team-1_b+c.d", "暗房", "7eleven", "é"])
async def test_account_may_be_named(accounts: Accounts, name: str) -> None:
    assert (await accounts.create(name)).name == name


@pytest.mark.parametrize(
    "name", ["", "a" * 65, "two words", "-flag", ".hidden", "a/b", "a\n", "\x00", "a\x00", "'; --", "_a"]
)
async def test_account_may_not_be_named(accounts: Accounts, name: str) -> None:
    with pytest.raises(errors.Invalid, match="1 to 64 letters") as caught:
        await accounts.create(name)
    assert caught.value.param == "name"


async def test_unknown_account_is_not_found(accounts: Accounts) -> None:
    for ask in (accounts.get, accounts.suspend, accounts.resume):
        with pytest.raises(errors.NotFound, match="no account named 'nobody'") as caught:
            await ask("nobody")
        assert caught.value.code == "account_not_found"


async def test_account_is_suspended_and_resumed(accounts: Accounts) -> None:
    made = await accounts.create("studio")
    other = await accounts.create("other")
    assert (await accounts.suspend("studio")).state == "suspended"
    assert (await accounts.get("studio")).state == "suspended"
    assert (await accounts.get("other")) == other
    assert await accounts.resume("studio") == made
    assert await accounts.resume("studio") == made


async def test_number_of_an_account_is_not_given_to_another(accounts: Accounts, store: Store) -> None:
    made = await accounts.create("gone")
    await store.write(lambda c: c.exec_driver_sql("DELETE FROM accounts WHERE name = 'gone'").close())
    assert (await accounts.create("new")).id > made.id
