"""The whole way, once: persons, catalogue, prescriptions, orders, depot, complaints."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


# Ledgers are counter-booked, never edited (handbook §6); the access log is kept as written (handbook §11).
APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% only grows', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$
"""

# An update first: PostgreSQL checks a proposed row before it looks for the conflict, and a negative movement is no valid new row.
KEEP_BALANCE = """
CREATE FUNCTION keep_stock_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE stock_balance SET on_hand = on_hand + NEW.packages
        WHERE depot_id = NEW.depot_id AND lot_id = NEW.lot_id;
    IF NOT FOUND THEN
        INSERT INTO stock_balance (depot_id, lot_id, on_hand, reserved) VALUES (NEW.depot_id, NEW.lot_id, NEW.packages, 0)
            ON CONFLICT (depot_id, lot_id) DO UPDATE SET on_hand = stock_balance.on_hand + EXCLUDED.on_hand;
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("order_no_seq", start=100001)))
    op.execute(sa.schema.CreateSequence(sa.Sequence("case_no_seq", start=10001)))
    op.execute(sa.schema.CreateSequence(sa.Sequence("parcel_no_seq", start=1)))
    op.create_table(
        "access_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("region", sa.String(length=20), nullable=False),
        sa.Column("actor_kind", sa.String(length=10), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_label", sa.String(length=200), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=True),
        sa.Column("subject_person_id", sa.BigInteger(), nullable=True),
        sa.Column("manner", sa.String(length=4), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("object_ref", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_log")),
    )
    op.create_index(op.f("ix_access_log_at"), "access_log", ["at"], unique=False)
    op.create_index(op.f("ix_access_log_region"), "access_log", ["region"], unique=False)
    op.create_index("ix_access_log_subject_at", "access_log", ["subject_person_id", "at"], unique=False)
    op.create_table(
        "idempotency_key",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("scope", sa.String(length=40), nullable=False),
        sa.Column("owner", sa.String(length=60), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("result_ref", sa.String(length=60), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency_key")),
        sa.UniqueConstraint("scope", "owner", "key", name=op.f("uq_idempotency_key_scope_owner_key")),
    )
    op.create_table(
        "outbox_message",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("available_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dead_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_message")),
    )
    op.create_index(
        "ix_outbox_message_waiting",
        "outbox_message",
        ["available_at"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL AND dead_at IS NULL"),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("region", sa.String(length=20), nullable=False),
        sa.Column("number_root", sa.String(length=40), nullable=False),
        sa.Column("number", sa.LargeBinary(), nullable=False),
        sa.Column("number_index", sa.LargeBinary(length=32), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=False),
        sa.Column("given_name", sa.String(length=200), nullable=False),
        sa.Column("family_name", sa.String(length=200), nullable=False),
        sa.Column("care_of", sa.String(length=100), nullable=False),
        sa.Column("street", sa.String(length=200), nullable=False),
        sa.Column("postal_code", sa.String(length=5), nullable=False),
        sa.Column("city", sa.String(length=100), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("door_code", sa.String(length=40), nullable=False),
        sa.Column("door_code_asked", sa.Boolean(), nullable=False),
        sa.Column("county_code", sa.String(length=2), nullable=False),
        sa.Column("protection", sa.String(length=40), nullable=False),
        sa.Column("deceased_on", sa.Date(), nullable=True),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.CheckConstraint(
            "protection = 'NONE' OR (given_name = '' AND family_name = '' AND care_of = '' AND street = '' AND postal_code = '' AND city = '' AND phone = '' AND email = '' AND door_code = '')",
            name=op.f("ck_person_protected_keeps_nothing"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("number_index", name=op.f("uq_person_number_index")),
    )
    op.create_index(op.f("ix_person_region"), "person", ["region"], unique=False)
    op.create_table(
        "service_point",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("point_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("street", sa.String(length=200), nullable=False),
        sa.Column("postal_code", sa.String(length=5), nullable=False),
        sa.Column("city", sa.String(length=100), nullable=False),
        sa.Column("latitude", sa.Numeric(precision=8, scale=5), nullable=True),
        sa.Column("longitude", sa.Numeric(precision=8, scale=5), nullable=True),
        sa.CheckConstraint(
            "latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name=op.f("ck_service_point_on_earth")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_point")),
        sa.UniqueConstraint("provider", "point_id", name=op.f("uq_service_point_provider_point_id")),
    )
    op.create_index("ix_service_point_postal_code", "service_point", ["provider", "postal_code"], unique=False)
    op.create_table(
        "staff_member",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("hsa_id", sa.String(length=31), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_member")),
        sa.UniqueConstraint("hsa_id", name=op.f("uq_staff_member_hsa_id")),
    )
    op.create_table(
        "supplier",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("region", sa.String(length=20), nullable=False),
        sa.Column("supplier_no", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("complaints_email", sa.String(length=254), nullable=False),
        sa.Column("support_phone", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supplier")),
        sa.UniqueConstraint("region", "supplier_no", name=op.f("uq_supplier_region_supplier_no")),
    )
    op.create_index(op.f("ix_supplier_region"), "supplier", ["region"], unique=False)
    op.create_table(
        "unit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("region", sa.String(length=20), nullable=False),
        sa.Column("hsa_id", sa.String(length=31), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("street", sa.String(length=200), nullable=False),
        sa.Column("postal_code", sa.String(length=5), nullable=False),
        sa.Column("city", sa.String(length=100), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("cost_centre", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit")),
        sa.UniqueConstraint("hsa_id", name=op.f("uq_unit_hsa_id")),
    )
    op.create_index(op.f("ix_unit_region"), "unit", ["region"], unique=False)
    op.create_table(
        "article",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("region", sa.String(length=20), nullable=False),
        sa.Column("article_no", sa.String(length=5), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("plain_name", sa.String(length=200), nullable=False),
        sa.Column("variety", sa.String(length=100), nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=True),
        sa.Column("package_size", sa.Integer(), nullable=False),
        sa.Column("unit", sa.String(length=20), nullable=False),
        sa.Column("product_area", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("is_orderable", sa.Boolean(), nullable=False),
        sa.Column("is_serialised", sa.Boolean(), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=True),
        sa.Column("agreement_no", sa.String(length=40), nullable=False),
        sa.Column("price", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("generic_article_id", sa.BigInteger(), nullable=True),
        sa.Column("successor_id", sa.BigInteger(), nullable=True),
        sa.Column("compatibility_group", sa.String(length=40), nullable=False),
        sa.Column("shelf_life_days", sa.Integer(), nullable=True),
        sa.Column("location", sa.String(length=20), nullable=False),
        sa.CheckConstraint("article_no ~ '^[0-9]{5}$'", name=op.f("ck_article_five_digits")),
        sa.CheckConstraint("package_size > 0", name=op.f("ck_article_package_size_positive")),
        sa.ForeignKeyConstraint(["generic_article_id"], ["article.id"], name=op.f("fk_article_generic_article_id")),
        sa.ForeignKeyConstraint(["successor_id"], ["article.id"], name=op.f("fk_article_successor_id")),
        sa.ForeignKeyConstraint(["supplier_id"], ["supplier.id"], name=op.f("fk_article_supplier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article")),
        sa.UniqueConstraint("region", "article_no", name=op.f("uq_article_region_article_no")),
    )
    op.create_index("ix_article_gtin", "article", ["gtin"], unique=False)
    op.create_index(op.f("ix_article_region"), "article", ["region"], unique=False)
    op.create_table(
        "commission",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("hsa_id", sa.String(length=31), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_member.id"], name=op.f("fk_commission_staff_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_commission_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commission")),
        sa.UniqueConstraint("staff_id", "hsa_id", name=op.f("uq_commission_staff_id_hsa_id")),
    )
    op.create_table(
        "depot",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("region", sa.String(length=20), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("gs1_prefix", sa.String(length=9), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_depot_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_depot")),
        sa.UniqueConstraint("unit_id", name=op.f("uq_depot_unit_id")),
    )
    op.create_index(op.f("ix_depot_region"), "depot", ["region"], unique=False)
    op.create_table(
        "guardianship",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("guardian_id", sa.BigInteger(), nullable=False),
        sa.Column("child_id", sa.BigInteger(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["child_id"], ["person.id"], name=op.f("fk_guardianship_child_id")),
        sa.ForeignKeyConstraint(["guardian_id"], ["person.id"], name=op.f("fk_guardianship_guardian_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guardianship")),
        sa.UniqueConstraint("guardian_id", "child_id", name=op.f("uq_guardianship_guardian_id_child_id")),
    )
    op.create_index(op.f("ix_guardianship_child_id"), "guardianship", ["child_id"], unique=False)
    op.create_index(op.f("ix_guardianship_guardian_id"), "guardianship", ["guardian_id"], unique=False)
    op.create_table(
        "inbox_message",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("receiver_id", sa.BigInteger(), nullable=False),
        sa.Column("about_person_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["receiver_id"], ["person.id"], name=op.f("fk_inbox_message_receiver_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_message")),
    )
    op.create_index(op.f("ix_inbox_message_receiver_id"), "inbox_message", ["receiver_id"], unique=False)
    op.create_index(
        "ix_inbox_message_unread",
        "inbox_message",
        ["receiver_id"],
        unique=False,
        postgresql_where=sa.text("read_at IS NULL"),
    )
    op.create_table(
        "order",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_no", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("orderer_person_id", sa.BigInteger(), nullable=True),
        sa.Column("orderer_staff_id", sa.BigInteger(), nullable=True),
        sa.Column("orderer_name", sa.String(length=400), nullable=False),
        sa.Column("by_delegate", sa.Boolean(), nullable=False),
        sa.Column("promised_date", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["orderer_person_id"], ["person.id"], name=op.f("fk_order_orderer_person_id")),
        sa.ForeignKeyConstraint(["orderer_staff_id"], ["staff_member.id"], name=op.f("fk_order_orderer_staff_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_order_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order")),
        sa.UniqueConstraint("order_no", name=op.f("uq_order_order_no")),
    )
    op.create_index(op.f("ix_order_person_id"), "order", ["person_id"], unique=False)
    op.create_index(op.f("ix_order_region"), "order", ["region"], unique=False)
    op.create_table(
        "prescription",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("region", sa.String(length=20), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("external_id", sa.String(length=80), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.Column("prescriber_id", sa.String(length=40), nullable=False),
        sa.Column("prescriber_name", sa.String(length=200), nullable=False),
        sa.Column("prescriber_title", sa.String(length=100), nullable=False),
        sa.Column("prescriber_code", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_prescription_person_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_prescription_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prescription")),
        sa.UniqueConstraint(
            "source", "external_id", "person_id", name=op.f("uq_prescription_source_external_id_person_id")
        ),
    )
    op.create_index(op.f("ix_prescription_person_id"), "prescription", ["person_id"], unique=False)
    op.create_index(op.f("ix_prescription_region"), "prescription", ["region"], unique=False)
    op.create_index(op.f("ix_prescription_unit_id"), "prescription", ["unit_id"], unique=False)
    op.create_table(
        "proxy_appointment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("proxy_id", sa.BigInteger(), nullable=False),
        sa.Column("tasks", sa.ARRAY(sa.String(length=20)), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["patient_id"], ["person.id"], name=op.f("fk_proxy_appointment_patient_id")),
        sa.ForeignKeyConstraint(["proxy_id"], ["person.id"], name=op.f("fk_proxy_appointment_proxy_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proxy_appointment")),
    )
    op.create_index(op.f("ix_proxy_appointment_patient_id"), "proxy_appointment", ["patient_id"], unique=False)
    op.create_index(op.f("ix_proxy_appointment_proxy_id"), "proxy_appointment", ["proxy_id"], unique=False)
    op.create_table(
        "delivery_choice",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("method_id", sa.String(length=40), nullable=False),
        sa.Column("method", sa.String(length=40), nullable=False),
        sa.Column("receiver", sa.String(length=400), nullable=False),
        sa.Column("care_of", sa.String(length=100), nullable=False),
        sa.Column("street", sa.String(length=200), nullable=False),
        sa.Column("postal_code", sa.String(length=5), nullable=False),
        sa.Column("city", sa.String(length=100), nullable=False),
        sa.Column("door_code", sa.String(length=40), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("comment", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["order.id"], name=op.f("fk_delivery_choice_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_choice")),
    )
    op.create_index(op.f("ix_delivery_choice_order_id"), "delivery_choice", ["order_id"], unique=False)
    op.create_table(
        "lot",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("article_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_no", sa.String(length=20), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_lot_article_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lot")),
        sa.UniqueConstraint("article_id", "lot_no", name=op.f("uq_lot_article_id_lot_no")),
    )
    op.create_table(
        "prescription_item",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("prescription_id", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.String(length=80), nullable=False),
        sa.Column("article_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("orders_allowed", sa.Integer(), nullable=False),
        sa.Column("orders_used_here", sa.Integer(), nullable=False),
        sa.Column("orders_used_elsewhere", sa.Integer(), nullable=False),
        sa.Column("orders_remaining", sa.Integer(), nullable=False),
        sa.Column("packages_per_order", sa.Integer(), nullable=False),
        sa.Column("pieces_per_order", sa.Integer(), nullable=False),
        sa.Column("days_per_order", sa.Integer(), nullable=False),
        sa.Column("source_next_earliest_date", sa.Date(), nullable=True),
        sa.Column("next_earliest_order_date", sa.Date(), nullable=True),
        sa.Column("last_valid_date", sa.Date(), nullable=False),
        sa.Column("allow_other_invoice_address", sa.Boolean(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "orders_remaining <= GREATEST(0, orders_allowed - orders_used_here - orders_used_elsewhere)",
            name=op.f("ck_prescription_item_remaining_counts_every_use"),
        ),
        sa.CheckConstraint(
            "orders_remaining <= orders_allowed", name=op.f("ck_prescription_item_remaining_within_allowed")
        ),
        sa.CheckConstraint("orders_remaining >= 0", name=op.f("ck_prescription_item_remaining_not_negative")),
        sa.CheckConstraint(
            "orders_used_here >= 0 AND orders_used_elsewhere >= 0", name=op.f("ck_prescription_item_used_not_negative")
        ),
        sa.CheckConstraint(
            "packages_per_order > 0 AND pieces_per_order > 0", name=op.f("ck_prescription_item_quantity_positive")
        ),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_prescription_item_article_id")),
        sa.ForeignKeyConstraint(
            ["prescription_id"], ["prescription.id"], name=op.f("fk_prescription_item_prescription_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prescription_item")),
        sa.UniqueConstraint(
            "prescription_id", "external_id", name=op.f("uq_prescription_item_prescription_id_external_id")
        ),
    )
    op.create_index(op.f("ix_prescription_item_article_id"), "prescription_item", ["article_id"], unique=False)
    op.create_index(
        op.f("ix_prescription_item_prescription_id"), "prescription_item", ["prescription_id"], unique=False
    )
    op.create_table(
        "web_session",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("commission_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["commission_id"], ["commission.id"], name=op.f("fk_web_session_commission_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_web_session_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_web_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_web_session_token_hash")),
    )
    op.create_index(op.f("ix_web_session_expires_at"), "web_session", ["expires_at"], unique=False)
    op.create_table(
        "complaint",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("case_no", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("article_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("has_red_flag", sa.Boolean(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("routed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("decline_reason", sa.Text(), nullable=False),
        sa.Column("replacement_order_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state <> 'DECLINED' OR decline_reason <> ''", name=op.f("ck_complaint_declined_with_reason")
        ),
        sa.CheckConstraint(
            "state <> 'REPLACEMENT_ORDERED' OR replacement_order_id IS NOT NULL",
            name=op.f("ck_complaint_replaced_by_order"),
        ),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_complaint_article_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_complaint_lot_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["staff_member.id"], name=op.f("fk_complaint_owner_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_complaint_person_id")),
        sa.ForeignKeyConstraint(["replacement_order_id"], ["order.id"], name=op.f("fk_complaint_replacement_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaint")),
        sa.UniqueConstraint("case_no", name=op.f("uq_complaint_case_no")),
    )
    op.create_index("ix_complaint_board", "complaint", ["region", "state", "has_red_flag", "due_at"], unique=False)
    op.create_index(op.f("ix_complaint_lot_id"), "complaint", ["lot_id"], unique=False)
    op.create_index(op.f("ix_complaint_person_id"), "complaint", ["person_id"], unique=False)
    op.create_index(op.f("ix_complaint_region"), "complaint", ["region"], unique=False)
    op.create_table(
        "delivery_alternative",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("prescription_item_id", sa.BigInteger(), nullable=False),
        sa.Column("method_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("method", sa.String(length=40), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("allow_choice_of_delivery_points", sa.Boolean(), nullable=False),
        sa.Column("notifications", sa.ARRAY(sa.String(length=10)), nullable=False),
        sa.Column("allow_delivery_comment", sa.Boolean(), nullable=False),
        sa.Column("allow_contact_person", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["prescription_item_id"],
            ["prescription_item.id"],
            name=op.f("fk_delivery_alternative_prescription_item_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_alternative")),
        sa.UniqueConstraint(
            "prescription_item_id", "method_id", name=op.f("uq_delivery_alternative_prescription_item_id_method_id")
        ),
    )
    op.create_table(
        "depot_order",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("region", sa.String(length=20), nullable=False),
        sa.Column("depot_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("delivery_choice_id", sa.BigInteger(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("promised_date", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("picker_id", sa.BigInteger(), nullable=True),
        sa.Column("picking_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_choice_id"], ["delivery_choice.id"], name=op.f("fk_depot_order_delivery_choice_id")
        ),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name=op.f("fk_depot_order_depot_id")),
        sa.ForeignKeyConstraint(["order_id"], ["order.id"], name=op.f("fk_depot_order_order_id")),
        sa.ForeignKeyConstraint(["picker_id"], ["staff_member.id"], name=op.f("fk_depot_order_picker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_depot_order")),
        sa.UniqueConstraint("delivery_choice_id", "part", name=op.f("uq_depot_order_delivery_choice_id_part")),
    )
    op.create_index(op.f("ix_depot_order_order_id"), "depot_order", ["order_id"], unique=False)
    op.create_index(op.f("ix_depot_order_region"), "depot_order", ["region"], unique=False)
    op.create_index("ix_depot_order_work", "depot_order", ["depot_id", "status", "promised_date"], unique=False)
    op.create_table(
        "external_withdrawal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("prescription_item_id", sa.BigInteger(), nullable=False),
        sa.Column("order_item_id", sa.String(length=80), nullable=False),
        sa.Column("article_id", sa.BigInteger(), nullable=True),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("order_date", sa.Date(), nullable=False),
        sa.Column("delivered_date", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_external_withdrawal_article_id")),
        sa.ForeignKeyConstraint(
            ["prescription_item_id"], ["prescription_item.id"], name=op.f("fk_external_withdrawal_prescription_item_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_external_withdrawal")),
        sa.UniqueConstraint(
            "prescription_item_id",
            "order_item_id",
            name=op.f("uq_external_withdrawal_prescription_item_id_order_item_id"),
        ),
    )
    op.create_index(
        op.f("ix_external_withdrawal_prescription_item_id"),
        "external_withdrawal",
        ["prescription_item_id"],
        unique=False,
    )
    op.create_table(
        "prescription_item_sub_article",
        sa.Column("prescription_item_id", sa.BigInteger(), nullable=False),
        sa.Column("article_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_prescription_item_sub_article_article_id")
        ),
        sa.ForeignKeyConstraint(
            ["prescription_item_id"],
            ["prescription_item.id"],
            name=op.f("fk_prescription_item_sub_article_prescription_item_id"),
        ),
        sa.PrimaryKeyConstraint("prescription_item_id", "article_id", name=op.f("pk_prescription_item_sub_article")),
    )
    op.create_table(
        "stock_balance",
        sa.Column("depot_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=False),
        sa.Column("on_hand", sa.Integer(), nullable=False),
        sa.Column("reserved", sa.Integer(), nullable=False),
        sa.CheckConstraint("on_hand >= 0", name=op.f("ck_stock_balance_on_hand_not_negative")),
        sa.CheckConstraint(
            "reserved >= 0 AND reserved <= on_hand", name=op.f("ck_stock_balance_reserved_within_on_hand")
        ),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name=op.f("fk_stock_balance_depot_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_stock_balance_lot_id")),
        sa.PrimaryKeyConstraint("depot_id", "lot_id", name=op.f("pk_stock_balance")),
    )
    op.create_table(
        "stock_movement",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("depot_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=False),
        sa.Column("packages", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("object_ref", sa.String(length=80), nullable=False),
        sa.Column("source_ref", sa.String(length=80), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("packages <> 0", name=op.f("ck_stock_movement_moves_something")),
        sa.ForeignKeyConstraint(["depot_id"], ["depot.id"], name=op.f("fk_stock_movement_depot_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_stock_movement_lot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_movement")),
    )
    op.create_index(op.f("ix_stock_movement_lot_id"), "stock_movement", ["lot_id"], unique=False)
    op.create_index(
        "uq_stock_movement_source_ref",
        "stock_movement",
        ["depot_id", "source_ref"],
        unique=True,
        postgresql_where=sa.text("source_ref IS NOT NULL"),
    )
    op.create_table(
        "withdrawal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("prescription_item_id", sa.BigInteger(), nullable=False),
        sa.Column("packages", sa.Integer(), nullable=False),
        sa.Column("limit_packages", sa.Integer(), nullable=False),
        sa.Column("withdrawn_on", sa.Date(), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("packages > 0 AND packages <= limit_packages", name=op.f("ck_withdrawal_within_limit")),
        sa.ForeignKeyConstraint(["order_id"], ["order.id"], name=op.f("fk_withdrawal_order_id")),
        sa.ForeignKeyConstraint(
            ["prescription_item_id"], ["prescription_item.id"], name=op.f("fk_withdrawal_prescription_item_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawal")),
        sa.UniqueConstraint(
            "order_id", "prescription_item_id", name=op.f("uq_withdrawal_order_id_prescription_item_id")
        ),
    )
    op.create_index(op.f("ix_withdrawal_order_id"), "withdrawal", ["order_id"], unique=False)
    op.create_index(op.f("ix_withdrawal_prescription_item_id"), "withdrawal", ["prescription_item_id"], unique=False)
    op.create_table(
        "complaint_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("complaint_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaint.id"], name=op.f("fk_complaint_event_complaint_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_member.id"], name=op.f("fk_complaint_event_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaint_event")),
    )
    op.create_index(op.f("ix_complaint_event_complaint_id"), "complaint_event", ["complaint_id"], unique=False)
    op.create_table(
        "order_row",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("delivery_choice_id", sa.BigInteger(), nullable=False),
        sa.Column("withdrawal_id", sa.BigInteger(), nullable=True),
        sa.Column("article_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("complaint_ref", sa.BigInteger(), nullable=True),
        sa.Column("packages", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("status_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(kind = 'REPLACEMENT') = (complaint_ref IS NOT NULL)", name=op.f("ck_order_row_replacement_has_complaint")
        ),
        sa.CheckConstraint(
            "(kind = 'WITHDRAWAL') = (withdrawal_id IS NOT NULL)", name=op.f("ck_order_row_withdrawal_or_replacement")
        ),
        sa.CheckConstraint("packages > 0", name=op.f("ck_order_row_packages_positive")),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_order_row_article_id")),
        sa.ForeignKeyConstraint(
            ["delivery_choice_id"], ["delivery_choice.id"], name=op.f("fk_order_row_delivery_choice_id")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["order.id"], name=op.f("fk_order_row_order_id")),
        sa.ForeignKeyConstraint(["withdrawal_id"], ["withdrawal.id"], name=op.f("fk_order_row_withdrawal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_row")),
    )
    op.create_index(op.f("ix_order_row_order_id"), "order_row", ["order_id"], unique=False)
    op.create_index(op.f("ix_order_row_withdrawal_id"), "order_row", ["withdrawal_id"], unique=False)
    op.create_index(
        "uq_order_row_complaint",
        "order_row",
        ["complaint_ref"],
        unique=True,
        postgresql_where=sa.text("complaint_ref IS NOT NULL"),
    )
    op.create_table(
        "parcel",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("depot_order_id", sa.BigInteger(), nullable=False),
        sa.Column("sscc", sa.String(length=18), nullable=False),
        sa.Column("carrier", sa.String(length=40), nullable=False),
        sa.Column("tracking_no", sa.String(length=40), nullable=True),
        sa.Column("packed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["depot_order_id"], ["depot_order.id"], name=op.f("fk_parcel_depot_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcel")),
        sa.UniqueConstraint("sscc", name=op.f("uq_parcel_sscc")),
        sa.UniqueConstraint("tracking_no", name=op.f("uq_parcel_tracking_no")),
    )
    op.create_index(op.f("ix_parcel_depot_order_id"), "parcel", ["depot_order_id"], unique=False)
    op.create_table(
        "pick_line",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("depot_order_id", sa.BigInteger(), nullable=False),
        sa.Column("order_row_id", sa.BigInteger(), nullable=False),
        sa.Column("article_id", sa.BigInteger(), nullable=False),
        sa.Column("packages", sa.Integer(), nullable=False),
        sa.Column("picked", sa.Integer(), nullable=False),
        sa.Column("short", sa.Integer(), nullable=False),
        sa.Column("short_reason", sa.String(length=40), nullable=True),
        sa.Column("use_until", sa.Date(), nullable=False),
        sa.Column("avoid_lot_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "packages > 0 AND picked >= 0 AND short >= 0 AND picked + short <= packages",
            name=op.f("ck_pick_line_adds_up"),
        ),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_pick_line_article_id")),
        sa.ForeignKeyConstraint(["avoid_lot_id"], ["lot.id"], name=op.f("fk_pick_line_avoid_lot_id")),
        sa.ForeignKeyConstraint(["depot_order_id"], ["depot_order.id"], name=op.f("fk_pick_line_depot_order_id")),
        sa.ForeignKeyConstraint(["order_row_id"], ["order_row.id"], name=op.f("fk_pick_line_order_row_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pick_line")),
        sa.UniqueConstraint("depot_order_id", "order_row_id", name=op.f("uq_pick_line_depot_order_id_order_row_id")),
    )
    op.create_index(op.f("ix_pick_line_order_row_id"), "pick_line", ["order_row_id"], unique=False)
    op.create_table(
        "tracking_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("parcel_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcel.id"], name=op.f("fk_tracking_event_parcel_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tracking_event")),
        sa.UniqueConstraint("parcel_id", "kind", name=op.f("uq_tracking_event_parcel_id_kind")),
    )
    op.create_table(
        "picked_lot",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("pick_line_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=False),
        sa.Column("packages", sa.Integer(), nullable=False),
        sa.Column("picked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("picker_id", sa.BigInteger(), nullable=True),
        sa.Column("scanned", sa.Boolean(), nullable=False),
        sa.CheckConstraint("packages > 0", name=op.f("ck_picked_lot_packages_positive")),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_picked_lot_lot_id")),
        sa.ForeignKeyConstraint(["pick_line_id"], ["pick_line.id"], name=op.f("fk_picked_lot_pick_line_id")),
        sa.ForeignKeyConstraint(["picker_id"], ["staff_member.id"], name=op.f("fk_picked_lot_picker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_picked_lot")),
    )
    op.create_index(op.f("ix_picked_lot_lot_id"), "picked_lot", ["lot_id"], unique=False)
    op.create_index(op.f("ix_picked_lot_pick_line_id"), "picked_lot", ["pick_line_id"], unique=False)
    op.create_table(
        "reservation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("pick_line_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=False),
        sa.Column("packages", sa.Integer(), nullable=False),
        sa.CheckConstraint("packages > 0", name=op.f("ck_reservation_packages_positive")),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_reservation_lot_id")),
        sa.ForeignKeyConstraint(["pick_line_id"], ["pick_line.id"], name=op.f("fk_reservation_pick_line_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservation")),
        sa.UniqueConstraint("pick_line_id", "lot_id", name=op.f("uq_reservation_pick_line_id_lot_id")),
    )
    op.create_table(
        "fault_report",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("complaint_id", sa.BigInteger(), nullable=False),
        sa.Column("picked_lot_id", sa.BigInteger(), nullable=False),
        sa.Column("reporter_person_id", sa.BigInteger(), nullable=True),
        sa.Column("reporter_staff_id", sa.BigInteger(), nullable=True),
        sa.Column("reporter_name", sa.String(length=400), nullable=False),
        sa.Column("relation", sa.String(length=40), nullable=True),
        sa.Column("call_on", sa.String(length=40), nullable=False),
        sa.Column("packages", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("error_code", sa.String(length=40), nullable=False),
        sa.Column("applied_on", sa.Date(), nullable=True),
        sa.Column("failed_on", sa.Date(), nullable=True),
        sa.Column("was_harmed", sa.Boolean(), nullable=False),
        sa.Column("has_danger_sign", sa.Boolean(), nullable=False),
        sa.Column("is_kept", sa.Boolean(), nullable=False),
        sa.Column("wants_replacement", sa.Boolean(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("packages > 0", name=op.f("ck_fault_report_packages_positive")),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaint.id"], name=op.f("fk_fault_report_complaint_id")),
        sa.ForeignKeyConstraint(["picked_lot_id"], ["picked_lot.id"], name=op.f("fk_fault_report_picked_lot_id")),
        sa.ForeignKeyConstraint(["reporter_person_id"], ["person.id"], name=op.f("fk_fault_report_reporter_person_id")),
        sa.ForeignKeyConstraint(
            ["reporter_staff_id"], ["staff_member.id"], name=op.f("fk_fault_report_reporter_staff_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fault_report")),
        sa.UniqueConstraint("complaint_id", name=op.f("uq_fault_report_complaint_id")),
    )
    op.create_index(op.f("ix_fault_report_picked_lot_id"), "fault_report", ["picked_lot_id"], unique=False)
    op.create_index(op.f("ix_fault_report_reporter_person_id"), "fault_report", ["reporter_person_id"], unique=False)
    op.execute(APPEND_ONLY)
    for table in ("access_log", "stock_movement"):
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    op.execute(KEEP_BALANCE)
    op.execute(
        "CREATE TRIGGER stock_movement_keeps_balance AFTER INSERT ON stock_movement"
        " FOR EACH ROW EXECUTE FUNCTION keep_stock_balance()"
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_fault_report_reporter_person_id"), table_name="fault_report")
    op.drop_index(op.f("ix_fault_report_picked_lot_id"), table_name="fault_report")
    op.drop_table("fault_report")
    op.drop_table("reservation")
    op.drop_index(op.f("ix_picked_lot_pick_line_id"), table_name="picked_lot")
    op.drop_index(op.f("ix_picked_lot_lot_id"), table_name="picked_lot")
    op.drop_table("picked_lot")
    op.drop_table("tracking_event")
    op.drop_index(op.f("ix_pick_line_order_row_id"), table_name="pick_line")
    op.drop_table("pick_line")
    op.drop_index(op.f("ix_parcel_depot_order_id"), table_name="parcel")
    op.drop_table("parcel")
    op.drop_index(
        "uq_order_row_complaint", table_name="order_row", postgresql_where=sa.text("complaint_ref IS NOT NULL")
    )
    op.drop_index(op.f("ix_order_row_withdrawal_id"), table_name="order_row")
    op.drop_index(op.f("ix_order_row_order_id"), table_name="order_row")
    op.drop_table("order_row")
    op.drop_index(op.f("ix_complaint_event_complaint_id"), table_name="complaint_event")
    op.drop_table("complaint_event")
    op.drop_index(op.f("ix_withdrawal_prescription_item_id"), table_name="withdrawal")
    op.drop_index(op.f("ix_withdrawal_order_id"), table_name="withdrawal")
    op.drop_table("withdrawal")
    op.drop_index(
        "uq_stock_movement_source_ref", table_name="stock_movement", postgresql_where=sa.text("source_ref IS NOT NULL")
    )
    op.drop_index(op.f("ix_stock_movement_lot_id"), table_name="stock_movement")
    op.drop_table("stock_movement")
    op.drop_table("stock_balance")
    op.drop_table("prescription_item_sub_article")
    op.drop_index(op.f("ix_external_withdrawal_prescription_item_id"), table_name="external_withdrawal")
    op.drop_table("external_withdrawal")
    op.drop_index("ix_depot_order_work", table_name="depot_order")
    op.drop_index(op.f("ix_depot_order_region"), table_name="depot_order")
    op.drop_index(op.f("ix_depot_order_order_id"), table_name="depot_order")
    op.drop_table("depot_order")
    op.drop_table("delivery_alternative")
    op.drop_index(op.f("ix_complaint_region"), table_name="complaint")
    op.drop_index(op.f("ix_complaint_person_id"), table_name="complaint")
    op.drop_index(op.f("ix_complaint_lot_id"), table_name="complaint")
    op.drop_index("ix_complaint_board", table_name="complaint")
    op.drop_table("complaint")
    op.drop_index(op.f("ix_web_session_expires_at"), table_name="web_session")
    op.drop_table("web_session")
    op.drop_index(op.f("ix_prescription_item_prescription_id"), table_name="prescription_item")
    op.drop_index(op.f("ix_prescription_item_article_id"), table_name="prescription_item")
    op.drop_table("prescription_item")
    op.drop_table("lot")
    op.drop_index(op.f("ix_delivery_choice_order_id"), table_name="delivery_choice")
    op.drop_table("delivery_choice")
    op.drop_index(op.f("ix_proxy_appointment_proxy_id"), table_name="proxy_appointment")
    op.drop_index(op.f("ix_proxy_appointment_patient_id"), table_name="proxy_appointment")
    op.drop_table("proxy_appointment")
    op.drop_index(op.f("ix_prescription_unit_id"), table_name="prescription")
    op.drop_index(op.f("ix_prescription_region"), table_name="prescription")
    op.drop_index(op.f("ix_prescription_person_id"), table_name="prescription")
    op.drop_table("prescription")
    op.drop_index(op.f("ix_order_region"), table_name="order")
    op.drop_index(op.f("ix_order_person_id"), table_name="order")
    op.drop_table("order")
    op.drop_index("ix_inbox_message_unread", table_name="inbox_message", postgresql_where=sa.text("read_at IS NULL"))
    op.drop_index(op.f("ix_inbox_message_receiver_id"), table_name="inbox_message")
    op.drop_table("inbox_message")
    op.drop_index(op.f("ix_guardianship_guardian_id"), table_name="guardianship")
    op.drop_index(op.f("ix_guardianship_child_id"), table_name="guardianship")
    op.drop_table("guardianship")
    op.drop_index(op.f("ix_depot_region"), table_name="depot")
    op.drop_table("depot")
    op.drop_table("commission")
    op.drop_index(op.f("ix_article_region"), table_name="article")
    op.drop_index("ix_article_gtin", table_name="article")
    op.drop_table("article")
    op.drop_index(op.f("ix_unit_region"), table_name="unit")
    op.drop_table("unit")
    op.drop_index(op.f("ix_supplier_region"), table_name="supplier")
    op.drop_table("supplier")
    op.drop_table("staff_member")
    op.drop_index("ix_service_point_postal_code", table_name="service_point")
    op.drop_table("service_point")
    op.drop_index(op.f("ix_person_region"), table_name="person")
    op.drop_table("person")
    op.drop_index(
        "ix_outbox_message_waiting",
        table_name="outbox_message",
        postgresql_where=sa.text("done_at IS NULL AND dead_at IS NULL"),
    )
    op.drop_table("outbox_message")
    op.drop_table("idempotency_key")
    op.drop_index("ix_access_log_subject_at", table_name="access_log")
    op.drop_index(op.f("ix_access_log_region"), table_name="access_log")
    op.drop_index(op.f("ix_access_log_at"), table_name="access_log")
    op.drop_table("access_log")
    op.execute("DROP FUNCTION keep_stock_balance")
    op.execute("DROP FUNCTION refuse_change")
    for sequence in ("order_no_seq", "case_no_seq", "parcel_no_seq"):
        op.execute(f"DROP SEQUENCE {sequence}")
