"""Section 10: what changed since the version this recipient last received, and every version so far."""

from __future__ import annotations

from services.sae_notifier.forms import reasons, times
from services.sae_notifier.forms.diff import changes
from services.sae_notifier.forms.facts import Facts, said
from services.sae_notifier.forms.fields import Column, Field, Section, Table, Value, absent, given
from services.sae_notifier.forms.vocabulary import ROLE, SOURCE
from services.sae_notifier.forms.words import Words

_SAME = Words("Không có thay đổi nào trong báo cáo ca", "Nothing changed in the case report")


def section(facts: Facts) -> Section:
    title = Words("Thay đổi so với phiên bản đã được nhận gần nhất", "Changes since the last version received")
    return Section(10, title, (_since(facts), _changed(facts), _versions(facts)))


def _since(facts: Facts) -> Field:
    label = Words("So sánh với", "Compared with")
    last = facts.last_received
    if last is None:
        return Field("compared_with", label, (absent(reasons.NOTHING_RECEIVED),), wide=True)
    at = facts.instant(last.recorded_at)
    return Field(
        "compared_with",
        label,
        (given(f"Phiên bản {last.version} ({at})", f"Version {last.version} ({at})"),),
        wide=True,
    )


def _changed(facts: Facts) -> Table:
    columns = (
        Column(Words("Mục", "Field"), 40),
        Column(Words("Trước", "Old"), 55),
        Column(Words("Nay", "New"), 55),
    )
    rows = ()
    if facts.last_received is not None:
        found = changes(facts.last_received, facts.case, lambda moment: times.told(moment, facts.trial.zone))
        rows = tuple(((Value(one.label),), one.old, one.new) for one in found)
    label = Words("Những mục của báo cáo ca đã thay đổi", "Fields of the case report that changed")
    return Table("changes", label, columns, rows, reasons.NOTHING_RECEIVED if facts.last_received is None else _SAME)


def _versions(facts: Facts) -> Table:
    columns = (
        Column(Words("Phiên bản", "Version"), 14),
        Column(Words("Máy chủ ghi nhận", "Recorded by the server"), 32),
        Column(Words("Thông tin mới được biết lúc", "News became known"), 32),
        Column(Words("Người gửi", "Sent by"), 34),
        Column(Words("Lý do thay đổi", "Reason for the change"), 38),
    )
    by_version = {one.version: one for one in (*facts.history, facts.case)}
    rows = tuple(
        (
            (given(str(one.version)),),
            (given(facts.instant(one.recorded_at)),),
            facts.moment(one.news_known, reasons.NOT_STATED) if one.version > 1 else (absent(reasons.NOT_APPLICABLE),),
            (Value(ROLE[one.reporter_role]), Value(SOURCE[one.source])),
            (said(one.change_reason, reasons.NOT_STATED if one.version > 1 else reasons.NOT_APPLICABLE),),
        )
        for _, one in sorted(by_version.items())
    )
    return Table("versions", Words("Các phiên bản của ca", "Versions of the case"), columns, rows)
