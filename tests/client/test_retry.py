import pytest

from darkroom.client import retry
from darkroom.client.failures import Failed, Failure, Limited, Rejected, Unreachable


def failed(retry_after_s: float | None = None, paid: bool = False, kind: type[Failure] = Failed) -> Failure:
    failure = kind("No.")
    failure.retry_after_s, failure.paid = retry_after_s, paid
    return failure


@pytest.mark.parametrize(
    "number, longest", [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 8.0), (6, 8.0), (60, 8.0)]
)
def test_delay_doubles_up_to_eight_seconds(number: int, longest: float) -> None:
    assert retry.delay(failed(), number, 100, 0.0) == longest
    assert retry.delay(failed(), number, 100, 1.0) == longest * 0.75


@pytest.mark.parametrize("kind", [Failed, Limited, Unreachable])
def test_delay_is_given_for_what_may_pass(kind: type[Failure]) -> None:
    assert retry.delay(failed(kind=kind), 1, 2, 0.5) is not None


def test_delay_is_none_for_what_the_request_did_wrong() -> None:
    assert retry.delay(failed(kind=Rejected), 1, 2, 0.5) is None


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_delay_is_none_after_the_last_retry(retries: int) -> None:
    assert retry.delay(failed(), retries + 1, retries, 0.5) is None


@pytest.mark.parametrize(
    "wish, expected", [(0.0, 0.0), (3.0, 3.0), (120.0, 120.0), (120.1, None), (3600.0, None)]
)
def test_delay_is_what_the_relay_wishes_within_patience(wish: float, expected: float | None) -> None:
    assert retry.delay(failed(wish), 1, 2, 0.9) == expected


def test_delay_is_none_once_paid_unless_asked() -> None:
    assert retry.delay(failed(paid=True), 1, 2, 0.0) is None
    assert retry.delay(failed(paid=True), 1, 2, 0.0, paid_too=True) == 0.5
    assert retry.delay(failed(paid=True, kind=Rejected), 1, 2, 0.0, paid_too=True) is None
