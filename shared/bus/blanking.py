"""A redaction carried out in one service's database: every store, one entry in the trail that proves the rows anew.

The entry names the hash of each text, of every row as it was, and of every older entry that held the words; a row that is
blanked without such an entry is a breach. Nothing is judged again: duties, grades and versions stay as they are.
"""

from __future__ import annotations

import base64
import json
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import or_, select, update
from sqlmodel import col

from shared.audit import SERVICE_STREAM, Audit, Audited
from shared.bus import received, redacted
from shared.bus.idempotency import IdempotencyRow
from shared.bus.outbox import OutboxRow
from shared.bus.parking import ParkedRow
from shared.bus.received import ReceivedRow
from shared.bus.redacted import RedactionRow, Rules
from shared.canonical import canonical, sha256
from shared.case.redaction import CaseRedacted
from shared.case.withholding import loosely
from shared.db import Tx
from shared.events.catalogue import CATALOGUE


@dataclass
class Taking:
    """One redaction on its way through the stores of one service."""

    tx: Tx
    document: CaseRedacted
    rules: Rules
    now: datetime
    words: set[str] = field(default_factory=set)
    """What was found and blanked: kept in memory alone, for stores without a shape."""
    rows: list[Audited] = field(default_factory=list)
    apart: list[Audited] = field(default_factory=list)
    """Rows whose entries stand in the service's own stream, not in the child's."""
    was: dict[str, str] = field(default_factory=dict)

    @property
    def child(self) -> str:
        return self.document.subject_id

    def change(self, row: Audited, *, apart: bool = False, **values: Any) -> None:
        """Give a row other values; the trail will say what it was."""
        self.was.setdefault(row.audit_reference(), row.audit_digest())
        for name, value in values.items():
            setattr(row, name, value)
        self.tx.session.add(row)
        rows = self.apart if apart else self.rows
        if row not in rows:
            rows.append(row)

    def body(self, model: type[BaseModel], aggregate: str, version: int, body: str) -> str | None:
        """A stored document without the words, in the bytes that every service keeps; None when nothing is taken from it."""
        made, taken = self.rules.blanked(model, aggregate, version, json.loads(body))
        self.words |= {one.words for one in taken if one.words}
        return canonical(made).decode() if taken else None

    def loose(self, text: str) -> str | None:
        """JSON without a model, or None when the words do not stand in it."""
        try:
            made, count = loosely(json.loads(text), self.rules.hashes)
        except (ValueError, RecursionError):
            return None
        return json.dumps(made, ensure_ascii=False) if count else None

    def plain(self, rows: Iterable[Audited], *columns: str) -> None:
        """Columns that hold nothing but what somebody typed."""
        for row in rows:
            found = {name: loosely(getattr(row, name) or "", self.rules.hashes) for name in columns}
            changed = {name: made for name, (made, count) in found.items() if count}
            if changed:
                self.change(row, **changed)


Blank = Callable[[Taking], None]
"""Blanks the stores that only one service has."""


def apply(
    tx: Tx, audit: Audit, document: CaseRedacted, blank: Blank, now: datetime, *, actor: str, more: Sequence[Any] = ()
) -> Taking | None:
    """Carry one redaction out; the child's stream is locked. None when it was carried out before."""
    if redacted.known(tx, document.redaction_id):
        return None
    row = RedactionRow(
        redaction_id=document.redaction_id,
        subject_id=document.subject_id,
        case_id=document.case_id,
        body=canonical(document).decode(),
        recorded_at=document.recorded_at,
    )
    tx.session.add(row)
    tx.session.flush()
    taking = Taking(tx, document, redacted.rules_of(tx, document.subject_id), now)
    blank(taking)
    _received(taking)
    _outbox(taking)
    _parked(taking)
    _answers(taking, audit)
    entries = audit.blank_entries(tx, (document.subject_id, SERVICE_STREAM), taking.rules.hashes)
    tx.session.flush()
    audit.record(
        tx,
        stream=document.subject_id,
        actor=actor,
        action="took words back",
        at=now,
        reason=document.reason,
        detail={
            "redaction_id": document.redaction_id,
            "case_number": document.case_number,
            "texts": sorted({one.sha256 for one in document.texts}),
            "was": _of(taking.was, taking.rows),
            "blanked_entries": entries,
        },
        rows=[row, *taking.rows, *more],
    )
    if taking.apart:
        audit.lock(tx, SERVICE_STREAM)
        detail = {"redaction_id": document.redaction_id, "was": _of(taking.was, taking.apart)}
        audit.record(
            tx, stream=SERVICE_STREAM, actor=actor, action="took words back", at=now, detail=detail, rows=taking.apart
        )
    tx.after_commit(received.forget_read)
    tx.after_commit(tx.forget)
    return taking


