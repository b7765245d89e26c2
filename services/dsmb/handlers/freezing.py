"""Freezing a cut: read everything at one moment, count, typeset outside any transaction, then store it all at once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.dsmb import store
from services.dsmb.domain import Document, Entry, Manifest, code_arms
from services.dsmb.domain.manifest import coding_sha256
from services.dsmb.handlers.dsmb import Dsmb
from services.dsmb.handlers.making import Made, make
from services.dsmb.handlers.publishing import events_of, publish
from services.dsmb.print import LANGUAGES, typeset
from services.dsmb.store import CodingRow, CutRow, PrintRow, ReportRow
from services.dsmb.tables import PROGRAM
from shared.audit import SERVICE_STREAM, Audited
from shared.bus.idempotency import once
from shared.canonical import canonical, sha256
from shared.case import CutFrozen, CutPart
from shared.clock import Clock
from shared.db import Database, Tx
from shared.errors import Conflict
from shared.ids import new_id

ROUTE = "POST /api/v1/dsmb/cuts"


@dataclass(frozen=True)
class Seen:
    """One moment of the database: offsets and documents belong together."""

    offsets: Mapping[str, Mapping[str, int]]
    documents: Sequence[Document]
    parked: int
    newest_cut: str
    last_opened_at: datetime | None
    coding: Mapping[str, str]


class Tampered(Exception):
    """A stored document is not the one that was received: no report may rest on it."""


def freeze(db: Database, dsmb: Dsmb, clock: Clock, *, purpose: str, user_id: str, key: str | None = None) -> CutRow:
    """Takes seconds of processor time; call it in a thread. The same key gives the cut that it gave the first time.

    Raises Conflict when another cut came in between.
    """
    seen = db.read(_see, snapshot=True)
    for one in seen.documents:
        if sha256(one.body.encode()) != one.sha256:
            raise Tampered(f"{one.aggregate} version {one.version} is not what was received; run tocsin audit verify")
    now = clock.now()
    plan, salt = dsmb.plan, secrets.token_hex(16)
    coding = code_arms(plan.arms, seen.coding, dsmb.audit.keys.current)
    manifest = Manifest(
        cut_id=new_id(),
        at=now,
        program=PROGRAM,
        salt=salt,
        coding_sha256=coding_sha256(coding.items(), salt),
        plan=plan,
        entries=tuple(sorted(Entry(one.aggregate, one.version, one.sha256) for one in seen.documents)),
    )
    apart = timedelta(days=dsmb.trial.dsmb_charter.analysis.open_reports_apart_days)
    too_soon = seen.last_opened_at is not None and now < seen.last_opened_at + apart
    made = make(manifest, seen.documents, coding, seen.offsets, seen.parked, "too_soon" if too_soon else "")
    row = CutRow(
        cut_id=manifest.cut_id,
        at=now,
        purpose=purpose,
        frozen_by=user_id,
        manifest=manifest.body().decode(),
        manifest_sha256=manifest.sha256,
        offsets=canonical({topic: dict(places) for topic, places in seen.offsets.items()}).decode(),
        documents=len(manifest.entries),
        children=made.children,
        parked=seen.parked,
        opened=not made.withheld,
        withheld=made.withheld,
    )
    rows = [row, *_coding(row, coding), *_reports(row, made)]
    told = events_of(plan.trial_id, row, rows)

    def unit(tx: Tx) -> str:
        answer, _, _ = once(
            tx,
            dsmb.audit,
            lambda: _keep(dsmb, tx, row, rows, told, seen.newest_cut),
            client=user_id,
            route=ROUTE,
            key=key,
            body={"purpose": purpose},
            now=now,
            status=201,
        )
        return str(answer["cut_id"])

    kept = db.transact(unit)
    if kept == row.cut_id:
        return row
    first = db.read(lambda tx: store.cut(tx, kept))
    assert first is not None
    return first


def _see(tx: Tx) -> Seen:
    return Seen(
        offsets=store.positions(tx),
        documents=store.current(tx),
        parked=store.parked(tx),
        newest_cut=store.newest_cut_id(tx),
        last_opened_at=store.last_opened_at(tx),
        coding=store.every_coding(tx),
    )


def _coding(row: CutRow, coding: Mapping[str, str]) -> list[Audited]:
    return [CodingRow(cut_id=row.cut_id, arm=arm, letter=letter) for arm, letter in sorted(coding.items())]


def _reports(row: CutRow, made: Made) -> list[Audited]:
    rows: list[Audited] = []
    for kind, report in (("closed", made.closed), ("open", made.open)):
        body = made.body(kind)
        rows.append(ReportRow(cut_id=row.cut_id, kind=kind, body=body.decode(), sha256=sha256(body)))
        for language in LANGUAGES:
            pdf = typeset(report, language)
            rows.append(PrintRow(cut_id=row.cut_id, kind=kind, language=language, content=pdf, sha256=sha256(pdf)))
    return rows


def _keep(
    dsmb: Dsmb,
    tx: Tx,
    row: CutRow,
    rows: Sequence[Audited],
    told: tuple[Sequence[CutPart], CutFrozen],
    newest_seen: str,
) -> dict[str, Any]:
    """Whether an open report may be made rests on the one before: nobody may have frozen one meanwhile."""
    dsmb.audit.lock(tx, SERVICE_STREAM)
    if store.newest_cut_id(tx) != newest_seen:
        raise Conflict("another cut was frozen at the same time; look at it, or freeze again")
    store.add_rows(tx, rows)
    sent = publish(tx, *told, row.at)
    dsmb.audit.record(
        tx,
        stream=SERVICE_STREAM,
        actor=row.frozen_by,
        action="froze a data cut",
        at=row.at,
        reason=row.purpose,
        detail={"cut_id": row.cut_id, "manifest_sha256": row.manifest_sha256, "opened": row.opened},
        rows=[*rows, *sent],
    )
    tx.after_commit(dsmb.wake.set)
    return {"cut_id": row.cut_id}
