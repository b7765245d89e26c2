"""Everything one form is made from, with the few questions that several sections ask of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.sae_notifier.forms import reasons, times
from services.sae_notifier.forms.fields import Value, Values, absent, given
from services.sae_notifier.forms.trial import FormTrial
from services.sae_notifier.forms.vocabulary import KIND
from services.sae_notifier.forms.words import Words, joined
from shared.case import (
    AdverseEvent,
    Assessment,
    Batch,
    CaseReport,
    Exposure,
    FreeText,
    Measurement,
    Moment,
    Obligation,
    Quantity,
    Subject,
)
from shared.case.withholding import withheld_hash


@dataclass(frozen=True)
class Facts:
    """The documents of one child, of one case version, for one recipient."""

    case: CaseReport
    history: tuple[CaseReport, ...]
    case_sha256: str
    subject: Subject | None
    versions: tuple[tuple[str, int], ...]
    """Every (aggregate, version) that stands behind this form, voided ones included."""
    exposures: tuple[Exposure, ...]
    batches: tuple[Batch, ...]
    measurements: tuple[Measurement, ...]
    assessment: Assessment | None
    obligation: Obligation | None
    trial: FormTrial
    last_received: CaseReport | None
    report_number: int
    now: datetime

    def unanswered(self) -> Words:
        """Why one of the six questions of the phone page is empty: there it was asked, elsewhere it was not stated."""
        asked = any(version.source == "phone_page" for version in (self.case, *self.history))
        return reasons.DONT_KNOW if asked else reasons.NOT_STATED

    def moment(self, value: Moment | None, why: Words) -> Values:
        return times.moment(value, self.trial.zone, self.now, why)

    def instant(self, at: datetime) -> str:
        return times.instant(at, self.trial.zone)

    def study(self) -> tuple[Exposure, ...]:
        """The study product and the procedures of giving it."""
        kinds = self.trial.investigational + self.trial.procedures
        return tuple(
            sorted((one for one in self.exposures if one.kind in kinds), key=lambda one: kinds.index(one.kind))
        )

    def concomitant(self) -> tuple[Exposure, ...]:
        kinds = self.trial.investigational + self.trial.procedures
        return tuple(one for one in self.exposures if one.kind not in kinds)

    def batch(self, batch_id: str | None) -> Batch | None:
        return next((one for one in self.batches if one.batch_id == batch_id), None)

    def signed(self) -> bool:
        """Signed, and nothing has changed since: only then is it the sponsor's opinion."""
        return self.assessment is not None and self.assessment.signature is not None and not self.stale()

    def stale(self) -> bool:
        """True when a document of this child is newer than, or missing from, what the assessment judged."""
        if self.assessment is None:
            return False
        judged = {one.aggregate: one.version for one in self.assessment.judged}
        return any(judged.get(aggregate) != version for aggregate, version in self.versions)


def text(value: FreeText | None, why: Words) -> Values:
    """Somebody's own words, or why there are none; of words taken back not even the hash goes out."""
    if value is None:
        return (absent(why),)
    if value.redacted:
        return (absent(reasons.REDACTED),)
    if not value.text.strip():
        return (absent(why),)
    return (given(value.text),)


def quantity(value: Quantity | None, why: Words = reasons.NOT_ASKED) -> Value:
    if value is None:
        return absent(why)
    if value.unit is None:
        return given(f"{value.value} ({reasons.NO_UNIT.vi})", f"{value.value} ({reasons.NO_UNIT.en})")
    return given(f"{value.value} {value.unit}")


def exposure_name(exposure: Exposure) -> Values:
    """The agent and what kind of exposure it is, with its infusion number."""
    parts = [KIND[exposure.kind]]
    if exposure.infusion_number is not None:
        parts.append(Words(f"lần {exposure.infusion_number}", f"infusion {exposure.infusion_number}"))
    named = (given(exposure.name),) if exposure.name and exposure.name.strip() else ()
    return (*named, Value(joined(parts, ", ")))


def event_name(event: AdverseEvent, why: Words) -> Values:
    """The event in the reporter's words and as coded."""
    coded = event.term
    lines = [*text(event.verbatim, why)] if event.verbatim or not coded else []
    if coded:
        lines.append(given(f"{coded.term} ({coded.dictionary} {coded.version}, {coded.code})"))
    return tuple(lines)


def ended(facts: Facts, one: Exposure | AdverseEvent, why: Words = reasons.NOT_STATED) -> Values:
    """When it ended, that it goes on, or why neither is known."""
    if one.ongoing and one.end is None:
        return (Value(reasons.ONGOING),)
    return facts.moment(one.end, why)


def heading(index: int, total: int) -> Words:
    count = f"{index}/{total}" if total > 1 else str(index)
    return Words(f"Biến cố {count}", f"Event {count}")


def said(value: str | None, why: Words) -> Value:
    """A code or name as it is, or why there is none."""
    if value and withheld_hash(value):
        return absent(reasons.REDACTED)
    return given(value) if value and value.strip() else absent(why)