def _of(was: dict[str, str], rows: Iterable[Audited]) -> dict[str, str]:
    return {name: was[name] for row in rows if (name := row.audit_reference()) in was}


def _received(taking: Taking) -> None:
    statement = select(ReceivedRow).where(col(ReceivedRow.subject_id) == taking.child)
    for row in taking.tx.session.execute(statement).scalars():
        body = taking.body(CATALOGUE[row.type].model, row.aggregate, row.version, row.body)
        if body is not None:
            former = " ".join(filter(None, (row.former_sha256, row.sha256)))
            taking.change(row, body=body, sha256=sha256(body.encode()), former_sha256=former)


def _outbox(taking: Taking) -> None:
    statement = select(OutboxRow).where(col(OutboxRow.key) == taking.child)
    for row in taking.tx.session.execute(statement).scalars():
        body = taking.body(CATALOGUE[row.type].model, row.aggregate, row.version, row.body)
        if body is not None:
            taking.change(row, body=body)


def _parked(taking: Taking) -> None:
    """A record set aside keeps its shape where it has one; bytes that nobody can read, and that hold the words, go."""
    statement = select(ParkedRow).where(col(ParkedRow.key) == taking.child)
    for row in taking.tx.session.execute(statement).scalars():
        raw = base64.b64decode(row.value)
        made = _parked_body(taking, row, raw)
        if made != raw:
            taking.change(row, apart=True, value=base64.b64encode(made).decode())


def _parked_body(taking: Taking, row: ParkedRow, raw: bytes) -> bytes:
    known = CATALOGUE.get(row.type or "")
    version = next((v for name, v in row.delivery().headers if name == "ce_sequence"), b"")
    try:
        if known is not None and row.aggregate and version.isdigit():
            return taking.rules.body(known.model, row.aggregate, int(version), raw)
        text = taking.loose(raw.decode())
        raw = raw if text is None else text.encode()
    except (ValueError, RecursionError):
        pass
    return b"" if any(form in raw for words in taking.words for form in _forms(words)) else raw


def _forms(words: str) -> set[bytes]:
    """How the words may stand in bytes that nobody can read: composed or not, plain or as JSON writes them."""
    composed = {words, *(unicodedata.normalize(form, words) for form in ("NFC", "NFD"))}
    plain = {one.encode("utf-8", "surrogatepass") for one in composed}
    quoted = {json.dumps(one, ensure_ascii=ascii_only)[1:-1] for one in composed for ascii_only in (True, False)}
    return plain | {one.encode("utf-8", "surrogatepass") for one in quoted}


def _answers(taking: Taking, audit: Audit) -> None:
    """What was answered is kept for a repeat of the request; the repeat gets it without the words."""
    tx = taking.tx
    holds = (
        col(IdempotencyRow.answer).contains(one, autoescape=True) for one in (taking.child, taking.document.case_id)
    )
    for row in tx.session.execute(select(IdempotencyRow).where(or_(*holds))).scalars():
        answer = taking.loose(row.answer)
        if answer is not None:
            key = {name: getattr(row, name) for name in IdempotencyRow.audit_key}
            proof = audit.prove(IdempotencyRow, {**key, "status": row.status, "answer": answer})
            tx.execute(
                update(IdempotencyRow)
                .where(*(getattr(IdempotencyRow, name) == value for name, value in key.items()))
                .values(answer=answer, proof=proof)
            )
