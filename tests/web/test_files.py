"""The Files API as OpenAI's own SDK and plain HTTP use it: pictures only, per account, in OpenAI's shapes."""

import io
import time
from pathlib import Path
from typing import Any

import openai
import pytest
from PIL import Image

from tests.web.routing import Shop, shop

pytestmark = pytest.mark.slow


def picture(format: str = "png", size: tuple[int, int] = (40, 30)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (200, 30, 90)).save(file, format)
    return file.getvalue()


PNG = picture()


async def upload(
    shop: Shop, file: bytes = PNG, name: str = "cat.png", key: dict[str, str] | None = None, **fields: str
) -> Any:
    form = {"purpose": "vision", **fields}
    return await shop.client.post(
        "/v1/files", headers=key or shop.key, data=form, files={"file": (name, file)}
    )


async def test_file_is_uploaded_shown_listed_fetched_and_deleted(tmp_path: Path) -> None:
    async with shop(tmp_path) as opened:
        before = int(time.time())
        made = (await upload(opened)).json()
        assert made["id"].startswith("file-")
        assert before <= made["created_at"] <= time.time()
        assert made == {
            "id": made["id"], "object": "file", "bytes": len(PNG), "created_at": made["created_at"],
            "expires_at": made["created_at"] + 48 * 3600, "filename": "cat.png", "purpose": "vision",
            "status": "processed", "status_details": None,
        }  # fmt: skip
        at = f"/v1/files/{made['id']}"
        get, key = opened.client.get, opened.key
        assert (await get(at, headers=key)).json() == made
        listed = (await get("/v1/files", headers=key)).json()
        assert listed == {
            "object": "list", "data": [made], "first_id": made["id"], "last_id": made["id"], "has_more": False
        }  # fmt: skip
        content = await get(at + "/content", headers=key)
        assert (content.content, content.headers["content-type"]) == (PNG, "image/png")
        assert content.headers["content-disposition"] == 'attachment; filename="cat.png"'
        deleted = (await opened.client.delete(at, headers=key)).json()
        assert deleted == {"id": made["id"], "object": "file", "deleted": True}
        for path in (at, at + "/content"):
            answer = await get(path, headers=key)
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "file_not_found")
        assert opened.gateway.budget.used == 0
        assert not opened.gateway.in_flight


async def test_sdk_of_openai_takes_every_answer(tmp_path: Path) -> None:
    async with shop(tmp_path) as opened:
        secret = opened.key["authorization"].removeprefix("Bearer ")
        async with openai.AsyncOpenAI(
            api_key=secret, base_url=f"http://127.0.0.1:{opened.port}/v1", max_retries=0
        ) as client:
            made = await client.files.create(
                file=("猫.png", PNG),
                purpose="vision",
                expires_after={"anchor": "created_at", "seconds": 3600},
            )
            assert (made.filename, made.status, made.expires_at) == (
                "猫.png",
                "processed",
                made.created_at + 3600,
            )
            assert (await client.files.retrieve(made.id)) == made
            assert (await client.files.content(made.id)).content == PNG
            for _ in range(2):
                await client.files.create(file=("cat.png", PNG), purpose="vision")
            listed = [file.id async for file in client.files.list(limit=1, order="asc")]
            assert len(listed) == len(set(listed)) == 3
            assert listed[0] == made.id
            assert (await client.files.delete(made.id)).deleted
            with pytest.raises(openai.NotFoundError):
                await client.files.retrieve(made.id)


async def test_file_of_another_account_is_one_that_nobody_has(tmp_path: Path) -> None:
    async with shop(tmp_path) as opened:
        made = (await upload(opened)).json()
        other = await opened.other_key()
        at = f"/v1/files/{made['id']}"
        for method, path in (
            ("GET", at),
            ("GET", at + "/content"),
            ("DELETE", at),
            ("GET", f"/v1/files?after={made['id']}"),
        ):
            answer = await opened.client.request(method, path, headers=other)
            assert answer.status_code == 404
            assert answer.json()["error"]["message"].startswith("No such File object")
        assert (await opened.client.get("/v1/files", headers=other)).json()["data"] == []
        assert (await opened.client.get(at, headers=opened.key)).status_code == 200


async def test_nothing_is_served_without_a_key(tmp_path: Path) -> None:
    async with shop(tmp_path) as opened:
        made = (await upload(opened)).json()
        for method, path in (
            ("POST", "/v1/files"),
            ("GET", "/v1/files"),
            ("GET", f"/v1/files/{made['id']}"),
            ("GET", f"/v1/files/{made['id']}/content"),
            ("DELETE", f"/v1/files/{made['id']}"),
        ):
            assert (await opened.client.request(method, path)).status_code == 401


