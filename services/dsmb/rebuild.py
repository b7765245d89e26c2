"""After a restore: the crossings and the cuts that this service's own events tell of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.dsmb import store
from services.dsmb.handlers.publishing import FROZEN, PART
from services.dsmb.handlers.taking_back import check_part, take_back
from services.dsmb.store import CrossingRow
from shared.audit import Audited, Written
from shared.case import RuleCrossed
from shared.db import Tx
from shared.events.envelope import Event


def rebuild(tx: Tx, event: Event, now: datetime) -> Sequence[Audited | Written]:
    """The rows of one own event; what is there already is left alone. Raises Poison for a cut that is not whole."""
    if event.type == PART:
        check_part(event)
        return ()
    if event.type == FROZEN:
        return take_back(tx, event)
    if event.type != "tocsin.stopping_rule.crossed.v1":
        return ()
    return _crossing(tx, event)


def _crossing(tx: Tx, event: Event) -> Sequence[Audited]:
    told = RuleCrossed.read(event.data)
    if store.crossing(tx, told.rule_id, told.charter_version, told.look) is not None:
        return ()
    row = CrossingRow(
        rule_id=told.rule_id,
        charter_version=told.charter_version,
        look=told.look,
        crossed_at=told.crossed_at,
        raised_at=event.time,
    )
    store.add_rows(tx, [row])
    return [row]
