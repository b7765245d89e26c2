"""Alerts: opened once per cause, called out person after person on every channel, ended only by a named person."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from services.sae_notifier import store
from services.sae_notifier.handlers.notifier import Notifier
from services.sae_notifier.store import AlertRow, CallRow
from shared.bus.parking import ParkedRow
from shared.case import Batch, CaseReport, RuleCrossed
from shared.case.seriousness import of_case
from shared.db import Tx
from shared.errors import Conflict, NotFound
from shared.telemetry import current_traceparent

_SPACE = uuid.UUID("0e7b6f52-5d0c-5f7e-9c55-6a3c2c2f9a10")
CLAIM_FOR = timedelta(seconds=15)
"""Longer than a send may take; after it another instance may try, with the same Message-ID."""
ATTEMPTS = 3
RETRY_AFTER = timedelta(seconds=5)


def case_alerts(versions: Sequence[CaseReport]) -> list[tuple[str, str, CaseReport]]:
    """(cause, kind, version) of every alert the history of a case calls for: the first serious one, and an upgrade."""
    found: list[tuple[str, str, CaseReport]] = []
    for case in sorted(versions, key=lambda one: one.version):
        if case.nullified is not None:
            continue
        judged = of_case(case)
        if judged.serious and not any(kind == "sae" for _, kind, _ in found):
            found.append((f"sae/{case.case_id}", "sae", case))
        fatal = {"death", "life_threatening", "fatal_outcome", "grade_5"} & set(judged.reasons)
        if fatal and not any(kind == "sae_upgraded" for _, kind, _ in found):
            if found[0][2].version == case.version:
                return found  # fatal from the start: it has its one alert, and no later version is an upgrade
            found.append((f"sae/{case.case_id}/fatal", "sae_upgraded", case))
    return found


def open_for_case(notifier: Notifier, tx: Tx, versions: Sequence[CaseReport], now: datetime) -> None:
    """Open what the case's history calls for and has not opened yet."""
    for cause, kind, case in case_alerts(versions):
        open_alert(
            notifier,
            tx,
            cause=cause,
            kind=kind,
            stream=case.subject_id,
            now=now,
            case_id=case.case_id,
            case_number=case.case_number,
        )


def open_for_batch(notifier: Notifier, tx: Tx, batch: Batch, now: datetime) -> None:
    """A positive culture is an alarm with no adverse event at all."""
    if batch.sterility == "positive" and not batch.voided:
        open_alert(
            notifier, tx, cause=f"sterility/{batch.batch_id}", kind="sterility", stream=batch.subject_id, now=now
        )


def open_for_rule(notifier: Notifier, tx: Tx, crossed: RuleCrossed, stream: str, now: datetime) -> None:
    """A stopping rule of the board was crossed: people are called to look. Which rule is all that is known here."""
    cause = f"dsmb/{crossed.rule_id}/{crossed.charter_version}/{crossed.look}"
    open_alert(notifier, tx, cause=cause, kind="dsmb_rule", stream=stream, now=now)


def open_for_parked(notifier: Notifier, tx: Tx, row: ParkedRow, now: datetime) -> None:
    """A serious event that could not be handled, or not even be read, still reaches a person."""
    if row.serious:
        notifier.audit.lock(tx, row.key)
        case = row.aggregate.removeprefix("case/") if row.aggregate and row.aggregate.startswith("case/") else None
        open_alert(
            notifier,
            tx,
            cause=f"parked/{row.aggregate or row.event_id or row.parked_id}",
            kind="parked",
            stream=row.key,
            now=now,
            case_id=case,
        )


def alert_id_of(cause: str) -> str:
    """The same cause has the same alert, whoever computes it."""
    return str(uuid.uuid5(_SPACE, cause))


def open_alert(
    notifier: Notifier,
    tx: Tx,
    *,
    cause: str,
    kind: str,
    stream: str,
    now: datetime,
    case_id: str | None = None,
    case_number: str | None = None,
    obligation_id: str | None = None,
    threshold: str | None = None,
) -> AlertRow | None:
    """Open one alert and line up its calls; None when this cause has one already. `stream` must be locked."""
    if store.alert_by_cause(tx, cause) is not None:
        return None
    row = AlertRow(
        alert_id=alert_id_of(cause),
        cause=cause,
        kind=kind,
        subject_id=stream,
        case_id=case_id,
        case_number=case_number,
        obligation_id=obligation_id,
        threshold=threshold,
        opened_at=now,
        traceparent=current_traceparent(),
    )
    store.add_row(tx, row)
    calls = line_up(notifier, tx, row, now)
    notifier.audit.record(
        tx,
        stream=stream,
        actor="system",
        action=f"opened an alert ({kind})",
        at=now,
        rows=[row, *calls],
        detail={"cause": cause},
    )
    tx.after_commit(notifier.wake.set)
    return row


