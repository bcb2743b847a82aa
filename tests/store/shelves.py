"""Pictures for tests of what keeps them."""

from darkroom.store.bucket import Bucket

NOW = 1_795_000_000_123_456
HOUR_US = 3_600_000_000
REQUEST = "req_0123456789abcdef"


async def whole(pieces: object) -> bytes:
    """All bytes of an asynchronous iterator."""
    return b"".join([piece async for piece in pieces])  # type: ignore[attr-defined]


async def names(bucket: Bucket) -> set[str]:
    """The names of what lies in a folder."""
    folder = bucket._folder
    assert folder is not None
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
