"""Make the synthetic cohort: `python examples/make_cohort.py` writes examples/cohort/*.json, the same bytes every time.

Only the counts are real (40 children; fever without infection in 12, vomiting in 9, none severe: doi:10.1186/s12887-017-0859-z).
Every date, time, dose, grade and laboratory value is drawn here, from hashes of names, so that nothing depends on the order
of drawing or on a version of Python's random numbers.
"""

from __future__ import annotations

import calendar
import hashlib
import json
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

ZONE = "Asia/Ho_Chi_Minh"
CHILDREN = 40
WITH_FEVER = 12
WITH_VOMITING = 9
FIRST_ENROLMENT = date(2024, 9, 16)
SCHEDULES = ((0, 6), (9, 15))
"""Months of the infusions: the immediate and the delayed start of the shipped trial, turn about."""
FEVER, VOMITING = "10016558", "10047700"
LABORATORY = (
    ("haemoglobin", "g/L", "110", "145", 112, 140, 0),
    ("platelets", "10*9/L", "150", "450", 180, 420, 0),
    ("neutrophils", "10*9/L", "1.5", "8.5", 18, 70, 1),
    ("alt", "U/L", None, "40", 11, 34, 0),
    ("ast", "U/L", None, "50", 16, 44, 0),
)
"""Test, unit, limits, and between which values (in tenths where the last number is 1) a healthy child is drawn."""
ALL_NO = dict.fromkeys(
    ("death", "life_threatening", "hospitalisation", "disability", "congenital_anomaly", "medically_important"), "no"
)
Payload = dict[str, Any]


def draw(name: str, low: int, high: int) -> int:
    """A whole number from `low` to `high`, both included, that depends on `name` alone."""
    digest = hashlib.sha256(f"tocsin cohort/{name}".encode()).digest()
    return low + int.from_bytes(digest[:8], "big") % (high - low + 1)


def chosen(name: str, count: int) -> list[int]:
    """`count` of the children, by number."""
    return sorted(sorted(range(1, CHILDREN + 1), key=lambda child: draw(f"{name}/{child}", 0, 10**9))[:count])


def months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def moment(at: datetime | date | str) -> Payload:
    """A datetime to the minute, a date, or text such as `2021-05`, in the site's zone."""
    value = at.strftime("%Y-%m-%dT%H:%M") if isinstance(at, datetime) else str(at)
    return {"value": value, "zone": ZONE}


def code(child: int) -> str:
    return f"VN01-{child:03d}"


def enrolled_on(child: int) -> date:
    return FIRST_ENROLMENT + timedelta(days=4 * (child - 1))


def infused_at(child: int, number: int) -> datetime:
    """The start of an infusion, inside its window of 21 days, on a working day between 10:00 and 14:00."""
    month = SCHEDULES[child % 2][number - 1]
    shift = draw(f"shift/{child}/{number}", 1, 6) if month == 0 else draw(f"shift/{child}/{number}", -10, 10)
    day = months_later(enrolled_on(child), month) + timedelta(days=shift)
    day += timedelta(days=(7 - day.weekday()) if day.weekday() > 4 else 0)
    return datetime.combine(day, time(10)) + timedelta(minutes=5 * draw(f"minute/{child}/{number}", 0, 48))


def subjects() -> list[Payload]:
    found = []
    for child in range(1, CHILDREN + 1):
        born = months_later(enrolled_on(child), -draw(f"age/{child}", 16, 116))
        found.append(
            {
                "key": f"cohort-subject-{code(child)}",
                "body": {
                    "subject_id": code(child),
                    "site_id": "VINMEC",
                    "birth": moment(f"{born:%Y-%m}"),
                    "sex": ("female", "male")[draw(f"sex/{child}", 0, 1)],
                    "enrolled": moment(enrolled_on(child)),
                    "gmfcs_level": ("II", "III", "IV", "V")[draw(f"gmfcs/{child}", 0, 3)],
                },
            }
        )
    return found


def allocations() -> list[Payload]:
    """The arm whose calendar the child follows."""
    numbers = range(1, CHILDREN + 1)
    return [
        {"key": f"cohort-allocation-{code(child)}", "body": {"subject_id": code(child), "arm": "AB"[child % 2]}}
        for child in numbers
    ]


def batches() -> list[Payload]:
    found = []
    for child in range(1, CHILDREN + 1):
        for number in (1, 2):
            start = infused_at(child, number)
            found.append(
                {
                    "key": f"cohort-batch-{code(child)}-{number}",
                    "body": {
                        "batch_id": batch_id(child, number),
                        "subject_id": code(child),
                        "harvested": moment(start - timedelta(hours=3)),
                        "released": moment(start - timedelta(minutes=40)),
                        "cells": cells(child, number),
                        "viability_percent": f"{draw(f'viability/{child}/{number}', 880, 985) / 10:.1f}",
                        "sterility": "negative",
                        "sterility_on": moment(start.date() + timedelta(days=14)),
                        "organism": None,
                        "identity_checked": True,
                    },
                }
            )
    return found


