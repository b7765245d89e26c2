"""Electronic reports as a person sees them: what was found in a file, and the authority's reasons beside what we had sent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.sae_notifier import store
from services.sae_notifier.e2b import XmlRefused, elements_in, read
from services.sae_notifier.e2b.table import by_name
from services.sae_notifier.handlers import Notifier, icsr
from services.sae_notifier.pages import shown
from services.sae_notifier.pages.shown import FilingShown
from services.sae_notifier.store import FilingRow, FormRow, ReceiptRow
from shared.case import CaseRedacted, Obligation
from shared.db import Tx
from shared.trial.base import Bilingual

MOST_VALUES = 5
_PLACES = (
    (("event.", "case.", "first version", "C.1.4", "seriousness", "first onset", "constant 2"), "case"),
    (("exposure", "batch", "a dose", "suspect"), "exposures"),
    (("measurement", "value and unit"), "measurements"),
    (("subject.",), "subject"),
    (("opinion", "assessment", "method of", "Investigator"), "assessment"),
    (("sender.", "study.", "source."), "trial"),
)
"""Beginnings of the mapping's source -> where a person corrects it."""


@dataclass(frozen=True)
class FindingShown:
    error: bool
    element: str
    rule: str
    words: Bilingual


@dataclass(frozen=True)
class IcsrShown:
    """`errors` keep the file from being sent; `told` says that it was, `turned_down` what became of it."""

    document_id: str
    number: str
    case_version: int
    sha256: str
    made_by: str
    made_at: datetime
    may_be_sent: bool
    told: bool
    turned_down: bool
    findings: tuple[FindingShown, ...]
    withdrawn_at: datetime | None = None
    """It leaves no more: words were taken back."""
    taken_back: CaseRedacted | None = None
    """It was sent, or may have been, and holds words that were taken back later."""
    gone: bool = False
    """It was never sent, and its bytes went with the words."""

    @property
    def errors(self) -> tuple[FindingShown, ...]:
        return tuple(one for one in self.findings if one.error)

    @property
    def warnings(self) -> tuple[FindingShown, ...]:
        return tuple(one for one in self.findings if not one.error)


@dataclass(frozen=True)
class Complaint:
    """One reason of the recipient's: the data element it names, what we had sent there, and where that comes from.

    `link` leads to the page where a person puts it right; empty where there is none.
    """

    element: str
    sent: tuple[str, ...]
    place: str
    reason: str
    link: str = ""


@dataclass(frozen=True)
class ElectronicShown:
    """`closed` says why nothing can be sent now; empty when it can."""

    kind: str
    closed: str
    reports: tuple[IcsrShown, ...]

    @property
    def ready(self) -> tuple[IcsrShown, ...]:
        return tuple(one for one in self.reports if one.may_be_sent and not one.told and one.withdrawn_at is None)


def electronic(
    notifier: Notifier,
    tx: Tx,
    duty: Obligation,
    forms: Sequence[dict[str, Any]],
    told: Sequence[FilingRow],
    later: Mapping[str, CaseRedacted],
) -> ElectronicShown | None:
    """The reports of this duty, newest first; None for a recipient that has no computer for them."""
    transport = icsr.transport_of(notifier.trial, duty.recipient_id)
    if transport is None:
        return None
    closed = icsr.closed_because(notifier, duty.recipient_id)
    numbers = {
        one.document_id: one for one in store.icsrs_of(tx, duty.case_id) if one.obligation_id == duty.obligation_id
    }
    gone = {one.document_id: one.state for one in told if one.state != "failed"}
    return ElectronicShown(
        kind=transport.kind,
        closed=closed or "",
        reports=tuple(
            IcsrShown(
                document_id=row["document_id"],
                number=numbers[row["document_id"]].batch_number,
                case_version=row["case_version"],
                sha256=row["sha256"],
                made_by=row["made_by"],
                made_at=row["made_at"],
                may_be_sent=numbers[row["document_id"]].may_be_sent,
                told=row["document_id"] in gone,
                turned_down=gone.get(row["document_id"]) == "rejected",
                findings=_findings(numbers[row["document_id"]].findings),
                withdrawn_at=row["withdrawn_at"],
                taken_back=later.get(row["document_id"]),
                gone=not row["there"],
            )
            for row in forms
            if row["document_id"] in numbers
        ),
    )


def filing(notifier: Notifier, tx: Tx, row: FilingRow, receipts: Sequence[ReceiptRow]) -> FilingShown:
    """As everywhere, with what it waits for and the recipient's complaints in it."""
    made = shown.filing(notifier.trial, row, receipts)
    if row.method != "gateway":
        return made
    ahead = (
        [other for one in store.waits_for(tx, row) if (other := store.filing(tx, one))]
        if row.state == "waiting"
        else []
    )
    said = [one.reasons for one in receipts if one.filing_id == row.filing_id and one.kind == "acknowledgement"]
    found = _complaints(tx, row.document_id, said[-1]) if said and said[-1] else ()
    return shown.with_complaints(made, tuple(one.message_number for one in ahead), found)


def _complaints(tx: Tx, document_id: str, reasons: str) -> tuple[Complaint, ...]:
    document = store.form(tx, document_id)
    values: dict[str, list[str]] = {}
    try:
        for block in read(bytes(document.content)).batch.walk() if document else ():
            for name, cell in block.cells.items():
                values.setdefault(name, []).append(cell.text or cell.null or "")
    except XmlRefused:
        values = {}
    found = []
    for reason in reasons.splitlines():
        named = [one for one in elements_in(reason) if one in by_name()]
        found += [
            Complaint(one, tuple(values.get(one, [])[:MOST_VALUES]), _place(one), reason, _link(_place(one), document))
            for one in named
        ]
        if not named:
            found.append(Complaint("", (), "", reason))
    return tuple(found)


def _place(element: str) -> str:
    source = by_name()[element].source
    return next((place for begins, place in _PLACES if source.startswith(begins)), "message")


def _link(place: str, document: FormRow | None) -> str:
    """What was given, measured and is known of the child stands with the child, not in the case."""
    if document is None:
        return ""
    if place in ("exposures", "measurements", "subject"):
        return f"/subjects/{document.subject_id}#h-{'data' if place == 'subject' else place}"
    return {"case": f"/cases/{document.case_id}", "assessment": f"/assessments/{document.case_id}"}.get(place, "")


def _findings(text: str) -> tuple[FindingShown, ...]:
    found = [
        FindingShown(
            one["severity"] == "error",
            one["element"],
            one["rule"],
            Bilingual(vi=one["message"]["vi"], en=one["message"]["en"]),
        )
        for one in json.loads(text)
    ]
    return tuple(sorted(found, key=lambda one: not one.error))