def line_up(notifier: Notifier, tx: Tx, alert: AlertRow, now: datetime) -> list[CallRow]:
    """One call per person of the roster and channel, each at its time."""
    calls = []
    for step, on_call in enumerate(notifier.trial.on_call(now)):
        for channel in on_call.person.channels:
            if channel.kind not in notifier.trial.alerts.channels:
                continue
            call_id = str(
                uuid.uuid5(_SPACE, f"{alert.cause}/{alert.round}/{on_call.person.id}/{channel.kind}/{channel.address}")
            )
            calls.append(
                CallRow(
                    call_id=call_id,
                    alert_id=alert.alert_id,
                    subject_id=alert.subject_id,
                    round=alert.round,
                    step=step,
                    person=on_call.person.id,
                    user_id=on_call.person.user_id,
                    channel=channel.kind,
                    address=channel.address,
                    message_id=f"<{call_id}@tocsin.invalid>",
                    call_at=now + timedelta(seconds=on_call.call_after_s),
                )
            )
    for call in calls:
        store.add_row(tx, call)
    return calls


def confirm(notifier: Notifier, tx: Tx, alert_id: str, *, user_id: str, note: str | None, now: datetime) -> AlertRow:
    """A named person takes it; calls not yet made are dropped. Raises Conflict when somebody else has confirmed it."""
    seen = store.alert(tx, alert_id)
    if seen is None:
        raise NotFound("no alert by that id")
    notifier.audit.lock(tx, seen.subject_id)
    row = store.alert(tx, alert_id, lock=True)
    assert row is not None
    if row.state == "confirmed":
        if row.confirmed_by == user_id:
            return row
        raise Conflict(f"{row.confirmed_by} confirmed this alert already")
    row.state, row.confirmed_by, row.confirmed_at, row.note = "confirmed", user_id, now, note
    dropped = [call for call in store.calls_of(tx, [alert_id]) if call.state == "waiting"]
    for call in dropped:
        call.state = "dropped"
        tx.session.add(call)
    tx.session.add(row)
    notifier.audit.record(
        tx, stream=row.subject_id, actor=user_id, action="confirmed an alert", at=now, reason=note, rows=[row, *dropped]
    )
    return row


def claim(notifier: Notifier, tx: Tx, now: datetime) -> list[CallRow]:
    """Due calls, held for this instance; committed before anything is sent."""
    return store.claim_calls(tx, notifier.audit, now, now + CLAIM_FOR)


def settle_call(notifier: Notifier, tx: Tx, call: CallRow, *, error: str | None, now: datetime) -> CallRow:
    """Record what became of one attempt. Given up on, the next person is called now, not at their time."""
    notifier.audit.lock(tx, call.subject_id)
    row = tx.session.get(CallRow, call.call_id, with_for_update=True, populate_existing=True)
    assert row is not None
    if row.state != "waiting":
        return row
    row.attempts += 1
    store.release(row)
    changed = [row]
    if error is None:
        row.state, row.sent_at, row.error = "sent", now, None
    elif row.attempts < ATTEMPTS:
        row.error, row.call_at = error[:500], now + RETRY_AFTER
    else:
        row.state, row.error = "failed", error[:500]
        changed += _call_next(tx, row, now)
    for one in changed:
        tx.session.add(one)
    notifier.audit.record(
        tx,
        stream=row.subject_id,
        actor="system",
        action=f"called {row.person} by {row.channel}: {row.state if row.state != 'waiting' else 'failed, will try again'}",
        at=now,
        rows=changed,
    )
    return row


def _call_next(tx: Tx, failed: CallRow, now: datetime) -> list[CallRow]:
    calls = [call for call in store.calls_of(tx, [failed.alert_id]) if call.round == failed.round]
    reached = any(
        c.step == failed.step and c.call_id != failed.call_id and c.state in ("waiting", "sent") for c in calls
    )
    later = [call for call in calls if call.step == failed.step + 1 and call.state == "waiting" and call.call_at > now]
    if reached:
        return []
    for call in later:
        call.call_at = now
    return later


def next_round(notifier: Notifier, tx: Tx, alert_id: str, now: datetime) -> bool:
    """Everyone was called and nobody confirmed: begin again. True when a new round was begun (and the bell should ring)."""
    seen = store.alert(tx, alert_id)
    if seen is None:
        return False
    notifier.audit.lock(tx, seen.subject_id)
    row = store.alert(tx, alert_id, lock=True)
    calls = store.calls_of(tx, [alert_id])
    if row is None or row.state != "open" or any(call.state == "waiting" for call in calls):
        return False
    last = max((call.call_at for call in calls), default=row.opened_at)
    if now < last + timedelta(seconds=notifier.trial.roster.escalation.new_round_after_s):
        return False
    row.round += 1
    row.exhausted_at = now
    tx.session.add(row)
    made = line_up(notifier, tx, row, now)
    notifier.audit.record(
        tx,
        stream=row.subject_id,
        actor="system",
        action=f"began round {row.round} of an alert",
        at=now,
        rows=[row, *made],
    )
    tx.after_commit(notifier.wake.set)
    return True
