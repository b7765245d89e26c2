"""A stopping rule of the board's charter was crossed: a call to look, with no arm, no child and no number in it."""

from __future__ import annotations

from datetime import datetime

from shared.case.base import Published


class RuleCrossed(Published):
    """`look` rises from crossing to crossing of one rule under one charter; the same one is never raised twice.

    Nothing is stopped by it: the board is called together and decides.
    """

    trial_id: str
    rule_id: str
    charter_version: str
    look: int
    label_en: str
    label_vi: str
    illustrative: bool
    """The rule is ours and not the sponsor's."""
    crossed_at: datetime
    """When the document that made it cross was recorded: the same on every replay."""
