"""One case assessed: grades, seriousness, expectedness and relatedness proposed, with everything they rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.causality.domain.consistency import findings
from services.causality.domain.expectedness import RsiVersion, expectedness
from services.causality.domain.matching import grade_checks
from services.causality.domain.pair import Pair, pairs, suspects
from services.causality.domain.relate import relate
from services.causality.domain.reported import not_recorded, reported_relatedness
from services.causality.domain.stale import answers_version, judged
from services.causality.domain.told import NOBODY, told_by
from shared.case import (
    Answer,
    Assessment,
    Batch,
    CaseReport,
    EventAssessment,
    Exposure,
    ExposureKind,
    Judged,
    Measurement,
    PersonAnswer,
    Subject,
)
from shared.case.assessment import GradeCheck
from shared.terms import as_version


@dataclass(frozen=True)
class Proposal:
    """What the engine proposes for one version of one case; nobody has accepted anything yet."""

    case: CaseReport
    judged: tuple[Judged, ...]
    grade_checks: tuple[GradeCheck, ...]
    events: tuple[EventAssessment, ...]
    answers: tuple[PersonAnswer, ...]
    illustrative: bool

    def as_assessment(self, version: int, now: datetime) -> Assessment:
        """The unsigned document to publish."""
        return Assessment(
            case_id=self.case.case_id,
            case_number=self.case.case_number,
            case_version=self.case.version,
            version=version,
            trial_id=self.case.trial_id,
            subject_id=self.case.subject_id,
            judged=self.judged,
            grade_checks=self.grade_checks,
            events=self.events,
            answers=self.answers,
            illustrative=self.illustrative,
            recorded_at=now,
        )


def propose(
    case: CaseReport,
    subject: Subject | None,
    exposures: Sequence[Exposure],
    measurements: Sequence[Measurement],
    batches: Sequence[Batch],
    prior_cases: Sequence[CaseReport],
    rsi: Sequence[RsiVersion],
    ctcae_version: str,
    now: datetime,
    answers: Sequence[PersonAnswer] = (),
) -> Proposal:
    """`prior_cases` are the child's other cases (latest versions); `answers` every answer a person gave about this case.

    A nullified case is listed as judged and proposes nothing; a nullified prior case is no recurrence.
    """
    version = as_version(ctcae_version)
    others = [other for other in prior_cases if other.case_id != case.case_id]
    evidence = judged(
        [case, *others], subject, exposures, measurements, batches, answers_version(case.case_id, answers)
    )
    if case.nullified is not None:
        return Proposal(case, evidence, (), (), tuple(answers), False)
    told = told_by(answers, case)
    alive = suspects(exposures)
    occurrences = [
        pair
        for one in [case, *(o for o in others if o.nullified is None)]
        for event in one.events
        for pair in pairs(one.case_id, event, alive, now)
    ]
    assessed: list[EventAssessment] = []
    illustrative = False
    for event in case.events:
        own = [p for p in occurrences if p.case_id == case.case_id and p.event is event]
        expected = expectedness(event, rsi, _exposed_kinds(case, own, alive), now)
        illustrative = illustrative or expected.illustrative
        assessed.append(
            EventAssessment(
                event_id=event.event_id,
                seriousness_findings=findings(event, version, now),
                expected=expected.answer,
                expected_why_en=expected.why.en,
                expected_why_vi=expected.why.vi,
                rsi_version=expected.rsi_version,
                relatedness=(
                    *(
                        relate(
                            pair,
                            own,
                            occurrences,
                            alive,
                            batches,
                            told.get((event.event_id, pair.exposure.exposure_id), NOBODY),
                            now,
                        )
                        for pair in own
                    ),
                    *(reported_relatedness(event, kind) for kind in not_recorded(case, alive)),
                ),
            )
        )
    return Proposal(
        case,
        evidence,
        grade_checks(case.events, measurements, version, now),
        tuple(assessed),
        tuple(answers),
        illustrative,
    )


def _exposed_kinds(case: CaseReport, own: Sequence[Pair], alive: Sequence[Exposure]) -> dict[ExposureKind, Answer]:
    kinds: dict[ExposureKind, Answer] = dict.fromkeys(not_recorded(case, alive), "unknown")
    for pair in own:
        kind, answer = pair.exposure.kind, pair.facts.exposed
        if kinds.get(kind) != "yes" and (answer != "no" or kind not in kinds):
            kinds[kind] = answer
    return kinds
