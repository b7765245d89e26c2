"""Section 6: everything else the child was given or went through."""

from __future__ import annotations

from services.sae_notifier.forms import reasons
from services.sae_notifier.forms.facts import Facts, ended, exposure_name, quantity, said
from services.sae_notifier.forms.fields import Column, Section, Table, Value, Values, absent
from services.sae_notifier.forms.vocabulary import ACTION, DELIVERER, SETTING
from services.sae_notifier.forms.words import Words
from shared.case import Exposure

_NOT_DOSED = {"rehabilitation", "planned_stay"}


def section(facts: Facts) -> Section:
    columns = (
        Column(Words("Sản phẩm, điều trị", "Product, treatment"), 34),
        Column(Words("Chỉ định", "Indication"), 22),
        Column(Words("Liều; đường dùng", "Dose; route"), 22),
        Column(Words("Bắt đầu", "Start"), 22),
        Column(Words("Kết thúc", "Stop"), 22),
        Column(Words("Xử lý", "Action taken"), 18),
    )
    rows = tuple(_row(facts, one) for one in facts.concomitant())
    table = Table(
        "concomitant",
        Words("Sản phẩm và điều trị dùng đồng thời", "Concomitant products and treatments"),
        columns,
        rows,
        reasons.NONE_RECORDED,
    )
    return Section(6, Words("Sản phẩm dùng đồng thời", "Concomitant products"), (table,))


def _row(facts: Facts, one: Exposure) -> tuple[Values, ...]:
    if one.kind in _NOT_DOSED:
        dose: Values = (absent(reasons.NOT_APPLICABLE),)
    else:
        dose = (
            quantity(one.dose, reasons.NOT_STATED),
            said(one.route, Words("Đường dùng: không nêu", "Route: not stated")),
        )
    action = absent(reasons.NOT_ASKED) if one.action_taken == "unknown" else Value(ACTION[one.action_taken])
    return (
        (*exposure_name(one), *course_of(one)),
        (said(one.indication, reasons.NOT_STATED),),
        dose,
        facts.moment(one.start, reasons.NOT_STATED),
        ended(facts, one),
        (action,),
    )


def course_of(one: Exposure) -> Values:
    if one.rehabilitation is None:
        return ()
    course, setting = one.rehabilitation, SETTING[one.rehabilitation.setting]
    by = DELIVERER[course.deliverer]
    number = "?" if course.number is None else str(course.number)
    return (Value(Words(f"Đợt {number}, {setting.vi}, {by.vi}", f"Course {number}, {setting.en}, {by.en}")),)
