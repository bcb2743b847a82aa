"""Requests and the attempts that each of them made."""

import sqlalchemy as sa
from alembic.operations import Operations

from darkroom.store.schema import NAME

revision = "traces_0001"
down_revision = None


def upgrade(op: Operations) -> None:
    """From an empty database."""
    op.create_table(
        "traces",
        sa.Column("request_id", NAME, primary_key=True),
        sa.Column("account_id", sa.BigInteger),
        sa.Column("account", NAME),
        sa.Column("key_id", sa.BigInteger),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger, nullable=False),
        sa.Column("surface", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("model", sa.Text),
        sa.Column("image_model", sa.Text),
        sa.Column("streamed", sa.Boolean, nullable=False),
        sa.Column("image", sa.Boolean, nullable=False),
        sa.Column("sandbox", sa.Boolean, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("outcome", NAME, nullable=False),
        sa.Column("error_code", sa.Text),
        sa.Column("error_message", sa.Text),
        sa.Column("requested", sa.Text, nullable=False),
        sa.Column("delivered", sa.Text, nullable=False),
        sa.Column("bytes_in", sa.BigInteger, nullable=False),
        sa.Column("bytes_out", sa.BigInteger, nullable=False),
        sa.Column("repairs", sa.Text, nullable=False),
        sa.Column("lost", sa.Text, nullable=False),
        sa.Column("usage", sa.Text),
        sa.Column("user_agent", sa.Text),
        sa.Column("prompt", sa.Text),
        sa.Column("stages", sa.Text, nullable=False),
        sa.Index("traces_newest", "started_at", "request_id"),
        sa.Index("traces_account", "account", "started_at"),
        sa.Index("traces_outcome", "outcome", "started_at"),
    )
    op.create_table(
        "attempts",
        sa.Column(
            "request_id", NAME, sa.ForeignKey("traces.request_id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("channel", NAME, nullable=False),
        sa.Column("started_us", sa.BigInteger, nullable=False),
        sa.Column("ended_us", sa.BigInteger),
        sa.Column("status", sa.Integer),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("error_code", sa.Text),
        sa.Column("error_message", sa.Text),
        sa.Column("upstream_request_id", sa.Text),
        sa.Column("bytes_in", sa.BigInteger, nullable=False),
        sa.Column("stages", sa.Text, nullable=False),
    )
