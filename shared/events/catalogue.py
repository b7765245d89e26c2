"""Every event type there is: who may publish it and which document it carries. Schemas are generated from here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from shared.case.assessment import Assessment
from shared.case.base import Published
from shared.case.batch import Batch
from shared.case.cut import CutFrozen, CutPart
from shared.case.exposure import Exposure
from shared.case.filing import Acknowledgement, Filing, ReportForm
from shared.case.law import LawActivated
from shared.case.measurement import Measurement
from shared.case.obligation import Obligation
from shared.case.redaction import CaseRedacted
from shared.case.report import CaseReport
from shared.case.rule_crossed import RuleCrossed
from shared.case.subject import Subject

Service = Literal["ae_intake", "causality", "sae_notifier", "dsmb"]


class AuditSeal(Published):
    """The global head of one service's audit trail, published so that no tail can be cut unseen."""

    service: str
    number: int
    at: datetime
    entries: int
    first_id: int
    last_id: int
    digest: str
    previous: str
    mac: str


class Allocation(Published):
    """The arm of one child. Travels on tocsin.allocation only; dsmb alone reads it."""

    trial_id: str
    subject_id: str
    version: int
    arm: str
    recorded_at: datetime


@dataclass(frozen=True)
class EventType:
    """`sources` may publish it; `allocation` sends it to the other topic; `says` is the sentence for docs/events.md."""

    name: str
    model: type[Published]
    sources: tuple[Service, ...]
    says: str
    allocation: bool = False

    @property
    def source(self) -> Service:
        if len(self.sources) != 1:
            raise ValueError(f"{self.name} has several sources; name one")
        return self.sources[0]


_ALL: tuple[EventType, ...] = (
    EventType(
        "tocsin.subject.recorded.v1",
        Subject,
        ("ae_intake",),
        "A child was enrolled, corrected, or first heard of (provisional).",
    ),
    EventType(
        "tocsin.exposure.recorded.v1", Exposure, ("ae_intake",), "An exposure was recorded, corrected or voided."
    ),
    EventType(
        "tocsin.batch.recorded.v1",
        Batch,
        ("ae_intake",),
        "A cell batch was recorded or corrected (sterility, release).",
    ),
    EventType(
        "tocsin.measurement.recorded.v1",
        Measurement,
        ("ae_intake",),
        "A laboratory value, vital sign or score was recorded, corrected or voided.",
    ),
    EventType("tocsin.case.reported.v1", CaseReport, ("ae_intake",), "A case was reported: its first version."),
    EventType("tocsin.case.amended.v1", CaseReport, ("ae_intake",), "News about a case: a later version, whole."),
    EventType(
        "tocsin.case.nullified.v1",
        CaseReport,
        ("ae_intake",),
        "A case was declared void, with its replacement if there is one.",
    ),
    EventType(
        "tocsin.case.redacted.v1",
        CaseRedacted,
        ("ae_intake",),
        "Words of a case were taken back: every service blanks them where it keeps them.",
    ),
    EventType(
        "tocsin.allocation.recorded.v1", Allocation, ("ae_intake",), "A child was allocated to an arm.", allocation=True
    ),
    EventType(
        "tocsin.assessment.proposed.v1",
        Assessment,
        ("causality",),
        "The engine proposed an assessment; nobody has signed it.",
    ),
    EventType(
        "tocsin.assessment.signed.v1",
        Assessment,
        ("causality",),
        "A medical monitor accepted or overrode the proposals and signed.",
    ),
    EventType(
        "tocsin.obligation.changed.v1",
        Obligation,
        ("sae_notifier",),
        "A duty was opened, moved, filed, received, rejected or ended.",
    ),
    EventType(
        "tocsin.form.made.v1",
        ReportForm,
        ("sae_notifier",),
        "A report was rendered for a recipient: its facts and its file.",
    ),
    EventType(
        "tocsin.filing.changed.v1",
        Filing,
        ("sae_notifier",),
        "A telling was filed, sent, given up on, received or rejected, with its receipts.",
    ),
    EventType(
        "tocsin.acknowledgement.taken.v1",
        Acknowledgement,
        ("sae_notifier",),
        "A file came back from a recipient's computer, or a person closed one that fitted nothing.",
    ),
    EventType(
        "tocsin.law.activated.v1",
        LawActivated,
        ("sae_notifier",),
        "Rule, calendar and trial files were made the law that duties are judged by.",
    ),
    EventType(
        "tocsin.stopping_rule.crossed.v1",
        RuleCrossed,
        ("dsmb",),
        "A stopping rule of the board's charter was crossed; nothing is stopped by it.",
    ),
    EventType(
        "tocsin.cut_part.frozen.v1",
        CutPart,
        ("dsmb",),
        "A piece of a cut's packed files: its manifest and both reports, as JSON and on paper.",
        allocation=True,
    ),
    EventType(
        "tocsin.cut.frozen.v1",
        CutFrozen,
        ("dsmb",),
        "The board's cut was frozen; it stands with all of its parts, which went before it.",
        allocation=True,
    ),
    EventType("tocsin.intake.audit_sealed.v1", AuditSeal, ("ae_intake",), "The audit trail of ae_intake was sealed."),
    EventType(
        "tocsin.causality.audit_sealed.v1", AuditSeal, ("causality",), "The audit trail of causality was sealed."
    ),
    EventType(
        "tocsin.notifier.audit_sealed.v1", AuditSeal, ("sae_notifier",), "The audit trail of sae_notifier was sealed."
    ),
    EventType("tocsin.dsmb.audit_sealed.v1", AuditSeal, ("dsmb",), "The audit trail of dsmb was sealed."),
)
CATALOGUE: dict[str, EventType] = {event.name: event for event in _ALL}
SEAL_TYPES: dict[str, str] = {event.source: event.name for event in _ALL if event.model is AuditSeal}


def schema(event: EventType) -> dict[str, Any]:
    """The JSON Schema of the body as producers must write it (closed)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"tocsin:events/{event.name}",
        "title": event.name,
        "description": event.says,
        **{
            k: v
            for k, v in event.model.model_json_schema(mode="serialization").items()
            if k not in ("title", "description")
        },
    }


def schema_text(event: EventType) -> str:
    return json.dumps(schema(event), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
