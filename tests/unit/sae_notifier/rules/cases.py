"""Small cases for the clock: a site and a desk in Hanoi, the shipped rules and calendar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from services.sae_notifier.rules import (
    AssessmentView,
    Calendar,
    Duty,
    History,
    Recipient,
    Rulebook,
    TrialFacts,
    evaluate,
    load_calendar,
)
from shared.case import (
    AdverseEvent,
    Answer,
    Assessment,
    CaseReport,
    EventAssessment,
    Judged,
    Moment,
    Nullification,
    Obligation,
    Seriousness,
    Signature,
)
from shared.case.report import ReporterRole

ROOT = Path(__file__).resolve().parents[4]
DATA = ROOT / "tests" / "data" / "clock"
HANOI = "Asia/Ho_Chi_Minh"
NOW = datetime(2030, 1, 1, tzinfo=UTC)

VN = ("necbr", "astt", "di_adr", "iec")


def shipped_rules() -> Rulebook:
    return Rulebook.load({path.name: path.read_text() for path in (ROOT / "deploy" / "rules").glob("*.yaml")})


def shipped_calendars() -> dict[str, Calendar]:
    found = [load_calendar(path.read_text(), path.name) for path in (ROOT / "deploy" / "calendars").glob("*.yaml")]
    return {one.calendar_id: one for one in found}


RULES = shipped_rules()
CALENDARS = shipped_calendars()


def recipient(name: str, zone: str = HANOI) -> Recipient:
    return Recipient(name, zone)


def trial(settings: Mapping[str, str] | None = None, desk_zone: str = HANOI, country: str | None = "VN") -> TrialFacts:
    return TrialFacts(
        trial_id="T1",
        site_country=country,
        site_zone=HANOI,
        desk_zone=desk_zone,
        recipients={
            "vn_authorities": tuple(recipient(name) for name in VN[:3]),
            "institutional_ethics": (recipient("iec"),),
            "sponsor": (recipient("sponsor"),),
            "necbr": (recipient("necbr"),),
            "astt": (recipient("astt"),),
        },
        settings={"vn_urgent_notice": "off", **(settings or {})},
        authorities=frozenset({"VN", "PROTOCOL"}),
        flags={"ind": True, "same_substance_in_eu": False},
    )


def moment(text: str, zone: str = HANOI) -> Moment:
    return Moment(value=text, zone=zone)


def seriousness(**answers: Answer) -> Seriousness:
    """Every criterion "no" unless said otherwise."""
    names: tuple[str, ...] = (
        "death",
        "life_threatening",
        "hospitalisation",
        "disability",
        "congenital_anomaly",
        "medically_important",
    )
    return Seriousness.model_validate({name: answers.get(name, "no") for name in names})


HOSPITALISED = seriousness(hospitalisation="yes")
THREATENED = seriousness(life_threatening="yes", hospitalisation="yes")
DIED = seriousness(death="yes")
HARMLESS = seriousness()
UNANSWERED = Seriousness()


def event(serious: Seriousness = HOSPITALISED, **fields: object) -> AdverseEvent:
    admission = "none" if serious == HARMLESS else "unknown"
    return AdverseEvent.model_validate(
        {"event_id": "e1", "episode_id": "p1", "seriousness": serious, "admission": admission, **fields}
    )


def version(
    number: int = 1,
    serious: Seriousness | None = HOSPITALISED,
    *,
    site: str | None = "2026-03-09T09:00",
    desk: str | None = None,
    news: str | None = None,
    recorded: str = "2026-03-09T10:00",
    reason: str | None = "new facts",
    role: ReporterRole = "clinician",
    nullified: Nullification | None = None,
    zone: str = HANOI,
    events: Sequence[AdverseEvent] | None = None,
) -> CaseReport:
    """One version; times are local to `zone`, `recorded` too."""
    if events is None:
        events = () if serious is None else (event(serious),)
    return CaseReport(
        case_id="c1",
        case_number="VN-VINMEC-2026-000001",
        version=number,
        trial_id="T1",
        subject_id="S1",
        reporter_role=role,
        reported_by="u1",
        events=tuple(events),
        site_aware=moment(site, zone) if site else None,
        desk_aware=moment(desk, zone) if desk else None,
        news_known=moment(news, zone) if news else None,
        change_reason=reason if number > 1 else None,
        nullified=nullified,
        recorded_at=moment(recorded, zone).earliest(),
    )


def assessment(
    number: int,
    of: int,
    *,
    signed: bool,
    stale: bool = False,
    related: Answer = "unknown",
    expected: Answer = "unknown",
    at: str = "2026-03-10T09:00",
) -> AssessmentView:
    when = moment(at).earliest()
    return AssessmentView(
        Assessment(
            case_id="c1",
            case_number="VN-VINMEC-2026-000001",
            case_version=of,
            version=number,
            trial_id="T1",
            subject_id="S1",
            judged=(Judged(aggregate="case/c1", version=of),),
            events=(EventAssessment(event_id="e1", related=related, expected=expected),),
            signature=Signature(signed_by="u2", signed_at=when, meaning="reviewed", sha256="0" * 64)
            if signed
            else None,
            recorded_at=when,
        ),
        stale=stale,
    )


def duties(
    *versions: CaseReport,
    facts: TrialFacts | None = None,
    views: Sequence[AssessmentView] = (),
    obligations: Sequence[Obligation] = (),
    replacement_received: bool = False,
    inherited: datetime | None = None,
    now: datetime = NOW,
) -> tuple[Duty, ...]:
    history = History(
        versions=versions,
        assessments=tuple(views),
        obligations=tuple(obligations),
        replacement_received=replacement_received,
        inherited_aware_at=inherited,
    )
    return evaluate(history, facts or trial(), RULES, CALENDARS, now)


def to(recipient_id: str, found: Sequence[Duty], group: str = "VN-SAE") -> list[Duty]:
    """The duties of one group to one recipient, by generation."""
    mine = [duty for duty in found if duty.recipient_id == recipient_id and duty.group == group]
    return sorted(mine, key=lambda duty: duty.generation)


def necbr(found: Sequence[Duty]) -> Duty:
    """The only VN-SAE duty to the national ethics committee."""
    (duty,) = to("necbr", found)
    return duty


def stored(duty: Duty, state: str = "open", filed: str | None = None) -> Obligation:
    """The obligation a service would have stored for this duty."""
    return Obligation.model_validate(
        {
            "obligation_id": duty.obligation_id,
            "version": 1,
            "trial_id": "T1",
            "subject_id": "S1",
            "case_id": "c1",
            "case_number": "VN-VINMEC-2026-000001",
            "rule_id": duty.rule_id,
            "recipient_id": duty.recipient_id,
            "recipient_zone": duty.zone,
            "state": state,
            "aware_at": duty.aware_at,
            "day_0": duty.day_0,
            "due_at": duty.due_at,
            "due_strict_at": duty.due_strict_at,
            "due_on": duty.due_on,
            "rule_sha256": duty.rule_sha256,
            "calendar_sha256": duty.calendar_sha256,
            "filed_at": moment(filed).earliest() if filed else None,
            "recorded_at": duty.aware_at + timedelta(hours=1),
        }
    )
