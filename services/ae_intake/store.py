"""The tables of ae_intake and every query on them. Versions are only ever added; a case's head row follows its newest one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Column, Text, func, insert, select, text, update
from sqlmodel import Field, col

from shared.audit import Audited, Written, lock_question
from shared.bus import redacted
from shared.canonical import canonical, sha256
from shared.case import Batch, CaseReport, Exposure, Measurement, Published, Subject
from shared.db import Tx
from shared.statement import Statement, insert_into

MODELS: dict[str, type[Published]] = {
    "subject": Subject,
    "exposure": Exposure,
    "batch": Batch,
    "measurement": Measurement,
    "case": CaseReport,
}


class DocumentRow(Audited, table=True):
    """One version of one aggregate (`case/…`, `subject/…`), as canonical JSON."""

    __tablename__: ClassVar[str] = "documents"  # type: ignore[misc]
    __table_args__ = (CheckConstraint("version >= 1", name="documents_version"),)
    audit_key: ClassVar[tuple[str, ...]] = ("aggregate", "version")

    aggregate: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    kind: str
    subject_id: str = Field(index=True)
    body: str = Field(sa_column=Column(Text, nullable=False))
    sha256: str
    recorded_at: datetime

    def document(self) -> Any:
        return MODELS[self.kind].read(json.loads(self.body))


class CaseRow(Audited, table=True):
    """The head of one case, for lists and duplicate suspicion."""

    __tablename__: ClassVar[str] = "cases"  # type: ignore[misc]
    audit_key: ClassVar[tuple[str, ...]] = ("case_id",)

    case_id: str = Field(primary_key=True)
    case_number: str = Field(unique=True)
    sequence: int = Field(unique=True)
    """The number in `case_number`; gaps are allowed, no number is given twice."""
    subject_id: str = Field(index=True)
    site_id: str | None = None
    version: int
    serious: bool
    nullified: bool = False
    summary: str = ""
    """The coded terms, for a list; never free text."""
    first_recorded_at: datetime
    recorded_at: datetime = Field(index=True)


class AllocationRow(Audited, table=True):
    """The arm of one child; no page or route of this service shows it."""

    __tablename__: ClassVar[str] = "allocations"  # type: ignore[misc]
    audit_key: ClassVar[tuple[str, ...]] = ("subject_id", "version")

    subject_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    arm: str
    recorded_at: datetime


class RejectedRow(Audited, table=True):
    """A submission that could not become even a draft; it stands on the desk until a named person closes it."""

    __tablename__: ClassVar[str] = "rejected"  # type: ignore[misc]
    __table_args__ = (
        CheckConstraint("(state = 'closed') = (closed_by IS NOT NULL)", name="rejected_closed_by_somebody"),
    )
    audit_key: ClassVar[tuple[str, ...]] = ("rejected_id",)

    rejected_id: str = Field(primary_key=True)
    client: str
    route: str
    content_type: str
    body: str = Field(sa_column=Column(Text, nullable=False))
    """Base64 of what was sent. It never enters the log."""
    problems: str = Field(sa_column=Column(Text, nullable=False))
    at: datetime
    state: str = "open"
    closed_at: datetime | None = None
    closed_by: str | None = None
    closed_reason: str | None = None


AUDITED: tuple[type[Audited], ...] = (DocumentRow, CaseRow, AllocationRow, RejectedRow)


# PostgreSQL has a sequence, which no transaction waits for; SQLite has one writer.
_NEXT_NUMBER = Statement(
    "cases",
    "SELECT nextval('case_number')",
    sqlite="SELECT COALESCE(MAX(sequence), 0) + 1 FROM cases",
)
_ADD_DOCUMENT = insert_into(DocumentRow)
_ADD_CASE = insert_into(CaseRow)
_LATEST = Statement(
    "documents",
    "SELECT kind, body FROM documents WHERE aggregate = :aggregate ORDER BY version DESC LIMIT 1",
)
_OF_CHILD = Statement(
    "documents",
    "SELECT aggregate, body FROM documents WHERE subject_id = :subject_id AND kind = :kind ORDER BY aggregate, version",
)


@lru_cache(maxsize=1024)
def _document(kind: str, body: str) -> Any:
    """Documents are frozen, and one body is one document: a child's cases are read again with every report about it."""
    return MODELS[kind].model_validate_json(body, extra="ignore")


