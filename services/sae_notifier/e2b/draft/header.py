"""N.1, N.2 and C.1: the batch, the message, the numbers and times of the case."""

from __future__ import annotations

from services.sae_notifier.e2b.block import Block
from services.sae_notifier.e2b.draft.desk import Desk
from services.sae_notifier.e2b.hl7time import written, written_at
from services.sae_notifier.e2b.message import Amendment
from services.sae_notifier.e2b.text import WITHHELD
from services.sae_notifier.forms.reading import became_known
from shared.case import CaseReport, Moment
from shared.case.withholding import plain


def batch(desk: Desk) -> Block:
    message = desk.message
    made = Block("N.1")
    made.put("N.1.1", "1")
    desk.code(made, "N.1.2", message.batch_number)
    desk.code(made, "N.1.3", message.batch_sender)
    desk.code(made, "N.1.4", message.batch_receiver)
    made.put("N.1.5", written_at(message.transmitted_at, desk.facts.zone))
    return made


def header(desk: Desk, report: Block) -> None:
    message, case = desk.message, desk.case
    made_at = written_at(message.created_at, desk.facts.zone)
    desk.code(report, "N.2.r.1", case.case_number)
    desk.code(report, "N.2.r.2", message.sender)
    desk.code(report, "N.2.r.3", message.receiver)
    report.put("N.2.r.4", made_at)
    report.put("N.2.r.mode", "I" if desk.fda else "T")  # as each receiver's own instances have it
    desk.code(report, "C.1.1", case.case_number)
    report.put("C.1.2", made_at)
    report.put("C.1.3", "2")
    _received(desk, report)
    report.put("C.1.6.1", "false")
    report.put("C.1.7", "true" if message.expedited else "false")
    desk.code(report, "C.1.8.1", message.worldwide_id or case.case_number)
    report.put("C.1.8.2", message.first_sender)
    if message.other_numbers:
        report.put("C.1.9.1", "true")
    else:
        report.null("C.1.9.1", "NI")
    for source, number in message.other_numbers:
        other = report.add("C.1.9.1.r")
        desk.words(other, "C.1.9.1.r.1", source)
        desk.code(other, "C.1.9.1.r.2", number)
    for number in message.linked:
        desk.code(report.add("C.1.10.r"), "C.1.10.r", number)
    amendment = message.amendment or _voided(case)
    if amendment is not None:
        report.put("C.1.11.1", amendment.code)
        desk.words(report, "C.1.11.2", amendment.reason)
    if desk.fda:
        report.put("FDA.C.1.7.1", message.criteria)
        report.put("FDA.C.1.12", "false")


def _voided(case: CaseReport) -> Amendment | None:
    return Amendment("1", plain(case.nullified.reason) or WITHHELD) if case.nullified is not None else None


def first_received(desk: Desk) -> Moment:
    """C.1.4: as it was sent the first time, else when this desk first heard of the case."""
    first = desk.facts.versions(desk.case)[0]
    return desk.message.first_received or _when(desk, first, first.desk_aware, "C.1.4")


def _received(desk: Desk, report: Block) -> None:
    """C.1.4 is when this desk first heard of the case; C.1.5 moves only with news, never before C.1.4."""
    versions = desk.facts.versions(desk.case)
    first, latest = versions[0], versions[-1]
    received = first_received(desk)
    recent = desk.message.most_recent
    if recent is None:
        is_news = latest.version > first.version and desk.message.amendment is None
        recent = _when(desk, latest, latest.news_known, "C.1.5") if is_news else received
    report.put("C.1.4", written(received))
    report.put("C.1.5", written(received if recent.latest() < received.earliest() else recent))


def _when(desk: Desk, version: CaseReport, told: Moment | None, element: str) -> Moment:
    """What was told, if it has a day and can have been; else the latest it can be, our own record of it."""
    found = became_known(version, told, desk.facts.zone)
    if found is told:
        return found
    if told is not None:
        en = f"{element}: what was told has no day or lies in the future; our record of it is sent"
        vi = f"{element}: thời điểm được báo thiếu ngày hoặc ở tương lai; gửi thời điểm hệ thống ghi nhận"
    else:
        en = f"{element}: nobody said when; our record of it is sent, the latest it can be"
        vi = f"{element}: chưa ai cho biết; gửi thời điểm hệ thống ghi nhận, là muộn nhất có thể"
    desk.notice(element, "awareness", en, vi)
    return found