def batch_id(child: int, number: int) -> str:
    return f"B-{code(child)}-{number}"


def cells(child: int, number: int) -> Payload:
    return {"value": str(draw(f"cells/{child}/{number}", 220, 780)), "unit": "10*6"}


def exposure_key(child: int, what: str) -> str:
    return f"cohort-exposure-{code(child)}-{what}"


def exposure(
    child: int, what: str, kind: str, start: datetime | date, end: datetime | date | None, **more: Any
) -> Payload:
    body: Payload = {
        "subject_id": code(child),
        "kind": kind,
        "start": moment(start),
        "end": moment(end) if end is not None else None,
        "ongoing": end is None,
    }
    return {"key": exposure_key(child, what), "body": body | more}


def exposures() -> list[Payload]:
    return [
        one for child in range(1, CHILDREN + 1) for one in (*background(child), *procedures(child), *courses(child))
    ]


def background(child: int) -> list[Payload]:
    """Piracetam and a vitamin for every child, a muscle relaxant for three in five."""
    day = enrolled_on(child)
    found = [
        exposure(
            child,
            "piracetam",
            "piracetam",
            day,
            None,
            name="piracetam",
            indication="cerebral palsy",
            route="oral",
            dose={"value": str(200 * draw(f"piracetam/{child}", 2, 6)), "unit": "mg/d"},
        ),
        exposure(
            child, "vitamin", "vitamin", day, None, name="vitamin B complex", indication="supplement", route="oral"
        ),
    ]
    if child % 5 < 3:
        agent = ("baclofen", "baclofen", "eperisone", "tolperisone")[draw(f"relaxant/{child}", 0, 3)]
        dose = draw(f"relaxant dose/{child}", 2, 6) * (5 if agent == "baclofen" else 25)
        found.append(
            exposure(
                child,
                "relaxant",
                "muscle_relaxant",
                day,
                None,
                name=agent,
                indication="spasticity",
                route="oral",
                dose={"value": str(dose), "unit": "mg/d"},
            )
        )
    return found


def procedures(child: int) -> list[Payload]:
    """Both days of infusion: the planned stay, harvest, sedation, puncture, infusion."""
    found = []
    for number in (1, 2):
        start = infused_at(child, number)
        harvest, puncture = start - timedelta(hours=3), start - timedelta(minutes=15)
        found += [
            exposure(
                child,
                f"stay-{number}",
                "planned_stay",
                start.date() - timedelta(days=1),
                start.date() + timedelta(days=3),
                indication="infusion",
            ),
            exposure(child, f"harvest-{number}", "bone_marrow_harvest", harvest, harvest + timedelta(minutes=30)),
            exposure(
                child,
                f"sedation-{number}",
                "sedation",
                puncture - timedelta(minutes=10),
                start + timedelta(minutes=20),
                name="midazolam",
                route="intravenous",
            ),
            exposure(child, f"puncture-{number}", "lumbar_puncture", puncture, start + timedelta(minutes=12)),
            exposure(
                child,
                f"infusion-{number}",
                "bm_mnc_infusion",
                start,
                start + timedelta(minutes=10),
                name="autologous bone-marrow mononuclear cells",
                indication="cerebral palsy",
                route="intrathecal",
                dose=cells(child, number),
                infusion_number=number,
                batch_id=batch_id(child, number),
                action_taken="not_applicable",
            ),
        ]
    return found


def courses(child: int) -> list[Payload]:
    """Three courses of ten days; at home the family or a technician, in the centre a technician."""
    found = []
    for number in (1, 2, 3):
        first = months_later(enrolled_on(child), 3 * (number - 1)) + timedelta(days=18)
        setting = ("centre", "home")[draw(f"setting/{child}/{number}", 0, 1)]
        at_home = ("technician", "family")[draw(f"deliverer/{child}/{number}", 0, 1)]
        deliverer = at_home if setting == "home" else "technician"
        found.append(
            exposure(
                child,
                f"rehabilitation-{number}",
                "rehabilitation",
                first,
                first + timedelta(days=9),
                rehabilitation={"number": number, "setting": setting, "deliverer": deliverer},
            )
        )
    return found


def fevers() -> dict[int, tuple[int, datetime, int, int]]:
    """Child → infusion, onset, hours it lasted, peak in tenths of a degree. Every fourth is of grade 2, none higher."""
    found = {}
    for order, child in enumerate(chosen("fever", WITH_FEVER)):
        number = 1 if order % 3 else 2
        onset = infused_at(child, number) + timedelta(minutes=10 + 10 * draw(f"fever onset/{child}", 6 * 8, 6 * 40))
        peak = draw(f"fever peak/{child}", 391, 396) if order % 4 == 3 else draw(f"fever peak/{child}", 381, 389)
        found[child] = (number, onset, draw(f"fever hours/{child}", 6, 36), peak)
    return found


