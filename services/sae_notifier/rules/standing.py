"""Which signed statements about a duty still stand, and why the newest no longer does."""

from __future__ import annotations

from collections.abc import Sequence

from services.sae_notifier.rules.begotten import cause
from services.sae_notifier.rules.case_clock import CaseClock
from services.sae_notifier.rules.history import Held
from services.sae_notifier.rules.significant import objections
from services.sae_notifier.rules.words import Words
from shared.case import DutyCause, DutyStatement, Says


def standing_of(
    case: CaseClock, oid: str, says: Says, received: Sequence[Held]
) -> tuple[list[DutyStatement], list[DutyCause]]:
    """The statements about a duty that stand, and why the newest no longer does. What a completeness rests on may not change in
    any later version; news that was said to be insignificant is that of the versions it names."""
    before = case.before.get(oid)
    mine = [one for one in before.statements if one.says == says] if before is not None else []
    standing, against = [], ()
    for one in mine:
        same = any((held.version, held.number) == (one.report_version, one.report_number) for held in received)
        through = case.versions[-1].version if says == "complete" else one.case_version
        as_told = Held(one.report_version, one.report_as_of, one.report_number) if same else None
        against = objections(case, as_told, through)
        if not against:
            standing.append(one)
    if not mine or not against:
        return standing, []
    signed, why = mine[-1].signature, tuple(dict.fromkeys(against))
    words = Words(
        f"What {signed.signed_by} signed no longer stands. " + " ".join(one.en for one in why),
        f"Nội dung {signed.signed_by} đã ký không còn hiệu lực. " + " ".join(one.vi for one in why),
    )
    return standing, [cause(case.versions[-1], "statement_lapsed", words, signed.signed_at)]
