"""Section 9: who reported, the duty this report answers, and the places to sign."""

from __future__ import annotations

from services.sae_notifier.forms import reasons, times
from services.sae_notifier.forms.facts import Facts, said
from services.sae_notifier.forms.fields import Block, Field, Section, Signing, Value, absent, given, warning
from services.sae_notifier.forms.vocabulary import ROLE, SOURCE, STATE
from services.sae_notifier.forms.words import Words


def section(facts: Facts) -> Section:
    case = facts.case
    blocks: list[Block] = [
        Field(
            "reporter",
            Words("Người báo cáo", "Reporter"),
            (Value(ROLE[case.reporter_role]), said(case.reported_by, reasons.NOT_STATED)),
        ),
        Field("source", Words("Cách gửi", "Sent by"), (Value(SOURCE[case.source]),)),
        _duty(facts),
        Field("prepared_at", Words("Ngày lập biểu mẫu", "Form prepared"), (given(facts.instant(facts.now)),)),
        Field("site_id", Words("Mã điểm nghiên cứu", "Site id"), (said(case.site_id, reasons.NOT_STATED),)),
        Signing("reporter_signature", Words("Người báo cáo", "Reporter"), reasons.SIGN_BY_HAND),
        Signing(
            "investigator_signature", Words("Nghiên cứu viên chính", "Principal investigator"), reasons.SIGN_BY_HAND
        ),
        Signing("unit_signature", Words("Thủ trưởng đơn vị", "Head of the unit"), reasons.SIGN_BY_HAND),
    ]
    return Section(9, Words("Người báo cáo, ngày và chữ ký", "Reporter, date and signatures"), tuple(blocks))


def _duty(facts: Facts) -> Field:
    label = Words("Nghĩa vụ báo cáo và thời hạn", "Reporting duty and due date")
    duty = facts.obligation
    if duty is None:
        return Field("duty", label, (absent(reasons.NO_DUTY),), wide=True)
    due = times.instant(duty.due_at, duty.recipient_zone)
    aware = facts.instant(duty.aware_at)
    state = STATE[duty.state]
    day_0 = duty.day_0.isoformat() if duty.day_0 else "–"
    lines = [
        given(f"{duty.rule_id}: hạn {due}, {state.vi}", f"{duty.rule_id}: due {due}, {state.en}"),
        given(f"Biết từ {aware}; ngày 0 (không tính): {day_0}", f"Aware {aware}; day 0 (not counted): {day_0}"),
    ]
    if duty.provisional:
        why = "; ".join(duty.provisional_why)
        tail = f" ({why})" if why else ""
        lines.append(warning(Words(f"TẠM TÍNH{tail}", f"PROVISIONAL{tail}")))
    return Field("duty", label, tuple(lines), wide=True)
