"""A report as people read it: every table as headings and rows of text. Numbers are those of the report, cut, never counted anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from services.dsmb.print.words import words

Say = Callable[..., str]
ALL, UNALLOCATED = "all", "none"


@dataclass(frozen=True)
class TableShown:
    """`groups` are (label, number of columns) above the headings; empty where each heading stands alone."""

    name: str
    title: str
    note: str
    groups: tuple[tuple[str, int], ...]
    headings: tuple[str, ...]
    labels: tuple[str, ...]
    """Each heading with its group, for a phone's cards."""
    rows: tuple[tuple[str, ...], ...]
    nothing: str
    """Said in place of the rows when there is none."""


@dataclass(frozen=True)
class SectionShown:
    title: str
    note: str
    tables: tuple[TableShown, ...]


@dataclass(frozen=True)
class ReportShown:
    kind: str
    title: str
    trial: str
    audience: str
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    marks: tuple[str, ...]
    """What must not be overlooked: ILLUSTRATIVE, events that wait, why nothing is shown."""
    sections: tuple[SectionShown, ...]
    cut_id: str
    cut_at: str
    sha256: str


def shown(report: Mapping[str, Any], language: str) -> ReportShown:
    """One report in one language."""

    def say(key: str, /, **values: object) -> str:
        return words().text(language, key, **values)

    head = report["header"]
    tables = {one["id"]: one for one in report["tables"]}
    make = _closed if head["kind"] == "closed" else _open
    at = datetime.fromisoformat(head["cut_at"]).astimezone(ZoneInfo(head["zone"]))
    cut_at = f"{at:%Y-%m-%d %H:%M:%S} ({head['zone']})"
    return ReportShown(
        kind=head["kind"],
        title=say(f"report.{head['kind']}"),
        trial=head[f"title_{language}"],
        audience=say(f"report.audience.{head['kind']}"),
        facts=_facts(head, cut_at, say),
        notes=_notes(head, say, language),
        marks=_marks(head, say),
        sections=make(tables, head, say, language),
        cut_id=head["cut_id"],
        cut_at=cut_at,
        sha256=head["manifest_sha256"],
    )


def _facts(head: Mapping[str, Any], cut_at: str, say: Say) -> tuple[tuple[str, str], ...]:
    places = "; ".join(
        f"{topic} [{' '.join(str(at) for _, at in sorted(offsets.items(), key=lambda one: int(one[0])))}]"
        for topic, offsets in sorted(head["offsets"].items())
    )
    return (
        (say("report.cut_at"), cut_at),
        (say("report.n"), say("report.n_of", n=head["subjects"], planned=head["subjects_planned"])),
        (say("report.cut"), head["cut_id"]),
        (say("report.sha256"), head["manifest_sha256"]),
        (say("report.tables_sha256"), head["tables_sha256"]),
        (say("report.offsets"), places),
        (say("report.documents"), str(head["documents"])),
        (say("report.versions"), say("report.versions_are", **_versions(head))),
    )


def _versions(head: Mapping[str, Any]) -> dict[str, str]:
    return {
        "program": head["program"],
        "ctcae": head["ctcae_version"],
        "charter": head["charter_version"],
        "trial": head["trial_sha256"][:12],
    }


def _notes(head: Mapping[str, Any], say: Say, language: str) -> tuple[str, ...]:
    analysis = head["analysis"]
    if head["kind"] == "open":
        names = ("population", "counts", "rates", "open_left_out", "open_small")
    else:
        names = ("arms", "periods", "population", "counts", "rates", "serious", "grades", "descriptive")
    said = [
        say(
            f"note.{name}",
            confidence=_number(str(Decimal(analysis["confidence"]) * 100), language, 0),
            days=_number(analysis["days_per_year"], language, 2),
            below=analysis["small_cell_below"],
        )
        for name in names
    ]
    if head["kind"] == "closed":
        said += [
            say(f"doubt.{name}.{analysis[name]}")
            for name in ("infusion_means", "not_related_needs", "onset_clock", "control_time")
        ]
    return tuple(said)


def _marks(head: Mapping[str, Any], say: Say) -> tuple[str, ...]:
    found = []
    if head["illustrative"]:
        found.append(say("mark.illustrative"))
    if head.get("withheld"):
        found.append(say(f"withheld.{head['withheld']}"))
    if head["parked"]:
        found.append(say("mark.parked", count=head["parked"]))
    return tuple(found)


# Closed ---------------------------------------------------------------------------------------------------------------


def _closed(tables: Mapping[str, Any], head: Mapping[str, Any], say: Say, language: str) -> tuple[SectionShown, ...]:
    spans = [name.removeprefix("events/") for name in tables if name.startswith("events/")]
    first = SectionShown(
        say("section.overview"),
        "",
        (
            _plain(tables["population"], say, lambda cell: str(cell["n"])),
            _person_time(tables["person_time"], say, language),
            _stopping(tables["stopping"], say, language),
        ),
    )
    entered = {row["id"] for row in tables["person_time"]["rows"] if any(one["n"] for one in row["cells"].values())}

    def section(span: str) -> SectionShown:
        if span not in entered:
            return SectionShown(say(f"span.{span}"), say("table.nothing"), ())
        made = tuple(
            made(tables[f"{name}/{span}"], say, language)
            for name, made in (("events", _events), ("rates", _rates), ("terms", _terms))
            if f"{name}/{span}" in tables
        )
        return SectionShown(say(f"span.{span}"), say(f"span_means.{span}"), made)

    each = [section(span) for span in spans]
    last = SectionShown(say("section.data"), "", (_plain(tables["left_out"], say, lambda cell: str(cell["n"])),))
    return (first, *each, last)


