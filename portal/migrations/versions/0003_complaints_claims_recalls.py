"""Complaints, claims and recalls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# What is recalled cannot leave, whoever forgets to ask: shipping waits for a recall under way, and finds it. A depot elsewhere tells
# what has left already; that is a fact to keep, and says so by the setting.
REFUSE_RECALLED = """
CREATE FUNCTION refuse_recalled() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.shipped_at IS NULL OR current_setting('portal.despatched_elsewhere', true) = 'on' THEN
        RETURN NEW;
    END IF;
    PERFORM 1 FROM lot
        WHERE id IN (
            SELECT picked_lot.lot_id FROM picked_lot JOIN pick_line ON picked_lot.pick_line_id = pick_line.id
            WHERE pick_line.depot_order_id = NEW.depot_order_id
        )
        ORDER BY id FOR SHARE;
    IF EXISTS (
        SELECT FROM picked_lot JOIN pick_line ON picked_lot.pick_line_id = pick_line.id JOIN lot ON picked_lot.lot_id = lot.id
        WHERE pick_line.depot_order_id = NEW.depot_order_id AND lot.status = 'RECALLED'
    ) OR EXISTS (
        SELECT FROM serialised_unit JOIN picked_lot ON serialised_unit.picked_lot_id = picked_lot.id
        JOIN pick_line ON picked_lot.pick_line_id = pick_line.id
        WHERE pick_line.depot_order_id = NEW.depot_order_id AND serialised_unit.is_recalled
    ) THEN
        RAISE EXCEPTION 'what is recalled does not leave the depot' USING ERRCODE = 'check_violation', CONSTRAINT = 'recalled_stays';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("claim_no_seq", start=2001)))
    op.execute(sa.schema.CreateSequence(sa.Sequence("recall_no_seq", start=301)))
    op.create_table(
        "claim_pack",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("region", sa.String(length=20), nullable=False),
        sa.Column("claim_no", sa.String(length=12), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=False),
        sa.Column("agreement_no", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_by_id", sa.BigInteger(), nullable=True),
        sa.Column("sent_to", sa.String(length=254), nullable=False),
        sa.Column("emailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("address_refused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer_due_on", sa.Date(), nullable=True),
        sa.Column("chased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("times_chased", sa.Integer(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(status = 'OPEN') = (sent_at IS NULL)", name=op.f("ck_claim_pack_sent_when_not_open")),
        sa.ForeignKeyConstraint(["sent_by_id"], ["staff_member.id"], name=op.f("fk_claim_pack_sent_by_id")),
        sa.ForeignKeyConstraint(["supplier_id"], ["supplier.id"], name=op.f("fk_claim_pack_supplier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_pack")),
        sa.UniqueConstraint("claim_no", name=op.f("uq_claim_pack_claim_no")),
    )
    op.create_index(op.f("ix_claim_pack_region"), "claim_pack", ["region"], unique=False)
    op.create_index(
        "uq_claim_pack_open",
        "claim_pack",
        ["region", "supplier_id", "agreement_no"],
        unique=True,
        postgresql_where=sa.text("status = 'OPEN'"),
    )
    op.create_table(
        "credit_note",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("region", sa.String(length=20), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=False),
        sa.Column("credit_no", sa.String(length=40), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("dated_on", sa.Date(), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("booked_by_id", sa.BigInteger(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by_id", sa.BigInteger(), nullable=True),
        sa.Column("undone_reason", sa.String(length=400), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_credit_note_amount_positive")),
        sa.ForeignKeyConstraint(["booked_by_id"], ["staff_member.id"], name=op.f("fk_credit_note_booked_by_id")),
        sa.ForeignKeyConstraint(["supplier_id"], ["supplier.id"], name=op.f("fk_credit_note_supplier_id")),
        sa.ForeignKeyConstraint(["undone_by_id"], ["staff_member.id"], name=op.f("fk_credit_note_undone_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_note")),
    )
    op.create_index(op.f("ix_credit_note_region"), "credit_note", ["region"], unique=False)
    op.create_index(
        "uq_credit_note_live",
        "credit_note",
        ["region", "supplier_id", "credit_no"],
        unique=True,
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.create_table(
        "exchange_file",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("region", sa.String(length=20), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_by_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["read_by_id"], ["staff_member.id"], name=op.f("fk_exchange_file_read_by_id")),
        sa.ForeignKeyConstraint(["supplier_id"], ["supplier.id"], name=op.f("fk_exchange_file_supplier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_file")),
        sa.UniqueConstraint("region", "supplier_id", "sha256", name=op.f("uq_exchange_file_region_supplier_id_sha256")),
    )
    op.create_index(op.f("ix_exchange_file_region"), "exchange_file", ["region"], unique=False)
    op.create_table(
        "exchange_upload",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("region", sa.String(length=20), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("uploaded_by_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["supplier_id"], ["supplier.id"], name=op.f("fk_exchange_upload_supplier_id")),
        sa.ForeignKeyConstraint(
            ["uploaded_by_id"], ["staff_member.id"], name=op.f("fk_exchange_upload_uploaded_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_upload")),
    )
    op.create_index(op.f("ix_exchange_upload_region"), "exchange_upload", ["region"], unique=False)
    op.create_table(
        "recall",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("region", sa.String(length=20), nullable=False),
        sa.Column("recall_no", sa.String(length=12), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=True),
        sa.Column("notice_ref", sa.String(length=80), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("what_to_do", sa.String(length=40), nullable=False),
        sa.Column("text_sv", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("replaces", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by_id", sa.BigInteger(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_by_id", sa.BigInteger(), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(status IN ('TOLD', 'CLOSED')) <= (told_at IS NOT NULL)", name=op.f("ck_recall_told_when")),
        sa.CheckConstraint(
            "status <> 'UNDONE' OR (undone_at IS NOT NULL AND told_at IS NULL)",
            name=op.f("ck_recall_undone_before_told"),
        ),
        sa.ForeignKeyConstraint(["opened_by_id"], ["staff_member.id"], name=op.f("fk_recall_opened_by_id")),
        sa.ForeignKeyConstraint(["supplier_id"], ["supplier.id"], name=op.f("fk_recall_supplier_id")),
        sa.ForeignKeyConstraint(["told_by_id"], ["staff_member.id"], name=op.f("fk_recall_told_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recall")),
        sa.UniqueConstraint("recall_no", name=op.f("uq_recall_recall_no")),
    )
    op.create_index(op.f("ix_recall_region"), "recall", ["region"], unique=False)
    op.create_table(
        "fault_draft",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("reporter_person_id", sa.BigInteger(), nullable=True),
        sa.Column("reporter_staff_id", sa.BigInteger(), nullable=True),
        sa.Column("product_key", sa.String(length=60), nullable=False),
        sa.Column("form", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "num_nonnulls(reporter_person_id, reporter_staff_id) = 1", name=op.f("ck_fault_draft_one_reporter")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_fault_draft_person_id")),
        sa.ForeignKeyConstraint(["reporter_person_id"], ["person.id"], name=op.f("fk_fault_draft_reporter_person_id")),
        sa.ForeignKeyConstraint(
            ["reporter_staff_id"], ["staff_member.id"], name=op.f("fk_fault_draft_reporter_staff_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fault_draft")),
    )
    op.create_index(op.f("ix_fault_draft_updated_at"), "fault_draft", ["updated_at"], unique=False)
    op.create_index(
        "uq_fault_draft_reporter",
        "fault_draft",
        ["person_id", sa.literal_column("COALESCE(reporter_person_id, -reporter_staff_id)"), "product_key"],
        unique=True,
    )
    op.create_table(
        "news",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("region", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("body_en", sa.Text(), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=True),
        sa.Column("article_id", sa.BigInteger(), nullable=True),
        sa.Column("for_patients", sa.Boolean(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("written_by_id", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_by_id", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("patients_told", sa.Integer(), nullable=False),
        sa.CheckConstraint("(status = 'DRAFT') = (published_at IS NULL)", name=op.f("ck_news_published_when")),
        sa.CheckConstraint("NOT for_patients OR article_id IS NOT NULL", name=op.f("ck_news_patients_of_an_article")),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_news_article_id")),
        sa.ForeignKeyConstraint(["published_by_id"], ["staff_member.id"], name=op.f("fk_news_published_by_id")),
        sa.ForeignKeyConstraint(["supplier_id"], ["supplier.id"], name=op.f("fk_news_supplier_id")),
        sa.ForeignKeyConstraint(["written_by_id"], ["staff_member.id"], name=op.f("fk_news_written_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_news")),
    )
    op.create_index(op.f("ix_news_article_id"), "news", ["article_id"], unique=False)
    op.create_index(op.f("ix_news_region"), "news", ["region"], unique=False)
    op.create_table(
        "lot_signal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("region", sa.String(length=20), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=False),
        sa.Column("found_on", sa.Date(), nullable=False),
        sa.Column("looked_on", sa.Date(), nullable=False),
        sa.Column("reports", sa.Integer(), nullable=False),
        sa.Column("delivered", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Float(), nullable=False),
        sa.Column("p_value", sa.Float(), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.String(length=400), nullable=False),
        sa.CheckConstraint("(status = 'OPEN') = (decided_at IS NULL)", name=op.f("ck_lot_signal_decided_when")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["staff_member.id"], name=op.f("fk_lot_signal_decided_by_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_lot_signal_lot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lot_signal")),
    )
    op.create_index(op.f("ix_lot_signal_lot_id"), "lot_signal", ["lot_id"], unique=False)
    op.create_index(op.f("ix_lot_signal_region"), "lot_signal", ["region"], unique=False)
    op.create_index(
        "uq_lot_signal_open",
        "lot_signal",
        ["region", "lot_id"],
        unique=True,
        postgresql_where=sa.text("status = 'OPEN'"),
    )
    op.create_table(
        "news_attachment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("news_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=80), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["news_id"], ["news.id"], name=op.f("fk_news_attachment_news_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_news_attachment")),
    )
    op.create_index(op.f("ix_news_attachment_news_id"), "news_attachment", ["news_id"], unique=False)
    op.create_table(
        "news_receipt",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("news_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("num_nonnulls(person_id, staff_id) = 1", name=op.f("ck_news_receipt_one_reader")),
        sa.ForeignKeyConstraint(["news_id"], ["news.id"], name=op.f("fk_news_receipt_news_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_news_receipt_person_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_member.id"], name=op.f("fk_news_receipt_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_news_receipt")),
        sa.UniqueConstraint("news_id", "person_id", name=op.f("uq_news_receipt_news_id_person_id")),
        sa.UniqueConstraint("news_id", "staff_id", name=op.f("uq_news_receipt_news_id_staff_id")),
    )
    op.create_index(op.f("ix_news_receipt_news_id"), "news_receipt", ["news_id"], unique=False)
    op.create_table(
        "recall_lot",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("recall_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=False),
        sa.Column("earlier_status", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_recall_lot_lot_id")),
        sa.ForeignKeyConstraint(["recall_id"], ["recall.id"], name=op.f("fk_recall_lot_recall_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recall_lot")),
        sa.UniqueConstraint("recall_id", "lot_id", name=op.f("uq_recall_lot_recall_id_lot_id")),
    )
    op.create_index(op.f("ix_recall_lot_lot_id"), "recall_lot", ["lot_id"], unique=False)
    op.create_index(op.f("ix_recall_lot_recall_id"), "recall_lot", ["recall_id"], unique=False)
    op.create_table(
        "recall_recipient",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("recall_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("unit_id", sa.BigInteger(), nullable=True),
        sa.Column("packages", sa.Integer(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_by", sa.String(length=40), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.String(length=40), nullable=True),
        sa.Column("acknowledged_by_person_id", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_by_staff_id", sa.BigInteger(), nullable=True),
        sa.Column("phoned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("phone_note", sa.String(length=400), nullable=False),
        sa.Column("replacement_order_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(acknowledged_at IS NULL) = (answer IS NULL)", name=op.f("ck_recall_recipient_answered_how")
        ),
        sa.CheckConstraint("num_nonnulls(person_id, unit_id) = 1", name=op.f("ck_recall_recipient_person_or_unit")),
        sa.ForeignKeyConstraint(
            ["acknowledged_by_person_id"], ["person.id"], name=op.f("fk_recall_recipient_acknowledged_by_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["acknowledged_by_staff_id"], ["staff_member.id"], name=op.f("fk_recall_recipient_acknowledged_by_staff_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_recall_recipient_person_id")),
        sa.ForeignKeyConstraint(["recall_id"], ["recall.id"], name=op.f("fk_recall_recipient_recall_id")),
        sa.ForeignKeyConstraint(
            ["replacement_order_id"], ["order.id"], name=op.f("fk_recall_recipient_replacement_order_id")
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_recall_recipient_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recall_recipient")),
        sa.UniqueConstraint("recall_id", "person_id", name=op.f("uq_recall_recipient_recall_id_person_id")),
        sa.UniqueConstraint("recall_id", "unit_id", name=op.f("uq_recall_recipient_recall_id_unit_id")),
    )
    op.create_index(op.f("ix_recall_recipient_person_id"), "recall_recipient", ["person_id"], unique=False)
    op.create_index(op.f("ix_recall_recipient_recall_id"), "recall_recipient", ["recall_id"], unique=False)
    op.create_table(
        "case_document",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("complaint_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("written_by_id", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_to", sa.String(length=254), nullable=False),
        sa.Column("sent_by_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaint.id"], name=op.f("fk_case_document_complaint_id")),
        sa.ForeignKeyConstraint(["sent_by_id"], ["staff_member.id"], name=op.f("fk_case_document_sent_by_id")),
        sa.ForeignKeyConstraint(["written_by_id"], ["staff_member.id"], name=op.f("fk_case_document_written_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_document")),
        sa.UniqueConstraint("complaint_id", "kind", "version", name=op.f("uq_case_document_complaint_id_kind_version")),
    )
    op.create_index(op.f("ix_case_document_complaint_id"), "case_document", ["complaint_id"], unique=False)
    op.create_table(
        "claim_line",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("pack_id", sa.BigInteger(), nullable=False),
        sa.Column("complaint_id", sa.BigInteger(), nullable=False),
        sa.Column("packages", sa.Integer(), nullable=False),
        sa.Column("value", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=True),
        sa.Column("outcome_reason", sa.String(length=400), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("credited", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.CheckConstraint(
            "outcome <> 'REJECTED' OR (outcome_reason <> '' AND credited = 0)",
            name=op.f("ck_claim_line_rejected_with_reason"),
        ),
        sa.CheckConstraint("outcome IS NULL OR answered_at IS NOT NULL", name=op.f("ck_claim_line_answered_when")),
        sa.CheckConstraint(
            "packages > 0 AND value >= 0 AND credited >= 0 AND credited <= value",
            name=op.f("ck_claim_line_within_value"),
        ),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaint.id"], name=op.f("fk_claim_line_complaint_id")),
        sa.ForeignKeyConstraint(["pack_id"], ["claim_pack.id"], name=op.f("fk_claim_line_pack_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_line")),
        sa.UniqueConstraint("pack_id", "complaint_id", name=op.f("uq_claim_line_pack_id_complaint_id")),
    )
    op.create_index(op.f("ix_claim_line_pack_id"), "claim_line", ["pack_id"], unique=False)
    op.create_index(
        "uq_claim_line_live",
        "claim_line",
        ["complaint_id"],
        unique=True,
        postgresql_where=sa.text("outcome IS NULL OR outcome = 'ACCEPTED'"),
    )
    op.create_table(
        "complaint_photo",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("draft_id", sa.BigInteger(), nullable=True),
        sa.Column("complaint_id", sa.BigInteger(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by_person_id", sa.BigInteger(), nullable=True),
        sa.Column("added_by_staff_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("num_nonnulls(draft_id, complaint_id) = 1", name=op.f("ck_complaint_photo_draft_or_case")),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaint.id"], name=op.f("fk_complaint_photo_complaint_id")),
        sa.ForeignKeyConstraint(["draft_id"], ["fault_draft.id"], name=op.f("fk_complaint_photo_draft_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaint_photo")),
    )
    op.create_index(op.f("ix_complaint_photo_complaint_id"), "complaint_photo", ["complaint_id"], unique=False)
    op.create_index(op.f("ix_complaint_photo_draft_id"), "complaint_photo", ["draft_id"], unique=False)
    op.create_table(
        "incident",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("region", sa.String(length=20), nullable=False),
        sa.Column("complaint_id", sa.BigInteger(), nullable=False),
        sa.Column("severity", sa.String(length=40), nullable=False),
        sa.Column("checklist", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("assessed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("assessed_by_id", sa.BigInteger(), nullable=False),
        sa.Column("report_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("authority_ref", sa.String(length=60), nullable=False),
        sa.Column("manufacturer_notified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("manufacturer_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("manufacturer_answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("alarmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(manufacturer_notified_at IS NULL) = (manufacturer_due_at IS NULL)",
            name=op.f("ck_incident_clock_from_notice"),
        ),
        sa.ForeignKeyConstraint(["assessed_by_id"], ["staff_member.id"], name=op.f("fk_incident_assessed_by_id")),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaint.id"], name=op.f("fk_incident_complaint_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
        sa.UniqueConstraint("complaint_id", name=op.f("uq_incident_complaint_id")),
    )
    op.create_index(op.f("ix_incident_region"), "incident", ["region"], unique=False)
    op.create_table(
        "credit_line",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("credit_note_id", sa.BigInteger(), nullable=False),
        sa.Column("claim_line_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_credit_line_amount_positive")),
        sa.ForeignKeyConstraint(["claim_line_id"], ["claim_line.id"], name=op.f("fk_credit_line_claim_line_id")),
        sa.ForeignKeyConstraint(["credit_note_id"], ["credit_note.id"], name=op.f("fk_credit_line_credit_note_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_line")),
        sa.UniqueConstraint(
            "credit_note_id", "claim_line_id", name=op.f("uq_credit_line_credit_note_id_claim_line_id")
        ),
    )
    op.create_index(op.f("ix_credit_line_claim_line_id"), "credit_line", ["claim_line_id"], unique=False)
    op.create_index(op.f("ix_credit_line_credit_note_id"), "credit_line", ["credit_note_id"], unique=False)
    op.create_table(
        "recall_item",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("recipient_id", sa.BigInteger(), nullable=False),
        sa.Column("picked_lot_id", sa.BigInteger(), nullable=False),
        sa.Column("packages", sa.Integer(), nullable=False),
        sa.Column("returned", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "packages > 0 AND returned >= 0 AND returned <= packages", name=op.f("ck_recall_item_returned_within_sent")
        ),
        sa.ForeignKeyConstraint(["picked_lot_id"], ["picked_lot.id"], name=op.f("fk_recall_item_picked_lot_id")),
        sa.ForeignKeyConstraint(["recipient_id"], ["recall_recipient.id"], name=op.f("fk_recall_item_recipient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recall_item")),
        sa.UniqueConstraint("recipient_id", "picked_lot_id", name=op.f("uq_recall_item_recipient_id_picked_lot_id")),
    )
    op.create_index(
        "ix_recall_item_out",
        "recall_item",
        ["picked_lot_id"],
        unique=False,
        postgresql_where=sa.text("returned < packages"),
    )
    op.create_index(op.f("ix_recall_item_recipient_id"), "recall_item", ["recipient_id"], unique=False)
    op.create_table(
        "exchange_row",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("old_serial", sa.String(length=60), nullable=False),
        sa.Column("new_serial", sa.String(length=60), nullable=False),
        sa.Column("exchanged_on", sa.Date(), nullable=True),
        sa.Column("stated_date", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("problem", sa.String(length=40), nullable=True),
        sa.Column("old_unit_id", sa.BigInteger(), nullable=True),
        sa.Column("new_unit_id", sa.BigInteger(), nullable=True),
        sa.Column("complaint_id", sa.BigInteger(), nullable=True),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(problem IS NULL) = (new_unit_id IS NOT NULL)", name=op.f("ck_exchange_row_matched_or_refused")
        ),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaint.id"], name=op.f("fk_exchange_row_complaint_id")),
        sa.ForeignKeyConstraint(["file_id"], ["exchange_file.id"], name=op.f("fk_exchange_row_file_id")),
        sa.ForeignKeyConstraint(["new_unit_id"], ["serialised_unit.id"], name=op.f("fk_exchange_row_new_unit_id")),
        sa.ForeignKeyConstraint(["old_unit_id"], ["serialised_unit.id"], name=op.f("fk_exchange_row_old_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_row")),
        sa.UniqueConstraint("file_id", "line_no", name=op.f("uq_exchange_row_file_id_line_no")),
    )
    op.create_index(op.f("ix_exchange_row_file_id"), "exchange_row", ["file_id"], unique=False)
    op.create_table(
        "recall_unit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("recall_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["recall_id"], ["recall.id"], name=op.f("fk_recall_unit_recall_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["serialised_unit.id"], name=op.f("fk_recall_unit_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recall_unit")),
        sa.UniqueConstraint("recall_id", "unit_id", name=op.f("uq_recall_unit_recall_id_unit_id")),
    )
    op.create_index(op.f("ix_recall_unit_recall_id"), "recall_unit", ["recall_id"], unique=False)
    op.create_index(op.f("ix_recall_unit_unit_id"), "recall_unit", ["unit_id"], unique=False)
    op.add_column("complaint", sa.Column("route", sa.String(length=40), nullable=True))
    op.add_column("complaint", sa.Column("look_first", sa.String(length=40), nullable=True))
    op.add_column("complaint", sa.Column("triaged_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("complaint", sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("complaint", sa.Column("minutes_left", sa.Integer(), nullable=True))
    op.add_column("complaint", sa.Column("duplicate_of_id", sa.BigInteger(), nullable=True))
    op.add_column("complaint", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("complaint", sa.Column("added_to_since", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_complaint_added_to",
        "complaint",
        ["region"],
        unique=False,
        postgresql_where=sa.text("added_to_since IS NOT NULL"),
    )
    op.create_index(op.f("ix_complaint_duplicate_of_id"), "complaint", ["duplicate_of_id"], unique=False)
    op.create_index("ix_complaint_received", "complaint", ["region", "received_at"], unique=False)
    op.create_foreign_key(op.f("fk_complaint_duplicate_of_id"), "complaint", "complaint", ["duplicate_of_id"], ["id"])
    op.add_column("complaint_event", sa.Column("person_id", sa.BigInteger(), nullable=True))
    op.add_column(
        "complaint_event", sa.Column("for_reporter", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.create_foreign_key(op.f("fk_complaint_event_person_id"), "complaint_event", "person", ["person_id"], ["id"])
    op.add_column("fault_report", sa.Column("stated_lot_no", sa.String(length=20), server_default="", nullable=False))
    op.add_column(
        "fault_report", sa.Column("stated_serial_no", sa.String(length=20), server_default="", nullable=False)
    )
    op.add_column(
        "fault_report",
        sa.Column("answers", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    )
    op.alter_column("fault_report", "picked_lot_id", existing_type=sa.BIGINT(), nullable=True)
    op.add_column("order", sa.Column("unit_id", sa.BigInteger(), nullable=True))
    op.alter_column("order", "person_id", existing_type=sa.BIGINT(), nullable=True)
    op.create_index(op.f("ix_order_unit_id"), "order", ["unit_id"], unique=False)
    op.create_foreign_key(op.f("fk_order_unit_id"), "order", "unit", ["unit_id"], ["id"])
    op.add_column("order_row", sa.Column("recall_ref", sa.BigInteger(), nullable=True))
    op.create_index(
        "uq_order_row_recall",
        "order_row",
        ["recall_ref", "article_id"],
        unique=True,
        postgresql_where=sa.text("recall_ref IS NOT NULL"),
    )
    op.add_column("pick_line", sa.Column("avoid_more", sa.ARRAY(sa.BigInteger()), server_default="{}", nullable=False))
    op.add_column(
        "serialised_unit", sa.Column("is_recalled", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.create_index(
        "ix_serialised_unit_recalled",
        "serialised_unit",
        ["lot_id"],
        unique=False,
        postgresql_where=sa.text("is_recalled"),
    )
    op.create_index(op.f("ix_serialised_unit_replaces_id"), "serialised_unit", ["replaces_id"], unique=False)
    op.add_column("unit", sa.Column("store_cost_centre", sa.String(length=40), server_default="", nullable=False))
    op.drop_constraint("replacement_has_complaint", "order_row", type_="check")
    op.create_check_constraint(
        "replacement_has_complaint",
        "order_row",
        "(kind = 'REPLACEMENT') = (num_nonnulls(complaint_ref, recall_ref) = 1)",
    )
    op.create_check_constraint("patient_or_unit", "order", "num_nonnulls(person_id, unit_id) = 1")
    op.create_check_constraint("paused_with_rest", "complaint", "(waiting_since IS NULL) = (minutes_left IS NULL)")
    op.create_check_constraint("not_its_own_duplicate", "complaint", "duplicate_of_id <> id")
    op.create_check_constraint(
        "red_flag_is_triaged", "complaint", "NOT has_red_flag OR state <> 'CLOSED' OR triaged_at IS NOT NULL"
    )
    # Until now everything in a timeline was for the one who reported too.
    op.execute("UPDATE complaint_event SET for_reporter = true")
    op.execute(REFUSE_RECALLED)
    op.execute(
        "CREATE TRIGGER parcel_without_recalled BEFORE INSERT OR UPDATE OF shipped_at ON parcel"
        " FOR EACH ROW EXECUTE FUNCTION refuse_recalled()"
    )
    # A version of a document stays as it was written; once it is sent, so does that.
    op.execute(
        "CREATE TRIGGER case_document_as_written"
        " BEFORE UPDATE OF complaint_id, kind, version, facts, content, written_at, written_by_id ON case_document"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER case_document_as_sent BEFORE UPDATE ON case_document"
        " FOR EACH ROW WHEN (OLD.sent_at IS NOT NULL) EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER case_document_kept BEFORE DELETE ON case_document FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER parcel_without_recalled ON parcel")
    op.execute("DROP FUNCTION refuse_recalled()")
    for name in ("red_flag_is_triaged", "not_its_own_duplicate", "paused_with_rest"):
        op.drop_constraint(name, "complaint", type_="check")
    op.drop_constraint("patient_or_unit", "order", type_="check")
    op.drop_constraint("replacement_has_complaint", "order_row", type_="check")
    op.create_check_constraint(
        "replacement_has_complaint", "order_row", "(kind = 'REPLACEMENT') = (complaint_ref IS NOT NULL)"
    )
    op.drop_column("unit", "store_cost_centre")
    op.drop_index(op.f("ix_serialised_unit_replaces_id"), table_name="serialised_unit")
    op.drop_index("ix_serialised_unit_recalled", table_name="serialised_unit", postgresql_where=sa.text("is_recalled"))
    op.drop_column("serialised_unit", "is_recalled")
    op.drop_column("pick_line", "avoid_more")
    op.drop_index("uq_order_row_recall", table_name="order_row", postgresql_where=sa.text("recall_ref IS NOT NULL"))
    op.drop_column("order_row", "recall_ref")
    op.drop_constraint(op.f("fk_order_unit_id"), "order", type_="foreignkey")
    op.drop_index(op.f("ix_order_unit_id"), table_name="order")
    op.alter_column("order", "person_id", existing_type=sa.BIGINT(), nullable=False)
    op.drop_column("order", "unit_id")
    op.alter_column("fault_report", "picked_lot_id", existing_type=sa.BIGINT(), nullable=False)
    op.drop_column("fault_report", "answers")
    op.drop_column("fault_report", "stated_serial_no")
    op.drop_column("fault_report", "stated_lot_no")
    op.drop_constraint(op.f("fk_complaint_event_person_id"), "complaint_event", type_="foreignkey")
    op.drop_column("complaint_event", "for_reporter")
    op.drop_column("complaint_event", "person_id")
    op.drop_constraint(op.f("fk_complaint_duplicate_of_id"), "complaint", type_="foreignkey")
    op.drop_index("ix_complaint_received", table_name="complaint")
    op.drop_index(op.f("ix_complaint_duplicate_of_id"), table_name="complaint")
    op.drop_index(
        "ix_complaint_added_to", table_name="complaint", postgresql_where=sa.text("added_to_since IS NOT NULL")
    )
    op.drop_column("complaint", "added_to_since")
    op.drop_column("complaint", "closed_at")
    op.drop_column("complaint", "duplicate_of_id")
    op.drop_column("complaint", "minutes_left")
    op.drop_column("complaint", "waiting_since")
    op.drop_column("complaint", "triaged_at")
    op.drop_column("complaint", "look_first")
    op.drop_column("complaint", "route")
    op.drop_index(op.f("ix_recall_unit_unit_id"), table_name="recall_unit")
    op.drop_index(op.f("ix_recall_unit_recall_id"), table_name="recall_unit")
    op.drop_table("recall_unit")
    op.drop_index(op.f("ix_exchange_row_file_id"), table_name="exchange_row")
    op.drop_table("exchange_row")
    op.drop_index(op.f("ix_recall_item_recipient_id"), table_name="recall_item")
    op.drop_index("ix_recall_item_out", table_name="recall_item", postgresql_where=sa.text("returned < packages"))
    op.drop_table("recall_item")
    op.drop_index(op.f("ix_credit_line_credit_note_id"), table_name="credit_line")
    op.drop_index(op.f("ix_credit_line_claim_line_id"), table_name="credit_line")
    op.drop_table("credit_line")
    op.drop_index(op.f("ix_incident_region"), table_name="incident")
    op.drop_table("incident")
    op.drop_index(op.f("ix_complaint_photo_draft_id"), table_name="complaint_photo")
    op.drop_index(op.f("ix_complaint_photo_complaint_id"), table_name="complaint_photo")
    op.drop_table("complaint_photo")
    op.drop_index(
        "uq_claim_line_live",
        table_name="claim_line",
        postgresql_where=sa.text("outcome IS NULL OR outcome = 'ACCEPTED'"),
    )
    op.drop_index(op.f("ix_claim_line_pack_id"), table_name="claim_line")
    op.drop_table("claim_line")
    op.drop_index(op.f("ix_case_document_complaint_id"), table_name="case_document")
    op.drop_table("case_document")
    op.drop_index(op.f("ix_recall_recipient_recall_id"), table_name="recall_recipient")
    op.drop_index(op.f("ix_recall_recipient_person_id"), table_name="recall_recipient")
    op.drop_table("recall_recipient")
    op.drop_index(op.f("ix_recall_lot_recall_id"), table_name="recall_lot")
    op.drop_index(op.f("ix_recall_lot_lot_id"), table_name="recall_lot")
    op.drop_table("recall_lot")
    op.drop_index(op.f("ix_news_receipt_news_id"), table_name="news_receipt")
    op.drop_table("news_receipt")
    op.drop_index(op.f("ix_news_attachment_news_id"), table_name="news_attachment")
    op.drop_table("news_attachment")
    op.drop_index("uq_lot_signal_open", table_name="lot_signal", postgresql_where=sa.text("status = 'OPEN'"))
    op.drop_index(op.f("ix_lot_signal_region"), table_name="lot_signal")
    op.drop_index(op.f("ix_lot_signal_lot_id"), table_name="lot_signal")
    op.drop_table("lot_signal")
    op.drop_index(op.f("ix_news_region"), table_name="news")
    op.drop_index(op.f("ix_news_article_id"), table_name="news")
    op.drop_table("news")
    op.drop_index("uq_fault_draft_reporter", table_name="fault_draft")
    op.drop_index(op.f("ix_fault_draft_updated_at"), table_name="fault_draft")
    op.drop_table("fault_draft")
    op.drop_index(op.f("ix_recall_region"), table_name="recall")
    op.drop_table("recall")
    op.drop_index(op.f("ix_exchange_upload_region"), table_name="exchange_upload")
    op.drop_table("exchange_upload")
    op.drop_index(op.f("ix_exchange_file_region"), table_name="exchange_file")
    op.drop_table("exchange_file")
    op.drop_index("uq_credit_note_live", table_name="credit_note", postgresql_where=sa.text("undone_at IS NULL"))
    op.drop_index(op.f("ix_credit_note_region"), table_name="credit_note")
    op.drop_table("credit_note")
    op.drop_index("uq_claim_pack_open", table_name="claim_pack", postgresql_where=sa.text("status = 'OPEN'"))
    op.drop_index(op.f("ix_claim_pack_region"), table_name="claim_pack")
    op.drop_table("claim_pack")
    for sequence in ("claim_no_seq", "recall_no_seq"):
        op.execute(f"DROP SEQUENCE {sequence}")
