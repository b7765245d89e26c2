"""The worked vectors: cases of Vietnam, the United States, the European Union and the protocol with the shipped files.

Other authorities, and occasions that are no case report, with rule data of the tests.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.sae_notifier.rules import Calendar, Duty, History, Rulebook, TrialFacts, load_calendar
from services.sae_notifier.rules.evaluate import duties_of
from services.sae_notifier.rules.setting import chosen
from services.sae_notifier.rules.step import steps_of
from services.sae_notifier.rules.vocabulary import FactValue
from shared.case import CaseReport, Moment
from tests.unit.sae_notifier.rules.cases import CALENDARS, DATA, RULES, recipient, trial

with (DATA / "vectors.csv").open(newline="") as _file:
    VECTORS = list(csv.DictReader(_file))

OTHERS = Rulebook.load({path.name: path.read_text() for path in DATA.glob("*.yaml") if "calendar" not in path.name})
US_DAYS = load_calendar((DATA / "us_calendar.yaml").read_text(), "us_calendar.yaml")

_CRITERIA = ("death", "life_threatening", "hospitalisation", "disability", "congenital_anomaly", "medically_important")
_ANSWERS: dict[str, bool | None] = {"Y": True, "N": False, "?": None}


def _facts(row: dict[str, str]) -> dict[str, FactValue]:
    facts: dict[str, FactValue] = {name: _ANSWERS[row[name]] for name in _CRITERIA}
    rel_inv, rel_spo = _ANSWERS[row["rel_inv"]], _ANSWERS[row["rel_spo"]]
    related = True if rel_inv or rel_spo else (None if rel_inv is None or rel_spo is None else False)
    return facts | {
        "serious": any(row[name] == "Y" for name in _CRITERIA),
        "fatal_lt": row["death"] == "Y" or row["life_threatening"] == "Y",
        "rel_inv": rel_inv,
        "rel_spo": rel_spo,
        "related": related,
        "rel_to": row["rel_to"],
        "unexp": _ANSWERS[row["unexp"]],
        "exposed": _ANSWERS[row["exposed"]],
        "exempt": _ANSWERS[row["exempt"]],
        "occasion": row["occasion"],
        "site_country": row["site_country"],
    }


_BEFORE: dict[str, dict[str, FactValue]] = {
    "hospitalised": {"fatal_lt": False, "death": False, "life_threatening": False, "serious": True},
    "unrelated": {"related": False, "rel_inv": False, "rel_spo": False},
}
"""What was known in the first version, where the vector is about later news."""


def _moment(at: datetime, zone: str) -> Moment:
    return Moment.at(at, zone)


def _case(row: dict[str, str], number: int, at: datetime, first: datetime) -> CaseReport:
    zone = row["desk_zone"]
    undetermined = row["before"] == "undetermined"
    return CaseReport(
        case_id="c1",
        case_number="VECTOR",
        version=number,
        trial_id="T1",
        subject_id="S1",
        reported_by="u1",
        reporter_role="clinician",
        change_reason="news" if number > 1 else None,
        site_aware=_moment(first, zone),
        desk_aware=_moment(first, zone),
        determined_reportable=_moment(datetime.fromisoformat(row["aware_at"]), zone)
        if (undetermined and number == 2) or not row["before"]
        else None,
        news_known=_moment(at, zone) if number > 1 else None,
        recorded_at=at.astimezone(UTC) + timedelta(minutes=5),
    )


def _duties(row: dict[str, str], settings: dict[str, str] | None = None) -> tuple[Duty, ...]:
    aware = datetime.fromisoformat(row["aware_at"])
    first = datetime.fromisoformat(row["first_aware_at"] or row["aware_at"])
    versions = [_case(row, 1, first, first)]
    if row["before"]:
        versions.append(_case(row, 2, aware, first))
    shipped = row["authority"] in ("VN", "PROTOCOL") or (
        row["authority"] in ("US", "EU") and row["occasion"] == "case_report"
    )
    book: Rulebook = RULES if shipped else OTHERS
    calendars: dict[str, Calendar] = CALENDARS if shipped else {"US": US_DAYS}
    zone = row["desk_zone"]
    facts: TrialFacts = replace(
        trial(settings, desk_zone=zone, country=row["site_country"]),
        site_zone=zone,
        recipients={
            **trial().recipients,
            "authority": (recipient("authority"),),
            "sponsor": (recipient("sponsor", zone),),
            "us_authorities": (recipient("fda", "America/New_York"),),
            "investigators": (recipient("investigator", "Europe/Paris"),),
            "eu_authorities": (recipient("ev", "Europe/Amsterdam"),),
        },
        countries_with_site=frozenset({"VN", "NL"}),
        authorities=frozenset({row["authority"]}),
    )
    history = History(tuple(versions))
    steps = list(steps_of(history, facts, chosen(book.settings, facts.settings)))
    now_known = _facts(row)
    for index, step in enumerate(steps):
        known = {**now_known, **_BEFORE.get(row["before"], {})} if index == 0 and row["before"] else now_known
        steps[index] = replace(step, facts=({**step.facts[0], **known},))
    return duties_of(history, facts, book, calendars, steps)


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: row["vector"])
def test_vector(row: dict[str, str]) -> None:
    found = _duties(row)
    if row["rule_id"] == "NONE":
        assert found == ()
        return
    # The vectors know one date a case; what the investigators are told, and when, is tried by name in test_susar.
    found = tuple(duty for duty in found if duty.recipient_id != "investigator")
    assert {duty.rule_id for duty in found} == {row["rule_id"]}
    for duty in found:
        assert duty.due_on.isoformat() == row["due_on"]
        assert duty.due_at == datetime.fromisoformat(row["due_at"])
        assert duty.due_strict_on.isoformat() == row["strict_on"]
        assert (duty.day_0.isoformat() if duty.day_0 else "") == row["day_0"]
        assert not duty.provisional
        assert duty.due_strict_at <= duty.due_at


@pytest.mark.parametrize(
    "row", [one for one in VECTORS if one["alt_on_culture_day_off"]], ids=lambda row: row["vector"]
)
def test_a_settled_doubt_moves_the_legal_date_and_not_the_strict_one(row: dict[str, str]) -> None:
    for duty in _duties(row, {"vn_culture_day": "off"}):
        assert duty.due_on.isoformat() == row["alt_on_culture_day_off"]
        assert duty.due_strict_on.isoformat() == row["strict_on"]


def test_every_vector_is_used() -> None:
    assert len(VECTORS) == 69