def column_words(column: str, say: Say) -> str:
    if column in (ALL, UNALLOCATED):
        return say(f"column.{column}")
    return say("column.arm", letter=column)


def _grid(
    table: Mapping[str, Any],
    say: Say,
    parts: Sequence[tuple[str, Callable[[Mapping[str, Any]], str]]],
    *,
    label: Callable[[Mapping[str, Any]], str] | None = None,
) -> TableShown:
    """One column per arm and part."""
    name = table["id"].partition("/")[0]
    columns = table["columns"]
    label = label or (lambda row: say(f"row.{row['id']}"))
    heads = [(column_words(column, say), part) for column in columns for part, _ in parts]
    return TableShown(
        name=table["id"],
        title=say(f"table.{name}"),
        note=say(f"table_note.{name}"),
        groups=tuple((column_words(column, say), len(parts)) for column in columns) if len(parts) > 1 else (),
        headings=(say(f"first.{name}"), *(part if len(parts) > 1 else group for group, part in heads)),
        labels=(say(f"first.{name}"), *(f"{group}: {part}" if part else group for group, part in heads)),
        rows=tuple(
            (label(row), *(part(row["cells"][column]) for column in columns for _, part in parts))
            for row in table["rows"]
        ),
        nothing=say("table.nothing"),
    )


def _plain(table: Mapping[str, Any], say: Say, part: Callable[[Mapping[str, Any]], str]) -> TableShown:
    return _grid(table, say, [("", part)])


def _person_time(table: Mapping[str, Any], say: Say, language: str) -> TableShown:
    parts = [
        (say("part.children"), lambda cell: str(cell["n"])),
        (say("part.years"), lambda cell: _number(cell["years"], language, 2)),
    ]
    return _grid(table, say, parts, label=lambda row: say(f"span.{row['id']}"))


def _events(table: Mapping[str, Any], say: Say, language: str) -> TableShown:
    parts = [(say("part.n_percent"), lambda cell: _n_percent(cell, language)), (say("part.events"), _e)]
    return _grid(table, say, parts)


def _rates(table: Mapping[str, Any], say: Say, language: str) -> TableShown:
    parts = [
        (say("part.n_years"), lambda cell: f"{cell['n']} / {_number(cell['years'], language, 2)}"),
        (say("part.rate"), lambda cell: _rate(cell, language, say)),
        (say("part.event_rate"), lambda cell: _maybe(cell["event_rate"], language, say)),
    ]
    return _grid(table, say, parts)


def _terms(table: Mapping[str, Any], say: Say, language: str) -> TableShown:
    parts = [
        (say("part.n_percent"), lambda cell: _n_percent(cell, language)),
        (say("part.events"), _e),
        (say("part.rate"), lambda cell: _rate(cell, language, say)),
    ]
    return _grid(table, say, parts, label=lambda row: row["term"] or say("row.uncoded_term"))


def _stopping(table: Mapping[str, Any], say: Say, language: str) -> TableShown:
    names = ("evaluable", "with_event", "waiting", "stop_at", "posterior", "crossed")
    rows = []
    for row in table["rows"]:
        cell = row["cells"][ALL] | {"crossed": say(f"crossed.{row['cells'][ALL]['crossed']}")}
        cell["posterior"] = _number(cell["posterior"], language, 4)
        rows.append((row["id"], *(str(cell[name]) for name in names)))
    headings = (say("first.stopping"), *(say(f"stopping.{name}") for name in names))
    return TableShown(
        name="stopping",
        title=say("table.stopping"),
        note=say("table_note.stopping"),
        groups=(),
        headings=headings,
        labels=headings,
        rows=tuple(rows),
        nothing=say("table.nothing"),
    )


# Open -----------------------------------------------------------------------------------------------------------------


def _open(tables: Mapping[str, Any], head: Mapping[str, Any], say: Say, language: str) -> tuple[SectionShown, ...]:
    if not tables:
        return ()

    def text(cell: Mapping[str, Any]) -> str:
        if "withheld" in cell:
            return say("cell.withheld")
        if "rate" in cell:
            of = f"{cell['n']} / {_number(cell['years'], language, 2)}"
            return f"{_rate(cell, language, say)}  ({of})"
        if "years" in cell:
            return _number(cell["years"], language, 2)
        if "percent" in cell:
            return _n_percent(cell, language)
        return str(cell["n"])

    return (SectionShown(say("section.open"), "", tuple(_plain(one, say, text) for one in tables.values())),)


# Cells ----------------------------------------------------------------------------------------------------------------


def _number(text: str, language: str, places: int) -> str:
    rounded = Decimal(text).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return str(rounded).replace(".", ",") if language == "vi" else str(rounded)


def _n_percent(cell: Mapping[str, Any], language: str) -> str:
    return f"{cell['n']}" if cell["percent"] is None else f"{cell['n']} ({_number(cell['percent'], language, 1)} %)"


def _e(cell: Mapping[str, Any]) -> str:
    return str(cell["events"])


def _rate(cell: Mapping[str, Any], language: str, say: Say) -> str:
    if cell["rate"] is None:
        return say("cell.not_estimable")
    rate, lower, upper = (_number(cell[name], language, 2) for name in ("rate", "lower", "upper"))
    return f"{rate} [{lower}; {upper}]"


def _maybe(text: str | None, language: str, say: Say) -> str:
    return say("cell.not_estimable") if text is None else _number(text, language, 2)
