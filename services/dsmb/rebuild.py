"""After a restore: the crossings that this service's own events tell of. Cuts are not events: those made since the copy are lost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.dsmb import store
from services.dsmb.store import CrossingRow
from shared.audit import Audited, Written
from shared.case import RuleCrossed
from shared.db import Tx
from shared.events.envelope import Event


def rebuild(tx: Tx, event: Event, now: datetime) -> Sequence[Audited | Written]:
    """The rows of one own event; what is there already is left alone."""
    if event.type != "tocsin.stopping_rule.crossed.v1":
        return ()
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
