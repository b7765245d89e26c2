"""A form as data, whichever it is: what stands on every page of it, and its sections."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from services.sae_notifier.forms import reasons, times
from services.sae_notifier.forms.facts import Facts, said
from services.sae_notifier.forms.fields import Block, Heading, Section
from services.sae_notifier.forms.words import Words

Kind = Literal["vn_sae_form", "cioms_i"]
"""The forms that are typeset, by the names a trial file has for them; each has a template of that name."""
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Form:
    """One version of one case, for one recipient; equal forms render to equal bytes."""

    kind: Kind
    title: Words
    case_number: str
    case_version: int
    case_sha256: str
    """SHA-256 of the stored bytes of this case version, printed on every page."""
    report_number: int
    """0 is the initial report, n the n-th follow-up."""
    basis: Words | None
    addressees: tuple[Words, ...]
    stamps: tuple[Words, ...]
    """Printed on every page: ILLUSTRATIVE, NULLIFIED, PROVISIONAL, not signed."""
    notices: tuple[Words, ...]
    prepared_at: datetime
    """The document's date; the wall clock is never read."""
    prepared: str
    zone: str
    """IANA zone of the site, in which every time is shown."""
    sections: tuple[Section, ...]

    def block(self, key: str) -> Block:
        """The block of that key (`onset` keys are prefixed by the event: `<event_id>.onset`)."""
        for section in self.sections:
            for block in section.blocks:
                if not isinstance(block, Heading) and block.key == key:
                    return block
        raise KeyError(key)

    def empties(self) -> Iterator[tuple[str, Words]]:
        """Every empty place with its reason, in the order of the form."""
        for section in self.sections:
            yield from section.empties()


def made_of(facts: Facts, kind: Kind, title: Words, sections: tuple[Section, ...]) -> Form:
    """The form of these sections, with everything that each of its pages says."""
    recipient_id = facts.obligation.recipient_id if facts.obligation else None
    recipients = [one for one in facts.trial.recipients if recipient_id in (None, one.recipient_id)]
    unnamed = (Words(recipient_id),) if recipient_id else ()
    return Form(
        kind=kind,
        title=title,
        case_number=facts.case.case_number,
        case_version=facts.case.version,
        case_sha256=facts.case_sha256,
        report_number=facts.report_number,
        basis=facts.trial.basis,
        addressees=tuple(one.name for one in recipients) or unnamed,
        stamps=tuple(_stamps(facts)),
        notices=tuple(_notices(facts)),
        prepared_at=facts.now,
        prepared=times.instant(facts.now, facts.trial.zone),
        zone=facts.trial.zone,
        sections=sections,
    )


def _stamps(facts: Facts) -> Iterator[Words]:
    if facts.case.nullified:
        yield Words("ĐÃ HỦY", "NULLIFIED")
    if facts.trial.illustrative or (facts.assessment and facts.assessment.illustrative):
        yield Words("MINH HỌA", "ILLUSTRATIVE")
    if facts.obligation and facts.obligation.provisional:
        yield Words("TẠM TÍNH", "PROVISIONAL CLOCK")
    if not facts.signed():
        yield Words("ĐÁNH GIÁ CHƯA KÝ", "ASSESSMENT NOT SIGNED")


def _notices(facts: Facts) -> Iterator[Words]:
    void = facts.case.nullified
    if void:
        why = said(void.reason, reasons.NOT_STATED).words
        why = Words(why.vi, why.en or why.vi)
        instead = (
            Words(f"; thay bằng {void.replaced_by}", f"; replaced by {void.replaced_by}")
            if void.replaced_by
            else Words("", "")
        )
        yield Words(f"Ca này đã bị hủy: {why.vi}{instead.vi}", f"This case is nullified: {why.en}{instead.en}")
    if facts.trial.illustrative or (facts.assessment and facts.assessment.illustrative):
        yield Words(
            "MINH HỌA: thông tin an toàn tham chiếu dùng cho biểu mẫu này không phải của nhà tài trợ; không dùng để nộp chính thức",
            "ILLUSTRATIVE: the reference safety information used here is not the sponsor's; not for official submission",
        )
