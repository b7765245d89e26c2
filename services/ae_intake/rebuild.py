"""After a restore: documents, case heads, allocations and case numbers as this service's own events say they stood."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.ae_intake import store
from services.ae_intake.handlers import head_of
from services.ae_intake.store import AllocationRow, DocumentRow
from shared.audit import Audited, Written
from shared.canonical import sha256
from shared.case import CaseReport
from shared.db import Tx
from shared.events.catalogue import Allocation
from shared.events.envelope import Event


def rebuild(tx: Tx, event: Event, now: datetime) -> Sequence[Audited | Written]:
    """The rows of one own event; what is there already is left alone."""
    kind = event.aggregate.partition("/")[0]
    if kind == "allocation":
        return _allocation(tx, Allocation.read(event.data))
    if kind not in store.MODELS or tx.session.get(DocumentRow, (event.aggregate, event.version)) is not None:
        return ()
    row = DocumentRow(
        aggregate=event.aggregate,
        version=event.version,
        kind=kind,
        subject_id=event.data["subject_id"],
        body=event.body.decode(),
        sha256=sha256(event.body),
        recorded_at=datetime.fromisoformat(event.data["recorded_at"]),
    )
    tx.session.add(row)
    tx.session.flush()
    return [row, *(_case(tx, row.document()) if kind == "case" else ())]


def _case(tx: Tx, case: CaseReport) -> list[Audited]:
    before = store.case_head(tx, case.case_id)
    if before is not None and before.version >= case.version:
        return []
    sequence = before.sequence if before is not None else int(case.case_number.rpartition("-")[2])
    head = head_of(case, case.recorded_at, sequence, before)
    if before is not None:
        store.change_case(tx, head)
        tx.session.expire(before)
    else:
        store.add_case(tx, head)
    return [head]


def _allocation(tx: Tx, document: Allocation) -> list[Audited]:
    if tx.session.get(AllocationRow, (document.subject_id, document.version)) is not None:
        return []
    row = AllocationRow(
        subject_id=document.subject_id,
        version=document.version,
        arm=document.arm,
        recorded_at=document.recorded_at,
    )
    tx.session.add(row)
    tx.session.flush()
    return [row]
