"""Every table, in two parts: `main` is precious (full sync), `traces` is bulky (relaxed sync).

On SQLite each part is a file of its own; on PostgreSQL both may live in one database, so no name occurs
twice. Counterpart: `migrations/`, which makes these tables: a change here needs a step there.
Times are integer microseconds since 1970 (UTC). Lists and objects are JSON text, written and read by msgspec.
"""

from typing import Literal

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

Part = Literal["main", "traces"]
Sync = Literal["full", "relaxed"]
"""`relaxed` may lose the last moment of commits when the machine loses power, never when the program dies."""

HEADS: dict[Part, str] = {"main": "main_0002", "traces": "traces_0001"}
"""The newest migration of each part: what an up-to-date database says of itself."""

main = MetaData()
traces_part = MetaData()
PARTS: dict[Part, MetaData] = {"main": main, "traces": traces_part}

# SQLite gives numbers by itself only to INTEGER keys, and INTEGER holds 64 bits there.
NUMBER = BigInteger().with_variant(Integer, "sqlite")
# Names given by machines are compared byte by byte, so that a range means the same on both engines.
NAME = Text().with_variant(Text(collation="C"), "postgresql")

accounts = Table(
    "accounts",
    main,
    Column("id", NUMBER, primary_key=True),
    Column("name", NAME, nullable=False, unique=True),
    Column("state", Text, nullable=False),  # active | suspended
    Column("created_at", BigInteger, nullable=False),
    sqlite_autoincrement=True,  # a number is never used again: what belonged to an account stays its own
)

keys = Table(
    "keys",
    main,
    Column("id", NUMBER, primary_key=True),
    Column("account_id", NUMBER, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("name", Text),
    Column("hash", LargeBinary(32), nullable=False, unique=True),  # SHA-256 of the secret
    Column("hint", Text, nullable=False),  # "sk-…abcd"
    Column("test", Boolean, nullable=False),
    Column("models", Text),  # JSON list, or null: every model
    Column("dialect", Text),  # field names on the wire: null (strict) | contract
    Column("store", Text),  # finished pictures: null (as the installation) | always | never
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
    Column("revoked_at", BigInteger),
    sqlite_autoincrement=True,
)

upstream_ids = Table(
    "upstream_ids",
    main,
    Column("account_id", NUMBER, primary_key=True),  # first: odd upstreams give two accounts the same id
    Column("id", NAME, primary_key=True),  # as the customer knows it
    Column("channel", Text, nullable=False),
    Column("upstream_id", Text, nullable=False),  # as the channel's upstream knows it
    Column("created_at", BigInteger, nullable=False, index=True),
)

facts = Table(
    "facts",
    main,
    Column("name", NAME, primary_key=True),
    Column("value", Text, nullable=False),
)

revisions = Table(
    "revisions",
    main,
    Column("name", NAME, primary_key=True),
    Column("number", BigInteger, nullable=False),  # grows with every change: others notice
)

pictures = Table(
    "pictures",
    main,
    Column("id", NAME, primary_key=True),  # pic_…, made by us; also the object's name
    Column("account_id", NUMBER, nullable=False),
    Column("request_id", NAME, nullable=False),
    Column("number", Integer, nullable=False),  # 0 is the request's first
    Column("item_id", NAME),  # of the image call, as the customer knows it
    Column("format", Text, nullable=False),  # png | jpeg | webp | gif
    Column("width", Integer),
    Column("height", Integer),
    Column("bytes", BigInteger),  # null: not whole yet, so nobody may see it
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("pictures_once", "request_id", "number", unique=True),
    Index("pictures_request", "account_id", "request_id"),
    Index("pictures_item", "account_id", "item_id"),
    Index("pictures_expiry", "expires_at"),
)

files = Table(
    "files",
    main,
    Column("id", NAME, primary_key=True),  # file-…, made by us; also the object's name
    Column("account_id", NUMBER, nullable=False),
    Column("filename", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("media", Text, nullable=False),  # image/png, …
    Column("width", Integer),
    Column("height", Integer),
    Column("bytes", BigInteger),  # null: not whole yet
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("files_newest", "account_id", "created_at", "id"),
    Index("files_expiry", "expires_at"),
)

traces = Table(
    "traces",
    traces_part,
    Column("request_id", NAME, primary_key=True),
    Column("account_id", BigInteger),
    Column("account", NAME),
    Column("key_id", BigInteger),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger, nullable=False),
    Column("surface", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("model", Text),
    Column("image_model", Text),
    Column("streamed", Boolean, nullable=False),
    Column("image", Boolean, nullable=False),
    Column("sandbox", Boolean, nullable=False),
    Column("status", Integer),
    Column("outcome", NAME, nullable=False),
    Column("error_code", Text),
    Column("error_message", Text),
    Column("requested", Text, nullable=False),
    Column("delivered", Text, nullable=False),
    Column("bytes_in", BigInteger, nullable=False),
    Column("bytes_out", BigInteger, nullable=False),
    Column("repairs", Text, nullable=False),
    Column("lost", Text, nullable=False),  # JSON list: what the upstream could not be asked for
    Column("usage", Text),
    Column("user_agent", Text),
    Column("prompt", Text),
    Column("stages", Text, nullable=False),
    Index("traces_newest", "started_at", "request_id"),
    Index("traces_account", "account", "started_at"),
    Index("traces_outcome", "outcome", "started_at"),
)

attempts = Table(
    "attempts",
    traces_part,
    Column("request_id", NAME, ForeignKey("traces.request_id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),  # 0 is the first
    Column("channel", NAME, nullable=False),
    Column("started_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger),
    Column("status", Integer),
    Column("outcome", Text, nullable=False),
    Column("error_code", Text),
    Column("error_message", Text),
    Column("upstream_request_id", Text),
    Column("bytes_in", BigInteger, nullable=False),
    Column("stages", Text, nullable=False),
)
