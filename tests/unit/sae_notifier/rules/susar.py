"""One trial with sites in three countries, its infusions, and what investigator and sponsor say: the cases of the SUSAR tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.sae_notifier.rules import AssessmentView, Duty, History, Told, TrialFacts, evaluate
from shared.case import (
    Answer,
    CaseReport,
    EventAssessment,
    Exposure,
    ExposureKind,
    Obligation,
    Relatedness,
    Seriousness,
)
from tests.unit.sae_notifier.rules.cases import (
    CALENDARS,
    DIED,
    NOW,
    RULES,
    assessment,
    event,
    moment,
    recipient,
    trial,
    version,
)

NEW_YORK, AMSTERDAM = "America/New_York", "Europe/Amsterdam"


def multinational(settings: Mapping[str, str] | None = None, **changed: object) -> TrialFacts:
    facts = replace(
        trial(settings),
        recipients={
            **trial().recipients,
            "us_authorities": (recipient("fda", NEW_YORK),),
            "eu_authorities": (recipient("ev", AMSTERDAM),),
            "investigators": (recipient("inv_vn"), recipient("inv_us", NEW_YORK), recipient("inv_nl", AMSTERDAM)),
        },
        countries_with_site=frozenset({"VN", "US", "NL"}),
        authorities=frozenset({"VN", "US", "EU"}),
    )
    return replace(facts, **changed)  # type: ignore[arg-type]


def given(kind: ExposureKind = "bm_mnc_infusion", start: str | None = "2026-03-07", **fields: object) -> Exposure:
    return Exposure.model_validate(
        {
            "exposure_id": f"x-{kind}",
            "version": 1,
            "trial_id": "T1",
            "subject_id": "S1",
            "kind": kind,
            "start": moment(start) if start else None,
            "recorded_at": moment("2026-03-01").earliest(),
            **fields,
        }
    )


def says(related: Answer, kind: str | None = None, exposure_id: str | None = None) -> dict[str, object]:
    return {"related": related, "kind": kind, "exposure_id": exposure_id}


def case(
    serious: Seriousness = DIED,
    *opinions: dict[str, object],
    number: int = 1,
    onset: str | None = "2026-03-08",
    day: str = "09",
    **fields: object,
) -> CaseReport:
    """Known to site and desk at nine in Hanoi; an amendment's news too."""
    told = event(serious, onset=moment(onset) if onset else None, opinions=list(opinions))
    news = f"2026-03-{day}T09:00" if number > 1 else None
    made = version(number, events=[told], desk="2026-03-09T09:00", news=news, recorded=f"2026-03-{day}T10:00")
    return made.model_copy(update=fields)


def sponsor(
    number: int = 1, of: int = 1, *, rows: Mapping[str, Answer] | None = None, **fields: object
) -> AssessmentView:
    """A signed assessment unless said otherwise; `rows` are its answers by exposure."""
    view = assessment(number, of, **{"signed": True, **fields})  # type: ignore[arg-type]
    if rows is None:
        return view
    (judged,) = view.assessment.events
    related: Answer = "yes" if "yes" in rows.values() else "no"
    told: list[Relatedness] = [
        Relatedness(
            event_id="e1", exposure_id=name, exposure_kind="bm_mnc_infusion", exposed="yes", reasonable_possibility=said
        )
        for name, said in rows.items()
    ]
    whole: EventAssessment = judged.model_copy(update={"related": related, "relatedness": tuple(told)})
    return replace(view, assessment=view.assessment.model_copy(update={"events": (whole,)}))


def duties(
    *cases: CaseReport,
    views: Sequence[AssessmentView] = (),
    exposures: Sequence[Exposure] = (given(),),
    facts: TrialFacts | None = None,
    obligations: Sequence[Obligation] = (),
    told: Mapping[str, Told] | None = None,
) -> dict[tuple[str, str, int], Duty]:
    """By rule group, recipient and generation."""
    history = History(cases, tuple(exposures), tuple(views), tuple(obligations), told or {})
    found = evaluate(history, facts or multinational(), RULES, CALENDARS, NOW)
    return {(one.group, one.recipient_id, one.generation): one for one in found}


def owed(found: Mapping[tuple[str, str, int], Duty], group: str, recipient_id: str) -> Duty | None:
    """The first generation of one duty while it stands."""
    duty = found.get((group, recipient_id, 1))
    return duty if duty is not None and duty.ended is None else None
