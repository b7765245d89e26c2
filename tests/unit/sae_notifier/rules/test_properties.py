"""What must hold for every history, whatever was told, in whatever order it arrived."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from services.sae_notifier.rules import AssessmentView, Deadline, Duty, History, evaluate, strict_due
from shared.case import CRITERIA, Answer, CaseReport, Nullification, Obligation, Seriousness
from shared.case.seriousness import of_case
from tests.unit.sae_notifier.rules.cases import (
    CALENDARS,
    HANOI,
    NOW,
    RULES,
    assessment,
    event,
    moment,
    recipient,
    stored,
    trial,
    version,
)

BOOK = RULES
TRIAL = replace(
    trial({"vn_urgent_notice": "on"}),
    recipients={
        **trial().recipients,
        "eu_authorities": (recipient("ev", "Europe/Amsterdam"),),
        "us_authorities": (recipient("fda", "America/New_York"),),
        "investigators": (recipient("inv_vn"), recipient("inv_nl", "Europe/Amsterdam")),
    },
    countries_with_site=frozenset({"VN", "NL", "US"}),
    authorities=None,
)
unhurried = settings(deadline=None, max_examples=40)  # a shared machine decides how long an example takes
START = datetime(2026, 1, 5, 9, 0)  # local; early enough to reach Tet, and every year's end

ANSWERS: tuple[Answer, ...] = ("yes", "no", "unknown")
answers = st.sampled_from(ANSWERS)
opinions = st.sampled_from([None, "yes", "no", "unknown"])


def _text(hours: int, precision: str) -> str:
    return (START + timedelta(hours=hours)).strftime(
        {"minute": "%Y-%m-%dT%H:%M", "day": "%Y-%m-%d", "month": "%Y-%m"}[precision]
    )


def times(at: int) -> st.SearchStrategy[str | None]:
    """A time around `at` hours after the start: missing, exact, partial, past or future."""
    told = st.builds(_text, st.integers(at - 200, at + 30), st.sampled_from(["minute", "minute", "day", "month"]))
    return st.none() | told


@st.composite
def versions(draw: st.DrawFn, least: int = 1) -> tuple[CaseReport, ...]:
    """One to five versions of a case, received one after the other."""
    found: list[CaseReport] = []
    at = draw(st.integers(0, 8000))
    for number in range(1, draw(st.integers(least, 5)) + 1):
        criteria = Seriousness.model_validate({name: draw(answers) for name in CRITERIA})
        fields: dict[str, object] = {"admission": draw(st.sampled_from(["none", "unplanned", "unknown"]))}
        said = draw(opinions)
        if said:
            fields["opinions"] = [{"related": said}]
        found.append(
            version(
                number,
                events=draw(st.sampled_from([[event(criteria, **fields)], [event(criteria, **fields)], []])),
                site=draw(times(at)),
                desk=draw(times(at)),
                news=draw(times(at)) if number > 1 else None,
                recorded=_text(at, "minute"),
                reason=draw(st.sampled_from(["a reason", None])),
                role=draw(st.sampled_from(["clinician", "technician"])),
            )
        )
        at += draw(st.integers(0, 400))
    return tuple(found)


@st.composite
def views(draw: st.DrawFn, last: int, *, relaxing: bool) -> AssessmentView:
    signed = draw(st.booleans())
    stale = draw(st.booleans()) if relaxing or not signed else True
    at = _text(draw(st.integers(0, 9000)), "minute")
    return assessment(
        draw(st.integers(50, 60)),
        draw(st.integers(1, last)),
        signed=signed,
        stale=stale,
        related=draw(answers),
        expected=draw(answers),
        at=at,
    )


def run(
    cases: tuple[CaseReport, ...], *given_views: AssessmentView, obligations: tuple[Obligation, ...] = ()
) -> dict[str, Duty]:
    history = History(versions=cases, assessments=given_views, obligations=obligations)
    return {one.obligation_id: one for one in evaluate(history, TRIAL, BOOK, CALENDARS, NOW)}


@unhurried
@given(versions())
def test_strict_is_never_later_than_legal_and_every_duty_explains_itself(cases: tuple[CaseReport, ...]) -> None:
    for duty in run(cases).values():
        assert duty.due_strict_at <= duty.due_at
        assert duty.aware_at <= max(one.recorded_at for one in cases)
        assert duty.causes[0].code == "became_reportable"
        for cause in duty.causes:
            assert cause.why_en.strip()
            assert cause.why_vi.strip()
        for question in duty.questions:
            assert question.en.strip()
            assert question.vi.strip()


@unhurried
@given(versions())
def test_no_duty_is_later_than_the_strictest_reading(cases: tuple[CaseReport, ...]) -> None:
    """The oracle knows nothing of runs: every version that must be taken as serious bounds the date by itself."""
    by_group = {(one.group, one.recipient_id): one for one in run(cases).values()}
    told = [one.site_aware for one in cases] + [one.desk_aware for one in cases] + [one.news_known for one in cases]
    usable = [
        at.earliest()
        for at, case in zip(told, cases * 3, strict=True)
        if at is not None and not at.is_future(case.recorded_at)
    ]
    for case in cases:
        judged = of_case(case)
        if not judged.serious:
            continue
        duty = by_group["VN-SAE", "necbr"]
        aware = case.recorded_at
        if case.version == 1:
            aware = min([aware, *usable])
        elif case.news_known and not case.news_known.is_future(case.recorded_at):
            aware = case.news_known.earliest()
        number = 7 if judged.fatal_or_life_threatening else 15
        bound = strict_due(aware, Deadline(number, "working_days"), {HANOI}, HANOI, CALENDARS["VN"])
        assert duty.due_strict_at <= bound.due_at
        assert by_group["SP-INV", "sponsor"].due_strict_at <= aware + timedelta(hours=24)


@unhurried
@given(versions(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(cases: tuple[CaseReport, ...], random) -> None:
    shuffled = list(cases)
    random.shuffle(shuffled)
    assert run(tuple(shuffled)) == run(cases)


@unhurried
@given(versions(least=2))
def test_a_later_version_never_moves_a_strict_date_later_nor_loses_a_duty(cases: tuple[CaseReport, ...]) -> None:
    for fewer, more in pairwise(range(1, len(cases) + 1)):
        before, after = run(cases[:fewer]), run(cases[:more])
        for oid, duty in before.items():
            assert oid in after
            assert after[oid].due_strict_at <= duty.due_strict_at


@unhurried
@given(versions(least=2), st.randoms(use_true_random=False))
def test_stored_strict_dates_only_move_earlier_in_any_order_of_arrival(cases: tuple[CaseReport, ...], random) -> None:
    order = list(cases)
    random.shuffle(order)
    known: dict[str, Obligation] = {}
    for count in range(1, len(order) + 1):
        now = run(tuple(order[:count]), obligations=tuple(known.values()))
        for oid, duty in now.items():
            if oid in known and known[oid].state == "open":
                assert duty.due_strict_at <= known[oid].due_strict_at
        assert set(known) <= set(now) | {oid for oid, one in known.items() if one.state == "ended"}
        known |= {oid: stored(duty, "ended" if duty.ended else "open") for oid, duty in now.items()}
    at_once = run(cases)
    for oid, duty in at_once.items():
        assert known[oid].due_strict_at <= duty.due_strict_at


@unhurried
@given(st.data())
def test_an_unsigned_or_stale_assessment_adds_and_never_relaxes(data: st.DataObject) -> None:
    cases = data.draw(versions())
    base = tuple(data.draw(st.lists(views(len(cases), relaxing=False), max_size=2)))
    extra = data.draw(views(len(cases), relaxing=False))
    before, after = run(cases, *base), run(cases, *base, extra)
    for oid, duty in before.items():
        assert oid in after
        assert after[oid].due_at <= duty.due_at
        assert after[oid].due_strict_at <= duty.due_strict_at
        assert duty.ended or not after[oid].ended


@unhurried
@given(st.data())
def test_making_an_assessment_stale_never_relaxes(data: st.DataObject) -> None:
    cases = data.draw(versions())
    view = data.draw(views(len(cases), relaxing=True))
    fresh, stale = run(cases, view), run(cases, replace(view, stale=True))
    for oid, duty in fresh.items():
        assert oid in stale
        assert stale[oid].due_at <= duty.due_at
        assert stale[oid].due_strict_at <= duty.due_strict_at
        assert duty.ended or not stale[oid].ended


@unhurried
@given(versions(), st.booleans())
def test_a_void_case_loses_no_duty_before_its_replacement_is_here(
    cases: tuple[CaseReport, ...], received: bool
) -> None:
    last = cases[-1]
    void = last.model_copy(
        update={
            "version": last.version + 1,
            "recorded_at": last.recorded_at + timedelta(hours=1),
            "nullified": Nullification(reason="duplicate", replaced_by="c2"),
        }
    )
    before = run(cases)
    after = {
        one.obligation_id: one
        for one in evaluate(History((*cases, void), replacement_received=received), TRIAL, BOOK, CALENDARS, NOW)
    }
    for oid, duty in before.items():
        assert oid in after
        if not duty.ended:
            assert bool(after[oid].ended) == received


@unhurried
@given(versions(least=2), st.integers(0, 4), st.sampled_from(["filed", "received", "rejected"]))
def test_after_a_filing_no_shorter_clock_is_missed(cases: tuple[CaseReport, ...], filed_after: int, state: str) -> None:
    """A version not yet told that states a fatal or life-threatening event is either in a duty of its own or was told."""
    told = cases[: min(filed_after + 1, len(cases) - 1)]
    filed_at = told[-1].recorded_at
    sent = tuple(
        stored(one, state).model_copy(update={"filed_at": filed_at})
        for one in run(told).values()
        if one.group == "VN-SAE"
    )
    after = run(cases, obligations=sent)
    for one in sent:
        assert after[one.obligation_id].due_strict_at <= one.due_strict_at
    said_before = any(_states_fatal(case) for case in cases if case.recorded_at <= filed_at)
    for case in cases:
        if case.recorded_at > filed_at and _states_fatal(case) and not said_before and sent:
            news = case.news_known
            usable = news is not None and not news.is_future(case.recorded_at)
            aware = news.earliest() if news is not None and usable else case.recorded_at
            bound = strict_due(aware, Deadline(7, "working_days"), {HANOI}, HANOI, CALENDARS["VN"])
            new = [one for one in after.values() if one.generation == 2 and one.group == "VN-SAE"]
            assert len(new) == len(sent)
            assert all(one.due_strict_at <= bound.due_at for one in new)


def _states_fatal(case: CaseReport) -> bool:
    return any("yes" in (one.seriousness.death, one.seriousness.life_threatening) for one in case.events)


def test_the_oracle_itself_can_fail() -> None:
    """A wrong engine would be seen: the bound of a fatal case is the seventh working day."""
    bound = strict_due(
        moment("2026-03-09T09:00").earliest(), Deadline(7, "working_days"), {HANOI}, HANOI, CALENDARS["VN"]
    )
    assert str(bound.due_on) == "2026-03-18"
