"""The SAE form as data: what it says, in which order, and why a place is empty. Pure; nothing here draws."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.sae_notifier.forms import times
from services.sae_notifier.forms.facts import Facts
from services.sae_notifier.forms.fields import Block, Heading, Section
from services.sae_notifier.forms.sections import (
    action,
    changes,
    child,
    committee,
    concomitant,
    course,
    general,
    opinions,
    product,
    reporter,
)
from services.sae_notifier.forms.trial import FormTrial
from services.sae_notifier.forms.words import Words
from shared.case import Assessment, Batch, CaseReport, Exposure, Measurement, Obligation, Subject
from shared.errors import FieldProblem, Refused

TITLE = Words(
    "BÁO CÁO BIẾN CỐ BẤT LỢI NGHIÊM TRỌNG (SAE)\nTRONG THỬ NGHIỆM LÂM SÀNG",
    "REPORT OF A SERIOUS ADVERSE EVENT (SAE) IN A CLINICAL TRIAL",
)
_SECTIONS = (general, course, product, action, child, concomitant, opinions, committee, reporter, changes)


@dataclass(frozen=True)
class SaeForm:
    """One version of one case, for one recipient; equal forms render to equal bytes."""

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


def build(
    case: CaseReport,
    history: Sequence[CaseReport],
    *,
    case_sha256: str,
    subject: Subject | None,
    exposures: Sequence[Exposure],
    batches: Sequence[Batch],
    measurements: Sequence[Measurement],
    assessment: Assessment | None,
    obligation: Obligation | None,
    trial: FormTrial,
    last_received: CaseReport | None,
    report_number: int,
    now: datetime,
) -> SaeForm:
    """The form of `case` for the recipient of `obligation` (for every recipient of the trial when there is none yet).

    `history` holds the other versions of the case; `report_number` is 0 for the initial report. Raises `Refused`, naming
    the document, when one of them belongs to another child, case or trial.
    """
    versions = [(f"case/{case.case_id}", case.version)]
    if subject:
        versions.append((f"subject/{subject.subject_id}", subject.version))
    versions += [(f"exposure/{one.exposure_id}", one.version) for one in exposures]
    versions += [(f"batch/{one.batch_id}", one.version) for one in batches]
    versions += [(f"measurement/{one.measurement_id}", one.version) for one in measurements]
    facts = Facts(
        case=case,
        history=tuple(one for one in history if one.version <= case.version),
        case_sha256=case_sha256,
        subject=subject,
        versions=tuple(versions),
        exposures=tuple(sorted((one for one in exposures if not one.voided), key=_started)),
        batches=tuple(one for one in batches if not one.voided),
        measurements=tuple(one for one in measurements if not one.voided),
        assessment=assessment,
        obligation=obligation,
        trial=trial,
        last_received=last_received,
        report_number=report_number,
        now=now,
    )
    _same_child(facts, exposures, batches, measurements)
    recipients = [one for one in trial.recipients if obligation is None or one.recipient_id == obligation.recipient_id]
    unnamed = (Words(obligation.recipient_id),) if obligation else ()
    return SaeForm(
        title=TITLE,
        case_number=case.case_number,
        case_version=case.version,
        case_sha256=case_sha256,
        report_number=report_number,
        basis=trial.basis,
        addressees=tuple(one.name for one in recipients) or unnamed,
        stamps=tuple(_stamps(facts)),
        notices=tuple(_notices(facts)),
        prepared_at=now,
        prepared=times.instant(now, trial.zone),
        zone=trial.zone,
        sections=tuple(module.section(facts) for module in _SECTIONS),
    )


def _started(exposure: Exposure) -> tuple[bool, float, str]:
    start = exposure.start
    return start is None, start.earliest().timestamp() if start else 0.0, exposure.exposure_id


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
        instead = (
            Words(f"; thay bằng {void.replaced_by}", f"; replaced by {void.replaced_by}")
            if void.replaced_by
            else Words("", "")
        )
        yield Words(
            f"Ca này đã bị hủy: {void.reason}{instead.vi}", f"This case is nullified: {void.reason}{instead.en}"
        )
    if facts.trial.illustrative or (facts.assessment and facts.assessment.illustrative):
        yield Words(
            "MINH HỌA: thông tin an toàn tham chiếu dùng cho biểu mẫu này không phải của nhà tài trợ; không dùng để nộp chính thức",
            "ILLUSTRATIVE: the reference safety information used here is not the sponsor's; not for official submission",
        )


def _same_child(
    facts: Facts, exposures: Sequence[Exposure], batches: Sequence[Batch], measurements: Sequence[Measurement]
) -> None:
    """A form that mixed two children would disclose one of them to a reader of the other's."""
    case = facts.case
    cases = {"last_received": facts.last_received, "assessment": facts.assessment, "obligation": facts.obligation}
    cases |= {f"history/{index}": one for index, one in enumerate(facts.history)}
    children: dict[str, Subject | Exposure | Batch | Measurement | None] = {"subject": facts.subject}
    children |= {f"exposures/{index}": one for index, one in enumerate(exposures)}
    children |= {f"batches/{index}": one for index, one in enumerate(batches)}
    children |= {f"measurements/{index}": one for index, one in enumerate(measurements)}
    wrong = [name for name, one in cases.items() if one is not None and one.case_id != case.case_id]
    wrong += [name for name, one in children.items() if one is not None and one.subject_id != case.subject_id]
    problems = [
        FieldProblem(f"/{name}", "belongs to another case or child", "pass only the documents of this case's subject")
        for name in wrong
    ]
    if facts.trial.trial_id != case.trial_id:
        problems.append(FieldProblem("/trial", "is another trial's", "pass the trial named in the case"))
    if facts.report_number < 0:
        problems.append(FieldProblem("/report_number", "is negative", "use 0 for the initial report"))
    if facts.now.utcoffset() is None:
        problems.append(FieldProblem("/now", "has no time zone", "pass an aware UTC instant"))
    if problems:
        raise Refused("the form mixes documents that do not belong together", problems=problems)
