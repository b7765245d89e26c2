"""The list of children by code, and one child: data, periods, departures from the plan, exposures, batches, measurements.

The arm stands nowhere here.
"""

from __future__ import annotations

from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from services.ae_intake import store
from services.ae_intake.pages.cases import exposure_name
from services.ae_intake.pages.desk import Desk, Id, Reader, Words
from services.ae_intake.pages.facts import Facts, both_zones
from services.ae_intake.pages.record_specs import specs
from services.ae_intake.pages.said import amount, said
from services.ae_intake.pages.specs import Spec, date_text
from shared import trial as trials
from shared.auth.identity import Identity
from shared.case import Batch, Exposure, Measurement, Moment, Subject, periods
from shared.case.periods import Edge, Period
from shared.db import Tx
from shared.errors import NotFound
from shared.web.times import local_text, reader_zone, zone_text

PAGE = 100


def add(router: APIRouter, desk: Desk) -> None:
    @router.get("/subjects")
    async def listing(
        request: Request,
        who: Reader,
        q: Annotated[str, Query(max_length=80)] = "",
        after: Annotated[str, Query(max_length=80)] = "",
    ) -> Response:
        asked = q.replace("\x00", "").strip()

        def unit(tx: Tx) -> tuple[list[tuple[Subject, int]], str]:
            if asked:
                one = store.latest(tx, f"subject/{asked}") or store.latest(tx, f"subject/{asked.upper()}")
                found: list[Subject] = [one] if one is not None else []
            else:
                found = store.newest_of_kind(tx, "subject", after=f"subject/{after}" if after else "", limit=PAGE + 1)
            more = found[PAGE - 1].subject_id if len(found) > PAGE else ""
            seen = [one for one in found[:PAGE] if who.sees_site(one.site_id)]
            return [(one, len(store.list_cases(tx, subject_id=one.subject_id))) for one in seen], more

        rows, more = await desk.read(unit)
        context = {"rows": rows, "more": more, "q": asked, "active": "subjects"}
        return desk.pages.html(request, "subjects.html", context)

    @router.get("/subjects/{subject_id}")
    async def child(
        request: Request, subject_id: Id, who: Reader, done: Annotated[str, Query(max_length=20)] = ""
    ) -> Response:
        found = await desk.read(lambda tx: Child(tx, subject_id, who))
        t = desk.words(request)
        zone = desk.zone_of_site(found.subject.site_id)
        context: dict[str, Any] = {
            "child": found,
            "data": _data(found.subject, desk, t, reader_zone(request)),
            "periods": [_period(one, zone, reader_zone(request), t) for one in found.periods()],
            "findings": trials.findings(desk.intake.trial, found.subject, found.exposures),
            "tables": _tables(found, desk, t, reader_zone(request)),
            "done": done if done in ("recorded", "corrected", "voided") else "",
            "zone": zone,
            "active": "subjects",
        }
        return desk.pages.html(request, "subject.html", context)


class Child:
    """Everything of one child in one read; raises NotFound for another site's."""

    def __init__(self, tx: Tx, subject_id: str, who: Identity) -> None:
        subject: Subject | None = store.latest(tx, f"subject/{subject_id}")
        if subject is None or not who.sees_site(subject.site_id):
            raise NotFound("no child by that code")
        self.subject = subject
        self.exposures: list[Exposure] = store.of_child(tx, subject_id, "exposure")
        self.batches: list[Batch] = store.of_child(tx, subject_id, "batch")
        self.measurements: list[Measurement] = store.of_child(tx, subject_id, "measurement")
        self.cases = store.list_cases(tx, subject_id=subject_id)

    def periods(self) -> tuple[Period, ...]:
        return periods.periods(self.subject, self.exposures)


def _data(subject: Subject, desk: Desk, t: Words, reader: str | None) -> list[tuple[str, str]]:
    fields = specs("subject", desk.intake.trial, t.lang, new=False)
    return [(t(spec.words), _cell(spec, getattr(subject, spec.name), t, reader)) for spec in fields]


