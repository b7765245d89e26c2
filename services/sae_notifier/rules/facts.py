"""From the documents to the facts a trigger may name, per event and suspect product: yes, no, or not answered.

Seriousness agrees with `shared.case.seriousness`: what that calls serious is here yes or not answered, never no.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from services.sae_notifier.rules.history import AssessmentView
from services.sae_notifier.rules.predicate import Truth, any_of
from services.sae_notifier.rules.suspects import Suspect, given_before, suspects_of
from services.sae_notifier.rules.trial_facts import TrialFacts
from services.sae_notifier.rules.vocabulary import FactValue
from shared.case import CRITERIA, AdverseEvent, Answer, CaseReport, EventAssessment, Exposure

Facts = Mapping[str, FactValue]

_TRUTH: dict[Answer, Truth] = {"yes": True, "no": False, "unknown": None}
CLOSING_ROLES = frozenset({"clinician", "investigator"})
"""Whose documented answer may end what only rested on an unanswered question."""
OF_THE_EVENT = frozenset({"serious", "fatal_lt", *CRITERIA, "medication_error", "overdose"})
"""Questions the report answers."""
OF_THE_SUSPECT = frozenset({"rel_inv", "rel_spo", "related", "to_ip", "exposed"})
"""Questions asked of each suspect apart."""

ASSUMED = OF_THE_SUSPECT | {"unexp"}
"""Questions that a report takes as yes while nobody has answered them: a later yes tells its recipient no graver thing."""


@dataclass(frozen=True)
class Source:
    """Who gave an answer, in which version of which document; `by` is a user id, empty where a record answers."""

    aggregate: str
    version: int
    by: str = ""


@dataclass(frozen=True)
class Judged:
    """What is known of one event and one suspect, and where each answer stands. Null: a case without an event."""

    facts: Facts
    event_id: str = ""
    suspect: Suspect | None = None
    sources: Mapping[str, Source] = field(default_factory=dict)


def facts_of(
    case: CaseReport,
    exposures: Sequence[Exposure],
    assessments: Sequence[AssessmentView],
    trial: TrialFacts,
    settings: Mapping[str, str | None],
) -> tuple[Facts, ...]:
    """The facts alone; one set per event and suspect."""
    return tuple(one.facts for one in judged_of((case,), exposures, assessments, trial, settings))


def judged_of(
    versions: Sequence[CaseReport],
    exposures: Sequence[Exposure],
    assessments: Sequence[AssessmentView],
    trial: TrialFacts,
    settings: Mapping[str, str | None],
) -> tuple[Judged, ...]:
    """Of the last of `versions`; a case without an event has one set in which nothing is answered.

    `assessments` are those made up to this point. A "no" of the sponsor counts only when it may relax; a "yes" counts
    from any of them and stays until such an answer takes it back.
    """
    case = versions[-1]
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
        return (Judged(common),)
    return tuple(
        _judged(common, event, suspect, versions, live, assessments, trial)
        for event in case.events
        for suspect in suspects_of(case, event, live, trial)
    )


def _judged(
    common: Mapping[str, FactValue],
    event: AdverseEvent,
    suspect: Suspect,
    versions: Sequence[CaseReport],
    exposures: Sequence[Exposure],
    assessments: Sequence[AssessmentView],
    trial: TrialFacts,
) -> Judged:
    said = _said(event)
    rel_inv = _investigator(event, suspect)
    rel_spo, spo_source = _sponsor(
        assessments, event.event_id, lambda one, signed: _related(one, suspect, signed), adds="yes"
    )
    expected, exp_source = _sponsor(assessments, event.event_id, lambda one, _signed: one.expected, adds="no")
    exposed = (
        given_before(event, suspect.exposure)
        if suspect.exposure
        else _said_given(versions[-1], event, suspect, exposures, trial)
    )
    related = any_of([rel_inv, rel_spo])
    facts: dict[str, FactValue] = {
        **common,
        **said,
        "rel_inv": rel_inv,
        "rel_spo": rel_spo,
        "related": related,
        # A suspect is a product of the trial or part of giving it, so what is related is related to that.
        "to_ip": related,
        "unexp": None if expected is None else not expected,
        "exposed": exposed,
        "min_criteria": _min_criteria(event, versions[-1], exposures, trial),
    }
    sources = {
        name: _since(versions, event.event_id, lambda one, name=name: _said(one)[name])
        for name, value in said.items()
        if value is not None
    }
    if rel_inv is not None:
        sources["rel_inv"] = _since(versions, event.event_id, lambda one: _investigator(one, suspect))
    if spo_source is not None:
        sources["rel_spo"] = spo_source
    if exp_source is not None:
        sources["unexp"] = exp_source
    if exposed is not None:
        case, exposure = versions[-1], suspect.exposure
        in_case = Source(f"case/{case.case_id}", case.version, case.reported_by)
        sources["exposed"] = Source(f"exposure/{suspect.name}", exposure.version) if exposure else in_case
    if related is not None:
        better = "rel_inv" if rel_inv is related else "rel_spo"
        sources["related"] = sources["to_ip"] = sources[better]
    return Judged(facts, event.event_id, suspect, sources)


def _said(event: AdverseEvent) -> dict[str, Truth]:
    """What the report itself answers."""
    answers: dict[str, Truth] = {name: _TRUTH[answer] for name, answer in event.seriousness.answers().items()}
    died = event.outcome == "fatal" or event.worst_grade == 5
    stayed = event.admission == "unplanned" or event.admission_prolonged == "yes"
    return {
        **answers,
        "serious": True if died or stayed else any_of([answers[name] for name in CRITERIA]),
        "fatal_lt": True if died else any_of([answers["death"], answers["life_threatening"]]),
        "medication_error": _TRUTH[event.medication_error],
        "overdose": _TRUTH[event.overdose],
    }


def _since(versions: Sequence[CaseReport], event_id: str, answer: Callable[[AdverseEvent], Truth]) -> Source:
    """The version that first gave the answer which has stood since."""
    found = versions[-1]
    now = next(answer(one) for one in found.events if one.event_id == event_id)
    for version in reversed(versions[:-1]):
        then = next((one for one in version.events if one.event_id == event_id), None)
        if then is None or answer(then) is not now:
            break
        found = version
    return Source(f"case/{found.case_id}", found.version, found.reported_by)


def _investigator(event: AdverseEvent, suspect: Suspect) -> Truth:
    """No opinion is not answered."""
    found = [_TRUTH[one.related] for one in event.opinions if suspect.is_meant_by(one)]
    return any_of(found) if found else None


def _related(judged: EventAssessment, suspect: Suspect, signed: bool) -> Answer:
    """The row of this suspect where the sponsor signed one, else the answer for the event as a whole.

    A "yes" for the event that no row explains counts for every suspect.
    """
    told = judged.relatedness if signed else ()
    rows: dict[str, Answer] = {one.exposure_id: one.reasonable_possibility for one in told}
    if suspect.name not in rows or (judged.related == "yes" and "yes" not in rows.values()):
        return judged.related
    return rows[suspect.name]


def _sponsor(
    assessments: Sequence[AssessmentView],
    event_id: str,
    question: Callable[[EventAssessment, bool], Answer],
    adds: Answer,
) -> tuple[Truth, Source | None]:
    """The reportable answer (`adds`) counts from anyone; the other one must be allowed to relax."""
    answer: Answer = "unknown"
    source: Source | None = None
    for view in sorted(assessments, key=lambda one: one.assessment.version):
        made = view.assessment
        judged = next((one for one in made.events if one.event_id == event_id), None)
        if judged is None:
            continue
        said, before = question(judged, made.signature is not None), answer
        if said == adds or (view.may_relax and said != "unknown"):
            answer = said
        elif answer != adds:
            answer = "unknown"
        signs = made.signature is not None and source is not None and not source.by
        if answer != before or (signs and said == answer):
            source = Source(
                f"assessment/{made.case_id}", made.version, made.signature.signed_by if made.signature else ""
            )
    return _TRUTH[answer], source if answer != "unknown" else None


def _said_given(
    case: CaseReport, event: AdverseEvent, suspect: Suspect, exposures: Sequence[Exposure], trial: TrialFacts
) -> Truth:
    """Nothing is recorded: a clinician's "nothing had been given" is an answer, unless something in the case speaks against it."""
    ours = trial.product_kinds | trial.administration_kinds
    denied = case.given.answer == "no" and not case.given.kinds and case.reporter_role in CLOSING_ROLES
    against = any(one.kind in ours for one in exposures) or any(
        one.related == "yes" and suspect.is_meant_by(one) for one in event.opinions
    )
    return False if denied and not against else None


def _min_criteria(event: AdverseEvent, case: CaseReport, exposures: Sequence[Exposure], trial: TrialFacts) -> Truth:
    """Never a "no": the clock is not held back by what is missing."""
    product = any(one.kind in trial.product_kinds for one in exposures) or bool(
        trial.product_kinds & set(case.given.kinds)
    )
    named = event.verbatim is not None or event.term is not None
    return True if product and named and case.reported_by else None