@pytest.mark.parametrize(
    "format, media",
    [("png", "image/png"), ("jpeg", "image/jpeg"), ("webp", "image/webp"), ("gif", "image/gif")],
)
async def test_type_is_what_the_bytes_say(tmp_path: Path, format: str, media: str) -> None:
    async with shop(tmp_path) as opened:
        made = (await upload(opened, picture(format), "liar.html")).json()
        content = await opened.client.get(f"/v1/files/{made['id']}/content", headers=opened.key)
        assert content.headers["content-type"] == media
        kept = await opened.files.get(1, made["id"])
        assert kept is not None
        assert (kept.width, kept.height) == (40, 30)


@pytest.mark.parametrize(
    "file, fields, param, word",
    [
        (PNG, {"purpose": "assistants"}, "purpose", "`vision`"),
        (PNG, {"purpose": ""}, "purpose", "`vision`"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", {}, "file", "image/png"),
        (PNG[: len(PNG) // 2], {}, "file", "file"),
        (b"GIF89a", {}, "file", "broken"),
        (b"", {}, "file", "empty"),
        (
            PNG,
            {"expires_after[anchor]": "now", "expires_after[seconds]": "3600"},
            "expires_after.anchor",
            "created_at",
        ),
        (PNG, {"expires_after[anchor]": "created_at"}, "expires_after.seconds", "whole number"),
        (
            PNG,
            {"expires_after[anchor]": "created_at", "expires_after[seconds]": "60"},
            "expires_after.seconds",
            "3600",
        ),
    ],
)
async def test_wrong_upload_is_a_400_that_names_the_field(
    tmp_path: Path, file: bytes, fields: dict[str, str], param: str, word: str
) -> None:
    async with shop(tmp_path) as opened:
        answer = await upload(opened, file, **fields)
        error = answer.json()["error"]
        assert (answer.status_code, error["param"]) == (400, param)
        assert word in error["message"]
        assert (await opened.client.get("/v1/files", headers=opened.key)).json()["data"] == []
        assert opened.gateway.budget.used == 0


async def test_upload_without_a_file_or_with_two_or_as_json_is_a_400(tmp_path: Path) -> None:
    async with shop(tmp_path) as opened:
        post, key = opened.client.post, opened.key
        two = [("file", ("a.png", PNG)), ("file", ("b.png", PNG))]
        for answer in (
            await post(
                "/v1/files", headers=key, data={"purpose": "vision"}, files={"picture": ("a.png", PNG)}
            ),
            await post("/v1/files", headers=key, data={"purpose": "vision"}, files=two),
            await post("/v1/files", headers=key, json={"purpose": "vision"}),
        ):
            assert answer.status_code == 400


async def test_upload_that_is_too_large_is_a_413(tmp_path: Path) -> None:
    async with shop(tmp_path) as opened:
        answer = await upload(opened, PNG + bytes(51 * 1024 * 1024))
        assert answer.status_code == 413
        assert opened.gateway.budget.used == 0


@pytest.mark.parametrize("query", ["limit=0", "limit=10001", "limit=x", "limit=-1", "order=up"])
async def test_wrong_page_is_a_400(tmp_path: Path, query: str) -> None:
    async with shop(tmp_path) as opened:
        answer = await opened.client.get(f"/v1/files?{query}", headers=opened.key)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, query.split("=")[0])


async def test_list_is_filtered_by_purpose_and_newest_first(tmp_path: Path) -> None:
    async with shop(tmp_path) as opened:
        ids = [
            (await upload(opened, purpose=purpose)).json()["id"]
            for purpose in ("vision", "user_data", "vision")
        ]
        get = opened.client.get
        page = (await get("/v1/files?limit=2", headers=opened.key)).json()
        assert ([file["id"] for file in page["data"]], page["has_more"]) == ([ids[2], ids[1]], True)
        page = (await get(f"/v1/files?limit=2&after={ids[1]}&purpose=vision", headers=opened.key)).json()
        assert ([file["id"] for file in page["data"]], page["has_more"]) == ([ids[0]], False)


async def test_path_below_a_file_that_means_nothing_is_404(tmp_path: Path) -> None:
    async with shop(tmp_path) as opened:
        made = (await upload(opened)).json()
        answer = await opened.client.get(f"/v1/files/{made['id']}/pixels", headers=opened.key)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_url")
