"""The amendment form: every field of a case as inputs, and back to a command that holds only what the form changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from services.ae_intake.pages.desk import Words
from services.ae_intake.pages.posted import Posted
from services.ae_intake.pages.specs import Reading, Spec, changes, read, shown
from shared import terms
from shared.case import CRITERIA, AdverseEvent, CaseReport, Exposure, ExposureKind
from shared.case.report import Admission, Outcome, ReporterRole
from shared.trial import Trial

REPORTER = Spec("reporter_role", "select", get_args(ReporterRole), "reporter")
MOMENTS = tuple(Spec(name, "moment") for name in ("site_aware", "desk_aware", "determined_reportable"))
GIVEN = (
    Spec("answer", "answer", label="given_answer"),
    Spec("kinds", "checks", get_args(ExposureKind), label="given_kinds"),
    Spec("text", "words", label="given_text"),
)
NEWS = Spec("news", "moment")
BEFORE_TERM = (Spec("verbatim", "words"),)
TIMES = (Spec("onset", "moment"), Spec("end", "moment"), Spec("ongoing", "truth"))
SERIOUS = tuple(Spec(name, "answer") for name in CRITERIA)
COURSE = (
    Spec("outcome", "select", get_args(Outcome), "outcome"),
    Spec("admission", "select", get_args(Admission), "admission"),
    Spec("admission_prolonged", "answer"),
    Spec("medication_error", "answer"),
    Spec("overdose", "answer"),
)
AFTER = (Spec("description", "words"),)
PLAIN = (*BEFORE_TERM, *TIMES, *COURSE, *AFTER)
SINCE = Spec("since", "moment")
NEW = "n_"
MOST_EVENTS = 40


def site_spec(trial: Trial, lang: str) -> Spec:
    sites = {site.id: site.name.text(lang) for site in trial.sites}
    return Spec("site_id", "select", tuple(sites), blank=True, texts=sites)


def form_of(case: CaseReport, exposures: Sequence[Exposure], trial: Trial, lang: str) -> Posted:
    """The inputs of a version, as they stand before anybody types."""
    form = Posted()

    def put(values: dict[str, list[str]]) -> None:
        for name, texts in values.items():
            form.set(name, *texts)

    for spec in (REPORTER, site_spec(trial, lang), *MOMENTS):
        put(shown(spec, getattr(case, spec.name), spec.name, lang))
    for spec in GIVEN:
        put(shown(spec, getattr(case.given, spec.name), f"given_{spec.name}", lang))
    for number, event in enumerate(case.events):
        prefix = f"e{number}_"
        for spec in PLAIN:
            put(shown(spec, getattr(event, spec.name), prefix + spec.name, lang))
        for spec in SERIOUS:
            put(shown(spec, getattr(event.seriousness, spec.name), prefix + spec.name, lang))
        form.set(f"{prefix}term", event.term.code if event.term else "")
        for place, entry in enumerate(event.grades):
            form.set(f"{prefix}grade{place}", str(entry.grade))
            put(shown(SINCE, entry.since, f"{prefix}since{place}", lang))
        opinions = {one.exposure_id: one for one in event.opinions if one.exposure_id}
        for exposure in exposures:
            opinion = opinions.get(exposure.exposure_id)
            form.set(f"{prefix}opinion_{exposure.exposure_id}", opinion.related if opinion else "")
            reason = opinion.reason.text if opinion and opinion.reason else ""
            form.set(f"{prefix}why_{exposure.exposure_id}", reason)
    return form


@dataclass
class EventForm:
    """What the template needs for one event: its prefix, the terms found for what was typed, the grades that exist."""

    prefix: str
    event: AdverseEvent | None
    term: terms.Term | None
    label: str = ""
    found: list[terms.Match] = field(default_factory=list)
    searched: str = ""
    grades: tuple[int, ...] = (1, 2, 3, 4, 5)
    rows: tuple[int, ...] = (0,)
    """Places of grade entries: those recorded and one empty one."""


def event_forms(case: CaseReport, posted: Posted, version: str, lang: str) -> list[EventForm]:
    """Every event of the case, and the empty one at the end."""
    found = [_event_form(f"e{number}_", event, posted, version, lang) for number, event in enumerate(case.events)]
    return [*found, _event_form(NEW, None, posted, version, lang)]


def _event_form(prefix: str, event: AdverseEvent | None, posted: Posted, version: str, lang: str) -> EventForm:
    code = posted.text(f"{prefix}term")
    term = terms.find(code, version) if code else None
    asked = posted.text(f"{prefix}term_words").strip()
    found = terms.search(asked, version, lang, 8) if asked else []
    places = len(event.grades) if event else 0
    grades = term.grades if term else (1, 2, 3, 4, 5)
    label = terms.label(term.code, version, lang) if term else ""
    recorded = {entry.grade for entry in event.grades} if event else set()
    return EventForm(
        prefix, event, term, label, found, asked, tuple(sorted({*grades, *recorded})), tuple(range(places + 1))
    )


@dataclass
class Command:
    """The JSON of an AmendCase, and which form field each sent event came from."""

    body: dict[str, Any]
    prefixes: list[str]


def as_command(case: CaseReport, exposures: Sequence[Exposure], posted: Posted, how: Reading, trial: Trial) -> Command:
    """Only what differs from `case`, the version the form was made from; raises nothing: bad values stay as typed."""
    body: dict[str, Any] = {
        "reason": posted.text("reason"),
        "news_known": read(NEWS, posted, "news", how),
        "source": "amendment_page",
    }
    top = (REPORTER, site_spec(trial, how.lang), *MOMENTS)
    body |= changes(top, posted, {spec.name: getattr(case, spec.name) for spec in top}, how)
    given = {spec.name: getattr(case.given, spec.name) for spec in GIVEN}
    if changes(GIVEN, posted, given, how, "given_"):
        body["given"] = {spec.name: read(spec, posted, f"given_{spec.name}", how) for spec in GIVEN}
    sent: list[dict[str, Any]] = []
    prefixes: list[str] = []
    for number, event in enumerate(case.events):
        changed = _event(event, f"e{number}_", exposures, posted, how)
        if changed:
            sent.append({"event_id": event.event_id} | changed)
            prefixes.append(f"e{number}_")
    new = _event(AdverseEvent(event_id="-", episode_id="-"), NEW, exposures, posted, how)
    if new:
        sent.append(new)
        prefixes.append(NEW)
    if sent:
        body["events"] = sent
    return Command(body, prefixes)


def _event(
    event: AdverseEvent, prefix: str, exposures: Sequence[Exposure], posted: Posted, how: Reading
) -> dict[str, Any]:
    changed = changes(PLAIN, posted, {spec.name: getattr(event, spec.name) for spec in PLAIN}, how, prefix)
    # What a select leaves empty is no answer; the document's word for that is "unknown".
    changed = {
        name: "unknown" if value is None and name in ("outcome", "admission") else value
        for name, value in changed.items()
    }
    if event.event_id == "-":
        changed = {name: value for name, value in changed.items() if value not in (None, "unknown")}
    answers = changes(
        SERIOUS, posted, {spec.name: getattr(event.seriousness, spec.name) for spec in SERIOUS}, how, prefix
    )
    if answers:
        changed["seriousness"] = answers
    code = posted.text(f"{prefix}term")
    if f"{prefix}term" in posted.names() and code != (event.term.code if event.term else ""):
        changed["term_code"] = code or None
    grades = _grades(event, prefix, posted, how)
    if f"{prefix}grade0" in posted.names() and grades != [entry.model_dump(mode="json") for entry in event.grades]:
        changed["grades"] = grades
    opinions = _opinions(event, prefix, exposures, posted, how)
    if opinions is not None:
        changed["opinions"] = opinions
    return changed


def _grades(event: AdverseEvent, prefix: str, posted: Posted, how: Reading) -> list[dict[str, Any]]:
    """The history as it stands in the form; an emptied row goes."""
    found: list[dict[str, Any]] = []
    for place in range(len(event.grades) + 1):
        grade = posted.text(f"{prefix}grade{place}").strip()
        before = event.grades[place].since if place < len(event.grades) else None
        since = read(SINCE, posted, f"{prefix}since{place}", how, before)
        if grade or since:
            found.append({"grade": int(grade) if grade.isdecimal() else None, "since": since})
    return found


def _opinions(
    event: AdverseEvent, prefix: str, exposures: Sequence[Exposure], posted: Posted, how: Reading
) -> list[dict[str, Any]] | None:
    """All opinions of the event when one of them changed, else None; those the form does not show stay."""
    before = {one.exposure_id: one for one in event.opinions if one.exposure_id}
    shown_here = {exposure.exposure_id for exposure in exposures}
    kept = [
        {
            "exposure_id": one.exposure_id,
            "kind": one.kind,
            "related": one.related,
            "reason": {"text": one.reason.text, "language": one.reason.language} if one.reason else None,
        }
        for one in event.opinions
        if one.exposure_id not in shown_here
    ]
    found: list[dict[str, Any]] = []
    touched = False
    for exposure in exposures:
        about = exposure.exposure_id
        related, why = posted.text(f"{prefix}opinion_{about}"), posted.text(f"{prefix}why_{about}").strip()
        old = before.get(about)
        touched |= (related, why) != (
            old.related if old else "",
            old.reason.text.strip() if old and old.reason else "",
        )
        if related or why:
            reason = {"text": why, "language": how.lang} if why else None
            if reason and old and old.reason and old.reason.text.strip() == why:
                reason["language"] = old.reason.language or how.lang
            found.append(
                {"exposure_id": about, "kind": exposure.kind, "related": related or "unknown", "reason": reason}
            )
    return kept + found if touched else None


def problems_of_form(
    case: CaseReport, posted: Posted, forms: Iterable[EventForm], version: str, t: Words
) -> dict[str, str]:
    """What only the page asks: when the news became known or that nobody told, a chosen term, a grade that exists."""
    found: dict[str, str] = {}
    has_time = posted.has("news_date") or posted.has("news_time")
    if not has_time and not posted.has("news_untold"):
        found["news"] = t("wrong.news")
    for form in forms:
        if form.searched:
            key = "wrong.term_choose" if form.found else "wrong.term_none"
            found[f"{form.prefix}term"] = t(key, words=form.searched)
        for place in form.rows:
            name = f"{form.prefix}grade{place}"
            grade = posted.text(name)
            if not grade and (
                posted.has(f"{form.prefix}since{place}_date") or posted.has(f"{form.prefix}since{place}_time")
            ):
                found[name] = t("wrong.grade_missing")
            kept = (
                form.event is not None
                and place < len(form.event.grades)
                and str(form.event.grades[place].grade) == grade
            )
            if grade and form.term and not kept and grade not in {str(one) for one in form.term.grades}:
                exist = ", ".join(str(one) for one in form.term.grades)
                found[name] = t("wrong.grade", grades=exist)
    return found
