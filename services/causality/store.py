"""The tables of causality and every query on them: assessments, version after version."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, Column, Text, func, select
from sqlmodel import Field, col

from shared.audit import Audited
from shared.bus import received
from shared.canonical import canonical
from shared.case import Assessment, FreeText, PersonAnswer
from shared.db import Tx
from shared.statement import insert_of


class AssessmentRow(Audited, table=True):
    """One version of the assessment of one case, as canonical JSON; `signed` tells proposals from signed ones."""

    __tablename__: ClassVar[str] = "assessments"  # type: ignore[misc]
    __table_args__ = (CheckConstraint("version >= 1", name="assessments_version"),)
    audit_key: ClassVar[tuple[str, ...]] = ("case_id", "version")

    case_id: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    case_number: str
    case_version: int
    subject_id: str = Field(index=True)
    signed: bool
    body: str = Field(sa_column=Column(Text, nullable=False))
    recorded_at: datetime = Field(index=True)

    def document(self) -> Assessment:
        return received.read_as(Assessment, self.body)


class AnswerRow(Audited, table=True):
    """What a person answered where the records cannot. Only added: a later one takes its place."""

    __tablename__: ClassVar[str] = "answers"  # type: ignore[misc]
    __table_args__ = (
        CheckConstraint("number >= 1", name="answers_number"),
        CheckConstraint("answer IN ('yes', 'no', 'unknown', 'withdrawn')", name="answers_answer"),
    )
    audit_key: ClassVar[tuple[str, ...]] = ("case_id", "number")

    case_id: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    subject_id: str = Field(index=True)
    event_id: str
    exposure_id: str
    question: str
    answer: str
    reason: str = Field(sa_column=Column(Text, nullable=False))
    """A `FreeText` as canonical JSON."""
    answered_by: str
    answered_at: datetime

    def document(self) -> PersonAnswer:
        return PersonAnswer(
            number=self.number,
            event_id=self.event_id,
            exposure_id=self.exposure_id,
            question=self.question,
            answer=self.answer,  # type: ignore[arg-type]
            reason=FreeText.model_validate_json(self.reason),
            answered_by=self.answered_by,
            answered_at=self.answered_at,
        )


AUDITED: tuple[type[Audited], ...] = (AssessmentRow, AnswerRow)


def add_assessment(tx: Tx, assessment: Assessment) -> AssessmentRow:
    """Add one version; the primary key refuses one that exists."""
    row = AssessmentRow(
        case_id=assessment.case_id,
        version=assessment.version,
        case_number=assessment.case_number,
        case_version=assessment.case_version,
        subject_id=assessment.subject_id,
        signed=assessment.signature is not None,
        body=canonical(assessment).decode(),
        recorded_at=assessment.recorded_at,
    )
    tx.write(insert_of(AssessmentRow), row.model_dump())
    return row


def add_answer(tx: Tx, case: Assessment, answer: PersonAnswer) -> AnswerRow:
    """Add one; the primary key refuses a number that exists."""
    row = AnswerRow(
        case_id=case.case_id,
        number=answer.number,
        subject_id=case.subject_id,
        event_id=answer.event_id,
        exposure_id=answer.exposure_id,
        question=answer.question,
        answer=answer.answer,
        reason=canonical(answer.reason).decode(),
        answered_by=answer.answered_by,
        answered_at=answer.answered_at,
    )
    tx.write(insert_of(AnswerRow), row.model_dump())
    return row


def answers(tx: Tx, case_id: str) -> list[PersonAnswer]:
    """Every answer about a case, oldest first."""
    statement = select(AnswerRow).where(col(AnswerRow.case_id) == case_id).order_by(col(AnswerRow.number))
    return [row.document() for row in tx.session.execute(statement).scalars()]


def latest(tx: Tx, case_id: str) -> Assessment | None:
    statement = (
        select(AssessmentRow)
        .where(col(AssessmentRow.case_id) == case_id)
        .order_by(col(AssessmentRow.version).desc())
        .limit(1)
    )
    row = tx.session.execute(statement).scalar()
    return row.document() if row else None


def versions(tx: Tx, case_id: str) -> list[Assessment]:
    statement = select(AssessmentRow).where(col(AssessmentRow.case_id) == case_id).order_by(col(AssessmentRow.version))
    return [row.document() for row in tx.session.execute(statement).scalars()]


def assessments_of_child(tx: Tx, subject_id: str) -> list[AssessmentRow]:
    statement = select(AssessmentRow).where(col(AssessmentRow.subject_id) == subject_id)
    return list(
        tx.session.execute(statement.order_by(col(AssessmentRow.case_id), col(AssessmentRow.version))).scalars()
    )


def answers_of_child(tx: Tx, subject_id: str) -> list[AnswerRow]:
    statement = select(AnswerRow).where(col(AnswerRow.subject_id) == subject_id)
    return list(tx.session.execute(statement.order_by(col(AnswerRow.case_id), col(AnswerRow.number))).scalars())


def unsigned(tx: Tx, limit: int = 200) -> list[Assessment]:
    """Cases whose newest assessment nobody has signed, oldest first."""
    newest = (
        select(col(AssessmentRow.case_id), func.max(col(AssessmentRow.version)).label("version"))
        .group_by(col(AssessmentRow.case_id))
        .subquery()
    )
    statement = (
        select(AssessmentRow)
        .join(
            newest, (newest.c.case_id == col(AssessmentRow.case_id)) & (newest.c.version == col(AssessmentRow.version))
        )
        .where(~col(AssessmentRow.signed))
        .order_by(col(AssessmentRow.recorded_at))
        .limit(limit)
    )
    return [row.document() for row in tx.session.execute(statement).scalars()]


# What was received ----------------------------------------------------------------------------------------------


def current_versions(tx: Tx, subject_id: str) -> dict[str, int]:
    """Newest version of every aggregate of the child, by name, and of what a person answered about each of its cases."""
    statement = (
        select(col(AnswerRow.case_id), func.max(col(AnswerRow.number)))
        .where(col(AnswerRow.subject_id) == subject_id)
        .group_by(col(AnswerRow.case_id))
    )
    answered = {f"answers/{case_id}": last for case_id, last in tx.session.execute(statement)}
    return received.versions_of_child(tx, subject_id) | answered
