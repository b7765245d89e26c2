"""What changed between two versions of a case, field by field.

It walks the published language itself, so that a field added there tomorrow shows up here without anybody thinking of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.sae_notifier.forms import reasons
from services.sae_notifier.forms.facts import text
from services.sae_notifier.forms.fields import Value, Values, absent, given
from services.sae_notifier.forms.vocabulary import ANSWER, CODES, KIND, NAMES
from services.sae_notifier.forms.words import Words, joined
from shared.case import (
    AdverseEvent,
    CaseReport,
    CodedTerm,
    FreeText,
    GradeEntry,
    InvestigatorOpinion,
    Moment,
    Published,
)
from shared.case.withholding import withheld_hash

OWN = frozenset({"version", "recorded_at", "reported_by", "change_reason", "news_known", "source"})
"""Facts about a version itself: shown in the list of versions, not as changes."""
EMPTY = Words("(trống)", "(empty)")
Path = tuple[str, ...]
Told = Callable[[Moment], Value]


@dataclass(frozen=True)
class Change:
    """One field that differs; `old` or `new` is `absent` where it did not exist."""

    path: Path
    label: Words
    old: Values
    new: Values


def changes(old: CaseReport, new: CaseReport, told: Told) -> tuple[Change, ...]:
    """Every difference, in the order of the form; `told` writes a moment."""
    order = tuple(dict.fromkeys(event.event_id for event in (*old.events, *new.events)))
    before, after = _leaves(old, order, told), _leaves(new, order, told)
    paths = dict.fromkeys((*after, *before))
    return tuple(
        Change(path, (after.get(path) or before[path])[0], _values(before, path), _values(after, path))
        for path in paths
        if _values(before, path) != _values(after, path)
    )


_Leaves = dict[Path, tuple[Words, Values]]


def _values(leaves: _Leaves, path: Path) -> Values:
    return leaves[path][1] if path in leaves else (absent(EMPTY),)


def _leaves(case: CaseReport, order: tuple[str, ...], told: Told) -> _Leaves:
    found: _Leaves = {}
    _walk(case, (), [], order, told, found)
    return found


def _walk(
    model: Published, path: Path, labels: list[Words], order: tuple[str, ...], told: Told, found: _Leaves
) -> None:
    for name in type(model).model_fields:
        if not path and name in OWN:
            continue
        value, here, label = getattr(model, name), (*path, name), [*labels, NAMES.get(name, Words(name))]
        if value is None or value == ():
            continue
        if isinstance(value, tuple) and isinstance(value[0], AdverseEvent):
            for event in value:
                number = order.index(event.event_id) + 1
                _walk(
                    event, (*here, event.event_id), [Words(f"Biến cố {number}", f"Event {number}")], order, told, found
                )
        elif isinstance(value, tuple) and isinstance(value[0], InvestigatorOpinion):
            for opinion in value:
                about = opinion.exposure_id or opinion.kind or "?"
                who = KIND[opinion.kind] if opinion.kind and not opinion.exposure_id else Words(about)
                _add(found, (*here, about), [*label, who], (_opinion(opinion),))
        elif isinstance(value, Published) and not isinstance(value, (Moment, FreeText, CodedTerm)):
            _walk(value, here, label, order, told, found)
        else:
            _add(found, here, label, _leaf(name, value, told))


def _add(found: _Leaves, path: Path, labels: list[Words], values: Values) -> None:
    """Two opinions on one thing stand under one path; neither may hide the other."""
    found[path] = (joined(labels, ": "), (*found[path][1], *values) if path in found else values)


def _leaf(name: str, value: object, told: Told) -> Values:
    match value:
        case Moment():
            return (told(value),)
        case FreeText():
            return text(value, EMPTY)
        case CodedTerm():
            return (given(f"{value.term} ({value.dictionary} {value.version}, {value.code})"),)
        case bool():
            return (Value(ANSWER["yes" if value else "no"]),)
        case tuple():
            return tuple(line for one in value for line in _leaf(name, one, told))
        case GradeEntry():
            since = told(value.since).words if value.since else None
            vi, en = f"Độ {value.grade}", f"Grade {value.grade}"
            return (given(f"{vi}, từ {since.vi}", f"{en}, from {since.en or since.vi}") if since else given(vi, en),)
        case _:
            return (Value(CODES.get(name, ANSWER).get(str(value)) or _plain(str(value))),)


def _plain(value: str) -> Words:
    if withheld_hash(value):
        return reasons.REDACTED
    return Words(value) if value.strip() else EMPTY


def _opinion(opinion: InvestigatorOpinion) -> Value:
    answer, why = ANSWER[opinion.related], text(opinion.reason, EMPTY)[0].words
    return Value(joined([answer, why]) if opinion.reason else answer)