def foresee_report(tx: Tx, subject_id: str | None, *before: tuple[Statement, Mapping[str, Any]]) -> None:
    """Ask in one round trip what a report about that child will want to know, the child's lock first."""
    questions = [*before, (_NEXT_NUMBER, {})]
    if subject_id is not None:
        questions += [
            lock_question(subject_id),
            (_LATEST, {"aggregate": f"subject/{subject_id}"}),
            (_OF_CHILD, {"subject_id": subject_id, "kind": "case"}),
            redacted.of_child_question(subject_id),
        ]
    tx.foresee(*questions)


def skip_case_numbers(tx: Tx, by: int = 1_000) -> None:
    """Leave a gap: what was numbered before may not be known here. SQLite counts from its cases, beside its own log."""
    if tx.dialect == "postgresql":
        tx.execute(text("SELECT setval('case_number', nextval('case_number') + :by)"), {"by": by})


def number_on_from_cases(tx: Tx) -> None:
    """For a restore: no number that a case bears is given again."""
    if tx.dialect == "postgresql":
        tx.execute(
            text(
                "SELECT setval('case_number', greatest((SELECT COALESCE(max(sequence), 0) FROM cases), "
                "(SELECT last_value FROM case_number), 1))"
            )
        )


def next_case_sequence(tx: Tx) -> int:
    return int(tx.rows(_NEXT_NUMBER, {})[0][0])


def add_document(tx: Tx, kind: str, aggregate: str, document: Any) -> Written:
    """Add one version; the primary key refuses a version that exists."""
    body = canonical(document)
    values = {
        "aggregate": aggregate,
        "version": document.version,
        "kind": kind,
        "subject_id": document.subject_id,
        "body": body.decode(),
        "sha256": sha256(body),
        "recorded_at": document.recorded_at,
    }
    tx.write(_ADD_DOCUMENT, values)
    return Written(DocumentRow, values)


def latest(tx: Tx, aggregate: str) -> Any | None:
    """The newest version of an aggregate as its document, or None."""
    found = tx.rows(_LATEST, {"aggregate": aggregate})
    return _document(*found[0]) if found else None


def version_of(tx: Tx, aggregate: str, version: int) -> Any | None:
    row = tx.session.get(DocumentRow, (aggregate, version))
    return row.document() if row else None


def versions(tx: Tx, aggregate: str) -> list[Any]:
    """Every version, oldest first."""
    statement = select(DocumentRow).where(col(DocumentRow.aggregate) == aggregate).order_by(col(DocumentRow.version))
    return [row.document() for row in tx.session.execute(statement).scalars()]


def documents_of_child(tx: Tx, subject_id: str) -> list[DocumentRow]:
    """Every version of everything about one child, in order."""
    statement = select(DocumentRow).where(col(DocumentRow.subject_id) == subject_id)
    ordered = statement.order_by(col(DocumentRow.aggregate), col(DocumentRow.version))
    return list(tx.session.execute(ordered).scalars())


def forget_read() -> None:
    """What was parsed before words were taken back must not be shown again."""
    _document.cache_clear()


def exists(tx: Tx, aggregate: str) -> bool:
    statement = select(func.count()).select_from(DocumentRow).where(col(DocumentRow.aggregate) == aggregate)
    return bool(tx.scalar(statement))


def of_child(tx: Tx, subject_id: str, kind: str) -> list[Any]:
    """The newest version of every aggregate of that kind of one child, in aggregate order."""
    newest = dict(tx.rows(_OF_CHILD, {"subject_id": subject_id, "kind": kind}))
    return [_document(kind, body) for body in newest.values()]


