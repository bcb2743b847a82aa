"""The error tree: every failure has a status, a code, a blame and a body that an OpenAI client understands."""

from collections.abc import Iterator

import pytest

from darkroom import errors
from darkroom.errors import Error


def tree(kind: type[Error]) -> Iterator[type[Error]]:
    """A class and everything under it."""
    yield kind
    for below in kind.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from tree(below)


KINDS = list(tree(Error))
CALLER, GATEWAY, UPSTREAM = (
    list(tree(kind)) for kind in (errors.CallerError, errors.GatewayError, errors.UpstreamError)
)
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


def test_tree_is_three_branches() -> None:
    assert set(KINDS) == {Error, *CALLER, *GATEWAY, *UPSTREAM}
    own = {kind for kind in Error.__subclasses__() if kind.__module__ == errors.__name__}
    assert own == {errors.CallerError, errors.GatewayError, errors.UpstreamError}


@every_kind
def test_error_has_the_four_keys_always(kind: type[Error]) -> None:
    fields = kind("words").body()["error"]
    assert set(fields) == {"message", "type", "param", "code"}
    assert fields["message"] == "words"
    assert fields["param"] is None
    assert isinstance(fields["type"], str)


@every_kind
def test_error_is_named_by_its_docstring(kind: type[Error]) -> None:
    assert kind.__doc__
    assert kind.__doc__.endswith(".")


@pytest.mark.parametrize(
    "kind, status, code",
    [
        (errors.Invalid, 400, "invalid_value"),
        (errors.Unauthorized, 401, "invalid_api_key"),
        (errors.Forbidden, 403, "forbidden"),
        (errors.NotFound, 404, "not_found"),
        (errors.TooLarge, 413, "request_too_large"),
        (errors.TooMany, 429, "rate_limit_exceeded"),
        (errors.Internal, 500, "server_error"),
        (errors.Overloaded, 503, "overloaded"),
        (errors.NoChannel, 503, "no_channel"),
        (errors.Stopping, 503, "stopping"),
        (errors.Lost, 502, "upstream_connection_lost"),
        (errors.Refused, 502, "upstream_refused"),
        (errors.TimedOut, 502, "upstream_timeout"),
        (errors.Busy, 503, "upstream_busy"),
    ],
)
def test_error_has_the_status_and_code_of_its_kind(kind: type[Error], status: int, code: str) -> None:
    error = kind("words")
    assert (error.status, error.code) == (status, code)


def test_codes_tell_the_kinds_apart() -> None:
    leaves = [
        kind for kind in KINDS if not any(other is not kind and issubclass(other, kind) for other in KINDS)
    ]
    codes = [kind.code for kind in leaves]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(
    "kinds, blame, statuses",
    [
        (CALLER, "caller", range(400, 500)),
        (GATEWAY, "gateway", range(500, 504)),
        (UPSTREAM, "upstream", range(502, 504)),
    ],
)
def test_blame_agrees_with_the_status(kinds: list[type[Error]], blame: str, statuses: range) -> None:
    assert {kind.blame for kind in kinds} == {blame}
    assert {kind.status for kind in kinds} <= set(statuses)


def test_callers_mistake_is_not_retried_but_too_many_requests_are() -> None:
    assert [kind for kind in CALLER if kind.retryable] == [errors.TooMany]


def test_installations_and_upstreams_failures_may_be_retried() -> None:
    assert all(kind.retryable for kind in [*GATEWAY, *UPSTREAM] if kind is not errors.GatewayError)


def test_error_takes_what_one_occasion_knows_better() -> None:
    error = errors.Invalid(
        "words", code="unknown_size", status=422, type="image_error", param="size", retryable=True
    )
    assert error.body() == {
        "error": {"message": "words", "type": "image_error", "param": "size", "code": "unknown_size"},
    }
    assert error.status == 422
    assert error.retryable


def test_one_occasion_changes_no_other() -> None:
    errors.Invalid("words", code="x", status=418, retryable=True)
    other = errors.Invalid("words")
    assert (other.code, other.status, other.retryable) == ("invalid_value", 400, False)


def test_code_left_out_is_the_code_of_the_kind() -> None:
    assert errors.Internal("words", code=None).fields()["code"] == "server_error"


def test_headers_and_details_are_the_errors_own() -> None:
    first = errors.TooMany("words", headers={"retry-after": "3"}, details={"moderation_details": {"a": 1}})
    second = errors.TooMany("words")
    assert first.headers == {"retry-after": "3"}
    assert first.fields()["moderation_details"] == {"a": 1}
    assert second.headers == {}
    second.headers["x"] = "y"
    assert errors.TooMany("words").headers == {}


def test_error_is_an_exception_with_its_message() -> None:
    with pytest.raises(errors.UpstreamError, match="gone"):
        raise errors.Lost("gone")
    assert str(errors.Lost("gone")) == "gone"


def test_tree_in_the_docstring_names_every_kind() -> None:
    assert errors.__doc__
    assert [kind.__name__ for kind in KINDS if kind.__name__ not in errors.__doc__] == []
