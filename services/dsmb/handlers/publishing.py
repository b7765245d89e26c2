"""A frozen cut as events, in the transaction that freezes it: its files in parts, then the cut itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from services.dsmb.domain import packing
from services.dsmb.store import CutRow, PrintRow, ReportRow
from shared.audit import Audited, Written
from shared.bus.outbox import emit
from shared.canonical import sha256
from shared.case import CutFile, CutFrozen, CutOffset, CutPart
from shared.db import Tx

FROZEN = "tocsin.cut.frozen.v1"
PART = "tocsin.cut_part.frozen.v1"


def part_name(cut_id: str, number: int) -> str:
    return f"cut_part/{cut_id}.{number}"


def events_of(trial_id: str, row: CutRow, rows: Sequence[Audited]) -> tuple[list[CutPart], CutFrozen]:
    """`rows` are the cut's own, its reports and its papers; the arms' letters are not among what is told."""
    files = [(CutFile(kind="manifest", size=0, sha256=""), row.manifest.encode())]
    for one in rows:
        if isinstance(one, ReportRow):
            files.append((CutFile.model_validate({"kind": one.kind, "size": 0, "sha256": ""}), one.body.encode()))
        elif isinstance(one, PrintRow):
            named = {"kind": one.kind, "language": one.language, "size": 0, "sha256": ""}
            files.append((CutFile.model_validate(named), bytes(one.content)))
    parts = packing.pack([body for _, body in files], packing.PART_BYTES)
    told = [
        CutPart(trial_id=trial_id, cut_id=row.cut_id, number=number, content_base64=packing.as_text(part))
        for number, part in enumerate(parts, start=1)
    ]
    values = row.model_dump(exclude={"manifest", "offsets"})
    return told, CutFrozen(
        trial_id=trial_id,
        offsets=tuple(
            CutOffset(topic=topic, partition=int(partition), next_offset=offset)
            for topic, places in json.loads(row.offsets).items()
            for partition, offset in places.items()
        ),
        files=tuple(one.model_copy(update={"size": len(body), "sha256": sha256(body)}) for one, body in files),
        parts=tuple(sha256(part) for part in parts),
        **values,
    )


def publish(tx: Tx, parts: Sequence[CutPart], cut: CutFrozen, now: datetime) -> list[Written]:
    """All of one key, so all in one order: the cut is never read before its parts."""
    sent = [
        emit(
            tx,
            PART,
            one,
            aggregate=part_name(one.cut_id, one.number),
            version=one.version,
            trial_id=one.trial_id,
            now=now,
        )
        for one in parts
    ]
    frozen = emit(tx, FROZEN, cut, aggregate=f"cut/{cut.cut_id}", version=cut.version, trial_id=cut.trial_id, now=now)
    return [*sent, frozen]
