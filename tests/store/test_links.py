"""Links to pictures: right until they end, and for nothing but the one picture."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom import errors
from darkroom.store.engine import Store
from darkroom.store.links import Links

PIC = "pic_" + "0123456789abcdef" * 2
LINKS = Links(b"secret")
PATH, QUERY = LINKS.sign(PIC, "png", 2000).split("?")


def test_link_names_picture_end_and_signature() -> None:
    assert f"/pictures/{PIC}.png" == PATH
    assert QUERY.startswith("expires=2000&signature=")


@pytest.mark.parametrize("format", ["png", "jpeg", "webp", "gif"])
def test_link_is_right_until_its_end(format: str) -> None:
    path, query = LINKS.sign(PIC, format, 2000).split("?")
    assert LINKS.check(path, query, 1999.9) == (PIC, format, 2000)
    with pytest.raises(errors.Forbidden, match="expired") as caught:
        LINKS.check(path, query, 2000)
    assert (caught.value.status, caught.value.code) == (403, "link_expired")


def test_link_survives_what_others_append_to_it() -> None:
    assert LINKS.check(PATH, QUERY + "&utm_source=chat", 1)[0] == PIC


@pytest.mark.parametrize(
    "path, query",
    [
        (PATH.replace("0123", "1123"), QUERY),
        (PATH.replace(".png", ".gif"), QUERY),
        (PATH, QUERY.replace("2000", "2001")),
        (PATH, QUERY.replace("2000", "02000")),
        (PATH, QUERY.replace("2000", "+2000")),
        (PATH, QUERY.replace("2000", "")),
        (PATH, QUERY + "x"),
        (PATH, QUERY[:-1]),
        (PATH, QUERY + "&expires=9999"),
        (PATH, QUERY + "&signature=x"),
        (PATH, "expires=2000"),
        (PATH, QUERY.split("&")[1]),
        (PATH, ""),
        (PATH, "&".join(["x=1"] * 50) + "&" + QUERY),
        (PATH, "expires=2000&signature=%ff%00%ed%a0%80"),
        (PATH, Links(b"other").sign(PIC, "png", 2000).split("?")[1]),
        (PATH, Links(b"secret").sign(PIC, "png", 9_999_999_999_999).split("?")[1]),
    ],
)
def test_link_that_was_changed_is_forbidden(path: str, query: str) -> None:
    with pytest.raises(errors.Forbidden) as caught:
        LINKS.check(path, query, 1)
    assert caught.value.code == "link_invalid"


@pytest.mark.parametrize(
    "path",
    [
        "/pictures/",
        f"/pictures/{PIC}",
        f"/pictures/{PIC}.svg",
        f"/pictures/../{PIC}.png",
        f"/pictures/{PIC}.png/../../x",
        f"/pictures/{PIC.upper()}.png",
        f"/pictures/{PIC}.png\n",
        "/pictures/%2e%2e%2fmain.db",
    ],
)
def test_path_of_another_shape_is_not_found(path: str) -> None:
    with pytest.raises(errors.NotFound):
        LINKS.check(path, QUERY, 1)


@given(st.text(max_size=80), st.text(max_size=200), st.booleans())
def test_any_text_gives_a_caller_error(path: str, query: str, known: bool) -> None:
    with pytest.raises((errors.NotFound, errors.Forbidden)):
        LINKS.check(PATH if known else "/pictures/" + path, query, 1)


async def test_secret_is_made_once_and_is_the_same_for_every_process(store: Store, store_url: str) -> None:
    other = await Store.open(store_url)
    made = await asyncio.gather(*(Links.open(each) for each in (store, other) * 5))
    await other.close()
    assert len({each.sign(PIC, "png", 2000) for each in made}) == 1
    assert made[0].sign(PIC, "png", 2000) != Links(b"").sign(PIC, "png", 2000)
