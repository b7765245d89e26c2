"""C.2, C.3 and C.5: who reported, who sends, in which study."""

from __future__ import annotations

from services.sae_notifier.e2b.block import Block
from services.sae_notifier.e2b.draft.desk import Desk

MASKED = ("C.2.r.1.1", "C.2.r.1.2", "C.2.r.1.4", "C.2.r.2.3", "C.2.r.2.6", "C.2.r.2.7")
"""Who the reporter is stays with the site; we do not even store it."""


def source(desk: Desk, report: Block) -> None:
    place = desk.facts.source
    made = report.add("C.2.r")
    for element in MASKED:
        made.null(element, "MSK")
    desk.words_or(made, "C.2.r.2.1", place.organisation, "MSK")
    desk.words(made, "C.2.r.2.2", place.department)
    desk.words_or(made, "C.2.r.2.4", place.city, "MSK")
    desk.words_or(made, "C.2.r.2.5", place.state, "MSK")
    if desk.fda:
        made.null("FDA.C.2.r.2.8", "MSK")
    desk.code(made, "C.2.r.3", place.country)
    qualification = _qualification(desk)
    if qualification:
        made.put("C.2.r.4", qualification)
    else:
        made.null("C.2.r.4", "UNK")
    made.put("C.2.r.5", "1")


def _qualification(desk: Desk) -> str:
    return {
        "investigator": "1",
        "clinician": "1" if desk.doubts.clinician_is_physician else "3",
        "technician": "3",
        "caregiver_through_site": "5",
    }.get(desk.case.reporter_role, "")


def sender(desk: Desk, report: Block) -> None:
    one = desk.facts.sender
    desk.code(report, "C.3.1", one.kind)
    for element, text in (
        ("C.3.2", one.organisation),
        ("C.3.3.1", one.department),
        ("C.3.3.2", one.title),
        ("C.3.3.3", one.given_name),
        ("C.3.3.4", one.middle_name),
        ("C.3.3.5", one.family_name),
        ("C.3.4.1", one.street),
        ("C.3.4.2", one.city),
        ("C.3.4.3", one.state),
    ):
        desk.words(report, element, text)
    for element, text in (
        ("C.3.4.4", one.postcode),
        ("C.3.4.5", one.country),
        ("C.3.4.6", one.telephone),
        ("C.3.4.7", one.fax),
        ("C.3.4.8", one.email),
    ):
        desk.code(report, element, text)


def study(desk: Desk, report: Block) -> None:
    one = desk.facts.study
    desk.words(report, "C.5.2", one.name)
    desk.code(report, "C.5.3", one.sponsor_number)
    desk.code(report, "C.5.4", one.kind)
    for registration in one.registrations:
        made = report.add("C.5.1.r")
        desk.code(made, "C.5.1.r.1", registration.number)
        desk.code(made, "C.5.1.r.2", registration.country)
    if not desk.fda:
        return
    desk.code(report, "FDA.C.5.5a", one.ind_number)
    desk.code(report, "FDA.C.5.5b", one.pre_anda)
    for number in one.cross_reported:
        desk.code(report.add("FDA.C.5.6.r"), "FDA.C.5.6.r", number)
    if one.ind_number and not one.cross_reported:
        report.add("FDA.C.5.6.r").null("FDA.C.5.6.r", "NA")