def newest_of_kind(tx: Tx, kind: str, *, after: str = "", limit: int = 50) -> list[Any]:
    """Aggregates of one kind in order, newest versions, `after` an aggregate name."""
    names = (
        select(col(DocumentRow.aggregate))
        .where(col(DocumentRow.kind) == kind, col(DocumentRow.aggregate) > after)
        .distinct()
        .order_by(col(DocumentRow.aggregate))
        .limit(limit)
    )
    found = (latest(tx, name) for (name,) in tx.execute(names).all())
    return [document for document in found if document is not None]


def add_case(tx: Tx, row: CaseRow) -> None:
    tx.write(_ADD_CASE, row.model_dump())


def case_head(tx: Tx, case_id: str) -> CaseRow | None:
    return tx.session.execute(select(CaseRow).where(col(CaseRow.case_id) == case_id)).scalar()


def change_case(tx: Tx, row: CaseRow) -> None:
    values = row.model_dump(exclude={"case_id"})
    tx.execute(update(CaseRow).where(col(CaseRow.case_id) == row.case_id).values(values))


def list_cases(
    tx: Tx,
    *,
    subject_id: str | None = None,
    sites: frozenset[str] | None = None,
    before: datetime | None = None,
    limit: int = 50,
) -> list[CaseRow]:
    """Newest change first; `sites` limits to those sites."""
    statement = select(CaseRow).order_by(col(CaseRow.recorded_at).desc(), col(CaseRow.case_id)).limit(limit)
    if subject_id is not None:
        statement = statement.where(col(CaseRow.subject_id) == subject_id)
    if sites is not None:
        statement = statement.where(col(CaseRow.site_id).in_(sites))
    if before is not None:
        statement = statement.where(col(CaseRow.recorded_at) < before)
    return list(tx.session.execute(statement).scalars())


def find_case_id(tx: Tx, id_or_number: str) -> str | None:
    statement = select(col(CaseRow.case_id)).where(
        (col(CaseRow.case_id) == id_or_number) | (col(CaseRow.case_number) == id_or_number)
    )
    return tx.scalar(statement)


def allocation(tx: Tx, subject_id: str) -> AllocationRow | None:
    """The newest one."""
    mine = select(AllocationRow).where(col(AllocationRow.subject_id) == subject_id)
    return tx.session.execute(mine.order_by(col(AllocationRow.version).desc()).limit(1)).scalar()


def add_row(tx: Tx, row: Audited) -> None:
    tx.execute(insert(type(row)).values(row.model_dump()))


def open_rejected(tx: Tx) -> list[RejectedRow]:
    statement = select(RejectedRow).where(col(RejectedRow.state) == "open").order_by(col(RejectedRow.at))
    return list(tx.session.execute(statement).scalars())


def newest_rejected(tx: Tx) -> RejectedRow | None:
    """The newest one that nobody has closed."""
    statement = (
        select(RejectedRow).where(col(RejectedRow.state) == "open").order_by(col(RejectedRow.at).desc()).limit(1)
    )
    return tx.session.execute(statement).scalar()


def count_rejected(tx: Tx) -> int:
    """Rejected submissions that nobody has closed."""
    return int(tx.scalar(select(func.count()).select_from(RejectedRow).where(col(RejectedRow.state) == "open")))


def rejected(tx: Tx, rejected_id: str, *, lock: bool = False) -> RejectedRow | None:
    statement = select(RejectedRow).where(col(RejectedRow.rejected_id) == rejected_id)
    return tx.session.execute(statement.with_for_update() if lock else statement).scalar()


def trail(tx: Tx, stream: str, reference_prefix: str) -> Iterator[dict[str, Any]]:
    """The audit entries of one child that touched rows whose reference begins so, newest first."""
    from shared.audit import AuditRow

    statement = select(col(AuditRow.entry)).where(col(AuditRow.stream) == stream).order_by(col(AuditRow.seq).desc())
    for (entry,) in tx.execute(statement):
        data = json.loads(entry)
        if any(name.startswith(reference_prefix) for name in data["rows"]):
            yield data
