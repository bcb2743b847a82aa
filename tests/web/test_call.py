"""Tables of routes: the exact path first, then the longest entry that it lies below."""

import pytest

from darkroom.web import v1
from darkroom.web.call import Call, methods


async def one(call: Call) -> None: ...
async def two(call: Call) -> None: ...
async def three(call: Call) -> None: ...


TABLE = {"/v1/files": {"GET": one}, "/v1/files/*": {"GET": two}, "/v1/files/deep/*": {"GET": three}}


@pytest.mark.parametrize(
    "path, action",
    [
        ("/v1/files", one),
        ("/v1/files/", two),
        ("/v1/files/file-1", two),
        ("/v1/files/file-1/content", two),
        ("/v1/files/deep", two),
        ("/v1/files/deep/er", three),
        ("/v1/filesystem", None),
        ("/v1", None),
        ("/", None),
        ("", None),
        ("*", None),
        ("/v1/files/../x", two),
    ],
)
def test_methods_are_those_of_the_longest_fitting_entry(path: str, action: object) -> None:
    found = methods(TABLE, path)
    assert (found and found["GET"]) is action


def test_call_of_v1_has_what_routes_need() -> None:
    scope = {"method": "GET", "path": "/", "headers": []}
    call: Call = v1.Call(None, scope, None, None)  # type: ignore[arg-type]
    assert all(hasattr(call, name) for name in (*Call.__annotations__, "answer", "sign_in"))
