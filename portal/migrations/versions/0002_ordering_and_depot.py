"""Ordering, complete, and the depot."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("receipt_no_seq", start=1001)))
    op.execute(sa.schema.CreateSequence(sa.Sequence("supplier_order_no_seq", start=5001)))
    op.create_table(
        "carrier_callback",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("carrier", sa.String(length=40), nullable=False),
        sa.Column("event_id", sa.String(length=80), nullable=False),
        sa.Column("sscc", sa.String(length=18), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carrier_callback")),
        sa.UniqueConstraint("carrier", "event_id", name=op.f("uq_carrier_callback_carrier_event_id")),
    )
    op.create_index(op.f("ix_carrier_callback_sscc"), "carrier_callback", ["sscc"], unique=False)
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
        "pick_round",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("depot_id", sa.BigInteger(), nullable=False),
        sa.Column("picker_id", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_act_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name=op.f("fk_pick_round_depot_id")),
        sa.ForeignKeyConstraint(["picker_id"], ["staff_member.id"], name=op.f("fk_pick_round_picker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pick_round")),
    )
    op.create_index(op.f("ix_pick_round_depot_id"), "pick_round", ["depot_id"], unique=False)
    op.create_index(op.f("ix_pick_round_picker_id"), "pick_round", ["picker_id"], unique=False)
    op.create_table(
        "supplier_order",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("region", sa.String(length=20), nullable=False),
        sa.Column("depot_id", sa.BigInteger(), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=False),
        sa.Column("order_no", sa.String(length=40), nullable=False),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expected_on", sa.Date(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name=op.f("fk_supplier_order_depot_id")),
        sa.ForeignKeyConstraint(["supplier_id"], ["supplier.id"], name=op.f("fk_supplier_order_supplier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supplier_order")),
        sa.UniqueConstraint("region", "order_no", name=op.f("uq_supplier_order_region_order_no")),
    )
    op.create_index(op.f("ix_supplier_order_region"), "supplier_order", ["region"], unique=False)
    op.create_table(
        "wave",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("depot_id", sa.BigInteger(), nullable=False),
        sa.Column("carrier", sa.String(length=40), nullable=False),
        sa.Column("cut_off", sa.DateTime(timezone=True), nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("planned_by_id", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name=op.f("fk_wave_depot_id")),
        sa.ForeignKeyConstraint(["planned_by_id"], ["staff_member.id"], name=op.f("fk_wave_planned_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wave")),
    )
    op.create_index(op.f("ix_wave_depot_id"), "wave", ["depot_id"], unique=False)
    op.create_table(
        "goods_receipt",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("depot_id", sa.BigInteger(), nullable=False),
        sa.Column("receipt_no", sa.String(length=12), nullable=False),
        sa.Column("supplier_order_id", sa.BigInteger(), nullable=True),
        sa.Column("delivery_note_no", sa.String(length=40), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name=op.f("fk_goods_receipt_depot_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_member.id"], name=op.f("fk_goods_receipt_staff_id")),
        sa.ForeignKeyConstraint(
            ["supplier_order_id"], ["supplier_order.id"], name=op.f("fk_goods_receipt_supplier_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_goods_receipt")),
        sa.UniqueConstraint("receipt_no", name=op.f("uq_goods_receipt_receipt_no")),
    )
    op.create_index(op.f("ix_goods_receipt_depot_id"), "goods_receipt", ["depot_id"], unique=False)
    op.create_table(
        "stock_count",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("depot_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=False),
        sa.Column("expected", sa.Integer(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("counted_by_id", sa.BigInteger(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recounted", sa.Integer(), nullable=True),
        sa.Column("recounted_by_id", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.CheckConstraint(
            "(recounted IS NULL) = (recounted_by_id IS NULL)", name=op.f("ck_stock_count_recount_has_counter")
        ),
        sa.CheckConstraint(
            "counted >= 0 AND (recounted IS NULL OR recounted >= 0)", name=op.f("ck_stock_count_counts_not_negative")
        ),
        sa.ForeignKeyConstraint(["counted_by_id"], ["staff_member.id"], name=op.f("fk_stock_count_counted_by_id")),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name=op.f("fk_stock_count_depot_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_stock_count_lot_id")),
        sa.ForeignKeyConstraint(["recounted_by_id"], ["staff_member.id"], name=op.f("fk_stock_count_recounted_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_count")),
    )
    op.create_index(op.f("ix_stock_count_lot_id"), "stock_count", ["lot_id"], unique=False)
    op.create_index(
        "uq_stock_count_open",
        "stock_count",
        ["depot_id", "lot_id"],
        unique=True,
        postgresql_where=sa.text("status = 'RECOUNT'"),
    )
    op.create_table(
        "supplier_order_line",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("supplier_order_id", sa.BigInteger(), nullable=False),
        sa.Column("article_id", sa.BigInteger(), nullable=False),
        sa.Column("packages", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "packages > 0 AND received >= 0 AND refused >= 0", name=op.f("ck_supplier_order_line_counts_not_negative")
        ),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_supplier_order_line_article_id")),
        sa.ForeignKeyConstraint(
            ["supplier_order_id"], ["supplier_order.id"], name=op.f("fk_supplier_order_line_supplier_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supplier_order_line")),
        sa.UniqueConstraint(
            "supplier_order_id", "article_id", name=op.f("uq_supplier_order_line_supplier_order_id_article_id")
        ),
    )
    op.create_table(
        "receipt_line",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("receipt_id", sa.BigInteger(), nullable=False),
        sa.Column("article_id", sa.BigInteger(), nullable=True),
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("lot_no", sa.String(length=20), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("packages", sa.Integer(), nullable=False),
        sa.Column("refusal", sa.String(length=40), nullable=True),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("location", sa.String(length=20), nullable=False),
        sa.Column("other_identifiers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("return_no", sa.String(length=12), nullable=False),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(refusal IS NULL) = (lot_id IS NOT NULL)", name=op.f("ck_receipt_line_accepted_has_lot")),
        sa.CheckConstraint("packages > 0", name=op.f("ck_receipt_line_packages_positive")),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_receipt_line_article_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_receipt_line_lot_id")),
        sa.ForeignKeyConstraint(["receipt_id"], ["goods_receipt.id"], name=op.f("fk_receipt_line_receipt_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_member.id"], name=op.f("fk_receipt_line_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt_line")),
    )
    op.create_index(op.f("ix_receipt_line_lot_id"), "receipt_line", ["lot_id"], unique=False)
    op.create_index(op.f("ix_receipt_line_receipt_id"), "receipt_line", ["receipt_id"], unique=False)
    op.create_index(
        "ix_receipt_line_to_return",
        "receipt_line",
        ["receipt_id"],
        unique=False,
        postgresql_where=sa.text("refusal IS NOT NULL AND return_no = ''"),
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
    op.create_table(
        "warehouse_message",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("region", sa.String(length=20), nullable=False),
        sa.Column("direction", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("document_id", sa.String(length=80), nullable=False),
        sa.Column("depot_order_id", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.String(length=300), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["depot_order_id"], ["depot_order.id"], name=op.f("fk_warehouse_message_depot_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_warehouse_message")),
        sa.UniqueConstraint(
            "region",
            "direction",
            "kind",
            "document_id",
            name=op.f("uq_warehouse_message_region_direction_kind_document_id"),
        ),
    )
    op.create_index(op.f("ix_warehouse_message_depot_order_id"), "warehouse_message", ["depot_order_id"], unique=False)
    op.create_index(op.f("ix_warehouse_message_region"), "warehouse_message", ["region"], unique=False)
    op.create_table(
        "carrier_booking",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("region", sa.String(length=20), nullable=False),
        sa.Column("parcel_id", sa.BigInteger(), nullable=True),
        sa.Column("sscc", sa.String(length=18), nullable=False),
        sa.Column("carrier", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("problem", sa.String(length=200), nullable=False),
        sa.Column("label", sa.LargeBinary(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcel.id"], name=op.f("fk_carrier_booking_parcel_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carrier_booking")),
        sa.UniqueConstraint("parcel_id", name=op.f("uq_carrier_booking_parcel_id")),
    )
    op.create_index(op.f("ix_carrier_booking_reference"), "carrier_booking", ["reference"], unique=False)
    op.create_index(op.f("ix_carrier_booking_region"), "carrier_booking", ["region"], unique=False)
    op.create_table(
        "serialised_unit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("article_id", sa.BigInteger(), nullable=False),
        sa.Column("serial_no", sa.String(length=20), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=False),
        sa.Column("receipt_line_id", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("arrived_on", sa.Date(), nullable=False),
        sa.Column("picked_lot_id", sa.BigInteger(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("shipped_on", sa.Date(), nullable=True),
        sa.Column("warranty_until", sa.Date(), nullable=True),
        sa.Column("replaces_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(status = 'SHIPPED') <= (person_id IS NOT NULL)", name=op.f("ck_serialised_unit_shipped_has_person")
        ),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_serialised_unit_article_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_serialised_unit_lot_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_serialised_unit_person_id")),
        sa.ForeignKeyConstraint(["picked_lot_id"], ["picked_lot.id"], name=op.f("fk_serialised_unit_picked_lot_id")),
        sa.ForeignKeyConstraint(
            ["receipt_line_id"], ["receipt_line.id"], name=op.f("fk_serialised_unit_receipt_line_id")
        ),
        sa.ForeignKeyConstraint(["replaces_id"], ["serialised_unit.id"], name=op.f("fk_serialised_unit_replaces_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_serialised_unit")),
        sa.UniqueConstraint("article_id", "serial_no", name=op.f("uq_serialised_unit_article_id_serial_no")),
    )
    op.create_index(op.f("ix_serialised_unit_lot_id"), "serialised_unit", ["lot_id"], unique=False)
    op.create_index(op.f("ix_serialised_unit_person_id"), "serialised_unit", ["person_id"], unique=False)
    op.create_index(op.f("ix_serialised_unit_picked_lot_id"), "serialised_unit", ["picked_lot_id"], unique=False)
    op.add_column("article", sa.Column("least_days_left", sa.Integer(), nullable=True))
    op.add_column("article", sa.Column("lead_time_days", sa.Integer(), nullable=True))
    op.add_column("article", sa.Column("weight_grams", sa.Integer(), nullable=True))
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
    op.add_column("depot_order", sa.Column("wave_id", sa.BigInteger(), nullable=True))
    op.add_column("depot_order", sa.Column("pick_round_id", sa.BigInteger(), nullable=True))
    op.add_column("depot_order", sa.Column("box", sa.String(length=2), server_default="", nullable=False))
    op.create_index(op.f("ix_depot_order_pick_round_id"), "depot_order", ["pick_round_id"], unique=False)
    op.create_index(op.f("ix_depot_order_wave_id"), "depot_order", ["wave_id"], unique=False)
    op.create_foreign_key(op.f("fk_depot_order_pick_round_id"), "depot_order", "pick_round", ["pick_round_id"], ["id"])
    op.create_foreign_key(op.f("fk_depot_order_wave_id"), "depot_order", "wave", ["wave_id"], ["id"])
    op.add_column("lot", sa.Column("status_note", sa.String(length=200), server_default="", nullable=False))
    op.add_column("order_row", sa.Column("payer", sa.String(length=40), nullable=True))
    op.add_column("order_row", sa.Column("payer_ref", sa.String(length=40), server_default="", nullable=False))
    op.add_column("order_row", sa.Column("package_price", sa.Numeric(precision=12, scale=2), nullable=True))
    op.add_column("parcel", sa.Column("weight_grams", sa.Integer(), nullable=True))
    op.create_index(op.f("ix_parcel_shipped_at"), "parcel", ["shipped_at"], unique=False)
    op.add_column("person", sa.Column("category", sa.String(length=40), server_default="RESIDENT", nullable=False))
    op.add_column("person", sa.Column("home_care_municipality", sa.String(length=4), server_default="", nullable=False))
    op.add_column("person", sa.Column("health_centre_id", sa.BigInteger(), nullable=True))
    op.add_column("person", sa.Column("alias", sa.String(length=100), server_default="", nullable=False))
    op.create_foreign_key(op.f("fk_person_health_centre_id"), "person", "unit", ["health_centre_id"], ["id"])
    op.create_index(op.f("ix_picked_lot_picked_at"), "picked_lot", ["picked_at"], unique=False)
    op.add_column("prescription_item", sa.Column("extended_until", sa.Date(), nullable=True))
    op.add_column("prescription_item", sa.Column("orders_added", sa.Integer(), server_default="0", nullable=False))
    op.add_column("prescription_item", sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "prescription_item",
        sa.Column("home_region_agreed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column("stock_balance", sa.Column("location", sa.String(length=20), server_default="", nullable=False))
    op.add_column("stock_movement", sa.Column("note", sa.String(length=200), server_default="", nullable=False))
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
    op.drop_column("stock_movement", "note")
    op.drop_column("stock_balance", "location")
    op.drop_column("prescription_item", "home_region_agreed")
    op.drop_column("prescription_item", "stopped_at")
    op.drop_column("prescription_item", "orders_added")
    op.drop_column("prescription_item", "extended_until")
    op.drop_index(op.f("ix_picked_lot_picked_at"), table_name="picked_lot")
    op.drop_constraint(op.f("fk_person_health_centre_id"), "person", type_="foreignkey")
    op.drop_column("person", "alias")
    op.drop_column("person", "health_centre_id")
    op.drop_column("person", "home_care_municipality")
    op.drop_column("person", "category")
    op.drop_index(op.f("ix_parcel_shipped_at"), table_name="parcel")
    op.drop_column("parcel", "weight_grams")
    op.drop_column("order_row", "package_price")
    op.drop_column("order_row", "payer_ref")
    op.drop_column("order_row", "payer")
    op.drop_column("lot", "status_note")
    op.drop_constraint(op.f("fk_depot_order_wave_id"), "depot_order", type_="foreignkey")
    op.drop_constraint(op.f("fk_depot_order_pick_round_id"), "depot_order", type_="foreignkey")
    op.drop_index(op.f("ix_depot_order_wave_id"), table_name="depot_order")
    op.drop_index(op.f("ix_depot_order_pick_round_id"), table_name="depot_order")
    op.drop_column("depot_order", "box")
    op.drop_column("depot_order", "pick_round_id")
    op.drop_column("depot_order", "wave_id")
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
    op.drop_column("article", "weight_grams")
    op.drop_column("article", "lead_time_days")
    op.drop_column("article", "least_days_left")
    op.drop_index(op.f("ix_serialised_unit_picked_lot_id"), table_name="serialised_unit")
    op.drop_index(op.f("ix_serialised_unit_person_id"), table_name="serialised_unit")
    op.drop_index(op.f("ix_serialised_unit_lot_id"), table_name="serialised_unit")
    op.drop_table("serialised_unit")
    op.drop_index(op.f("ix_carrier_booking_region"), table_name="carrier_booking")
    op.drop_index(op.f("ix_carrier_booking_reference"), table_name="carrier_booking")
    op.drop_table("carrier_booking")
    op.drop_index(op.f("ix_warehouse_message_region"), table_name="warehouse_message")
    op.drop_index(op.f("ix_warehouse_message_depot_order_id"), table_name="warehouse_message")
    op.drop_table("warehouse_message")
    op.drop_index("uq_renewal_request_open", table_name="renewal_request", postgresql_where=sa.text("status = 'OPEN'"))
    op.drop_index(op.f("ix_renewal_request_unit_id"), table_name="renewal_request")
    op.drop_index(op.f("ix_renewal_request_region"), table_name="renewal_request")
    op.drop_index(op.f("ix_renewal_request_prescription_item_id"), table_name="renewal_request")
    op.drop_index(op.f("ix_renewal_request_person_id"), table_name="renewal_request")
    op.drop_table("renewal_request")
    op.drop_index(op.f("ix_reminder_person_id"), table_name="reminder")
    op.drop_table("reminder")
    op.drop_index(
        "ix_receipt_line_to_return",
        table_name="receipt_line",
        postgresql_where=sa.text("refusal IS NOT NULL AND return_no = ''"),
    )
    op.drop_index(op.f("ix_receipt_line_receipt_id"), table_name="receipt_line")
    op.drop_index(op.f("ix_receipt_line_lot_id"), table_name="receipt_line")
    op.drop_table("receipt_line")
    op.drop_table("supplier_order_line")
    op.drop_index("uq_stock_count_open", table_name="stock_count", postgresql_where=sa.text("status = 'RECOUNT'"))
    op.drop_index(op.f("ix_stock_count_lot_id"), table_name="stock_count")
    op.drop_table("stock_count")
    op.drop_index(op.f("ix_goods_receipt_depot_id"), table_name="goods_receipt")
    op.drop_table("goods_receipt")
    op.drop_index(op.f("ix_wave_depot_id"), table_name="wave")
    op.drop_table("wave")
    op.drop_index(op.f("ix_supplier_order_region"), table_name="supplier_order")
    op.drop_table("supplier_order")
    op.drop_index(op.f("ix_pick_round_picker_id"), table_name="pick_round")
    op.drop_index(op.f("ix_pick_round_depot_id"), table_name="pick_round")
    op.drop_table("pick_round")
    op.drop_table("contact_settings")
    op.drop_table("service_point_search")
    op.drop_index(op.f("ix_carrier_callback_sscc"), table_name="carrier_callback")
    op.drop_table("carrier_callback")
    for sequence in ("receipt_no_seq", "supplier_order_no_seq"):
        op.execute(f"DROP SEQUENCE {sequence}")
