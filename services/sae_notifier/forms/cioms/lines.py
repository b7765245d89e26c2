"""Answers put together into the few lines that a box has room for."""

from __future__ import annotations

from collections.abc import Iterable

from services.sae_notifier.forms.fields import Kind, Value, Values
from services.sae_notifier.forms.words import Words, joined


def one_line(values: Iterable[Value], *, before: Words | None = None, between: str = "; ") -> Value:
    """All of them in one; what is only missing is left out where something else is known, and said where nothing is."""
    found = tuple(values)
    known = tuple(one for one in found if one.kind != "absent")
    words = joined([one.words for one in known or found], between)
    if before is not None:
        words = Words(f"{before.vi} {words.vi}", f"{before.en or before.vi} {words.en or words.vi}")
    return Value(words, _kind(known))


def labelled(vi: str, en: str, values: Values) -> Value:
    return one_line(values, before=Words(f"{vi}:", f"{en}:"))


def _kind(known: Values) -> Kind:
    """A warning or a proposal among them marks the line."""
    kinds = {one.kind for one in known}
    if not kinds:
        return "absent"
    return "warning" if "warning" in kinds else "proposal" if "proposal" in kinds else "given"
