"""What other files would do to the duties that stand: relaxations first, nothing left out. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

from shared.canonical import canonical, sha256
from shared.case import Obligation

Effect = Literal["ended", "later", "unexplained", "reopened", "added", "earlier", "moved_rule", "same"]
"""`later`: the legal or the strict date. `unexplained`: no rule asks for it any more, so it stays until a person ends it.
`moved_rule`: another rule with the same dates. `same`: judged by other files, nothing else."""
RELAXING: frozenset[Effect] = frozenset({"ended", "later"})
OWED = ("open", "filed", "rejected")
_ORDER = {effect: place for place, effect in enumerate(get_args(Effect))}


@dataclass(frozen=True)
class Change:
    """One duty before and after; None is not there."""

    effect: Effect
    obligation_id: str
    case_id: str
    case_number: str
    recipient_id: str
    rule_before: str | None
    rule_after: str | None
    due_before: datetime | None
    due_after: datetime | None
    strict_before: datetime | None
    strict_after: datetime | None

    @property
    def relaxes(self) -> bool:
        return self.effect in RELAXING

    def plain(self) -> dict[str, Any]:
        """For a document that is hashed."""
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in sorted(vars(self).items())
        }


def change(before: Obligation | None, after: Obligation) -> Change:
    """What one evaluation would do to one duty."""
    return Change(
        effect=_effect(before, after),
        obligation_id=after.obligation_id,
        case_id=after.case_id,
        case_number=after.case_number,
        recipient_id=after.recipient_id,
        rule_before=before.rule_id if before else None,
        rule_after=after.rule_id,
        due_before=before.due_at if before else None,
        due_after=after.due_at,
        strict_before=before.due_strict_at if before else None,
        strict_after=after.due_strict_at,
    )


def _effect(before: Obligation | None, after: Obligation) -> Effect:
    if before is None:
        return "added" if after.state in OWED else "same"
    if before.state not in OWED:
        return "reopened" if after.state in OWED else "same"
    if after.state == "ended":
        return "ended"
    if after.due_at > before.due_at or after.due_strict_at > before.due_strict_at:
        return "later"
    if any(one.code == "kept_unexplained" for one in after.causes):
        return "unexplained"
    if after.due_at < before.due_at or after.due_strict_at < before.due_strict_at:
        return "earlier"
    return "moved_rule" if after.rule_id != before.rule_id else "same"


def _place(one: Change) -> tuple[int, datetime | None, str, str, str]:
    when = one.strict_after or one.strict_before
    return _ORDER[one.effect], when, one.case_number, one.recipient_id, one.obligation_id


@dataclass(frozen=True)
class Preview:
    """Every change, relaxations first; `failed` are cases that these files cannot judge."""

    changes: tuple[Change, ...]
    failed: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, changes: Iterable[Change], failed: Sequence[str] = ()) -> Preview:
        found = sorted(changes, key=_place)
        return cls(tuple(found), tuple(sorted(failed)), dict(Counter(one.effect for one in found)))

    @property
    def relaxations(self) -> tuple[Change, ...]:
        return tuple(one for one in self.changes if one.relaxes)

    @property
    def shown(self) -> tuple[Change, ...]:
        """What a person must look at; duties that only change the file that judges them are counted."""
        return tuple(one for one in self.changes if one.effect != "same")

    @property
    def recipients(self) -> tuple[str, ...]:
        """Whom it would affect."""
        return tuple(sorted({one.recipient_id for one in self.shown}))

    @property
    def sha256(self) -> str:
        """Of everything that would move: says whether what was seen is still what would happen."""
        return sha256(canonical({"changes": [one.plain() for one in self.shown], "failed": list(self.failed)}))
