"""Assessments and exposures in rules that ask for them: missing counts, only a fresh signature relaxes."""

from __future__ import annotations

from dataclasses import replace

from services.sae_notifier.rules import AssessmentView, Duty, History, evaluate, is_stale, known_versions
from services.sae_notifier.rules.facts import facts_of
from shared.case import Exposure, Judged
from tests.unit.sae_notifier.rules.cases import (
    HOSPITALISED,
    NOW,
    RULES,
    assessment,
    event,
    moment,
    recipient,
    trial,
    version,
)

TRIAL = replace(
    trial(),
    recipients={"eu_authorities": (recipient("ev"),)},
    countries_with_site=frozenset({"VN", "NL"}),
    authorities=frozenset({"EU"}),
)


def infusion(start: str | None) -> Exposure:
    return Exposure(
        exposure_id="x1",
        version=1,
        trial_id="T1",
        subject_id="S1",
        kind="bm_mnc_infusion",
        start=moment(start) if start else None,
        recorded_at=moment("2026-03-01").earliest(),
    )


def case(opinion: str | None = None, number: int = 1, onset: str | None = "2026-03-08"):
    fields: dict[str, object] = {"onset": moment(onset) if onset else None}
    if opinion:
        fields["opinions"] = [{"kind": "bm_mnc_infusion", "related": opinion}]
    news = "2026-03-12T09:00" if number > 1 else None
    recorded = "2026-03-12T10:00" if number > 1 else "2026-03-09T10:00"
    return version(number, events=[event(HOSPITALISED, **fields)], news=news, recorded=recorded)


def susar(*cases, views: tuple[AssessmentView, ...] = (), exposures: tuple[Exposure, ...] = ()) -> list[Duty]:
    found = evaluate(History(cases, exposures, views), TRIAL, RULES, {}, NOW)
    return [one for one in found if one.group == "EU-SUSAR"]


def test_everything_missing_opens_the_duty() -> None:
    assert [one.rule_id for one in susar(case())] == ["EU-SUSAR-15"]


def test_only_investigator_and_signed_sponsor_both_saying_no_close_it() -> None:
    no = {"signed": True, "related": "no"}
    assert susar(case("no"))[0].ended is None
    assert susar(case(), views=(assessment(1, 1, **no),))[0].ended is None  # type: ignore[arg-type]
    assert susar(case("yes"), views=(assessment(1, 1, **no),))[0].ended is None  # type: ignore[arg-type]
    assert susar(case("no"), views=(assessment(1, 1, signed=False, related="no"),))[0].ended is None
    assert susar(case("no"), views=(assessment(1, 1, signed=True, stale=True, related="no"),))[0].ended is None
    closed = susar(case("no"), views=(assessment(1, 1, **no),))[0]  # type: ignore[arg-type]
    assert closed.ended is not None


def test_an_unsigned_opinion_may_add_a_duty() -> None:
    closing = assessment(1, 1, signed=True, related="no")
    draft = assessment(2, 1, signed=False, related="yes", at="2026-03-11T09:00")
    reopened = susar(case("no"), views=(closing, draft))[0]
    assert reopened.ended is None


def test_a_draft_never_takes_back_what_was_said_before_it() -> None:
    views = (assessment(1, 1, signed=True, related="yes"), assessment(2, 1, signed=False, related="no"))
    (facts,) = facts_of(case(), (), views, TRIAL, {})
    assert facts["rel_spo"] is True
    (signed,) = facts_of(case(), (), (*views, assessment(3, 1, signed=True, related="no")), TRIAL, {})
    assert signed["rel_spo"] is False
    (draft,) = facts_of(case(), (), (*views, assessment(3, 1, signed=True, related="unknown")), TRIAL, {})
    assert draft["rel_spo"] is True


def test_a_listed_event_closes_only_with_a_signature() -> None:
    assert susar(case("yes"), views=(assessment(1, 1, signed=False, expected="yes"),))[0].ended is None
    assert susar(case("yes"), views=(assessment(1, 1, signed=True, expected="yes"),))[0].ended is not None


def test_exposure_is_no_only_when_every_infusion_came_after_onset() -> None:
    assert susar(case(), exposures=(infusion("2026-03-09"),)) == []
    for start in ("2026-03-07", "2026-03-08", "2026-03", None):
        assert susar(case(), exposures=(infusion(start),))
    assert susar(case())
    assert susar(case(onset=None), exposures=(infusion("2026-03-09"),))
    voided = infusion("2026-03-09").model_copy(update={"voided": True})
    assert susar(case(), exposures=(voided,))


def test_a_newer_case_version_takes_the_relaxation_back() -> None:
    view = assessment(1, 1, signed=True, stale=True, related="no")
    again = susar(case("no"), case("no", 2), views=(view,))[0]
    assert again.ended is None
    assert again.due_at == susar(case("no"))[0].due_at


def test_an_assessment_of_a_version_not_here_yet_cannot_relax() -> None:
    assert susar(case("no"), views=(assessment(1, 2, signed=True, related="no"),))[0].ended is None


def test_what_only_an_assessment_knows_of_makes_an_older_signature_stale() -> None:
    """A person's answers never come here by themselves: the next assessment names them."""
    signed, proposed = (assessment(number, 1, signed=number == 1, related="no").assessment for number in (1, 2))
    answered = proposed.model_copy(update={"judged": (*proposed.judged, Judged(aggregate="answers/C1", version=1))})
    received = {one.aggregate: one.version for one in signed.judged}
    assert not is_stale(signed, known_versions(received, [signed]))
    latest = known_versions(received, [signed, answered])
    assert is_stale(signed, latest) and not is_stale(answered, latest)
    assert known_versions({"case/C1": 9}, [signed])["case/C1"] == 9, "what was received is never forgotten"
