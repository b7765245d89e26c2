"""Stopping rules, live: each change of a child's documents may move its contribution, and a contribution the rule.

A contribution is written under the child's lock and counted under the service's, so two instances that each see a child with
the event cannot both miss the other's. A rule is judged only when every known child is counted by the plan that stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from services.dsmb import store
from services.dsmb.boundaries import State, state
from services.dsmb.domain import watch
from services.dsmb.domain.child import child
from services.dsmb.domain.plan import Rule
from services.dsmb.handlers.dsmb import Dsmb
from services.dsmb.store import CountedRow, CrossingRow, WatchedRow
from shared.audit import SERVICE_STREAM
from shared.bus import hold
from shared.bus.outbox import emit
from shared.bus.worker import Receipt
from shared.case import RuleCrossed
from shared.clock import Clock
from shared.db import Database, Tx


def on_change(dsmb: Dsmb, tx: Tx, receipt: Receipt, now: datetime) -> None:
    """A document of this child is new. The rule stands where it stood when that was recorded, however late it is read."""
    look_at(dsmb, tx, receipt.key, receipt.event.time, now)


def look_at(dsmb: Dsmb, tx: Tx, subject_id: str, at: datetime, now: datetime) -> None:
    """Work out one child's contribution to every rule, and judge what that moves; the child's stream must be locked."""
    moved, new = _contribute(dsmb, tx, subject_id, at, now)
    if new:
        _judge(dsmb, tx, subject_id, {rule.rule_id: now for rule in dsmb.plan.rules} | dict.fromkeys(moved, at), now)
    elif moved:
        _judge(dsmb, tx, subject_id, dict.fromkeys(moved, at), now)


def reconsider(dsmb: Dsmb, tx: Tx, subject_id: str, now: datetime) -> None:
    """After a restore: this child by its newest documents. The last one judges, though its own contribution be the same."""
    if subject_id != dsmb.plan.trial_id:
        _contribute(dsmb, tx, subject_id, now, now)
        _judge(dsmb, tx, subject_id, {rule.rule_id: now for rule in dsmb.plan.rules}, now)


def watch_anew(db: Database, dsmb: Dsmb, clock: Clock) -> int:
    """After the trial file has changed: every child by the new plan, each in a transaction of its own. Returns how many."""
    found = db.read(lambda tx: _left_over(dsmb, tx))
    for code in found:

        def unit(tx: Tx, code: str = code) -> None:
            dsmb.audit.lock(tx, code)
            now = clock.now()
            look_at(dsmb, tx, code, now, now)

        db.transact(unit)
    return len(found)


def standings(dsmb: Dsmb, tx: Tx, now: datetime) -> list[State]:
    """Where every rule stands now."""
    return [state(rule, store.watched(tx, rule.rule_id, dsmb.plan_sha256), now) for rule in dsmb.plan.rules]


def _left_over(dsmb: Dsmb, tx: Tx) -> list[str]:
    rules = [rule.rule_id for rule in dsmb.plan.rules]
    return store.left_over(tx, dsmb.plan_sha256, rules) if rules else []


def _contribute(dsmb: Dsmb, tx: Tx, subject_id: str, at: datetime, now: datetime) -> tuple[list[str], bool]:
    """The rules whose count this moves, and whether this plan had left the child over until now."""
    known = child(subject_id, store.current_of_child(tx, subject_id))
    seen = store.watched_of(tx, subject_id)
    moved: list[str] = []
    new = False
    for rule in dsmb.plan.rules:
        found = watch(known, rule, dsmb.plan, at)
        before = seen.pop(rule.rule_id, None)
        row = WatchedRow(
            rule_id=rule.rule_id,
            subject_id=subject_id,
            plan_sha256=dsmb.plan_sha256,
            infused=found is not None,
            with_event=found is not None and found.with_event,
            evaluable_at=found.evaluable_at if found is not None else None,
        )
        if before is not None and before.model_dump() == row.model_dump():
            continue
        _keep(dsmb, tx, row, now)
        new = new or before is None or before.plan_sha256 != row.plan_sha256
        if row.infused or (before is not None and before.infused):
            moved.append(rule.rule_id)
    for row in seen.values():  # of rules that this plan lacks
        if row.plan_sha256:
            _keep(dsmb, tx, WatchedRow.model_validate(row.model_dump() | {"plan_sha256": ""}), now)
    return moved, new


def _judge(dsmb: Dsmb, tx: Tx, subject_id: str, when: Mapping[str, datetime], now: datetime) -> None:
    """Each of these rules as it stood then, unless a child besides this one is left over: whoever writes the last judges.

    A few children with the event cross where all of them together do not.
    """
    dsmb.audit.lock(tx, SERVICE_STREAM)
    restored = hold.unfinished(tx)
    waiting = {*_left_over(dsmb, tx), *(restored.waiting() if restored is not None else ())}
    if waiting - {subject_id, dsmb.plan.trial_id}:
        return
    for rule in dsmb.plan.rules:
        if rule.rule_id not in when:
            continue
        at = when[rule.rule_id]
        if restored is not None:
            _know_again(dsmb, tx, rule, now)
        standing = state(rule, store.watched(tx, rule.rule_id, dsmb.plan_sha256), at)
        if standing.crossed and standing.with_event:
            _cross(dsmb, tx, rule, standing, at, now)


def _keep(dsmb: Dsmb, tx: Tx, row: WatchedRow, now: datetime) -> None:
    store.set_watched(tx, row)
    dsmb.audit.record(
        tx,
        stream=row.subject_id,
        actor="system",
        action="looked at a child for a stopping rule",
        at=now,
        detail={"rule": row.rule_id},
        rows=[row],
    )


def _know_again(dsmb: Dsmb, tx: Tx, rule: Rule, now: datetime) -> None:
    """After a restore: the log tells how many children crossings had counted, and not which. As many as it tells are those."""
    charter, newest = dsmb.plan.charter_version, store.newest_look(tx, rule.rule_id, dsmb.plan.charter_version)
    before = store.counted(tx, rule.rule_id, charter)
    again = store.with_event(tx, rule.rule_id, dsmb.plan_sha256) - before
    if not again or len(before) + len(again) > newest:
        return
    rows = _counted(rule, charter, again, newest)
    store.add_rows(tx, rows)
    dsmb.audit.record(
        tx,
        stream=SERVICE_STREAM,
        actor="system",
        action="knew again whom a crossing had counted",
        at=now,
        detail={"rule": rule.rule_id, "charter": charter, "look": newest},
        rows=rows,
    )


def _counted(rule: Rule, charter: str, codes: set[str], look: int) -> list[CountedRow]:
    return [
        CountedRow(rule_id=rule.rule_id, charter_version=charter, subject_id=code, look=look) for code in sorted(codes)
    ]


def _cross(dsmb: Dsmb, tx: Tx, rule: Rule, standing: State, at: datetime, now: datetime) -> None:
    """Raise the alert when a child stands in the crossing whom no crossing before it counted; what was raised stays.

    By the number of children alone, one whose case was void in the end would silence the rule for the next child.
    """
    charter = dsmb.plan.charter_version
    before = store.counted(tx, rule.rule_id, charter)
    new = store.with_event(tx, rule.rule_id, dsmb.plan_sha256) - before
    if not new:
        return
    look = max(store.newest_look(tx, rule.rule_id, charter) + 1, len(before) + len(new))
    counted = _counted(rule, charter, new, look)
    store.add_rows(tx, counted)
    row = CrossingRow(
        rule_id=rule.rule_id,
        charter_version=charter,
        look=look,
        evaluable=standing.evaluable,
        stop_at=standing.stop_at,
        posterior=standing.posterior,
        crossed_at=at,
        raised_at=now,
    )
    store.add_rows(tx, [row])
    sent = emit(
        tx,
        "tocsin.stopping_rule.crossed.v1",
        RuleCrossed(
            trial_id=dsmb.plan.trial_id,
            rule_id=rule.rule_id,
            charter_version=charter,
            look=look,
            label_en=rule.label_en,
            label_vi=rule.label_vi,
            illustrative=rule.illustrative,
            crossed_at=at,
        ),
        aggregate=f"stopping_rule/{rule.rule_id}.{charter}.{look}",
        version=1,
        trial_id=dsmb.plan.trial_id,
        now=now,
        serious=True,
    )
    dsmb.audit.record(
        tx,
        stream=SERVICE_STREAM,
        actor="system",
        action="a stopping rule was crossed",
        at=now,
        detail={"rule": rule.rule_id, "charter": charter, "look": look},
        rows=[row, sent, *counted],
    )
    tx.after_commit(dsmb.wake.set)
