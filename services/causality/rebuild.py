"""After a restore: assessments, signatures and answers included, as this service's own events say they stood."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.causality import store
from shared.audit import Audited, Written
from shared.case import Assessment
from shared.db import Tx
from shared.events.envelope import Event

ASSESSMENTS = ("tocsin.assessment.proposed.v1", "tocsin.assessment.signed.v1")


def rebuild(tx: Tx, event: Event, now: datetime) -> Sequence[Audited | Written]:
    """The rows of one own event; what is there already is left alone."""
    if event.type not in ASSESSMENTS:
        return ()
    document = Assessment.read(event.data)
    if any(one.version == document.version for one in store.versions(tx, document.case_id)):
        return ()
    known = {one.number for one in store.answers(tx, document.case_id)}
    given = [store.add_answer(tx, document, one) for one in document.answers if one.number not in known]
    return [store.add_assessment(tx, document), *given]
