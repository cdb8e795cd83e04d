"""Ordering, complete."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "service_point_search",
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("postal_code", sa.String(length=5), nullable=False),
        sa.Column("searched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("point_ids", sa.ARRAY(sa.String(length=40)), nullable=False),
        sa.PrimaryKeyConstraint("provider", "postal_code", name=op.f("pk_service_point_search")),
    )
    op.create_table(
        "contact_settings",
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("notify_by", sa.String(length=40), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("mobile", sa.String(length=40), nullable=False),
        sa.Column("reminders", sa.ARRAY(sa.String(length=20)), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("notify_by <> 'EMAIL' OR email <> ''", name=op.f("ck_contact_settings_email_to_write_to")),
        sa.CheckConstraint("notify_by <> 'SMS' OR mobile <> ''", name=op.f("ck_contact_settings_mobile_to_write_to")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_contact_settings_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_contact_settings")),
    )
    op.create_table(
        "reminder",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("prescription_item_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("about", sa.Date(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_reminder_person_id")),
        sa.ForeignKeyConstraint(
            ["prescription_item_id"], ["prescription_item.id"], name=op.f("fk_reminder_prescription_item_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder")),
        sa.UniqueConstraint(
            "prescription_item_id", "kind", "about", name=op.f("uq_reminder_prescription_item_id_kind_about")
        ),
    )
    op.create_index(op.f("ix_reminder_person_id"), "reminder", ["person_id"], unique=False)
    op.create_table(
        "renewal_request",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("region", sa.String(length=20), nullable=False),
        sa.Column("prescription_item_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by_person_id", sa.BigInteger(), nullable=True),
        sa.Column("asked_by_staff_id", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.String(length=500), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by_staff_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["answered_by_staff_id"], ["staff_member.id"], name=op.f("fk_renewal_request_answered_by_staff_id")
        ),
        sa.ForeignKeyConstraint(
            ["asked_by_person_id"], ["person.id"], name=op.f("fk_renewal_request_asked_by_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["asked_by_staff_id"], ["staff_member.id"], name=op.f("fk_renewal_request_asked_by_staff_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_renewal_request_person_id")),
        sa.ForeignKeyConstraint(
            ["prescription_item_id"], ["prescription_item.id"], name=op.f("fk_renewal_request_prescription_item_id")
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_renewal_request_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_renewal_request")),
    )
    op.create_index(op.f("ix_renewal_request_person_id"), "renewal_request", ["person_id"], unique=False)
    op.create_index(
        op.f("ix_renewal_request_prescription_item_id"), "renewal_request", ["prescription_item_id"], unique=False
    )
    op.create_index(op.f("ix_renewal_request_region"), "renewal_request", ["region"], unique=False)
    op.create_index(op.f("ix_renewal_request_unit_id"), "renewal_request", ["unit_id"], unique=False)
    op.create_index(
        "uq_renewal_request_open",
        "renewal_request",
        ["prescription_item_id"],
        unique=True,
        postgresql_where=sa.text("status = 'OPEN'"),
    )
    op.add_column(
        "delivery_choice", sa.Column("provider", sa.String(length=20), server_default="INGEN", nullable=False)
    )
    op.add_column("delivery_choice", sa.Column("point_id", sa.String(length=40), server_default="", nullable=False))
    op.add_column("delivery_choice", sa.Column("point_name", sa.String(length=100), server_default="", nullable=False))
    op.add_column("delivery_choice", sa.Column("notification", sa.String(length=40), nullable=True))
    op.add_column("delivery_choice", sa.Column("notify_to", sa.String(length=254), server_default="", nullable=False))
    op.add_column(
        "delivery_choice", sa.Column("contact_person", sa.String(length=200), server_default="", nullable=False)
    )
    op.add_column(
        "delivery_choice", sa.Column("invoice_receiver", sa.String(length=200), server_default="", nullable=False)
    )
    op.add_column(
        "delivery_choice", sa.Column("invoice_street", sa.String(length=200), server_default="", nullable=False)
    )
    op.add_column(
        "delivery_choice", sa.Column("invoice_postal_code", sa.String(length=5), server_default="", nullable=False)
    )
    op.add_column(
        "delivery_choice", sa.Column("invoice_city", sa.String(length=100), server_default="", nullable=False)
    )
    op.add_column("delivery_choice", sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("order_row", sa.Column("payer", sa.String(length=40), nullable=True))
    op.add_column("order_row", sa.Column("payer_ref", sa.String(length=40), server_default="", nullable=False))
    op.add_column("person", sa.Column("category", sa.String(length=40), server_default="RESIDENT", nullable=False))
    op.add_column("person", sa.Column("home_care_municipality", sa.String(length=4), server_default="", nullable=False))
    op.add_column("person", sa.Column("health_centre_id", sa.BigInteger(), nullable=True))
    op.add_column("person", sa.Column("alias", sa.String(length=100), server_default="", nullable=False))
    op.create_foreign_key(op.f("fk_person_health_centre_id"), "person", "unit", ["health_centre_id"], ["id"])
    op.add_column("prescription_item", sa.Column("extended_until", sa.Date(), nullable=True))
    op.add_column("prescription_item", sa.Column("orders_added", sa.Integer(), server_default="0", nullable=False))
    op.add_column("prescription_item", sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "prescription_item",
        sa.Column("home_region_agreed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column("unit", sa.Column("adult_unit_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_unit_adult_unit_id"), "unit", "unit", ["adult_unit_id"], ["id"])
    op.create_check_constraint(
        "added_within_allowed", "prescription_item", "orders_added >= 0 AND orders_added <= orders_allowed"
    )
    op.create_check_constraint(
        "stopped_is_cancelled", "prescription_item", "stopped_at IS NULL OR status = 'CANCELLED'"
    )


def downgrade() -> None:
    op.drop_constraint("stopped_is_cancelled", "prescription_item", type_="check")
    op.drop_constraint("added_within_allowed", "prescription_item", type_="check")
    op.drop_constraint(op.f("fk_unit_adult_unit_id"), "unit", type_="foreignkey")
    op.drop_column("unit", "adult_unit_id")
    op.drop_column("prescription_item", "home_region_agreed")
    op.drop_column("prescription_item", "stopped_at")
    op.drop_column("prescription_item", "orders_added")
    op.drop_column("prescription_item", "extended_until")
    op.drop_constraint(op.f("fk_person_health_centre_id"), "person", type_="foreignkey")
    op.drop_column("person", "alias")
    op.drop_column("person", "health_centre_id")
    op.drop_column("person", "home_care_municipality")
    op.drop_column("person", "category")
    op.drop_column("order_row", "payer_ref")
    op.drop_column("order_row", "payer")
    op.drop_column("delivery_choice", "superseded_at")
    op.drop_column("delivery_choice", "invoice_city")
    op.drop_column("delivery_choice", "invoice_postal_code")
    op.drop_column("delivery_choice", "invoice_street")
    op.drop_column("delivery_choice", "invoice_receiver")
    op.drop_column("delivery_choice", "contact_person")
    op.drop_column("delivery_choice", "notify_to")
    op.drop_column("delivery_choice", "notification")
    op.drop_column("delivery_choice", "point_name")
    op.drop_column("delivery_choice", "point_id")
    op.drop_column("delivery_choice", "provider")
    op.drop_index("uq_renewal_request_open", table_name="renewal_request", postgresql_where=sa.text("status = 'OPEN'"))
    op.drop_index(op.f("ix_renewal_request_unit_id"), table_name="renewal_request")
    op.drop_index(op.f("ix_renewal_request_region"), table_name="renewal_request")
    op.drop_index(op.f("ix_renewal_request_prescription_item_id"), table_name="renewal_request")
    op.drop_index(op.f("ix_renewal_request_person_id"), table_name="renewal_request")
    op.drop_table("renewal_request")
    op.drop_index(op.f("ix_reminder_person_id"), table_name="reminder")
    op.drop_table("reminder")
    op.drop_table("contact_settings")
    op.drop_table("service_point_search")
