"""Which measurement speaks about which event.

A measurement belongs to an event when the event has the term of its test (in either CTCAE version) and it may have been taken
between 24 h before the earliest onset and the later of: the end + 24 h, now while ongoing, or the latest onset + 72 h for a
temperature and + 14 days for a laboratory value. Where a time is missing the term alone decides. A graded value taken in the time
of any event of the case but under no event's term is shown without an event.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.causality.ctcae import TESTS, check, terms_of
from services.causality.ctcae.check import baseline_of
from services.causality.domain.temporal import counted, span
from shared.case import AdverseEvent, Measurement
from shared.case.assessment import GradeCheck

BEFORE = timedelta(hours=24)
AFTER_END = timedelta(hours=24)
AFTER_TEMPERATURE = timedelta(hours=72)
AFTER_LABORATORY = timedelta(days=14)


def grade_checks(
    events: Sequence[AdverseEvent], measurements: Sequence[Measurement], ctcae_version: str, now: datetime
) -> tuple[GradeCheck, ...]:
    """One check per measurement and event it belongs to; baselines and voided values are not graded."""
    checks: list[GradeCheck] = []
    readable = [m for m in measurements if m.test in TESTS and not m.voided and not m.baseline]
    for measurement in sorted(readable, key=lambda m: m.measurement_id):
        baseline = baseline_of(measurement, measurements)
        own = [e for e in events if e.term is not None and e.term.code in terms_of(measurement.test)]
        own = [e for e in own if _near(e, measurement, now) is not False]
        for event in own:
            checks.append(
                check(
                    measurement,
                    ctcae_version,
                    event_id=event.event_id,
                    reported_grade=event.worst_grade,
                    baseline=baseline,
                )
            )
        if not own and any(_near(event, measurement, now) for event in events):
            alone = check(measurement, ctcae_version, baseline=baseline)
            if alone.computed_grade != 0:
                checks.append(alone)
    return tuple(checks)


def _near(event: AdverseEvent, measurement: Measurement, now: datetime) -> bool | None:
    """None when a time is missing."""
    onset, end, taken = (counted(m, now) for m in (event.onset, event.end, measurement.taken))
    if onset is None or taken is None:
        return None
    after = AFTER_TEMPERATURE if measurement.test == "body_temperature" else AFTER_LABORATORY
    last = span(onset)[1] + after
    if end is not None:
        last = max(last, span(end)[1] + AFTER_END)
    elif event.ongoing is True:
        last = max(last, now)
    taken_low, taken_high = span(taken)
    return taken_high >= span(onset)[0] - BEFORE and taken_low <= last
