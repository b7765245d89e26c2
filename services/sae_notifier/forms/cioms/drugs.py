"""Which exposures are suspect and which concomitant; E2B(R3) G.k.1 reads them the same way, procedures apart."""

from __future__ import annotations

from dataclasses import dataclass

from services.sae_notifier.forms import reasons
from services.sae_notifier.forms.cioms.lines import one_line
from services.sae_notifier.forms.facts import Facts, ended, exposure_name, quantity, said
from services.sae_notifier.forms.fields import Value, Values, absent, given
from services.sae_notifier.forms.reading import begun_after
from services.sae_notifier.forms.sections.concomitant import course_of
from services.sae_notifier.forms.sections.opinions import opinion_on
from services.sae_notifier.forms.words import Words
from shared.case import Exposure

HISTORY = ("rehabilitation", "planned_stay")
"""No drug and no procedure: box 23."""
_ONLY_LATER = Words(
    "Chưa ghi nhận lần dùng nào trước phản ứng; chưa có thông tin thì coi như đã phơi nhiễm",
    "No use before the reaction on record; missing exposure counts as exposed",
)
_PRODUCT = Words("Sản phẩm nghiên cứu", "Study product")


@dataclass(frozen=True)
class Suspect:
    """`number` is how boxes 14 to 21 and 26 name it; without an exposure it is the study product, of which none is known."""

    number: int
    exposure: Exposure | None

    def line(self, values: Values) -> Value:
        return one_line(values, before=Words(f"#{self.number}"))


@dataclass(frozen=True)
class Drugs:
    """Everything on record, sorted into the places the form has for it. `later` was begun after every onset."""

    suspects: tuple[Suspect, ...]
    concomitant: tuple[Exposure, ...]
    later: tuple[Exposure, ...]
    history: tuple[Exposure, ...]
    unexposed: Words
    """Why a suspect may stand there without an exposure."""


def sort(facts: Facts) -> Drugs:
    """Suspect: the study product, and whatever the investigator or the sponsor's signed assessment finds related.

    A missing exposure counts as exposed. The product given after every onset is suspect only when somebody says so.
    """
    product, events = facts.trial.investigational, facts.case.events
    suspected = [
        one for one in facts.exposures if _judged(facts, one) or (one.kind in product and not begun_after(events, one))
    ]
    suspected.sort(key=lambda one: one.kind not in product)
    rows: list[Exposure | None] = [*suspected]
    if not any(one.kind in product for one in suspected):
        rows.insert(0, None)
    rest = [one for one in facts.exposures if one not in suspected]
    drugs = [one for one in rest if one.kind not in HISTORY]
    return Drugs(
        suspects=tuple(Suspect(number, one) for number, one in enumerate(rows, 1)),
        concomitant=tuple(one for one in drugs if not begun_after(events, one)),
        later=tuple(one for one in drugs if begun_after(events, one)),
        history=tuple(one for one in rest if one.kind in HISTORY),
        unexposed=_ONLY_LATER if any(one.kind in product for one in rest) else reasons.NO_EXPOSURE,
    )


def name(facts: Facts, one: Exposure | None) -> Values:
    if one is None:
        return (Value(facts.trial.product or _PRODUCT),)
    return (*exposure_name(one), *course_of(one))


def period(facts: Facts, one: Exposure) -> Value:
    """From when to when, each as it was told."""
    start = one_line(facts.moment(one.start, reasons.NOT_STATED))
    end = one_line(ended(facts, one))
    if start.kind == end.kind == "absent":
        return absent(reasons.NOT_STATED)
    words = Words(
        f"{start.words.vi} – {end.words.vi}", f"{start.words.en or start.words.vi} – {end.words.en or end.words.vi}"
    )
    return Value(words, "warning" if "warning" in (start.kind, end.kind) else "given")


def told(facts: Facts, one: Exposure) -> Value:
    """One exposure in one line: what, how much, how, when."""
    known = (quantity(one.dose), said(one.route, reasons.NOT_STATED))
    return one_line((*name(facts, one), *known, period(facts, one), *_note(one)))


def _note(one: Exposure) -> Values:
    return (given(one.note.text),) if one.note and not one.note.redacted and one.note.text.strip() else ()


def _judged(facts: Facts, exposure: Exposure) -> bool:
    for event in facts.case.events:
        opinion = opinion_on(event, exposure)
        if opinion is not None and opinion.related == "yes":
            return True
    assessed = facts.assessment.events if facts.assessment and facts.signed() else ()
    return any(
        row.exposure_id == exposure.exposure_id and row.reasonable_possibility == "yes"
        for event in assessed
        for row in event.relatedness
    )
