"""A named person signs that a report was complete, or that news is not significant: then nothing more is owed for it.

Never by itself, never against what the rules know, and never of a report that did not arrive. What was signed lapses with
what it rests on; the evaluation says so and opens the duty again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.sae_notifier import store
from services.sae_notifier.handlers import duties
from services.sae_notifier.handlers.notifier import Notifier
from services.sae_notifier.rules import Statable
from shared.canonical import canonical, sha256
from shared.case import DutyStatement, Obligation, Says, Signature
from shared.db import Tx
from shared.errors import Conflict, FieldProblem, NotFound, Refused

LEAST_REASON = 3
_ACTIONS: dict[Says, str] = {
    "complete": "signed that the report was complete",
    "not_significant": "signed that the news is not significant",
}


def statable(notifier: Notifier, tx: Tx, duty: Obligation, now: datetime) -> Statable | None:
    """What may be signed about this duty now, with everything against it; None where nothing can be."""
    if duty.state != "open":
        return None
    before = store.obligations_of(tx, [duty.case_id])
    _, found = duties.wanted(tx, duty.case_id, notifier.laws.active(tx), now, before)
    return next((one.statable for one in found if one.obligation_id == duty.obligation_id), None)


def to_sign(obligation_id: str, says: str, case_version: int, reason: str) -> dict[str, Any]:
    """What a fresh proof is given for: this duty, these words, what had been read of the case, and nothing else."""
    return {
        "sign": "duty_statement",
        "obligation_id": obligation_id,
        "says": says,
        "case_version": case_version,
        "reason": reason,
    }


def state(
    notifier: Notifier,
    tx: Tx,
    obligation_id: str,
    *,
    says: Says,
    case_version: int,
    reason: str,
    user_id: str,
    now: datetime,
) -> Obligation:
    """Close a duty by a signed statement. `case_version` is the newest that the person had read.

    Raises Conflict when the duty is not open or the case has moved on, Refused for what may not be stated. The same
    statement by the same person twice is one.
    """
    seen = store.obligation(tx, obligation_id)
    if seen is None:
        raise NotFound("no duty by that id")
    notifier.audit.lock(tx, seen.subject_id)
    duty = store.obligation(tx, obligation_id)
    assert duty is not None
    last = duty.statements[-1] if duty.statements else None
    mine = (says, case_version, reason, user_id)
    if (
        duty.state == "ended"
        and last
        and mine
        == (
            last.says,
            last.case_version,
            last.reason,
            last.signature.signed_by,
        )
    ):
        return duty
    if duty.state == "ended":
        raise Conflict("this duty has ended; nothing is owed under it")
    if duty.state != "open":
        raise Conflict("a report was sent for this duty already; nothing has to be stated")
    found = statable(notifier, tx, duty, now)
    if found is None or found.says != says:
        what = "this duty asks for a report; nothing can be stated instead"
        raise Refused(what, problems=[FieldProblem("/says", what, "send the report that is owed")])
    if found.case_version != case_version:
        raise Conflict(f"the case is at version {found.case_version} now; read it before you sign")
    problems = [FieldProblem("/says", one.en, "send what is owed instead") for one in found.objections]
    if len(reason) < LEAST_REASON:
        problems.append(FieldProblem("/reason", "a reason is needed", "write why nothing more has to be told"))
    if problems:
        raise Refused("this cannot be stated", problems=problems)
    statement = _signed(duty, found, reason, user_id, now)
    stated = duty.model_copy(
        update={"version": duty.version + 1, "statements": (*duty.statements, statement), "recorded_at": now}
    )
    duties.save(
        notifier, tx, stated, actor=user_id, action=f"{_ACTIONS[says]} ({duty.rule_id})", now=now, reason=reason
    )
    duties.evaluate_case(notifier, tx, duty.case_id, now)
    closed = store.obligation(tx, obligation_id)
    assert closed is not None and closed.state == "ended", "what may be stated closes the duty"
    return closed


def _signed(duty: Obligation, found: Statable, reason: str, user_id: str, now: datetime) -> DutyStatement:
    assert found.held is not None
    unsigned: dict[str, Any] = {
        "says": found.says,
        "case_version": found.case_version,
        "report_version": found.held.version,
        "report_number": found.held.number,
        "report_sha256": found.held.sha256,
        "report_as_of": found.held.as_of,
        "reason": reason,
    }
    told = {"obligation_id": duty.obligation_id, **unsigned, "report_as_of": found.held.as_of.isoformat()}
    signature = Signature(
        signed_by=user_id, signed_at=now, meaning=_ACTIONS[found.says], sha256=sha256(canonical(told))
    )
    return DutyStatement(**unsigned, signature=signature)
