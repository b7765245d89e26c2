"""The first tables of dsmb."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from shared.bus import cursor

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "codings",
        sa.Column("cut_id", sa.String(), nullable=False),
        sa.Column("arm", sa.String(), nullable=False),
        sa.Column("letter", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("cut_id", "arm"),
    )
    op.create_table(
        "counted",
        sa.Column("rule_id", sa.String(), nullable=False),
        sa.Column("charter_version", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("look", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("rule_id", "charter_version", "subject_id"),
    )
    op.create_table(
        "crossings",
        sa.Column("rule_id", sa.String(), nullable=False),
        sa.Column("charter_version", sa.String(), nullable=False),
        sa.Column("look", sa.Integer(), nullable=False),
        sa.Column("evaluable", sa.Integer(), nullable=True),
        sa.Column("stop_at", sa.Integer(), nullable=True),
        sa.Column("posterior", sa.String(), nullable=True),
        sa.Column("crossed_at", UTCDateTime(), nullable=False),
        sa.Column("raised_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("look >= 1", name="crossings_look"),
        sa.PrimaryKeyConstraint("rule_id", "charter_version", "look"),
    )
    op.create_table(
        "cuts",
        sa.Column("cut_id", sa.String(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("frozen_by", sa.String(), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("manifest_sha256", sa.String(), nullable=False),
        sa.Column("offsets", sa.Text(), nullable=False),
        sa.Column("documents", sa.Integer(), nullable=False),
        sa.Column("children", sa.Integer(), nullable=False),
        sa.Column("parked", sa.Integer(), nullable=False),
        sa.Column("opened", sa.Boolean(), nullable=False),
        sa.Column("withheld", sa.String(), nullable=False),
        sa.CheckConstraint("opened = (withheld = '')", name="cuts_opened_or_why_not"),
        sa.PrimaryKeyConstraint("cut_id"),
        sa.UniqueConstraint("manifest_sha256"),
    )
    op.create_index(op.f("ix_cuts_at"), "cuts", ["at"], unique=False)
    op.create_table(
        "prints",
        sa.Column("cut_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.CheckConstraint("kind IN ('closed', 'open')", name="prints_kind"),
        sa.PrimaryKeyConstraint("cut_id", "kind", "language"),
    )
    op.create_table(
        "reports",
        sa.Column("cut_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.CheckConstraint("kind IN ('closed', 'open')", name="reports_kind"),
        sa.PrimaryKeyConstraint("cut_id", "kind"),
    )
    op.create_table(
        "watched",
        sa.Column("rule_id", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("plan_sha256", sa.String(), nullable=False),
        sa.Column("infused", sa.Boolean(), nullable=False),
        sa.Column("with_event", sa.Boolean(), nullable=False),
        sa.Column("evaluable_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("rule_id", "subject_id"),
    )
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
    cursor.make_rows(op.get_bind(), ("tocsin.safety", "tocsin.allocation"))
