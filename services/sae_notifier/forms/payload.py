"""The form as plain JSON data for the template: every text printable, nothing left that markup could mistake for itself."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256

from services.sae_notifier.forms.fields import (
    Block,
    Field,
    Heading,
    Prose,
    Section,
    Signing,
    Table,
    Ticks,
    Value,
    Values,
)
from services.sae_notifier.forms.form import Form
from services.sae_notifier.forms.glyphs import NARROW, WIDE, plain, printable
from services.sae_notifier.forms.words import Words

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]


_DATED = frozenset({"prepared_at", "25"})
"""Where a form says the day it was made."""


def payload(form: Form) -> dict[str, Json]:
    """Everything the template reads."""
    return {
        "kind": form.kind,
        "title": words(form.title),
        "basis": words(form.basis) if form.basis else None,
        "addressees": [words(one) for one in form.addressees],
        "stamps": [words(one) for one in form.stamps],
        "notices": [words(one) for one in form.notices],
        "case_number": printable(form.case_number, None),
        "case_version": form.case_version,
        "case_sha256": printable(form.case_sha256, None),
        "report_number": form.report_number,
        "prepared": form.prepared,
        "zone": form.zone,
        "sections": [_section(one) for one in form.sections],
    }


def facts_sha256(form: Form) -> str:
    """SHA-256 of what the form says, apart from the day it was made: two that agree in it are one document."""
    undated = replace(
        form,
        prepared="",
        sections=tuple(
            replace(one, blocks=tuple(b for b in one.blocks if isinstance(b, Heading) or b.key not in _DATED))
            for one in form.sections
        ),
    )
    return sha256(json.dumps(payload(undated), sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def words(one: Words, longest_word: int = WIDE) -> Json:
    """Our own wording never needs to be broken; what others typed may be one endless word."""
    longest = WIDE if one.en else longest_word
    return {"vi": printable(one.vi, longest), "en": printable(one.en, longest)}


def _section(section: Section) -> Json:
    return {"number": section.number, "title": words(section.title), "blocks": [_block(one) for one in section.blocks]}


def _block(block: Block) -> Json:
    shared: dict[str, Json] = {
        "type": block.type,
        "key": "" if isinstance(block, Heading) else printable(block.key, None),
        "label": words(block.label),
    }
    match block:
        case Field():
            return shared | {"values": _values(block.values), "wide": block.wide}
        case Prose():
            return shared | {"values": _values(block.values), "by_hand": block.by_hand}
        case Ticks():
            return shared | {
                "columns": block.columns,
                "why": words(block.why) if block.why else None,
                "options": [
                    {
                        "label": words(one.label),
                        "ticked": one.ticked,
                        "note": _value(one.note, WIDE) if one.note else None,
                    }
                    for one in block.options
                ],
            }
        case Table():
            return shared | {
                "columns": [
                    {"label": words(one.label), "width": one.width, "group": words(one.group) if one.group else None}
                    for one in block.columns
                ],
                "rows": [[_values(cell, NARROW) for cell in row] for row in block.rows],
                "why": words(block.why) if block.why and not block.rows else None,
            }
        case Signing():
            return shared | {"why": words(block.why)}
        case Heading():
            return shared


def _values(values: Values, longest_word: int = WIDE) -> Json:
    return [_value(one, longest_word) for one in values]


def _value(one: Value, longest_word: int) -> Json:
    return {"kind": one.kind, "words": words(one.words, longest_word)}


def cautious(data: Json) -> Json:
    """The same data with everything beyond Latin letters spelled out."""
    match data:
        case str():
            return plain(data)
        case list():
            return [cautious(one) for one in data]
        case dict():
            return {key: cautious(one) for key, one in data.items()}
        case _:
            return data
