"""From the documents to the facts a trigger may name, per event: yes, no, or not answered.

Seriousness agrees with `shared.case.seriousness`: what that calls serious is here yes or not answered, never no.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from services.sae_notifier.rules.history import AssessmentView
from services.sae_notifier.rules.predicate import Truth, any_of
from services.sae_notifier.rules.trial_facts import TrialFacts
from services.sae_notifier.rules.vocabulary import FactValue
from shared.case import CRITERIA, AdverseEvent, Answer, CaseReport, Exposure

Facts = Mapping[str, FactValue]

_TRUTH: dict[Answer, Truth] = {"yes": True, "no": False, "unknown": None}


def facts_of(
    case: CaseReport,
    exposures: Sequence[Exposure],
    assessments: Sequence[AssessmentView],
    trial: TrialFacts,
    settings: Mapping[str, str | None],
) -> tuple[Facts, ...]:
    """One set of facts per event; a case without an event has one set in which nothing is answered.

    `assessments` are those made up to this point. A "no" of the sponsor counts only when it may relax; a "yes" counts
    from any of them and stays until such an answer takes it back.
    """
    common: dict[str, FactValue] = {
        "site_country": trial.site_country,
        "countries_with_site": trial.countries_with_site,
        "occasion": "case_report",
        "exempt": False,
        **trial.flags,
        **settings,
    }
    live = [one for one in exposures if not one.voided]
    if not case.events:
        return (common,)
    return tuple({**common, **_event(event, case, live, assessments, trial)} for event in case.events)


def _event(
    event: AdverseEvent,
    case: CaseReport,
    exposures: Sequence[Exposure],
    assessments: Sequence[AssessmentView],
    trial: TrialFacts,
) -> dict[str, FactValue]:
    answers = {name: _TRUTH[answer] for name, answer in event.seriousness.answers().items()}
    died = event.outcome == "fatal" or event.worst_grade == 5
    stayed = event.admission == "unplanned" or event.admission_prolonged == "yes"
    rel_inv = _investigator(event, exposures, trial)
    rel_spo = _sponsor(assessments, event.event_id, "related")
    expected = _sponsor(assessments, event.event_id, "expected")
    related = any_of([rel_inv, rel_spo])
    return {
        **answers,
        "serious": True if died or stayed else any_of([answers[name] for name in CRITERIA]),
        "fatal_lt": True if died else any_of([answers["death"], answers["life_threatening"]]),
        "rel_inv": rel_inv,
        "rel_spo": rel_spo,
        "related": related,
        # The documents ask about the product and its administration only, so a "yes" there is a "yes" here.
        "to_ip": True if related else None,
        "unexp": None if expected is None else not expected,
        "exposed": _exposed(event, exposures, trial),
        "min_criteria": _min_criteria(event, case, exposures, trial),
        "medication_error": _TRUTH[event.medication_error],
        "overdose": _TRUTH[event.overdose],
    }


def _investigator(event: AdverseEvent, exposures: Sequence[Exposure], trial: TrialFacts) -> Truth:
    """Over the product and its administration, or an opinion that names no exposure; no opinion is not answered."""
    ours = trial.product_kinds | trial.administration_kinds
    kinds = {one.exposure_id: one.kind for one in exposures}
    found: list[Truth] = []
    for opinion in event.opinions:
        kind = opinion.kind or kinds.get(opinion.exposure_id or "")
        if kind is None or kind in ours:
            found.append(_TRUTH[opinion.related])
    return any_of(found) if found else None


def _sponsor(assessments: Iterable[AssessmentView], event_id: str, question: str) -> Truth:
    """`related` is reportable when yes, `expected` when no: the reportable answer adds, the other one must be allowed to relax."""
    adds: Answer = "yes" if question == "related" else "no"
    answer: Answer = "unknown"
    for view in sorted(assessments, key=lambda one: one.assessment.version):
        judged = next((one for one in view.assessment.events if one.event_id == event_id), None)
        if judged is None:
            continue
        said = judged.related if question == "related" else judged.expected
        if said == adds or (view.may_relax and said != "unknown"):
            answer = said
        elif answer != adds:
            answer = "unknown"
    return _TRUTH[answer]


def _exposed(event: AdverseEvent, exposures: Sequence[Exposure], trial: TrialFacts) -> Truth:
    """No only when every recorded product exposure began after the last possible onset; none recorded is not answered."""
    given = [one for one in exposures if one.kind in trial.product_kinds]
    if not given or event.onset is None:
        return None
    first, last = event.onset.earliest(), event.onset.latest()
    found: list[Truth] = []
    for one in given:
        if one.start is None:
            found.append(None)
        elif one.start.latest() <= first:
            found.append(True)
        else:
            found.append(False if one.start.earliest() > last else None)
    return any_of(found)


def _min_criteria(event: AdverseEvent, case: CaseReport, exposures: Sequence[Exposure], trial: TrialFacts) -> Truth:
    """Never a "no": the clock is not held back by what is missing."""
    product = any(one.kind in trial.product_kinds for one in exposures) or bool(
        trial.product_kinds & set(case.given.kinds)
    )
    named = event.verbatim is not None or event.term is not None
    return True if product and named and case.reported_by else None