def _cell(spec: Spec, value: Any, t: Words, reader: str | None) -> str:
    """A time has the reader's zone beside it; anything else is words."""
    return both_zones(value, reader, t.lang) if isinstance(value, Moment) else said(spec, value, t)


def _period(period: Period, zone: str, reader: str | None, t: Words) -> dict[str, str]:
    return {
        "name": t(f"period.{period.name}"),
        "begin": edge_text(period.start, zone, reader, t),
        "end": edge_text(period.end, zone, reader, t) if period.end else t("open_end"),
    }


def edge_text(edge: Edge, zone: str, reader: str | None, t: Words) -> str:
    """A time, or the two between which it lies; the reader's zone beside the site's where they differ."""
    if edge.earliest is None and edge.latest is None:
        return t("unknown")
    told = [_instant(at, zone, reader, t) for at in (edge.earliest, edge.latest) if at is not None]
    if edge.earliest is None:
        return t("before_time", at=told[0])
    if edge.latest is None:
        return t("after_time", at=told[0])
    if (edge.latest - edge.earliest).total_seconds() < 60:
        return told[0]
    first, last = (at.astimezone(ZoneInfo(zone)) for at in (edge.earliest, edge.latest))
    if first.date() == last.date() and (first.hour, first.minute, last.hour, last.minute) == (0, 0, 23, 59):
        return date_text(first.date().isoformat(), t.lang)
    return t("between_times", first=told[0], last=told[1])


def _instant(at: Any, zone: str, reader: str | None, t: Words) -> str:
    text = f"{local_text(at, zone, t.lang)} {zone_text(at, zone)}"
    if reader and zone_text(at, reader) != zone_text(at, zone):
        text += f" ({local_text(at, reader, t.lang)} {zone_text(at, reader)})"
    return text


def _tables(child: Child, desk: Desk, t: Words, reader: str | None) -> list[dict[str, Any]]:
    """Exposures, batches and measurements: what, when, how much, version; voided ones last and crossed out."""
    facts = Facts(t, desk.intake.trial)
    trial, lang = desk.intake.trial, t.lang
    exposure = {spec.name: spec for spec in specs("exposure", trial, lang, new=False)}
    batch = {spec.name: spec for spec in specs("batch", trial, lang, new=False)}
    test = {spec.name: spec for spec in specs("measurement", trial, lang, new=False)}

    def cells(record: Any, fields: dict[str, Any], names: tuple[str, ...]) -> list[str]:
        return [_cell(fields[name], getattr(record, name), t, reader) for name in names]

    def end(one: Exposure) -> str:
        return t("goes_on") if one.end is None and one.ongoing else _cell(exposure["end"], one.end, t, reader)

    return [
        _table(
            "exposures",
            ("what", "start", "end", "dose"),
            [
                (
                    one.exposure_id,
                    one,
                    [
                        exposure_name(one, facts),
                        *cells(one, exposure, ("start",)),
                        end(one),
                        *cells(one, exposure, ("dose",)),
                    ],
                )
                for one in sorted(child.exposures, key=lambda one: one.start.value if one.start else "")
            ],
        ),
        _table(
            "batches",
            ("batch_id", "released", "cells", "sterility"),
            [
                (one.batch_id, one, [one.batch_id, *cells(one, batch, ("released", "cells", "sterility"))])
                for one in child.batches
            ],
        ),
        _table(
            "measurements",
            ("test", "taken", "value"),
            [
                (
                    one.measurement_id,
                    one,
                    [test_name(one.test, t), *cells(one, test, ("taken",)), amount(one.value, one.unit, t)],
                )
                for one in sorted(
                    child.measurements, key=lambda one: one.taken.value if one.taken else "", reverse=True
                )
            ],
        ),
    ]


def test_name(test: str, t: Words) -> str:
    return t(f"test.{test}") if t.has(f"test.{test}") else test


def _table(plural: str, headings: tuple[str, ...], rows: list[tuple[str, Any, list[str]]]) -> dict[str, Any]:
    return {"plural": plural, "headings": headings, "rows": sorted(rows, key=lambda row: row[1].voided)}
