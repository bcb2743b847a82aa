"""Where pictures and uploaded files lie, whose they are, and until when."""

import sqlalchemy as sa
from alembic.operations import Operations

from darkroom.store.schema import NAME, NUMBER

revision = "main_0002"
down_revision = "main_0001"


def upgrade(op: Operations) -> None:
    """From accounts, keys, ids and facts alone."""
    op.create_table(
        "pictures",
        sa.Column("id", NAME, primary_key=True),
        sa.Column("account_id", NUMBER, nullable=False),
        sa.Column("request_id", NAME, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("item_id", NAME),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("width", sa.Integer),
        sa.Column("height", sa.Integer),
        sa.Column("bytes", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Index("pictures_once", "request_id", "number", unique=True),
        sa.Index("pictures_request", "account_id", "request_id"),
        sa.Index("pictures_item", "account_id", "item_id"),
        sa.Index("pictures_expiry", "expires_at"),
    )
    op.create_table(
        "files",
        sa.Column("id", NAME, primary_key=True),
        sa.Column("account_id", NUMBER, nullable=False),
        sa.Column("filename", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("media", sa.Text, nullable=False),
        sa.Column("width", sa.Integer),
        sa.Column("height", sa.Integer),
        sa.Column("bytes", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Index("files_newest", "account_id", "created_at", "id"),
        sa.Index("files_expiry", "expires_at"),
    )
