"""Boxes 14 to 21: the suspect products, and what happened when they were stopped or given again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Literal

from services.sae_notifier.forms import reasons
from services.sae_notifier.forms.cioms.drugs import Drugs, Suspect, name, period
from services.sae_notifier.forms.cioms.lines import labelled
from services.sae_notifier.forms.facts import Facts, quantity, said
from services.sae_notifier.forms.fields import Field, Section, Tick, Ticks, Value, Values, absent, given
from services.sae_notifier.forms.reading import given_again
from services.sae_notifier.forms.sections.product import batch_row
from services.sae_notifier.forms.words import Words, joined
from shared.case import Exposure, Moment

Reaction = Literal["yes", "no", "na", "unknown"]
"""Did it abate, did it reappear; `na`: the question does not arise."""
Judge = Callable[[Facts, Exposure], tuple[Reaction, Words]]
_SUSPECTS = Words("Thuốc nghi ngờ", "SUSPECT DRUG(S) (include generic name)")
_ABATE = Words("Phản ứng có giảm sau khi ngừng thuốc?", "DID REACTION ABATE AFTER STOPPING DRUG?")
_REAPPEAR = Words("Phản ứng có tái xuất hiện khi dùng lại?", "DID REACTION REAPPEAR AFTER REINTRODUCTION?")
_BOXES = {"yes": Words("CÓ", "YES"), "no": Words("KHÔNG", "NO"), "na": Words("KHÔNG ÁP DỤNG", "NA")}
_UNKNOWN = Words("chưa rõ", "unknown")
_FREQUENCY = Words("Số lần dùng mỗi ngày: không thu thập", "Times a day: not collected")
_STOPPED = ("withdrawn", "reduced")
_ABATED = ("recovered", "recovered_with_sequelae", "recovering")
_DERIVED = Words("suy ra từ xử lý và kết cục", "from action taken and outcome")
_NOT_STOPPED = Words("không ngừng hay giảm", "not stopped or reduced")
_NOT_AGAIN = Words("chưa ghi nhận dùng lại", "no later use on record")


def section(facts: Facts, drugs: Drugs) -> Section:
    def box(key: str, vi: str, en: str, told: Callable[[Exposure], Values]) -> Field:
        lines = tuple(
            one.line(told(one.exposure) if one.exposure else (absent(drugs.unexposed),)) for one in drugs.suspects
        )
        return Field(key, Words(vi, en), lines)

    dose = box("15", "Liều hằng ngày", "DAILY DOSE(S)", lambda one: (quantity(one.dose, reasons.NOT_STATED),))
    return Section(
        2,
        Words("THÔNG TIN VỀ THUỐC NGHI NGỜ", "SUSPECT DRUG(S) INFORMATION"),
        (
            Field("14", _SUSPECTS, tuple(one.line(_product(facts, drugs, one)) for one in drugs.suspects)),
            _ticks(facts, drugs, "20", _ABATE, abated),
            Field("15", dose.label, (*dose.values, absent(_FREQUENCY))),
            box("16", "Đường dùng", "ROUTE(S) OF ADMINISTRATION", lambda one: (said(one.route, reasons.NOT_STATED),)),
            _ticks(facts, drugs, "21", _REAPPEAR, reappeared),
            box("17", "Chỉ định", "INDICATION(S) FOR USE", lambda one: (said(one.indication, reasons.NOT_STATED),)),
            box("18", "Thời gian dùng", "THERAPY DATES (from/to)", lambda one: (period(facts, one),)),
            box("19", "Tổng thời gian", "THERAPY DURATION", lambda one: (duration(one),)),
        ),
    )


def _product(facts: Facts, drugs: Drugs, suspect: Suspect) -> Values:
    """Name and batch; of a batch also what was counted and grown, for it is part of what was given."""
    one = suspect.exposure
    if one is None:
        return (*name(facts, None), Value(drugs.unexposed))
    if one.batch_id is None:
        return (*name(facts, one), *((Value(reasons.NO_BATCH),) if one.kind in facts.trial.investigational else ()))
    batch = facts.batch(one.batch_id)
    number = given(f"số lô {one.batch_id}", f"batch no. {one.batch_id}")
    if batch is None:
        return (*name(facts, one), number)
    _, _, _, counted, sterility, identity = batch_row(facts, batch)
    return (
        *name(facts, one),
        number,
        labelled("tế bào; tỷ lệ sống", "cells; viability", counted),
        labelled("vô khuẩn", "sterility", sterility),
        labelled("chuỗi nhận dạng", "chain of identity", identity),
    )


def duration(one: Exposure) -> Value:
    """Only where both ends are known to the minute, or to the day."""
    if one.ongoing and one.end is None:
        return Value(reasons.ONGOING)
    start, end = one.start, one.end
    if start is None or end is None:
        return absent(reasons.NOT_STATED)
    precise = {start.precision, end.precision}
    unclear = Words("Chưa đủ rõ để tính", "Dates not known well enough")
    if end.earliest() < start.earliest():
        return absent(unclear)
    if precise <= {"minute", "second"}:
        return given(_clock(end.earliest() - start.earliest()))
    if precise == {"day"} and start.zone == end.zone:
        days = _days(start, end)
        return given(f"{days} ngày (tính cả ngày đầu và cuối)", f"{days} d (first and last day counted)")
    return absent(unclear)


def _clock(length: timedelta) -> str:
    hours, minutes = divmod(int(length.total_seconds()) // 60, 60)
    days, hours = divmod(hours, 24)
    parts = [f"{count} {unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if count]
    return " ".join(parts) or "0 min"


def _days(start: Moment, end: Moment) -> int:
    return (end.latest() - start.earliest() + timedelta(hours=12)).days or 1


def abated(facts: Facts, one: Exposure) -> tuple[Reaction, Words]:
    """From what was done with it and how every reaction went on: nobody is asked the question itself."""
    if one.action_taken == "unknown":
        return "unknown", Words("xử lý với thuốc: chưa hỏi", "action taken: not asked")
    if one.action_taken not in _STOPPED:
        return "na", _NOT_STOPPED
    outcomes = {event.outcome for event in facts.case.events}
    if outcomes and outcomes <= set(_ABATED):
        return "yes", _DERIVED
    if outcomes and outcomes <= {"not_recovered", "fatal"}:
        return "no", _DERIVED
    return "unknown", Words("kết cục chưa rõ hoặc khác nhau", "outcome unknown, or it differs")


def reappeared(facts: Facts, one: Exposure) -> tuple[Reaction, Words]:
    """The question does not arise while it was not given again; whether it then reappeared is nowhere asked."""
    if one.action_taken == "unknown":
        return "unknown", Words("xử lý với thuốc: chưa hỏi", "action taken: not asked")
    again = given_again(facts.case.events, facts.exposures, one)
    if again is None:
        return "unknown", Words("khởi phát chưa rõ", "onset unknown")
    if again:
        return "unknown", Words(
            "đã dùng lại; chưa hỏi có tái xuất hiện", "given again; whether it reappeared was not asked"
        )
    return "na", _NOT_AGAIN if one.action_taken in _STOPPED else _NOT_STOPPED


def _ticks(facts: Facts, drugs: Drugs, key: str, label: Words, judge: Judge) -> Ticks:
    """One tick where every suspect has the same answer; else each answer with its reason."""
    unknown = ("unknown", drugs.unexposed)
    found: list[tuple[int, tuple[Reaction, Words]]] = [
        (one.number, judge(facts, one.exposure) if one.exposure else unknown) for one in drugs.suspects
    ]
    answers = {answer for _, (answer, _) in found}
    agreed = answers.pop() if len(answers) == 1 else "unknown"
    options = tuple(Tick(name, label, name == agreed) for name, label in _BOXES.items())
    lines = []
    for number, (answer, why) in found:
        shown = _BOXES.get(answer, _UNKNOWN)
        lines.append(Words(f"#{number} {shown.vi}: {why.vi}", f"#{number} {shown.en}: {why.en}"))
    return Ticks(key, label, options, joined(lines), columns=3)
