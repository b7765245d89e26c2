"""What an assessment rests on, and whether the world has moved on since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.causality.words import Words
from shared.case import Assessment, Batch, CaseReport, Exposure, Judged, Measurement, PersonAnswer, Subject

_PREFIXES = ("case/", "exposure/", "measurement/", "subject/", "batch/")


@dataclass(frozen=True)
class Stale:
    """One reason: an aggregate that is newer than what was judged, was not judged at all, or is no longer known."""

    aggregate: str
    judged_version: int | None
    current_version: int | None
    why: Words


def judged(
    cases: Iterable[CaseReport],
    subject: Subject | None,
    exposures: Iterable[Exposure],
    measurements: Iterable[Measurement],
    batches: Iterable[Batch],
    answers: Mapping[str, int],
) -> tuple[Judged, ...]:
    """Every aggregate of the child with its version, voided ones too: unvoiding one must show. `answers` are a person's."""
    versions: dict[str, int] = {f"case/{case.case_id}": case.version for case in cases}
    if subject is not None:
        versions[f"subject/{subject.subject_id}"] = subject.version
    versions |= {f"exposure/{e.exposure_id}": e.version for e in exposures}
    versions |= {f"measurement/{m.measurement_id}": m.version for m in measurements}
    versions |= {f"batch/{b.batch_id}": b.version for b in batches}
    versions |= answers
    return tuple(Judged(aggregate=name, version=versions[name]) for name in sorted(versions))


def answers_version(case_id: str, answers: Iterable[PersonAnswer]) -> dict[str, int]:
    """A person's answers about one case are one aggregate; how many there are is its version."""
    numbers = [one.number for one in answers]
    return {f"answers/{case_id}": max(numbers)} if numbers else {}


def is_stale(assessment: Assessment, current: Mapping[str, int]) -> tuple[Stale, ...]:
    """`current` holds the latest version of every aggregate of that child; an empty answer means fresh."""
    known = {one.aggregate: one.version for one in assessment.judged}
    mine = (*_PREFIXES, f"answers/{assessment.case_id}")  # what was answered about another case says nothing here
    reasons: list[Stale] = []
    for name in sorted({*known, *(n for n in current if n.startswith(mine))}):
        before, now = known.get(name), current.get(name)
        if before is None:
            why = Words(f"{name} was not judged.", f"{name} chưa được xem xét.")
        elif now is None:
            why = Words(f"{name} is no longer known.", f"{name} không còn.")
        elif now > before:
            why = Words(
                f"{name} is now version {now}; version {before} was judged.",
                f"{name} nay là bản {now}; đã xem xét bản {before}.",
            )
        else:
            continue
        reasons.append(Stale(name, before, now, why))
    return tuple(reasons)
