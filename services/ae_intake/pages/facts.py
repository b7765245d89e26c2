"""One version of a case as labelled rows: every field, what is unknown and what follows from that. The diff compares them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from services.ae_intake.pages.desk import Words
from shared import terms
from shared.case import CRITERIA, AdverseEvent, CaseReport, FreeText, Given, InvestigatorOpinion, Moment
from shared.case.seriousness import of_event
from shared.case.withholding import withheld_hash
from shared.trial import Trial
from shared.web.times import moment_text, zone_text

_ASKED_AT_ONCE = frozenset(
    (*CRITERIA, "verbatim", "onset", "site_aware", "given_answer", "given_kinds", "given_text", "news_known")
)
"""What the phone page asks: unknown there is an answer."""
_WITH_CLOCK = ("minute", "second")


@dataclass(frozen=True)
class Row:
    """`key` is the same in every version; `note` says what an unknown answer does, `anchor` where the form asks for it."""

    key: str
    label: str
    text: str
    known: bool = True
    note: str = ""
    anchor: str = ""
    html: Markup | None = None

    @property
    def shown(self) -> Markup:
        return self.html if self.html is not None else escape(self.text)


@dataclass(frozen=True)
class Section:
    key: str
    title: str
    rows: tuple[Row, ...]
    serious: bool = False
    reasons: tuple[str, ...] = ()

    @property
    def place(self) -> int:
        """Events before what surrounds them."""
        return {"case": 1, "given": 2}.get(self.key, 0)

    @property
    def told(self) -> list[Row]:
        """What is known, and what is unknown and changes something by that."""
        return [row for row in self.rows if row.known or row.note]

    @property
    def open(self) -> list[Row]:
        """What nobody has told, and nothing hangs on yet."""
        return [row for row in self.rows if not (row.known or row.note)]


@dataclass
class Facts:
    """Says a case in one language; `names` tells an exposure of the child by id, `reader` is the reader's zone.

    `asked`: somebody has saved the form that asks for everything; until then most of what is unknown was never asked.
    """

    t: Words
    trial: Trial
    reader: str | None = None
    names: dict[str, str] = field(default_factory=dict)
    asked: bool = False
    _prefixes: dict[str, str] = field(default_factory=dict)

    def sections(self, case: CaseReport) -> tuple[Section, ...]:
        t = self.t
        found = [Section("case", t("case.section.case"), tuple(self._case(case)))]
        found.append(Section("given", t("case.section.given"), tuple(self._given(case.given))))
        self._prefixes = {event.event_id: f"e{place}_" for place, event in enumerate(case.events)}
        for number, event in enumerate(case.events, 1):
            judged = of_event(event)
            reasons = tuple(t(f"serious_because.{reason}") for reason in judged.reasons)
            title = t("case.section.event", number=number, what=self.event_name(event))
            found.append(
                Section(event.event_id, title, tuple(self._event(event)), serious=judged.serious, reasons=reasons)
            )
        return tuple(found)

    def event_name(self, event: AdverseEvent) -> str:
        if event.term is not None:
            return terms.label(event.term.code, event.term.version, self.t.lang)
        words = event.verbatim.text if event.verbatim and not event.verbatim.redacted else ""
        return (words[:60] + ("…" if len(words) > 60 else "")) or self.t("unknown")

    def kind_name(self, kind: str) -> str:
        found = next((one for one in self.trial.exposures if one.kind == kind), None)
        return found.label.text(self.t.lang) if found else kind

    # ----- parts

    def _case(self, case: CaseReport) -> Iterable[Row]:
        t = self.t
        if case.nullified is not None:
            yield self._row("nullified", case.nullified.reason)
            yield self._row("replaced_by", case.nullified.replaced_by or t("none"))
        yield self._row("subject_id", case.subject_id)
        site = self.trial.site(case.site_id) if case.site_id else None
        yield self._row("site_id", site.name.text(t.lang) if site else case.site_id)
        yield self._row("reporter_role", t(f"reporter.{case.reporter_role}"))
        yield self._row("reported_by", case.reported_by)
        yield self._row("source", t(f"source.{case.source}"))
        for name in ("site_aware", "desk_aware", "determined_reportable"):
            yield self._moment(name, getattr(case, name))
        if case.version > 1:
            yield self._moment("news_known", case.news_known)
            yield self._row("change_reason", case.change_reason)

    def _given(self, given: Given) -> Iterable[Row]:
        yield self._answer("given_answer", given.answer)
        yield self._row("given_kinds", ", ".join(self.kind_name(kind) for kind in given.kinds) or self.t("none_told"))
        yield self._words("given_text", given.text)

    def _event(self, event: AdverseEvent) -> Iterable[Row]:
        t, of = self.t, event.event_id
        yield self._words("verbatim", event.verbatim, of)
        term = event.term
        coded = None
        if term is not None:
            names = {name.casefold(): name for name in (term.term, self.event_name(event))}
            coded = " · ".join((*reversed(names.values()), f"{term.dictionary} {term.version} {term.code}"))
        yield self._row("term", coded, of)
        yield self._moment("onset", event.onset, of)
        yield self._moment("end", event.end, of)
        yield self._row("ongoing", None if event.ongoing is None else t("yes" if event.ongoing else "no"), of)
        yield self._row("grades", self._grades(event) or None, of)
        for name in CRITERIA:
            yield self._answer(name, getattr(event.seriousness, name), of)
        yield self._row("outcome", None if event.outcome == "unknown" else t(f"outcome.{event.outcome}"), of)
        yield self._row("admission", None if event.admission == "unknown" else t(f"admission.{event.admission}"), of)
        for name in ("admission_prolonged", "medication_error", "overdose"):
            yield self._answer(name, getattr(event, name), of)
        for opinion in event.opinions:
            yield self._opinion(opinion, of)
        if not event.opinions:
            yield self._row("opinions", None, of)
        yield self._words("description", event.description, of)

    def _grades(self, event: AdverseEvent) -> str:
        return " → ".join(
            str(one.grade) + (f" ({self.t('since')} {moment_text(one.since, self.t.lang)})" if one.since else "")
            for one in event.grades
        )

    def _opinion(self, opinion: InvestigatorOpinion, of: str) -> Row:
        about = opinion.exposure_id or opinion.kind or "?"
        name = self.names.get(about, self.kind_name(about))
        text = self.t(f"related.{opinion.related}")
        if opinion.reason is not None:
            text += f" – {self._said(opinion.reason)}"
        label = self.t("field.opinion_on", what=name)
        return Row(f"{of}/opinion/{about}", label, text, opinion.related != "unknown")

    def _row(self, name: str, text: str | None, of: str = "") -> Row:
        label = self.t(f"field.{name}")
        key = f"{of}/{name}" if of else name
        if text is None or text == "":
            told = self.t("unknown" if name in _ASKED_AT_ONCE else "no_answer" if self.asked else "not_asked")
            return Row(key, label, told, False, self._note(name), self._anchor(name, of))
        return Row(key, label, self.t("taken_back") if withheld_hash(text) else text)

    def _anchor(self, name: str, of: str) -> str:
        """The field of the amendment form; empty for what no form asks."""
        if name in ("reported_by", "source", "nullified", "replaced_by", "subject_id", "news_known", "change_reason"):
            return ""
        return f"f-{self._prefixes.get(of, '')}{'grade' if name == 'grades' else name}"

    def _answer(self, name: str, answer: str, of: str = "") -> Row:
        return self._row(name, None if answer == "unknown" else self.t(answer), of)

    def _words(self, name: str, words: FreeText | None, of: str = "") -> Row:
        row = self._row(name, self._said(words) if words else None, of)
        if words is None:
            return row
        return Row(row.key, row.label, row.text, html=Markup('<span class="pre">{}</span>').format(row.text))

    def _said(self, words: FreeText) -> str:
        return self.t("redacted") if words.redacted else words.text

    def _moment(self, name: str, moment: Moment | None, of: str = "") -> Row:
        row = self._row(name, moment_text(moment, self.t.lang) if moment else None, of)
        if moment is None:
            return row
        return Row(row.key, row.label, row.text, html=both_zones(moment, self.reader, self.t.lang))

    def _note(self, name: str) -> str:
        key = f"unknown_means.{name}"
        return self.t(key) if self.t.has(key) else ""


def both_zones(moment: Moment, reader: str | None, lang: str) -> Markup:
    """The time as told in the authority's zone, and the reader's beside it where the clock shows something else."""
    told = Markup("<span>{}</span>").format(moment_text(moment, lang))
    if reader is None or moment.precision not in _WITH_CLOCK:
        return told
    at = moment.earliest()
    if zone_text(at, reader) == zone_text(at, moment.zone):
        return told
    there = Moment.at(at.astimezone(ZoneInfo(reader)), reader)
    return Markup('<span class="times">{} <span class="yours">{}</span></span>').format(told, moment_text(there, lang))
