"""The first tables of sae_notifier."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from shared.bus import cursor

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "acknowledgements",
        sa.Column("ack_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=True),
        sa.Column("via", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("arrived_at", UTCDateTime(), nullable=False),
        sa.Column("brought_by", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("message_code", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("batch_number", sa.String(), nullable=False),
        sa.Column("filing_id", sa.String(), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.Column("closed_at", UTCDateTime(), nullable=True),
        sa.Column("closed_reason", sa.String(), nullable=True),
        sa.CheckConstraint("state IN ('used', 'parked', 'closed')", name="acknowledgements_state"),
        sa.CheckConstraint("(state = 'closed') = (closed_by IS NOT NULL)", name="acknowledgements_closed_by_somebody"),
        sa.CheckConstraint("state <> 'used' OR filing_id IS NOT NULL", name="acknowledgements_used_for"),
        sa.PrimaryKeyConstraint("ack_id"),
        sa.UniqueConstraint("sha256"),
    )
    op.create_index(op.f("ix_acknowledgements_filing_id"), "acknowledgements", ["filing_id"], unique=False)
    op.create_table(
        "activations",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("law_sha256", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("activated_by", sa.String(), nullable=False),
        sa.Column("activated_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("number >= 1", name="activations_number"),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "law_reviews",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("cases", sa.Integer(), nullable=False),
        sa.Column("finished_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "alarms",
        sa.Column("obligation_id", sa.String(), nullable=False),
        sa.Column("threshold", sa.String(), nullable=False),
        sa.Column("due_strict_at", UTCDateTime(), nullable=False),
        sa.Column("alert_id", sa.String(), nullable=False),
        sa.Column("raised_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("obligation_id", "threshold", "due_strict_at"),
    )
    op.create_table(
        "alerts",
        sa.Column("alert_id", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=True),
        sa.Column("case_number", sa.String(), nullable=True),
        sa.Column("obligation_id", sa.String(), nullable=True),
        sa.Column("threshold", sa.String(), nullable=True),
        sa.Column("opened_at", UTCDateTime(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("exhausted_at", UTCDateTime(), nullable=True),
        sa.Column("confirmed_by", sa.String(), nullable=True),
        sa.Column("confirmed_at", UTCDateTime(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("traceparent", sa.String(), nullable=True),
        sa.CheckConstraint("(state = 'confirmed') = (confirmed_by IS NOT NULL)", name="alerts_confirmed_by_somebody"),
        sa.CheckConstraint("state IN ('open', 'confirmed')", name="alerts_state"),
        sa.PrimaryKeyConstraint("alert_id"),
        sa.UniqueConstraint("cause"),
    )
    op.create_index(op.f("ix_alerts_case_id"), "alerts", ["case_id"], unique=False)
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("mac", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("stream", "seq"),
    )
    op.create_table(
        "audit_sealed",
        sa.Column(
            "audit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("seal_number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("audit_id"),
    )
    op.create_table(
        "audit_seals",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("mac", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "calls",
        sa.Column("claimed_until", UTCDateTime(), nullable=True),
        sa.Column("proof", sa.String(), nullable=True),
        sa.Column("call_id", sa.String(), nullable=False),
        sa.Column("alert_id", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("call_at", UTCDateTime(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", UTCDateTime(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.CheckConstraint("state <> 'sent' OR sent_at IS NOT NULL", name="calls_sent_when"),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'failed', 'dropped')", name="calls_state"),
        sa.PrimaryKeyConstraint("call_id"),
    )
    op.create_index(
        "calls_waiting",
        "calls",
        ["call_at"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
        sqlite_where=sa.text("state = 'waiting'"),
    )
    op.create_index(op.f("ix_calls_alert_id"), "calls", ["alert_id"], unique=False)
    op.create_table(
        "cursors",
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
        sa.Column("last_event_id", sa.String(), nullable=True),
        sa.Column("proof", sa.String(), nullable=True),
        sa.CheckConstraint("next_offset >= 0", name="cursors_offset"),
        sa.PrimaryKeyConstraint("topic", "partition"),
    )
    op.create_table(
        "duties",
        sa.Column("obligation_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("case_number", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("rule_id", sa.String(), nullable=False),
        sa.Column("recipient_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.Column("due_strict_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'filed', 'received', 'rejected', 'ended')", name="duties_state"),
        sa.CheckConstraint("due_strict_at <= due_at", name="duties_strict_never_later"),
        sa.CheckConstraint("version >= 1", name="duties_version"),
        sa.PrimaryKeyConstraint("obligation_id"),
    )
    op.create_index("duties_open_by_strict", "duties", ["state", "due_strict_at"], unique=False)
    op.create_index(op.f("ix_duties_case_id"), "duties", ["case_id"], unique=False)
    op.create_index(op.f("ix_duties_subject_id"), "duties", ["subject_id"], unique=False)
    op.create_table(
        "filings",
        sa.Column("claimed_until", UTCDateTime(), nullable=True),
        sa.Column("proof", sa.String(), nullable=True),
        sa.Column("filing_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("message_number", sa.String(), nullable=False),
        sa.Column("obligation_id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("case_number", sa.String(), nullable=False),
        sa.Column("case_version", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("recipient_id", sa.String(), nullable=False),
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("filed_by", sa.String(), nullable=False),
        sa.Column("filed_at", UTCDateTime(), nullable=False),
        sa.Column("sent_at", UTCDateTime(), nullable=True),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", UTCDateTime(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("acceptance", sa.String(), nullable=True),
        sa.Column("answer_due_at", UTCDateTime(), nullable=True),
        sa.CheckConstraint("acceptance IN ('accepted', 'rejected')", name="filings_acceptance"),
        sa.CheckConstraint("state IN ('waiting', 'sent', 'failed', 'received', 'rejected')", name="filings_state"),
        sa.CheckConstraint("state NOT IN ('sent', 'received') OR sent_at IS NOT NULL", name="filings_sent_when"),
        sa.PrimaryKeyConstraint("filing_id"),
        sa.UniqueConstraint("message_number"),
    )
    op.create_index(op.f("ix_filings_case_id"), "filings", ["case_id"], unique=False)
    op.create_index(op.f("ix_filings_obligation_id"), "filings", ["obligation_id"], unique=False)
    op.create_table(
        "forms",
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("case_number", sa.String(), nullable=False),
        sa.Column("case_version", sa.Integer(), nullable=False),
        sa.Column("case_sha256", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("recipient_id", sa.String(), nullable=True),
        sa.Column("follow_up", sa.Integer(), nullable=False),
        sa.Column("facts_sha256", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", UTCDateTime(), nullable=False),
        sa.Column("withdrawn_at", UTCDateTime(), nullable=True),
        sa.Column("withdrawn_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("document_id"),
    )
    op.create_index(
        "forms_of_facts",
        "forms",
        ["kind", "case_id", "case_version", "recipient_id", "facts_sha256"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
        sqlite_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_index(op.f("ix_forms_case_id"), "forms", ["case_id"], unique=False)
    op.create_table(
        "holds",
        sa.Column("hold_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("held_at", UTCDateTime(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("restored_at", UTCDateTime(), nullable=True),
        sa.Column("restored", sa.Text(), nullable=False),
        sa.Column("children", sa.Text(), nullable=False),
        sa.Column("released_at", UTCDateTime(), nullable=True),
        sa.Column("released_by", sa.String(), nullable=True),
        sa.Column("released_reason", sa.String(), nullable=True),
        sa.CheckConstraint("(state = 'released') = (released_by IS NOT NULL)", name="holds_released_by_somebody"),
        sa.PrimaryKeyConstraint("hold_id"),
    )
    op.create_table(
        "icsrs",
        sa.Column("document_id", sa.String(), nullable=False),
        sa.Column("batch_number", sa.String(), nullable=False),
        sa.Column("obligation_id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("case_number", sa.String(), nullable=False),
        sa.Column("recipient_id", sa.String(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("first_received", sa.String(), nullable=False),
        sa.Column("profile", sa.String(), nullable=False),
        sa.Column("initial", sa.Boolean(), nullable=False),
        sa.Column("may_be_sent", sa.Boolean(), nullable=False),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("document_id"),
        sa.UniqueConstraint("batch_number"),
    )
    op.create_index(op.f("ix_icsrs_case_id"), "icsrs", ["case_id"], unique=False)
    op.create_table(
        "idempotency",
        sa.Column("client", sa.String(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("body_sha256", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("proof", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("client", "route", "key"),
    )
    op.create_table(
        "obligation_versions",
        sa.Column("obligation_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("recorded_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("obligation_id", "version"),
    )
    op.create_table(
        "outbox",
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("aggregate", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("serious", sa.Boolean(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("published_at", UTCDateTime(), nullable=True),
        sa.Column("partition", sa.Integer(), nullable=True),
        sa.Column("place", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("proof", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("event_id"),
    )
    op.create_index(
        "outbox_unpublished",
        "outbox",
        ["position"],
        unique=False,
        postgresql_where=sa.text("published_at IS NULL"),
        sqlite_where=sa.text("published_at IS NULL"),
    )
    op.create_table(
        "parked",
        sa.Column("parked_id", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=True),
        sa.Column("type", sa.String(), nullable=True),
        sa.Column("aggregate", sa.String(), nullable=True),
        sa.Column("serious", sa.Boolean(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("retry", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", UTCDateTime(), nullable=True),
        sa.Column("parked_at", UTCDateTime(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("closed_at", UTCDateTime(), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.Column("closed_reason", sa.String(), nullable=True),
        sa.CheckConstraint("(state = 'parked') = (closed_by IS NULL)", name="parked_closed_by_somebody"),
        sa.PrimaryKeyConstraint("parked_id"),
    )
    op.create_table(
        "receipts",
        sa.Column("receipt_id", sa.String(), nullable=False),
        sa.Column("filing_id", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("proof_name", sa.String(), nullable=True),
        sa.Column("proof_type", sa.String(), nullable=True),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("recorded_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("receipt_id"),
    )
    op.create_index(op.f("ix_receipts_filing_id"), "receipts", ["filing_id"], unique=False)
    op.create_table(
        "received",
        sa.Column("aggregate", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("serious", sa.Boolean(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("former_sha256", sa.String(), nullable=True),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("traceparent", sa.String(), nullable=True),
        sa.Column("received_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("version >= 1", name="received_version"),
        sa.PrimaryKeyConstraint("aggregate", "version"),
    )
    op.create_index(op.f("ix_received_subject_id"), "received", ["subject_id"], unique=False)
    op.create_index(
        "received_void",
        "received",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("type = 'tocsin.case.nullified.v1'"),
        sqlite_where=sa.text("type = 'tocsin.case.nullified.v1'"),
    )
    op.create_table(
        "rule_files",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("versions", sa.String(), nullable=False),
        sa.Column("first_used_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("sha256"),
    )
    op.create_table(
        "redactions",
        sa.Column("redaction_id", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("recorded_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("redaction_id"),
    )
    op.create_index(op.f("ix_redactions_case_id"), "redactions", ["case_id"], unique=False)
    op.create_index(op.f("ix_redactions_subject_id"), "redactions", ["subject_id"], unique=False)
    op.create_table(
        "streams",
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("mac", sa.String(), nullable=False),
        sa.Column("head", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("stream"),
    )
    cursor.make_rows(op.get_bind(), ("tocsin.safety",))
