"""One duty, whole: the rule in words, every version, what was owed on a day, the documents, the tellings, what changed since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.sae_notifier import store
from services.sae_notifier.forms import times
from services.sae_notifier.forms.diff import changes
from services.sae_notifier.forms.fields import Value
from services.sae_notifier.forms.form import KINDS
from services.sae_notifier.handlers import Notifier, documents, filings, icsr, withdrawing
from services.sae_notifier.pages import shown, stating
from services.sae_notifier.pages.electronic import ElectronicShown, electronic, filing
from services.sae_notifier.pages.factors import FactorShown, factors
from services.sae_notifier.pages.law import RuleShown, rule_of
from services.sae_notifier.pages.shown import CauseShown, DocumentShown, DutyShown, FilingShown
from services.sae_notifier.pages.stating import StatableShown, StatementShown
from shared.bus import heard
from shared.case import DutyStatement, Obligation
from shared.db import Tx
from shared.errors import NotFound
from shared.trial.base import Bilingual


@dataclass(frozen=True)
class VersionShown:
    """`news` are the causes that this version added, `signed` the statements; `moved` names which of state, legal and strict
    date it changed."""

    duty: DutyShown
    news: tuple[CauseShown, ...]
    moved: tuple[str, ...]
    signed: tuple[DutyStatement, ...] = ()


@dataclass(frozen=True)
class ChangeShown:
    label: Bilingual
    old: Bilingual
    new: Bilingual


@dataclass(frozen=True)
class DutyPage:
    """`on` is the day asked about (recipient's zone); `then` what was owed at its end, None when nothing was yet."""

    duty: DutyShown
    rule: RuleShown | None
    factors: tuple[FactorShown, ...]
    versions: tuple[VersionShown, ...]
    on: date | None
    then: VersionShown | None
    case_version: int
    documents: tuple[DocumentShown, ...]
    electronic: ElectronicShown | None
    begun_by: int
    """The case version that began the duty: earlier documents cannot be filed under it."""
    kinds: tuple[str, ...]
    """The forms that can be made; the one this recipient wants first."""
    wanted: str
    """The form the recipient wants, empty where it wants none of them: then a person chooses."""
    filings: tuple[FilingShown, ...]
    channel: str
    address: str
    received_version: int | None
    changes: tuple[ChangeShown, ...]
    statements: tuple[StatementShown, ...]
    statable: StatableShown | None


def duty_page(notifier: Notifier, tx: Tx, obligation_id: str, on: date | None, now: datetime) -> DutyPage:
    history = store.obligation_history(tx, obligation_id)
    if not history:
        raise NotFound("no duty by that id")
    latest = history[-1]
    versions = _versions(notifier, history, now)
    rows = store.filings(tx, obligation_id=obligation_id)
    receipts = store.receipts_of(tx, [row.filing_id for row in rows])
    forms = [row for row in store.forms_of(tx, latest.case_id) if row["recipient_id"] == latest.recipient_id]
    later = withdrawing.later(tx, latest.case_id, latest.subject_id, forms)
    cases = heard.case_versions(tx, latest.case_id)
    held = store.last_received_version(tx, latest.case_id, latest.recipient_id)
    recipient = notifier.trial.recipient(latest.recipient_id)
    before = next((one for one in cases if one.version == held), None)
    wanted = documents.wanted(notifier, latest.recipient_id)
    zone = latest.recipient_zone
    found = changes(before, cases[-1], lambda moment: times.told(moment, zone)) if before and cases else ()
    return DutyPage(
        duty=shown.duty(notifier, latest, now),
        rule=rule_of(notifier, tx, latest),
        factors=factors(notifier.trial, tx, latest, cases),
        versions=versions,
        on=on,
        then=in_force(versions, on, zone) if on else None,
        case_version=cases[-1].version if cases else 0,
        kinds=tuple(sorted(KINDS, key=lambda one: one != wanted)),
        wanted=wanted or "",
        documents=tuple(shown.document(notifier.trial, row, later) for row in forms if row["kind"] != icsr.KIND),
        electronic=electronic(notifier, tx, latest, forms, rows, later),
        begun_by=filings.begun_by(latest),
        filings=tuple(filing(notifier, tx, row, receipts) for row in rows),
        channel=recipient.channel if recipient else "hand",
        address=recipient.address if recipient else "",
        received_version=held,
        changes=tuple(ChangeShown(_words((Value(one.label),)), _words(one.old), _words(one.new)) for one in found),
        statements=stating.statements(latest),
        statable=stating.statable(notifier, tx, latest, now),
    )


def in_force(versions: Sequence[VersionShown], on: date, zone: str) -> VersionShown | None:
    """The version that stood when that day ended in the recipient's zone."""
    ends = datetime.combine(on + timedelta(days=1), time(), ZoneInfo(zone))
    return next((one for one in reversed(versions) if one.duty.recorded_at < ends), None)


def _versions(notifier: Notifier, history: Sequence[Obligation], now: datetime) -> tuple[VersionShown, ...]:
    found: list[VersionShown] = []
    for index, one in enumerate(history):
        mine = shown.duty(notifier, one, now)
        before = found[index - 1].duty if index else None
        news = tuple(why for why in mine.causes if before is None or why not in before.causes)
        pairs = (
            ("state", mine.state, before and before.state),
            ("due", mine.due_at, before and before.due_at),
            ("strict", mine.strict_at, before and before.strict_at),
            ("rule", mine.rule_id, before and before.rule_id),
        )
        moved = tuple(name for name, new, old in pairs if before is not None and new != old)
        signed = one.statements[len(history[index - 1].statements) if index else 0 :]
        found.append(VersionShown(mine, news, moved, signed))
    return tuple(found)


def _words(values: Sequence[Value]) -> Bilingual:
    vi = "; ".join(one.words.vi for one in values) or "–"
    return Bilingual(vi=vi, en="; ".join(one.words.en or one.words.vi for one in values) or "–")
