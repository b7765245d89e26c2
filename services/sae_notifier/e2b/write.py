"""The way out: a case becomes bytes, and the bytes are judged and read back before anybody may send them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from services.sae_notifier.e2b.compare import Difference, compare_read
from services.sae_notifier.e2b.doubts import Doubts
from services.sae_notifier.e2b.draft.whole import draft
from services.sae_notifier.e2b.facts import Facts
from services.sae_notifier.e2b.finding import Finding, has_errors
from services.sae_notifier.e2b.message import Message
from services.sae_notifier.e2b.render import render
from services.sae_notifier.e2b.table import Profile
from services.sae_notifier.e2b.validate import examine
from shared.case import CaseReport, Moment


@dataclass(frozen=True)
class Prepared:
    """The bytes with everything found about them: by the mapping, the schema, the rules, the reading back."""

    xml: bytes
    findings: tuple[Finding, ...]
    first_received: Moment
    """C.1.4 as it is written."""

    @property
    def may_be_sent(self) -> bool:
        return not has_errors(list(self.findings))


def write(case: CaseReport, facts: Facts, profile: Profile, message: Message, doubts: Doubts | None = None) -> bytes:
    """The file of this message; the same arguments always give the same bytes."""
    return render(draft(case, facts, profile, message, doubts).batch)


def prepare(
    case: CaseReport,
    facts: Facts,
    profile: Profile,
    message: Message,
    schemas_dir: Path,
    *,
    now: datetime | None = None,
    doubts: Doubts | None = None,
) -> Prepared:
    """Write, validate, read back and compare. Raises SchemasMissing: without the schemas nothing may be sent."""
    meant = draft(case, facts, profile, message, doubts)
    xml = render(meant.batch)
    back, found = examine(xml, profile, schemas_dir, doubts=doubts, now=now, initial=message.initial)
    differences = compare_read(meant.batch, back, xml) if back else [Difference("", "/", None, None)]
    told = {one.rule for one in meant.notices}
    found = [one for one in found if one.rule not in told or one.severity == "error"]  # the mapping has said it better
    findings = (*meant.notices, *found, *(one.as_finding() for one in differences))
    return Prepared(xml, findings, meant.first_received)
