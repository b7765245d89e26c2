"""D: the child, by code; weight and height, history, death."""

from __future__ import annotations

from decimal import Decimal

from services.sae_notifier.e2b.block import Block
from services.sae_notifier.e2b.draft.age import age_at
from services.sae_notifier.e2b.draft.coding import coded
from services.sae_notifier.e2b.draft.desk import Desk
from services.sae_notifier.e2b.hl7time import written
from services.sae_notifier.e2b.text import number, said
from services.sae_notifier.forms.reading import first_onset, is_fatal
from services.sae_notifier.forms.vocabulary import DELIVERER, KIND, SETTING
from shared.case import Measurement

SEX = {"male": "1", "female": "2"}


def patient(desk: Desk, report: Block) -> None:
    report.null("D.1", "MSK")
    desk.code(report, "D.1.1.4", desk.case.subject_id)
    _age(desk, report)
    _size(desk, report, "D.3", "body_weight", "kg")
    _size(desk, report, "D.4", "body_height", "cm")
    sex = SEX.get(desk.facts.subject.sex if desk.facts.subject else "")
    if sex:
        report.put("D.5", sex)
    else:
        report.null("D.5", "UNK")
    _history(desk, report)
    _death(desk, report)
    if desk.fda:
        for race in desk.facts.race:
            report.add("FDA.D.11.r").put("FDA.D.11.r.1", race)
        if not desk.facts.race:
            report.add("FDA.D.11.r").null("FDA.D.11.r.1", "UNK")
        if desk.facts.ethnicity:
            report.put("FDA.D.12", desk.facts.ethnicity)
        else:
            report.null("FDA.D.12", "UNK")


def _age(desk: Desk, report: Block) -> None:
    """A birth date with its day is never sent; the age is enough."""
    birth = desk.facts.subject.birth if desk.facts.subject else None
    onset = first_onset(desk.case.events)
    age = age_at(birth, onset) if birth and onset else None
    if age is None:
        return
    value, group = age.number(), age.group()
    if value is not None:
        report.put("D.2.2a", str(value[0]))
        report.put("D.2.2b", value[1])
    elif group is not None:
        report.put("D.2.3", group)
    if value is None:
        en = "D.2.2: birth and onset are not known well enough for one age"
        desk.notice("D.2.2a", "age", en, "D.2.2: ngày sinh và khởi phát chưa đủ để tính một tuổi")


def _size(desk: Desk, report: Block, element: str, test: str, unit: str) -> None:
    """The last one before the event began, else the last one."""
    onset = first_onset(desk.case.events)
    found = [one for one in desk.facts.measurements if one.test == test and one.unit == unit and not one.voided]
    before = [one for one in found if onset and one.taken and one.taken.earliest() <= onset.latest()]
    chosen = max(before or found, key=_taken, default=None)
    value = number(chosen.value) if chosen else None
    if value is None:
        return
    if element == "D.4":
        value = str(round(Decimal(value)))
    report.put(element, value)


def _taken(measurement: Measurement) -> str:
    return (measurement.taken.earliest() if measurement.taken else measurement.recorded_at).isoformat()


def _history(desk: Desk, report: Block) -> None:
    parts = [desk.facts.study.condition] if desk.facts.study.condition else []
    subject = desk.facts.subject
    if subject is not None and subject.gmfcs_level != "unknown":
        parts.append(f"GMFCS level {subject.gmfcs_level}")
    courses = [one for one in desk.facts.given() if one.kind in ("rehabilitation", "planned_stay")]
    for one in courses:
        when = " to ".join(moment.value for moment in (one.start, one.end) if moment)
        course = one.rehabilitation
        detail = ""
        if course is not None:
            number_of = f" no. {course.number}" if course.number is not None else ""
            detail = f"{number_of}, {SETTING[course.setting].en}, {DELIVERER[course.deliverer].en}"
        parts.append(f"{KIND[one.kind].en}{detail}{f' ({when})' if when else ''}")
    if parts:
        desk.words(report, "D.7.2", "; ".join(parts))
    else:
        report.null("D.7.2", "UNK")
    if any(one.kind == "rehabilitation" for one in courses):
        report.put("D.7.3", "true")


def _death(desk: Desk, report: Block) -> None:
    """We ask for no time of death of its own: the end of the fatal event is it. Nobody asked about an autopsy."""
    fatal = [one for one in desk.case.events if is_fatal(one)]
    if not fatal:
        return
    end = next((one.end for one in fatal if one.end and not one.end.is_future(desk.message.created_at)), None)
    if end is not None:
        report.put("D.9.1", written(end))
    else:
        report.null("D.9.1", "NASK")
    report.null("D.9.3", "UNK")
    for event in fatal:
        made = report.add("D.9.2.r")
        coded(desk, made, event.term, "D.9.2.r.1b", "D.9.2.r.1a")
        desk.words(made, "D.9.2.r.2", said(event.verbatim) or (event.term.term if event.term else "not stated"))
