"""What the API answers about duties, alerts, forms and filings; the pages show the same."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from starlette.responses import Response

from services.sae_notifier import store
from services.sae_notifier.handlers import icsr
from services.sae_notifier.handlers.activation import Waiting
from services.sae_notifier.handlers.law import Active, Law
from services.sae_notifier.rules import Preview
from services.sae_notifier.store import (
    AckRow,
    ActivationRow,
    AlertRow,
    CallRow,
    FilingRow,
    FormRow,
    IcsrRow,
    ReceiptRow,
)
from shared.case import CaseRedacted, Obligation
from shared.db import Tx
from shared.errors import Conflict


def obligation(one: Obligation, now: datetime) -> dict[str, Any]:
    """`status` is the state, or `overdue` while it is owed and the legal date has passed."""
    owed = one.state in ("open", "filed", "rejected")
    return one.model_dump(mode="json") | {
        "recipient": one.recipient_id,
        "status": "overdue" if owed and now > one.due_at else one.state,
        "seconds_left": round((one.due_at - now).total_seconds()) if owed else None,
        "seconds_left_strict": round((one.due_strict_at - now).total_seconds()) if owed else None,
    }


def alert(row: AlertRow, calls: list[CallRow]) -> dict[str, Any]:
    return {
        "alert_id": row.alert_id,
        "kind": row.kind,
        "case_id": row.case_id,
        "case_number": row.case_number,
        "obligation_id": row.obligation_id,
        "threshold": row.threshold,
        "opened_at": _iso(row.opened_at),
        "state": row.state,
        "round": row.round,
        "confirmed_by": row.confirmed_by,
        "confirmed_at": _iso(row.confirmed_at),
        "note": row.note,
        "calls": [call(one) for one in calls if one.alert_id == row.alert_id],
    }


def call(row: CallRow) -> dict[str, Any]:
    return {
        "person": row.person,
        "channel": row.channel,
        "round": row.round,
        "state": row.state,
        "call_at": _iso(row.call_at),
        "sent_at": _iso(row.sent_at),
        "attempts": row.attempts,
        "message_id": row.message_id,
        "error": row.error,
    }


MEDIA_TYPES = {icsr.KIND: ("application/xml", "xml")}
"""Kind of document -> media type and ending; everything else is a PDF."""


def media_type(kind: str) -> str:
    return MEDIA_TYPES.get(kind, ("application/pdf", "pdf"))[0]


def file_name(row: FormRow, numbers: IcsrRow | None = None) -> str:
    if numbers is not None:
        return f"{numbers.batch_number}.xml"
    ending = MEDIA_TYPES.get(row.kind, ("", "pdf"))[1]
    return f"{row.case_number}-v{row.case_version}-{row.recipient_id or 'all'}.{ending}"


def download(row: FormRow, numbers: IcsrRow | None) -> Response:
    """A form opens in the browser; an electronic report is always a download: it is for machines."""
    if not row.content and row.withdrawn_at is not None:
        raise Conflict("words were taken back from it before it was sent; make it again")
    shown = "attachment" if row.kind in MEDIA_TYPES else "inline"
    headers = {
        "Content-Disposition": f'{shown}; filename="{file_name(row, numbers)}"',
        "ETag": f'"{row.sha256}"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(bytes(row.content), media_type=media_type(row.kind), headers=headers)


def form(
    row: FormRow | dict[str, Any], numbers: IcsrRow | None = None, later: CaseRedacted | None = None
) -> dict[str, Any]:
    """`later`: the redaction that took words back after this document had been sent."""
    data = row if isinstance(row, dict) else row.model_dump(exclude={"content"})
    return {
        "document_id": data["document_id"],
        "kind": data["kind"],
        "media_type": media_type(data["kind"]),
        "icsr": icsr_numbers(numbers) if numbers else None,
        "case_id": data["case_id"],
        "case_number": data["case_number"],
        "case_version": data["case_version"],
        "recipient_id": data["recipient_id"],
        "follow_up": data["follow_up"],
        "sha256": data["sha256"],
        "made_by": data["made_by"],
        "made_at": _iso(data["made_at"]),
        "withdrawn_at": _iso(data["withdrawn_at"]),
        "taken_back_later": None if later is None else {"at": _iso(later.recorded_at), "by": later.redacted_by},
        "path": f"/api/v1/documents/{data['document_id']}",
    }


def icsr_numbers(row: IcsrRow) -> dict[str, Any]:
    return {
        "batch_number": row.batch_number,
        "obligation_id": row.obligation_id,
        "created_at": _iso(row.created_at),
        "profile": row.profile,
        "initial": row.initial,
        "may_be_sent": row.may_be_sent,
        "findings": json.loads(row.findings),
    }


def ack(row: AckRow) -> dict[str, Any]:
    return {
        "ack_id": row.ack_id,
        "state": row.state,
        "why": row.why,
        "message_code": row.message_code,
        "decision": row.decision,
        "batch_number": row.batch_number,
        "filing_id": row.filing_id,
        "via": row.via,
        "name": row.name,
        "sha256": row.sha256,
        "arrived_at": _iso(row.arrived_at),
        "brought_by": row.brought_by,
        "closed_by": row.closed_by,
        "closed_at": _iso(row.closed_at),
        "closed_reason": row.closed_reason,
    }


def filing(row: FilingRow, receipts: list[ReceiptRow]) -> dict[str, Any]:
    return {
        "filing_id": row.filing_id,
        "message_number": row.message_number,
        "obligation_id": row.obligation_id,
        "case_id": row.case_id,
        "case_number": row.case_number,
        "case_version": row.case_version,
        "recipient_id": row.recipient_id,
        "document_id": row.document_id,
        "method": row.method,
        "state": row.state,
        "acceptance": row.acceptance,
        "answer_due_at": _iso(row.answer_due_at),
        "filed_by": row.filed_by,
        "filed_at": _iso(row.filed_at),
        "sent_at": _iso(row.sent_at),
        "reference": row.reference,
        "attempts": row.attempts,
        "error": row.error,
        "receipts": [receipt(one) for one in receipts if one.filing_id == row.filing_id],
    }


def receipt(row: ReceiptRow) -> dict[str, Any]:
    return {
        "receipt_id": row.receipt_id,
        "verdict": row.verdict,
        "kind": row.kind,
        "at": _iso(row.at),
        "reference": row.reference,
        "reasons": row.reasons,
        "proof_name": row.proof_name,
        "sha256": row.sha256,
        "recorded_by": row.recorded_by,
        "recorded_at": _iso(row.recorded_at),
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None


def rules(tx: Tx, active: Active, found: Waiting | None) -> dict[str, Any]:
    row = store.activation(tx, active.number)
    assert row is not None
    waiting = None
    if found is not None:
        waiting = {
            "sha256": found.law.sha256,
            "tzdata": found.law.tzdata,
            "files": law_files(found.law, active.law),
            "preview": preview(found.preview),
        }
    return {
        "active": {
            "activation": activation(row, store.review(tx, row.number) is not None),
            "tzdata": active.law.tzdata,
            "files": law_files(active.law, active.law),
        },
        "waiting": waiting,
    }


def activation(row: ActivationRow, reviewed: bool) -> dict[str, Any]:
    return {
        "number": row.number,
        "law_sha256": row.law_sha256,
        "activated_by": row.activated_by,
        "activated_at": _iso(row.activated_at),
        "reason": row.reason,
        "sha256": row.sha256,
        "reviewed": reviewed,
    }


def law_files(law: Law, before: Law) -> list[dict[str, Any]]:
    """The files of a set, and those that it no longer has."""
    old = {(one.kind, one.name): one for one in before.files}
    new = {(one.kind, one.name): one for one in law.files}
    shown = []
    for key, one in sorted((old | new).items()):
        change = "gone" if key not in new else "new" if key not in old else "same"
        if change == "same" and old[key].sha256 != one.sha256:
            change = "changed"
        shown.append({"kind": one.kind, "name": one.name, "sha256": one.sha256, "change": change})
    return shown


def preview(found: Preview) -> dict[str, Any]:
    return {
        "sha256": found.sha256,
        "counts": dict(found.counts),
        "recipients": list(found.recipients),
        "relaxations": len(found.relaxations),
        "changes": [one.plain() | {"relaxes": one.relaxes} for one in found.shown],
        "failed": list(found.failed),
    }
