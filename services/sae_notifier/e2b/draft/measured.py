"""F.r: what was measured, with the limits of its laboratory."""

from __future__ import annotations

from services.sae_notifier.e2b.block import Block
from services.sae_notifier.e2b.draft.desk import Desk
from services.sae_notifier.e2b.text import number, unit
from services.sae_notifier.forms.vocabulary import TESTS
from shared.case import Measurement

MOST_DIGITS = 50


def measured(desk: Desk, report: Block) -> None:
    standing = [one for one in desk.facts.measurements if not one.voided]
    for one in sorted(
        standing, key=lambda one: (one.taken.earliest().isoformat() if one.taken else "", one.measurement_id)
    ):
        made = report.add("F.r")
        if one.taken is not None:
            desk.time(made, "F.r.1", one.taken)
        if "F.r.1" not in made.cells:
            made.null("F.r.1", "UNK")
        desk.words(made, "F.r.2.1", _name(one))
        _result(desk, made, one)
        desk.words(made, "F.r.6", "; ".join(_comments(one)))


def _name(one: Measurement) -> str:
    known = TESTS.get(one.test)
    name = (known.en or known.vi) if known else one.test
    more = ", ".join(part for part in (one.instrument, one.body_site) if part)
    return (f"{name} ({more})" if more else name).strip() or "not named"


def _result(desk: Desk, made: Block, one: Measurement) -> None:
    """A number needs its unit; without one it is told as text, never guessed."""
    value, measured_in = number(one.value), unit(one.unit)
    if value is None or measured_in is None or len(value) > MOST_DIGITS:
        desk.words(made, "F.r.3.4", _as_text(one))
        return
    made.put("F.r.3.2", value)
    made.put("F.r.3.3", measured_in)
    for element, limit in (("F.r.4", one.lower_limit), ("F.r.5", one.upper_limit)):
        bound = number(limit) if limit is not None else None
        if bound is not None and len(bound) <= MOST_DIGITS:
            made.put(element, bound)
            made.put(f"{element}.unit", measured_in)


def _as_text(one: Measurement) -> str:
    told = [f"{one.value} {one.unit or '(unit not given)'}"]
    told += [f"normal {name} {limit}" for name, limit in (("from", one.lower_limit), ("to", one.upper_limit)) if limit]
    return "; ".join(told)


def _comments(one: Measurement) -> list[str]:
    found = ["baseline"] if one.baseline else []
    if one.lasted_hours is not None:
        found.append(f"lasted {one.lasted_hours} h")
    return found
