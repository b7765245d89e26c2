"""Which telling an answer is about, and what it says of it. In doubt it says nothing: a person looks.

The transmission code decides first. A rejection stands whatever the reports say; an acceptance only where no report of ours
says otherwise, since an acceptance that was none would end the watch over a duty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.sae_notifier.e2b.ack import Ack, AckReport
from services.sae_notifier.e2b.hl7time import stamp

Verdict = Literal["accepted", "rejected"]
Parked = Literal["unreadable", "unmatched", "ambiguous", "contradicts", "partly", "doubled"]


@dataclass(frozen=True)
class Sent:
    """One telling that an answer can mean. `case_number` is C.1.1, which is N.2.r.1 too; `created_at` N.2.r.4."""

    filing_id: str
    batch_number: str
    case_number: str
    created_at: datetime
    answered: bool = False


@dataclass(frozen=True)
class Match:
    """Either a verdict on one telling, or why a person must look; `filing_id` also where only the telling is clear."""

    filing_id: str | None = None
    verdict: Verdict | None = None
    parked: Parked | None = None
    errors: tuple[str, ...] = ()


def match(ack: Ack, sent: Sequence[Sent]) -> Match:
    """`sent` are the tellings by that batch number or of those cases; see `numbers_in`."""
    if ack.decision == "unreadable":
        return Match(parked="unreadable")
    candidates = [one for one in sent if _may_mean(ack, one)]
    if not candidates:
        return Match(parked="unmatched")
    open_ones = [one for one in candidates if not one.answered]
    if len(open_ones) > 1 or (not open_ones and len(candidates) > 1):
        return Match(parked="ambiguous" if open_ones else "doubled")
    found = (open_ones or candidates)[0]
    if found.answered:
        return Match(found.filing_id, parked="doubled")
    about = _about(ack, found)
    errors = (*ack.batch_errors, *(error for one in about for error in one.errors))
    codes = {one.code for one in about}
    if ack.message_code == "AR":
        return Match(found.filing_id, "rejected", errors=errors)
    if ack.reports and not about:
        return Match(found.filing_id, parked="unmatched", errors=errors)
    if ack.message_code == "AA":
        if codes - {"CA"}:
            return Match(found.filing_id, parked="contradicts", errors=errors)
        return Match(found.filing_id, "accepted", errors=errors)
    if codes == {"CA"}:
        return Match(found.filing_id, "accepted", errors=errors)
    if codes == {"CR"}:
        return Match(found.filing_id, "rejected", errors=errors)
    return Match(found.filing_id, parked="partly", errors=errors)


def numbers_in(ack: Ack) -> list[str]:
    """Every number by which the reports of an answer may name a case or a message; FDA joins two with a space."""
    found = [part for said in ack.reports for part in (said.id.strip(), *said.id.split()) if part]
    return list(dict.fromkeys(found))


def _may_mean(ack: Ack, one: Sent) -> bool:
    """By the batch number; under another one only where case and creation time to the second are ours."""
    batch = ack.batch_number.strip()
    if batch == one.batch_number:
        return True
    about = _about(ack, one)
    return any(_is_time(said.created) for said in about) if batch else bool(about)


def _about(ack: Ack, one: Sent) -> list[AckReport]:
    """Reports on this very message: all versions share C.1.1, so a creation time that is told must be ours."""
    return [said for said in ack.about(one.case_number, one.batch_number) if _same_time(said.created, one.created_at)]


def _same_time(told: str, created_at: datetime) -> bool:
    """Gateways leave it out; what cannot be read as a time to the second decides nothing."""
    read = stamp(told.strip())
    return not _is_time(told) or (read is not None and read.earliest == created_at)


def _is_time(told: str) -> bool:
    read = stamp(told.strip())
    return read is not None and read.digits == 14 and read.zoned
