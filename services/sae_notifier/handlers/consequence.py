"""What a filing does to its duty, and whom it calls when it cannot."""

from __future__ import annotations

from datetime import datetime

from services.sae_notifier import store
from services.sae_notifier.handlers import alerts, duties
from services.sae_notifier.handlers.notifier import Notifier
from services.sae_notifier.store import FilingRow
from shared.case import Obligation
from shared.db import Tx


def filed(notifier: Notifier, tx: Tx, row: FilingRow, user_id: str, now: datetime) -> None:
    duty = store.obligation(tx, row.obligation_id)
    assert duty is not None
    if duty.state in ("open", "rejected"):
        move(notifier, tx, duty, "filed", user_id, now, filed_at=row.sent_at)
    else:
        duties.evaluate_case(notifier, tx, row.case_id, now)


def move(
    notifier: Notifier, tx: Tx, duty: Obligation, state: str, user_id: str, now: datetime, **times: datetime | None
) -> None:
    moved = duty.model_copy(update={"version": duty.version + 1, "state": state, "recorded_at": now, **times})
    duties.save(notifier, tx, moved, actor=user_id, action=f"a duty is now {state} ({duty.rule_id})", now=now)
    duties.evaluate_case(notifier, tx, duty.case_id, now)


def alert(notifier: Notifier, tx: Tx, row: FilingRow, cause: str, kind: str, now: datetime) -> None:
    alerts.open_alert(
        notifier,
        tx,
        cause=cause,
        kind=kind,
        stream=row.subject_id,
        now=now,
        case_id=row.case_id,
        case_number=row.case_number,
        obligation_id=row.obligation_id,
    )


def call_somebody(notifier: Notifier, tx: Tx, row: FilingRow, now: datetime) -> None:
    """A telling did not leave, and only a person can say what goes instead."""
    alert(notifier, tx, row, f"filing_failed/{row.filing_id}/{row.version}", "filing_failed", now)


def minute(at: datetime) -> datetime:
    """People write minutes: what is written as the same minute is not before."""
    return at.replace(second=0, microsecond=0)
