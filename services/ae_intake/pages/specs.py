"""Fields of a form as data: how a stored value is shown in inputs, and how inputs become JSON again, without loss.

A value that cannot be read becomes JSON as it was typed, so that the command's own check names the field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from services.ae_intake.pages.posted import Posted
from shared.case import FreeText, Moment, Quantity, RehabilitationCourse

Kind = Literal[
    "text", "words", "select", "answer", "truth", "moment", "quantity", "decimal", "whole", "checks", "flag", "course"
]
TRUTHS = {"yes": True, "no": False, "unknown": None}
_ISO = re.compile(r"^(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?$")
_DMY = re.compile(r"^(?:(\d{1,2})[/.-])?(\d{1,2})[/.-](\d{4})$")
_CLOCK = re.compile(r"^(\d{1,2})(?:[:hg](\d{1,2})?)?(?::(\d{1,2}))?$")


@dataclass(frozen=True)
class Spec:
    """One field: `name` in the document, `label` the key of its words, `group` of its options' words."""

    name: str
    kind: Kind
    options: tuple[str, ...] = ()
    group: str = ""
    required: bool = False
    blank: bool = False
    """A select may stay empty; empty becomes null."""
    listed: str = ""
    """The id of a datalist with suggestions."""
    hint: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)
    """Words of options that are data of the trial, not of the catalogue."""
    label: str = ""

    @property
    def words(self) -> str:
        return f"field.{self.label or self.name}"


@dataclass(frozen=True)
class Reading:
    """How to read what was typed: the language of the form, and the zone in which its times are meant."""

    lang: str
    zone: str


def date_text(value: str, lang: str) -> str:
    """`2026-03` as a person writes it: `03/2026` in Vietnamese, ISO in English."""
    return "/".join(reversed(value.split("-"))) if lang == "vi" else value


def shown(spec: Spec, value: Any, name: str, lang: str) -> dict[str, list[str]]:
    """The inputs of a stored value (None: nothing stored)."""
    match spec.kind:
        case "moment":
            date, _, clock = value.value.partition("T") if isinstance(value, Moment) else ("", "", "")
            return {f"{name}_date": [date_text(date, lang)], f"{name}_time": [clock]}
        case "words":
            return {name: [value.text if isinstance(value, FreeText) else ""]}
        case "quantity":
            quantity = value if isinstance(value, Quantity) else None
            return {
                f"{name}_value": [quantity.value if quantity else ""],
                f"{name}_unit": [(quantity.unit or "") if quantity else ""],
            }
        case "course":
            course = value if isinstance(value, RehabilitationCourse) else None
            return {
                f"{name}_number": [str(course.number or "") if course else ""],
                f"{name}_setting": [course.setting if course else ""],
                f"{name}_deliverer": [course.deliverer if course else ""],
            }
        case "truth":
            return {name: ["unknown" if value is None else "yes" if value else "no"]}
        case "flag":
            return {name: ["1"] if value else []}
        case "checks":
            return {name: list(value or ())}
        case _:
            return {name: ["" if value is None else str(value)]}


def read(spec: Spec, posted: Posted, name: str, how: Reading, before: Any = None) -> Any:
    """The JSON of what stands in the inputs; `before` lends its zone or language where the text did not change."""
    text = posted.text(name).strip()
    match spec.kind:
        case "moment":
            zone = before.zone if isinstance(before, Moment) else how.zone
            return moment(posted.text(f"{name}_date"), posted.text(f"{name}_time"), zone, how.lang)
        case "words":
            return {"text": text, "language": how.lang} if text else None
        case "quantity":
            number, unit = posted.text(f"{name}_value").strip(), posted.text(f"{name}_unit").strip()
            return {"value": decimal(number), "unit": unit or None} if number or unit else None
        case "course":
            number, setting, by = (posted.text(f"{name}_{part}").strip() for part in ("number", "setting", "deliverer"))
            if not (number or setting or by):
                return None
            return {
                "number": _whole(number) if number else None,
                "setting": setting or "unknown",
                "deliverer": by or "unknown",
            }
        case "truth":
            return TRUTHS.get(text)
        case "answer":
            return text or "unknown"
        case "flag":
            return bool(text)
        case "checks":
            return [one for one in posted.all(name) if one]
        case "decimal":
            return decimal(text) if text else None
        case "whole":
            return _whole(text) if text else None
        case _:
            return text or None


def as_json(spec: Spec, value: Any) -> Any:
    """A stored value in the form `read` gives, to see whether anything changed."""
    match spec.kind:
        case "words":
            return value.text.strip() if isinstance(value, FreeText) else None
        case "moment" | "quantity" | "course":
            return value.model_dump(mode="json") if value is not None else None
        case "checks":
            return sorted(value or ())
        case _:
            return value


def changed(spec: Spec, value: Any, before: Any) -> bool:
    """Whether the form says something else than the document."""
    if spec.kind == "words":
        return (value["text"] if value else None) != as_json(spec, before)
    if spec.kind == "checks":
        return sorted(value) != as_json(spec, before)
    return value != as_json(spec, before)


def changes(
    specs: Iterable[Spec], posted: Posted, before: Mapping[str, Any], how: Reading, prefix: str = ""
) -> dict[str, Any]:
    """Only what the form changed, by document name."""
    found: dict[str, Any] = {}
    for spec in specs:
        old = before.get(spec.name)
        inputs = shown(spec, None, prefix + spec.name, how.lang)
        if spec.kind not in ("checks", "flag") and not inputs.keys() & posted.names():
            continue  # what the form did not hold was not answered anew
        value = read(spec, posted, prefix + spec.name, how, old)
        if changed(spec, value, old):
            found[spec.name] = value
    return found


def moment(date: str, clock: str, zone: str, lang: str) -> dict[str, str] | None:
    """A partial time as JSON; what cannot be read stays as typed and is refused by name later."""
    date, clock = date.strip(), clock.strip()
    if not date and not clock:
        return None
    value = _date(date, lang)
    return {"value": f"{value}T{_time(clock)}" if clock else value, "zone": zone}


def _date(text: str, lang: str) -> str:
    if iso := _ISO.match(text):
        return "-".join(part.zfill(2) for part in iso.groups() if part)
    if lang == "vi" and (told := _DMY.match(text)):
        day, month, year = told.groups()
        return f"{year}-{month.zfill(2)}" + (f"-{day.zfill(2)}" if day else "")
    return text  # 03/09/2026 in English may be March or September: it is asked back, not guessed


def _time(text: str) -> str:
    told = _CLOCK.match(text)
    return ":".join(part.zfill(2) for part in told.groups() if part) if told else text


def decimal(text: str) -> str:
    """`38,5` as it is written in Vietnam is 38.5."""
    return text.replace(",", ".") if re.fullmatch(r"[+-]?\d+,\d+", text) else text


def _whole(text: str) -> int | str:
    return int(text) if re.fullmatch(r"\d{1,6}", text) else text
