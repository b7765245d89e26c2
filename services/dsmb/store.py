"""The tables of dsmb and every query on them: cuts with their reports, the arms' letters, and what stopping rules watch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, Column, LargeBinary, Text, UniqueConstraint, func, select
from sqlmodel import Field, col

from services.dsmb.domain import Document, Entry, Watched
from shared.audit import Audited
from shared.bus import cursor, parking
from shared.bus.received import ReceivedRow
from shared.db import Tx
from shared.statement import Statement, insert_of


class CutRow(Audited, table=True):
    """A frozen cut, immutable. `offsets` is where both topics stood; `opened` says whether its open report was made."""

    __tablename__: ClassVar[str] = "cuts"  # type: ignore[misc]
    __table_args__ = (
        UniqueConstraint("manifest_sha256"),
        CheckConstraint("opened = (withheld = '')", name="cuts_opened_or_why_not"),
    )
    audit_key: ClassVar[tuple[str, ...]] = ("cut_id",)

    cut_id: str = Field(primary_key=True)
    at: datetime = Field(index=True)
    purpose: str
    frozen_by: str
    manifest: str = Field(sa_column=Column(Text, nullable=False))
    manifest_sha256: str
    offsets: str = Field(sa_column=Column(Text, nullable=False))
    documents: int
    children: int
    parked: int
    opened: bool
    withheld: str


class CodingRow(Audited, table=True):
    """Which letter stands for which arm in a cut: apart from it, since whoever reads the cut must not read this with it."""

    __tablename__: ClassVar[str] = "codings"  # type: ignore[misc]
    audit_key: ClassVar[tuple[str, ...]] = ("cut_id", "arm")

    cut_id: str = Field(primary_key=True)
    arm: str = Field(primary_key=True)
    letter: str


class ReportRow(Audited, table=True):
    """A report as it was made: the canonical JSON of its header and tables, or why there is none in it."""

    __tablename__: ClassVar[str] = "reports"  # type: ignore[misc]
    __table_args__ = (CheckConstraint("kind IN ('closed', 'open')", name="reports_kind"),)
    audit_key: ClassVar[tuple[str, ...]] = ("cut_id", "kind")

    cut_id: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    body: str = Field(sa_column=Column(Text, nullable=False))
    sha256: str


class PrintRow(Audited, table=True):
    """A report as PDF/A in one language."""

    __tablename__: ClassVar[str] = "prints"  # type: ignore[misc]
    __table_args__ = (CheckConstraint("kind IN ('closed', 'open')", name="prints_kind"),)
    audit_key: ClassVar[tuple[str, ...]] = ("cut_id", "kind", "language")

    cut_id: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    language: str = Field(primary_key=True)
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    sha256: str


class WatchedRow(Audited, table=True):
    """What one child contributes to one rule now; `plan_sha256` says by which plan it was looked at.

    It is empty once news came under a plan that lacks the rule: nobody has looked at those.
    """

    __tablename__: ClassVar[str] = "watched"  # type: ignore[misc]
    audit_key: ClassVar[tuple[str, ...]] = ("rule_id", "subject_id")

    rule_id: str = Field(primary_key=True)
    subject_id: str = Field(primary_key=True)
    plan_sha256: str
    infused: bool
    with_event: bool
    evaluable_at: datetime | None = None


class CrossingRow(Audited, table=True):
    """A rule was crossed. `look` is how many children crossings of the charter have counted so far; it is never taken back."""

    __tablename__: ClassVar[str] = "crossings"  # type: ignore[misc]
    __table_args__ = (CheckConstraint("look >= 1", name="crossings_look"),)
    audit_key: ClassVar[tuple[str, ...]] = ("rule_id", "charter_version", "look")

    rule_id: str = Field(primary_key=True)
    charter_version: str = Field(primary_key=True)
    look: int = Field(primary_key=True)
    evaluable: int | None = None
    stop_at: int | None = None
    posterior: str | None = None
    """How it stood then; not known after a restore: of numbers the event carries only `look`."""
    crossed_at: datetime
    raised_at: datetime


class CountedRow(Audited, table=True):
    """A child with the event that a crossing counted, first at this `look`: only one more child makes the next crossing."""

    __tablename__: ClassVar[str] = "counted"  # type: ignore[misc]
    audit_key: ClassVar[tuple[str, ...]] = ("rule_id", "charter_version", "subject_id")

    rule_id: str = Field(primary_key=True)
    charter_version: str = Field(primary_key=True)
    subject_id: str = Field(primary_key=True)
    look: int


AUDITED: tuple[type[Audited], ...] = (CutRow, CodingRow, ReportRow, PrintRow, WatchedRow, CrossingRow, CountedRow)
KINDS = ("subject/", "exposure/", "batch/", "measurement/", "case/", "assessment/", "allocation/")
"""Aggregates that a cut holds."""


def add_rows(tx: Tx, rows: Iterable[Audited]) -> None:
    for row in rows:
        tx.write(insert_of(type(row)), row.model_dump())


# Cuts -----------------------------------------------------------------------------------------------------------------


def cuts(tx: Tx, limit: int = 200) -> list[CutRow]:
    """Newest first."""
    statement = select(CutRow).order_by(col(CutRow.at).desc(), col(CutRow.cut_id).desc()).limit(limit)
    return list(tx.session.execute(statement).scalars())


def cut(tx: Tx, cut_id: str) -> CutRow | None:
    return tx.session.execute(select(CutRow).where(col(CutRow.cut_id) == cut_id)).scalar()


def newest_cut_id(tx: Tx) -> str:
    """Empty when there is none."""
    statement = select(col(CutRow.cut_id)).order_by(col(CutRow.at).desc(), col(CutRow.cut_id).desc()).limit(1)
    return tx.scalar(statement) or ""


def last_opened_at(tx: Tx) -> datetime | None:
    return tx.scalar(select(func.max(col(CutRow.at))).where(col(CutRow.opened)))


def report(tx: Tx, cut_id: str, kind: str) -> ReportRow | None:
    statement = select(ReportRow).where(col(ReportRow.cut_id) == cut_id, col(ReportRow.kind) == kind)
    return tx.session.execute(statement).scalar()


def reports(tx: Tx, cut_id: str) -> list[ReportRow]:
    statement = select(ReportRow).where(col(ReportRow.cut_id) == cut_id).order_by(col(ReportRow.kind))
    return list(tx.session.execute(statement).scalars())


def printed(tx: Tx, cut_id: str, kind: str, language: str) -> PrintRow | None:
    statement = select(PrintRow).where(
        col(PrintRow.cut_id) == cut_id, col(PrintRow.kind) == kind, col(PrintRow.language) == language
    )
    return tx.session.execute(statement).scalar()


def prints(tx: Tx, cut_id: str) -> list[PrintRow]:
    return list(tx.session.execute(select(PrintRow).where(col(PrintRow.cut_id) == cut_id)).scalars())


def codings(tx: Tx, cut_id: str) -> list[CodingRow]:
    return list(tx.session.execute(select(CodingRow).where(col(CodingRow.cut_id) == cut_id)).scalars())


def coding(tx: Tx, cut_id: str) -> dict[str, str]:
    """Arm -> letter."""
    return {row.arm: row.letter for row in codings(tx, cut_id)}


def every_coding(tx: Tx) -> dict[str, str]:
    """The letters ever given; an arm keeps its own."""
    rows = tx.session.execute(select(CodingRow)).scalars()
    return {row.arm: row.letter for row in rows}


# What was received ----------------------------------------------------------------------------------------------------

_CURRENT = Statement(
    "received",
    "SELECT aggregate, version, sha256, subject_id, body FROM received AS r "
    "WHERE version = (SELECT max(version) FROM received AS o WHERE o.aggregate = r.aggregate) ORDER BY aggregate",
)
_OF_CHILD = Statement(
    "received",
    "SELECT aggregate, version, sha256, subject_id, body FROM received AS r WHERE subject_id = :subject_id "
    "AND version = (SELECT max(version) FROM received AS o WHERE o.aggregate = r.aggregate) ORDER BY aggregate",
)


def current(tx: Tx) -> list[Document]:
    """The newest version of everything that a cut holds."""
    return [one for one in (Document(*row) for row in tx.rows(_CURRENT, {})) if one.aggregate.startswith(KINDS)]


def current_of_child(tx: Tx, subject_id: str) -> list[Document]:
    rows = tx.rows(_OF_CHILD, {"subject_id": subject_id})
    return [one for one in (Document(*row) for row in rows) if one.aggregate.startswith(KINDS)]


def documents(tx: Tx, entries: Sequence[Entry]) -> Iterator[Document]:
    """The versions that a manifest names, as far as they are here."""
    wanted = {(one.aggregate, one.version) for one in entries}
    columns = (ReceivedRow.aggregate, ReceivedRow.version, ReceivedRow.sha256, ReceivedRow.subject_id, ReceivedRow.body)
    names = sorted({one.aggregate for one in entries})
    for start in range(0, len(names), 400):
        statement = select(*map(col, columns)).where(col(ReceivedRow.aggregate).in_(names[start : start + 400]))
        for row in tx.execute(statement):
            if (row[0], row[1]) in wanted:
                yield Document(*row)


def former_hashes(tx: Tx) -> dict[tuple[str, int], set[str]]:
    """What versions were called before words were taken back from them: a cut that was frozen then names them so."""
    columns = (ReceivedRow.aggregate, ReceivedRow.version, ReceivedRow.former_sha256)
    statement = select(*map(col, columns)).where(col(ReceivedRow.former_sha256).is_not(None))
    return {(name, version): set((former or "").split()) for name, version, former in tx.execute(statement)}


def positions(tx: Tx) -> dict[str, dict[str, int]]:
    """Topic -> partition -> next offset."""
    found: dict[str, dict[str, int]] = {}
    for (topic, partition), position in sorted(cursor.all_positions(tx).items()):
        found.setdefault(topic, {})[str(partition)] = position.next_offset
    return found


def parked(tx: Tx) -> int:
    """Events that a person must still decide about: what a cut may lack."""
    return parking.count_open(tx)[0]


# Stopping rules -------------------------------------------------------------------------------------------------------

_KNOWN = select(col(ReceivedRow.subject_id)).where(col(ReceivedRow.type).not_like("%audit_sealed%")).distinct()
"""The codes of all children that any document names."""
_SET_WATCHED = Statement(
    "watched",
    "INSERT INTO watched (rule_id, subject_id, plan_sha256, infused, with_event, evaluable_at) "
    "VALUES (:rule_id, :subject_id, :plan_sha256, :infused, :with_event, :evaluable_at) "
    "ON CONFLICT (rule_id, subject_id) DO UPDATE SET plan_sha256 = excluded.plan_sha256, infused = excluded.infused, "
    "with_event = excluded.with_event, evaluable_at = excluded.evaluable_at",
)


def watched_of(tx: Tx, subject_id: str) -> dict[str, WatchedRow]:
    """What one child contributes, by rule; rules of older plans included."""
    statement = select(WatchedRow).where(col(WatchedRow.subject_id) == subject_id)
    rows = tx.session.execute(statement.execution_options(populate_existing=True)).scalars()
    return {row.rule_id: row for row in rows}


def set_watched(tx: Tx, row: WatchedRow) -> None:
    tx.write(_SET_WATCHED, row.model_dump())


def watched(tx: Tx, rule_id: str, plan_sha256: str) -> list[Watched]:
    """What was worked out by this plan: another one counts other events, and the two must not be added up."""
    statement = select(col(WatchedRow.with_event), col(WatchedRow.evaluable_at)).where(
        col(WatchedRow.rule_id) == rule_id, col(WatchedRow.plan_sha256) == plan_sha256, col(WatchedRow.infused)
    )
    return [Watched(row[0], row[1]) for row in tx.execute(statement)]


def left_over(tx: Tx, plan_sha256: str, rules: Sequence[str]) -> list[str]:
    """The known children of whom some rule was not worked out by this plan; another plan may have lacked that rule."""
    looked_at = (
        select(col(WatchedRow.subject_id))
        .where(col(WatchedRow.plan_sha256) == plan_sha256, col(WatchedRow.rule_id).in_(rules))
        .group_by(col(WatchedRow.subject_id))
        .having(func.count() == len(rules))
    )
    return sorted(tx.execute(_KNOWN.where(col(ReceivedRow.subject_id).not_in(looked_at))).scalars())


def crossing(tx: Tx, rule_id: str, charter_version: str, look: int) -> CrossingRow | None:
    statement = select(CrossingRow).where(
        col(CrossingRow.rule_id) == rule_id,
        col(CrossingRow.charter_version) == charter_version,
        col(CrossingRow.look) == look,
    )
    return tx.session.execute(statement).scalar()


def newest_look(tx: Tx, rule_id: str, charter_version: str) -> int:
    """0 when the rule was never crossed under this charter."""
    statement = select(func.max(col(CrossingRow.look))).where(
        col(CrossingRow.rule_id) == rule_id, col(CrossingRow.charter_version) == charter_version
    )
    return tx.scalar(statement) or 0


def counted(tx: Tx, rule_id: str, charter_version: str) -> set[str]:
    """The children whom crossings of this rule under this charter have counted."""
    statement = select(col(CountedRow.subject_id)).where(
        col(CountedRow.rule_id) == rule_id, col(CountedRow.charter_version) == charter_version
    )
    return set(tx.execute(statement).scalars())


def with_event(tx: Tx, rule_id: str, plan_sha256: str) -> set[str]:
    """The children with the event now, by this plan."""
    statement = select(col(WatchedRow.subject_id)).where(
        col(WatchedRow.rule_id) == rule_id,
        col(WatchedRow.plan_sha256) == plan_sha256,
        col(WatchedRow.infused),
        col(WatchedRow.with_event),
    )
    return set(tx.execute(statement).scalars())


def crossings(tx: Tx) -> list[CrossingRow]:
    """Oldest first."""
    statement = select(CrossingRow).order_by(
        col(CrossingRow.crossed_at), col(CrossingRow.rule_id), col(CrossingRow.look)
    )
    return list(tx.session.execute(statement).scalars())
