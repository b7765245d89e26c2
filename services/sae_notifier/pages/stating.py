"""What people have signed about a duty, and what may be signed now: that nothing was lacking, or nothing in the news matters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.sae_notifier.handlers import Notifier, stating
from services.sae_notifier.pages.shown import SIGNED_AWAY
from shared.case import DutyStatement, Obligation
from shared.db import Tx
from shared.trial.base import Bilingual


@dataclass(frozen=True)
class StatementShown:
    """One signed statement; `stands` while it keeps the duty closed."""

    one: DutyStatement
    stands: bool


@dataclass(frozen=True)
class StatableShown:
    """What may be signed now; not while there are objections."""

    says: str
    case_version: int
    report_version: int
    report_number: str
    objections: tuple[Bilingual, ...]


def statements(duty: Obligation) -> tuple[StatementShown, ...]:
    """Newest first."""
    found = [StatementShown(one, False) for one in duty.statements]
    if found and duty.state == "ended" and duty.ended_why in SIGNED_AWAY:
        found[-1] = StatementShown(found[-1].one, True)
    return tuple(reversed(found))


def statable(notifier: Notifier, tx: Tx, duty: Obligation, now: datetime) -> StatableShown | None:
    found = stating.statable(notifier, tx, duty, now)
    if found is None:
        return None
    return StatableShown(
        says=found.says,
        case_version=found.case_version,
        report_version=found.held.version if found.held else 0,
        report_number=found.held.number if found.held else "",
        objections=tuple(Bilingual(en=one.en, vi=one.vi) for one in found.objections),
    )
