"""Cases as nobody would type them: every optional field missing or odd, every text hostile, every time partial."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

from hypothesis import strategies as st

from services.sae_notifier.e2b import Amendment, Facts, Message, Profile
from shared.case import (
    AdverseEvent,
    Batch,
    CaseReport,
    CodedTerm,
    Exposure,
    ExposureKind,
    FreeText,
    Given,
    GradeEntry,
    InvestigatorOpinion,
    Measurement,
    Moment,
    Nullification,
    Quantity,
    Seriousness,
    Subject,
)
from shared.case.exposure import ActionTaken, RehabilitationCourse
from shared.case.report import Admission, Outcome, ReporterRole
from shared.terms import terms
from tests.unit.sae_notifier.e2b.build import FACTS, message

ZONES = ("Asia/Ho_Chi_Minh", "UTC", "America/New_York", "Pacific/Chatham", "Asia/Kathmandu", "Pacific/Kiritimati")
ANSWER = st.sampled_from(("yes", "no", "unknown"))
TEXT = st.one_of(
    st.text(max_size=60),
    st.sampled_from(("<script>&amp;]]>", "a\r\nb\tc", "\x00\x08\ufffe", "  ", "Sốt cao, nôn", "🩸" * 40, "x" * 300)),
)
CODE = st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=24)
WORDS = st.builds(
    FreeText,
    text=TEXT,
    language=st.sampled_from((None, "vi", "en", "vi-VN", "xx", "fra")),
    redacted=st.booleans(),
)
INSTANT = st.datetimes(datetime(2020, 1, 1), datetime(2026, 3, 10)).map(
    lambda at: at.replace(tzinfo=UTC, microsecond=0)
)


@st.composite
def moments(draw: st.DrawFn) -> Moment:
    years = draw(st.sampled_from(((2020, 2021), (2025, 2025), (2026, 2027))))
    at = draw(st.datetimes(datetime(years[0], 1, 1), datetime(years[1], 12, 31)))
    layout = draw(st.sampled_from(("%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%dT%H", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")))
    return Moment(value=at.strftime(layout), zone=draw(st.sampled_from(ZONES)))


MOMENT = st.none() | moments()
NUMBER = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9).map(
        "{:f}".format
    ),
    st.sampled_from(("7.20", "0", "-0.0", "+5", "123456789.25", "0" * 15)),
)
UNIT = st.one_of(st.none(), st.sampled_from(("mg", "10*6/kg", "mg / kg", "°C", "", "%", "x" * 60)))
QUANTITY = st.builds(Quantity, value=NUMBER, unit=UNIT)
TERM = st.one_of(
    st.none(),
    st.sampled_from(terms("5.0")[:40]).map(
        lambda one: CodedTerm(dictionary="CTCAE", version="5.0", code=one.code, term=one.name)
    ),
    st.builds(CodedTerm, dictionary=st.just("MedDRA"), version=st.just("29.1"), code=st.just("10027199"), term=TEXT),
)
RARELY = st.sampled_from((False, False, False, True))
KIND = st.sampled_from(get_args(ExposureKind))
OPINION = st.builds(
    InvestigatorOpinion,
    exposure_id=st.none() | st.sampled_from(("x-0", "x-1", "x-2")),
    kind=st.none() | KIND,
    related=ANSWER,
    reason=st.none() | WORDS,
)


def _events(number: int) -> st.SearchStrategy[AdverseEvent]:
    return st.builds(
        AdverseEvent,
        event_id=st.just(f"event-{number}"),
        episode_id=st.just(f"episode-{number}"),
        verbatim=st.none() | WORDS,
        term=TERM,
        onset=MOMENT,
        end=MOMENT,
        ongoing=st.none() | st.booleans(),
        grades=st.lists(st.builds(GradeEntry, grade=st.integers(1, 5), since=MOMENT), max_size=2).map(tuple),
        seriousness=st.builds(Seriousness, **dict.fromkeys(Seriousness.model_fields, ANSWER)),
        outcome=st.sampled_from(get_args(Outcome)),
        admission=st.sampled_from(get_args(Admission)),
        admission_prolonged=ANSWER,
        medication_error=ANSWER,
        overdose=ANSWER,
        opinions=st.lists(OPINION, max_size=2).map(tuple),
        description=st.none() | WORDS,
    )


@st.composite
def cases(draw: st.DrawFn) -> CaseReport:
    count = draw(st.integers(0, 3))
    return CaseReport(
        case_id="case-1",
        case_number=draw(st.one_of(st.just("VN-VINMEC-2026-000123"), CODE)),
        version=draw(st.integers(1, 3)),
        trial_id="trial-1",
        subject_id=draw(CODE),
        reporter_role=draw(st.sampled_from(get_args(ReporterRole))),
        reported_by="user-7",
        events=tuple(draw(_events(number)) for number in range(count)),
        given=draw(
            st.builds(Given, answer=ANSWER, kinds=st.lists(KIND, max_size=2).map(tuple), text=st.none() | WORDS)
        ),
        desk_aware=draw(MOMENT),
        site_aware=draw(MOMENT),
        news_known=draw(MOMENT),
        nullified=draw(st.none() | st.builds(Nullification, reason=TEXT)),
        recorded_at=draw(INSTANT),
    )


@st.composite
def facts(draw: st.DrawFn, case: CaseReport) -> Facts:
    owner: dict[str, Any] = {"version": 1, "trial_id": "trial-1", "subject_id": case.subject_id}

    def exposure(number: int) -> st.SearchStrategy[Exposure]:
        return st.builds(
            Exposure,
            **{name: st.just(value) for name, value in owner.items()},
            exposure_id=st.just(f"x-{number}"),
            kind=KIND,
            name=st.none() | TEXT,
            indication=st.none() | TEXT,
            dose=st.none() | QUANTITY,
            route=st.none() | TEXT,
            start=MOMENT,
            end=MOMENT,
            infusion_number=st.none() | st.integers(1, 9),
            batch_id=st.none() | st.just("B-1"),
            action_taken=st.sampled_from(get_args(ActionTaken)),
            rehabilitation=st.none() | st.builds(RehabilitationCourse, number=st.none() | st.integers(1, 9)),
            note=st.none() | WORDS,
            voided=RARELY,
            recorded_at=INSTANT,
        )

    measurements = st.builds(
        Measurement,
        **{name: st.just(value) for name, value in owner.items()},
        measurement_id=CODE,
        test=st.sampled_from(("body_weight", "body_height", "alt", "", "gmfm88")),
        instrument=st.none() | TEXT,
        value=NUMBER,
        unit=st.sampled_from(("kg", "cm", None, "U/L", "a b")),
        lower_limit=st.none() | NUMBER,
        upper_limit=st.none() | NUMBER,
        lasted_hours=st.none() | NUMBER,
        baseline=st.booleans(),
        taken=MOMENT,
        voided=RARELY,
        recorded_at=INSTANT,
    )
    batch = st.builds(
        Batch,
        **{name: st.just(value) for name, value in owner.items()},
        batch_id=st.just("B-1"),
        cells=st.none() | QUANTITY,
        viability_percent=st.none() | NUMBER,
        sterility=st.sampled_from(("pending", "negative", "positive", "unknown")),
        organism=st.none() | TEXT,
        identity_checked=st.none() | st.booleans(),
        recorded_at=INSTANT,
    )
    subject = st.builds(
        Subject,
        **{name: st.just(value) for name, value in owner.items()},
        birth=MOMENT,
        sex=st.sampled_from(("female", "male", "unknown")),
        gmfcs_level=st.sampled_from(("III", "unknown")),
        recorded_at=INSTANT,
    )
    return replace(
        FACTS,
        subject=draw(st.none() | subject),
        exposures=tuple(draw(exposure(number)) for number in range(draw(st.integers(0, 3)))),
        measurements=tuple(draw(st.lists(measurements, max_size=3))),
        batches=tuple(draw(st.lists(batch, max_size=1))),
        assessment=None,
        history=(),
        narrative=draw(TEXT),
    )


@st.composite
def messages(draw: st.DrawFn, profile: Profile) -> Message:
    return message(
        profile,
        initial=draw(st.booleans()),
        expedited=draw(st.booleans()),
        linked=draw(st.lists(CODE, max_size=2).map(tuple)),
        other_numbers=draw(st.lists(st.tuples(CODE, CODE), max_size=2).map(tuple)),
        amendment=draw(st.none() | st.builds(Amendment, code=st.sampled_from(("1", "2")), reason=TEXT)),
    )


@st.composite
def reports(draw: st.DrawFn, profile: Profile) -> tuple[CaseReport, Facts, Message]:
    case = draw(cases())
    return case, draw(facts(case)), draw(messages(profile))
