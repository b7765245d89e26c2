"""The list of cases, and one case whole: facts, versions and their differences, the picture, and what others know of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from services.ae_intake import handlers, store
from services.ae_intake.handlers import CaseOutcome
from services.ae_intake.pages import diff, timeline
from services.ae_intake.pages.desk import Desk, Id, Reader, Words, who_of
from services.ae_intake.pages.facts import Facts, Section
from services.ae_intake.pages.report import anchor_of
from services.ae_intake.store import CaseRow
from shared import terms
from shared.case import CaseReport, Exposure, Subject, periods
from shared.case.seriousness import of_case
from shared.case.units import written
from shared.db import Tx
from shared.errors import NotFound
from shared.web.times import moment_text, reader_zone

PAGE = 50
Search = Annotated[str, Query(max_length=80)]


def add(router: APIRouter, desk: Desk) -> None:
    @router.get("/cases")
    async def listing(request: Request, who: Reader, q: Search = "", before: datetime | None = None) -> Response:
        asked = q.replace("\x00", "").strip()
        sites = who_of(who).sites
        until = before if before is not None and before.tzinfo is not None else None

        def unit(tx: Tx) -> list[CaseRow]:
            found = store.find_case_id(tx, asked) or store.find_case_id(tx, asked.upper()) if asked else None
            head = store.case_head(tx, found) if found else None
            if head is not None:
                return [head] if who.sees_site(head.site_id) else []
            for code in dict.fromkeys((asked, asked.upper())):
                rows = store.list_cases(tx, subject_id=code or None, sites=sites, before=until, limit=PAGE + 1)
                if rows or not asked:
                    return rows
            return []

        rows = await desk.read(unit)
        more = rows[PAGE - 1].recorded_at.isoformat() if len(rows) > PAGE else ""
        t, version = desk.words(request), desk.intake.trial.ctcae_version
        told = [(row, terms_in(row.summary, version, t.lang)) for row in rows[:PAGE]]
        context = {"rows": told, "more": more, "q": asked, "active": "cases"}
        return desk.pages.html(request, "cases.html", context)

    @router.get("/cases/{case_id}")
    async def case(
        request: Request,
        case_id: Id,
        who: Reader,
        v: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
        old: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
        new: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
        done: Annotated[str, Query(max_length=20)] = "",
    ) -> Response:
        now = desk.clock.now()
        loaded = await desk.read(lambda tx: load(tx, desk, case_id, who_of(who), now))
        view = CaseView(loaded, desk.words(request), reader_zone(request), desk, now)
        shown = loaded.version(v) if v else loaded.newest
        context: dict[str, Any] = {
            "view": view,
            "case": shown,
            "newest": loaded.newest,
            "sections": view.sections(shown),
            "serious": of_case(shown).serious,
            "missing": [(one, anchor_of(one.pointer)) for one in loaded.outcome.missing],
            "difference": view.difference(old, new),
            "comparing": bool(old or new or done),
            "done": done if done in ("amended", "nullified", "redacted") else "",
            "zone": desk.zone_of_site(shown.site_id),
            "active": "cases",
        }
        return desk.pages.html(request, "case.html", context)


@dataclass(frozen=True)
class Loaded:
    """Everything of one case that one read transaction gives."""

    outcome: CaseOutcome
    versions: list[CaseReport]
    subject: Subject | None
    exposures: list[Exposure]
    trail: list[dict[str, Any]]

    @property
    def newest(self) -> CaseReport:
        return self.outcome.case

    def version(self, number: int) -> CaseReport:
        found = next((one for one in self.versions if one.version == number), None)
        if found is None:
            raise NotFound("no version of that number in this case")
        return found


def load(tx: Tx, desk: Desk, case_id: str, who: handlers.Who, now: datetime) -> Loaded:
    outcome = handlers.read_case(desk.intake, tx, case_id, who, now)
    case = outcome.case
    trail = [
        entry
        for entry in store.trail(tx, case.subject_id, "")
        if any(name.startswith((f"documents/case/{case.case_id}/", f"cases/{case.case_id}")) for name in entry["rows"])
    ]
    return Loaded(
        outcome,
        store.versions(tx, f"case/{case.case_id}"),
        store.latest(tx, f"subject/{case.subject_id}"),
        store.of_child(tx, case.subject_id, "exposure"),
        trail,
    )


def terms_in(summary: str, version: str, lang: str) -> str:
    """The coded terms of a list line in the reader's words; a term's own name may hold a comma."""
    names = {term.name: term.code for term in terms.terms(version)}
    parts, told = summary.split(", "), []
    while parts:
        size = next((n for n in range(len(parts), 0, -1) if ", ".join(parts[:n]) in names), 1)
        name = ", ".join(parts[:size])
        told.append(terms.label(names[name], version, lang) if name in names else name)
        parts = parts[size:]
    return ", ".join(told)


def exposure_name(one: Exposure, facts: Facts) -> str:
    """`Infusion of … 2`, `Muscle relaxant · baclofen`."""
    name = facts.kind_name(one.kind)
    entry = next((e for e in facts.trial.exposures if e.kind == one.kind), None)
    agent = entry.agent(one.name) if entry and one.name else None
    told = agent.label.text(facts.t.lang) if agent else one.name
    if told and not (agent and entry and len(entry.agents) == 1):
        name += f" · {told}"
    return name + (f" ({facts.t('number')} {one.infusion_number})" if one.infusion_number else "")


@dataclass(frozen=True)
class TextRow:
    """The picture in words."""

    what: str
    begin: str
    end: str
    more: str


class CaseView:
    """What the template asks for, in the reader's language."""

    def __init__(self, loaded: Loaded, t: Words, reader: str | None, desk: Desk, now: datetime) -> None:
        self.loaded, self.t, self.now = loaded, t, now
        self.facts = Facts(t, desk.intake.trial, reader)
        self.exposures = [one for one in loaded.exposures if not one.voided]
        self.facts.names = {one.exposure_id: exposure_name(one, self.facts) for one in loaded.exposures}
        self.facts.asked = any(one.source == "amendment_page" for one in loaded.versions)
        self.zone = desk.zone_of_site(loaded.newest.site_id)
        self.suspected = loaded.outcome.suspected
        self.trail = loaded.trail
        self.versions = loaded.versions

    def sections(self, case: CaseReport) -> tuple[Section, ...]:
        return self.facts.sections(case)

    def difference(self, old: int | None, new: int | None) -> dict[str, Any] | None:
        """Between two versions; without a choice, what the newest one changed."""
        if len(self.versions) < 2:
            return None
        after = self.loaded.version(new) if new else self.loaded.newest
        before = self.loaded.version(old) if old else self.loaded.version(max(1, after.version - 1))
        changes = diff.compare(self.sections(before), self.sections(after))
        return {
            "old": before,
            "new": after,
            "changed": [one for one in changes if one.changed],
            "same": [one for one in changes if not one.changed],
        }

    def pictures(self) -> list[dict[str, Any]]:
        """The whole course, and the days around the onset."""
        things = self._things()
        onsets = [one.onset for one in self.loaded.newest.events if one.onset and not one.onset.is_future(self.now)]
        windows = {"around": timeline.around(onsets, self.now), "whole": timeline.whole_course(things, self.now)}
        return [
            {"key": key, "window": window, "picture": timeline.draw(things, window, self.now, self.zone)}
            for key, window in windows.items()
            if window is not None
        ]

    def _things(self) -> list[timeline.Thing]:
        t, subject = self.t, self.loaded.subject
        things: list[timeline.Thing] = []
        for number, event in enumerate(self.loaded.newest.events, 1):
            if event.onset is None or not event.onset.is_future(self.now):
                things.append(timeline.of_event(event, f"{number}. {self.facts.event_name(event)}"))
        order = {"infusion": 0, "procedure": 1, "drug": 2}
        drawn = [timeline.of_exposure(one, self._lane(one)) for one in self.exposures]
        things += sorted(drawn, key=lambda one: order.get(one.style, 3))
        if subject is not None:
            for period in periods.periods(subject, self.loaded.exposures):
                things.append(timeline.of_period(period, t(f"period.{period.name}")))
        return things

    def _lane(self, one: Exposure) -> str:
        """All infusions share a lane, all courses of one drug another."""
        return exposure_name(one.model_copy(update={"infusion_number": None}), self.facts)

    def in_words(self) -> list[TextRow]:
        t, lang = self.t, self.t.lang
        rows = [
            TextRow(
                f"{number}. {self.facts.event_name(event)}",
                moment_text(event.onset, lang),
                moment_text(event.end, lang) if event.end else t("goes_on") if event.ongoing else t("unknown"),
                t("grade_of", grade=event.worst_grade) if event.worst_grade else "",
            )
            for number, event in enumerate(self.loaded.newest.events, 1)
        ]
        for one in sorted(self.exposures, key=lambda one: one.start.value if one.start else ""):
            dose = f"{one.dose.value} {written(one.dose.unit or '')}".strip() if one.dose else ""
            end = moment_text(one.end, lang) if one.end else t("goes_on") if one.ongoing else t("unknown")
            name = self.facts.names[one.exposure_id]
            rows.append(TextRow(name, moment_text(one.start, lang), end, dose))
        return rows
