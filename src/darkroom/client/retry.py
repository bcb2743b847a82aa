"""When to ask again, and after how long: as the contract advises, and as the OpenAI SDKs do (wire.md section 6).

Law: never by itself once the picture may have been paid for, and never sooner than the relay wishes.
"""

from darkroom.client.failures import Failure

RETRIES = 2
"""Times that a request is sent again."""
FIRST_S = 0.5
LONGEST_S = 8.0
PATIENCE_S = 120.0
"""A relay that asks for a longer wait is not waited for."""


def delay(
    failure: Failure, retry: int, retries: int, chance: float, *, paid_too: bool = False
) -> float | None:
    """Seconds to wait before retry number `retry` (from 1), or None: give up.

    `chance` is a random number from 0 to 1, so that many customers do not come back in the same moment.
    """
    if retry > retries or not (failure.again or (paid_too and failure.retryable)):
        return None
    if failure.retry_after_s is not None:
        return failure.retry_after_s if failure.retry_after_s <= PATIENCE_S else None
    longest = min(FIRST_S * 2.0 ** (retry - 1), LONGEST_S)
    return longest * (1 - 0.25 * chance)
