"""What one version says and another does not, field by field."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.ae_intake.pages.facts import Row, Section


@dataclass(frozen=True)
class Change:
    """One field in two versions; None: that version does not have it."""

    section: str
    label: str
    old: Row | None
    new: Row | None

    @property
    def changed(self) -> bool:
        return (self.old.text if self.old else None) != (self.new.text if self.new else None)


def compare(old: Iterable[Section], new: Iterable[Section]) -> tuple[Change, ...]:
    """Every field of both versions in the order of the newer one; fields that only the older had come last."""
    before = {row.key: (section, row) for section in old for row in section.rows}
    found: list[Change] = []
    for section in new:
        for row in section.rows:
            _, was = before.pop(row.key, (None, None))
            found.append(Change(section.title, row.label, was, row))
    found += [Change(section.title, row.label, row, None) for section, row in before.values()]
    return tuple(found)
