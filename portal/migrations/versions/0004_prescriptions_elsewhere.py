"""Prescriptions elsewhere."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "source_reading",
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_in_part", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_source_reading_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_source_reading")),
    )
    op.create_table(
        "awaited_order",
        sa.Column("order_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_item_ids", sa.ARRAY(sa.String(length=80)), nullable=False),
        sa.Column("is_told", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["order.id"], name=op.f("fk_awaited_order_order_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_awaited_order_person_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_awaited_order")),
        sa.UniqueConstraint("person_id", name=op.f("uq_awaited_order_person_id")),
    )
    op.add_column("order", sa.Column("registration", sa.String(length=40), server_default="HERE", nullable=False))
    op.add_column("order_row", sa.Column("source_item_id", sa.String(length=80), nullable=True))


def downgrade() -> None:
    op.drop_column("order_row", "source_item_id")
    op.drop_column("order", "registration")
    op.drop_table("awaited_order")
    op.drop_table("source_reading")
