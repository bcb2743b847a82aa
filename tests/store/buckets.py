"""Buckets for tests: a folder, or one of an S3-compatible server on loopback that keeps its objects in memory."""

import contextlib
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from darkroom.store.bucket import Bucket
from darkroom.web.server import serving

KEYS = {"PICTURES_ID": "id", "PICTURES_SECRET": "secret"}


class S3:
    """As much of S3 as a picture needs: PUT, GET with a range, DELETE, and uploads in parts."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.refuses = False
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI application."""
        body = b""
        while (message := await receive()).get("more_body"):
            body += message["body"]
        body += message["body"]
        query = {
            name: values[0]
            for name, values in parse_qs(scope["query_string"].decode(), keep_blank_values=True).items()
        }
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append((scope["method"], scope["path"], headers))
        status, more, answer = (403, {}, b"<Error><Code>AccessDenied</Code></Error>")
        if not self.refuses:
            status, more, answer = self.answer(scope["method"], scope["path"], query, headers, body)
        fields = {"content-length": str(len(answer)), **more}
        raw = [(name.encode(), value.encode()) for name, value in fields.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": answer})

    def answer(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        dates = {"last-modified": "Wed, 25 Nov 2026 12:00:00 GMT", "etag": '"e"'}
        match method:
            case "POST" if "uploads" in query:
                upload = str(next(self._numbers))
                self.uploads[upload] = {}
                tree = f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
                return 200, {}, tree.encode()
            case "PUT" if "uploadId" in query:
                self.uploads[query["uploadId"]][int(query["partNumber"])] = body
                return 200, {"etag": f'"{query["partNumber"]}"'}, b""
            case "POST":
                parts = self.uploads.pop(query["uploadId"])
                self.objects[path] = b"".join(parts[number] for number in sorted(parts))
                tree = "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>"
                return 200, {}, tree.encode()
            case "DELETE" if "uploadId" in query:
                self.uploads.pop(query["uploadId"], None)
                return 204, {}, b""
            case "PUT":
                self.objects[path] = body
                return 200, {"etag": '"e"'}, b""
            case "DELETE":
                self.objects.pop(path, None)
                return 204, {}, b""
        found = self.objects.get(path)
        if found is None:
            return 404, {}, b"<Error><Code>NoSuchKey</Code></Error>"
        first, last = headers["range"].removeprefix("bytes=").split("-")
        piece = found[int(first) : int(last) + 1]
        span = {"content-range": f"bytes {first}-{int(first) + len(piece) - 1}/{len(found)}"}
        return 206, {**dates, **span}, piece


@contextlib.asynccontextmanager
async def s3_bucket() -> AsyncIterator[tuple[Bucket, S3]]:
    """A bucket and the server that it lies on."""
    server = S3()
    async with serving(server, "127.0.0.1", 0) as listening:
        url = (
            f"s3://shop/kept/here?endpoint=http://127.0.0.1:{listening.port}&region=us-east-1"
            "&access_key_id=env:PICTURES_ID&secret_access_key=env:PICTURES_SECRET"
        )
        bucket = Bucket.open(url, Path("/nowhere"), KEYS)
        yield bucket, server
        await bucket.close()