def vomiting() -> dict[int, tuple[int, datetime, int]]:
    """Child → infusion, onset, hours it lasted. A child with a fever too has both after the same infusion."""
    found = {}
    for order, child in enumerate(chosen("vomiting", WITH_VOMITING)):
        number = fevers()[child][0] if child in fevers() else 1 if order % 3 else 2
        onset = infused_at(child, number) + timedelta(minutes=10 + 10 * draw(f"vomiting onset/{child}", 6 * 2, 6 * 24))
        found[child] = (number, onset, draw(f"vomiting hours/{child}", 2, 18))
    return found


def measurements() -> list[Payload]:
    hot = {(child, number): (onset, hours, peak) for child, (number, onset, hours, peak) in fevers().items()}
    found = []
    for child in range(1, CHILDREN + 1):
        first = infused_at(child, 1)
        for label, taken, baseline in (
            ("baseline", datetime.combine(first.date() - timedelta(days=1), time(8, 30)), True),
            ("day-2", datetime.combine(first.date() + timedelta(days=2), time(8, 30)), False),
        ):
            found += [laboratory(child, label, taken, row, baseline=baseline) for row in LABORATORY]
        for number in (1, 2):
            start = infused_at(child, number)
            onset, hours, peak = hot.get((child, number), (start + timedelta(hours=20), None, None))
            taken = onset + timedelta(minutes=30 if peak else 0)
            tenths = peak or draw(f"temperature/{child}/{number}", 364, 375)
            found.append(
                measurement(child, f"temperature-{number}", "body_temperature", f"{tenths / 10:.1f}", "Cel", taken)
            )
            found[-1]["body"] |= {"body_site": "axilla", "lasted_hours": str(hours) if hours else None}
    return found


def laboratory(child: int, label: str, taken: datetime, row: tuple[Any, ...], *, baseline: bool) -> Payload:
    test, unit, low, high, least, most, places = row
    value = draw(f"{test}/{child}/{label}", least, most)
    made = measurement(child, f"{test}-{label}", test, f"{value / 10**places:.{places}f}", unit, taken)
    made["body"] |= {"lower_limit": low, "upper_limit": high, "baseline": baseline}
    return made


def measurement(child: int, label: str, test: str, value: str, unit: str, taken: datetime) -> Payload:
    body = {"subject_id": code(child), "test": test, "value": value, "unit": unit, "taken": moment(taken)}
    return {"key": f"cohort-measurement-{code(child)}-{label}", "body": body}


def cases() -> list[Payload]:
    """One case per child with events: a fever, vomiting, or both."""
    hot, sick = fevers(), vomiting()
    found = []
    for child in sorted(hot | sick):
        events = []
        if child in hot:
            number, onset, hours, peak = hot[child]
            degrees = f"{peak / 10:.1f}".replace(".", ",")
            words = f"Sốt {degrees} °C sau truyền tế bào, không có dấu hiệu nhiễm khuẩn, hết sau dùng thuốc hạ sốt"
            grade = 1 if peak <= 390 else 2
            events.append(event(child, FEVER, words, onset, hours, grade, (f"infusion-{number}",)))
        if child in sick:
            number, onset, hours = sick[child]
            words = "Nôn sau truyền tế bào, hết sau dùng thuốc chống nôn"
            events.append(event(child, VOMITING, words, onset, hours, 2, (f"infusion-{number}", f"sedation-{number}")))
        known = min(datetime.fromisoformat(one["onset"]["value"]) for one in events) + timedelta(minutes=30)
        found.append(
            {
                "key": f"cohort-case-{code(child)}",
                "body": {
                    "subject_id": code(child),
                    "reporter_role": "clinician",
                    "events": events,
                    "given": {"answer": "yes", "kinds": ["bm_mnc_infusion", "lumbar_puncture", "sedation"]},
                    "site_aware": moment(known),
                    "desk_aware": moment(known + timedelta(hours=1)),
                    "source": "import",
                },
            }
        )
    return found


def event(child: int, term: str, words: str, onset: datetime, hours: int, grade: int, causes: Sequence[str]) -> Payload:
    return {
        "verbatim": {"text": words, "language": "vi"},
        "term_code": term,
        "onset": moment(onset),
        "end": moment(onset + timedelta(hours=hours)),
        "ongoing": False,
        "grades": [{"grade": grade, "since": moment(onset)}],
        "seriousness": ALL_NO,
        "outcome": "recovered",
        "admission": "planned",
        "admission_prolonged": "no",
        "medication_error": "no",
        "overdose": "no",
        "opinions": [{"exposure_key": exposure_key(child, cause), "related": "yes"} for cause in causes],
    }


def cohort() -> dict[str, str]:
    """File name → its text, one payload a line."""
    made = {
        "subjects.json": subjects(),
        "allocations.json": allocations(),
        "batches.json": batches(),
        "exposures.json": exposures(),
        "measurements.json": measurements(),
        "cases.json": cases(),
    }
    lines = {name: [json.dumps(one, ensure_ascii=False) for one in payloads] for name, payloads in made.items()}
    return {name: "[\n" + ",\n".join(each) + "\n]\n" for name, each in lines.items()}


def main() -> None:
    folder = Path(__file__).parent / "cohort"
    folder.mkdir(exist_ok=True)
    for name, text in cohort().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
