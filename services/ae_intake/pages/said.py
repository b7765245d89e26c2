"""One version of a record in words, for tables and for what changed between versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.ae_intake.pages.desk import Words
from services.ae_intake.pages.specs import Spec
from shared.case import FreeText, Moment, Quantity, RehabilitationCourse
from shared.case.units import written
from shared.case.withholding import withheld_hash
from shared.web.times import moment_text


def said(spec: Spec, value: Any, t: Words) -> str:
    """The value as a reader reads it; what is not known says so."""
    match value:
        case Moment():
            return moment_text(value, t.lang)
        case FreeText():
            return t("redacted") if value.redacted else value.text
        case Quantity():
            return amount(value.value, value.unit, t)
        case RehabilitationCourse():
            parts = [t("course_number", number=value.number)] if value.number else []
            parts += [t(f"setting.{value.setting}"), t(f"deliverer.{value.deliverer}")]
            return ", ".join(parts)
        case bool():
            return t("yes" if value else "no")
        case None:
            return t("not_recorded")
        case "unknown":
            return t("unknown")
    text = str(value)
    if withheld_hash(text):
        return t("taken_back")
    if spec.texts:
        return spec.texts.get(text, text)
    return t(f"{spec.group}.{text}") if spec.group else text


def amount(value: str, unit: str | None, t: Words) -> str:
    """`40.2 °C`; a missing unit says so."""
    return f"{value} {written(unit) if unit else t('no_unit')}"


def changed(specs: Sequence[Spec], old: Any, new: Any, t: Words) -> list[tuple[str, str, str]]:
    """(label, before, after) of every field that differs."""
    found: list[tuple[str, str, str]] = []
    for spec in specs:
        before, after = (said(spec, getattr(one, spec.name), t) for one in (old, new))
        if before != after:
            found.append((t(spec.words), before, after))
    return found
