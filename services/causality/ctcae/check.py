"""A measurement of the published language graded, beside the grade that a person gave."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from services.causality.ctcae.grade import Baseline, Grading, Reading, grade
from services.causality.words import NOTHING, Words
from shared.case import Answer, Measurement
from shared.case.assessment import GradeCheck
from shared.terms import as_version, label

_NEVER = datetime(1900, 1, 1, tzinfo=UTC)


def reading_of(measurement: Measurement) -> Reading:
    """The measurement as numbers."""
    return Reading(
        test=measurement.test,
        value=measurement.decimal,
        unit=measurement.unit,
        lower_limit=_decimal(measurement.lower_limit),
        upper_limit=_decimal(measurement.upper_limit),
        body_site=measurement.body_site,
        lasted_hours=_decimal(measurement.lasted_hours),
    )


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def baseline_of(measurement: Measurement, measurements: Iterable[Measurement]) -> Baseline | None:
    """The child's baseline of the same test: in the same unit if there is one, else the latest; never the reading itself."""
    candidates = [
        m
        for m in measurements
        if m.baseline and not m.voided and m.test == measurement.test and m.measurement_id != measurement.measurement_id
    ]
    if not candidates:
        return None
    chosen = max(
        candidates,
        key=lambda m: (m.unit == measurement.unit, m.taken.earliest() if m.taken else _NEVER, m.measurement_id),
    )
    above: Answer = "unknown"
    if chosen.upper_limit is not None:
        above = "yes" if chosen.decimal > Decimal(chosen.upper_limit) else "no"
    return Baseline(chosen.decimal, chosen.unit, above)


def check(
    measurement: Measurement,
    version: str,
    *,
    event_id: str | None = None,
    reported_grade: int | None = None,
    baseline: Baseline | None = None,
) -> GradeCheck:
    """The published check: the computed floor, the reported grade, and what to do when they differ."""
    known = as_version(version)
    result = grade(reading_of(measurement), known, baseline)
    why = result.why + _beside(result, reported_grade, event_id)
    return GradeCheck(
        event_id=event_id,
        measurement_id=measurement.measurement_id,
        term=label(result.code, known) if result.code else measurement.test,
        dictionary_version=known,
        reported_grade=reported_grade,
        computed_grade=result.grade,
        why_en=why.en,
        why_vi=why.vi,
    )


def _beside(result: Grading, reported: int | None, event_id: str | None) -> Words:
    if result.grade is None:
        return NOTHING
    if event_id is None:
        if result.grade == 0:
            return NOTHING
        return Words(
            "No event of this term is reported in the case.", "Không có biến cố nào của thuật ngữ này trong ca."
        )
    if reported is None:
        return Words("No grade was reported.", "Chưa có độ do bác sĩ ghi.")
    if reported < result.grade:
        return Words(
            f"The reported grade {reported} is lower than the numbers allow: please review.",
            f"Độ được báo cáo {reported} thấp hơn mức các con số cho phép: đề nghị xem lại.",
        )
    if reported > result.grade:
        return Words(
            f"The reported grade {reported} stands: numbers are only a floor.",
            f"Giữ độ được báo cáo {reported}: các con số chỉ là mức tối thiểu.",
        )
    return Words(f"Agrees with the reported grade {reported}.", f"Khớp với độ được báo cáo {reported}.")
