"""H: the story in English with everything the coded elements cannot hold, the comments, and the reporter's own words."""

from __future__ import annotations

from services.sae_notifier.e2b.block import Block
from services.sae_notifier.e2b.draft.desk import Desk
from services.sae_notifier.e2b.draft.drugs import NO_DRUGS, name_of
from services.sae_notifier.e2b.text import WITHHELD, clean, language, said, when
from services.sae_notifier.forms.reading import begun_after
from services.sae_notifier.forms.vocabulary import (
    ADMISSION,
    ANSWER,
    KIND,
    OUTCOME,
    ROLE,
    SHORT_SERIOUSNESS,
)
from shared.case import AdverseEvent, Exposure, FreeText, Relatedness
from shared.case import seriousness as effective
from shared.case.withholding import plain

MOST = 100_000
NATIVE_MOST = 100_000
NOT_SIGNED = "The sponsor's assessment of this version is not signed."


def narrative(desk: Desk, report: Block) -> None:
    """Drafted last: whatever was cut elsewhere is taken in here."""
    _comments(desk, report)
    _native(desk, report)
    parts = [desk.facts.narrative] if desk.facts.narrative.strip() else []
    parts += [_head(desk), *(_event(event) for event in desk.case.events), *_told(desk), *_exposures(desk)]
    parts += [f"{element} in full: {text}" for element, text in desk.overflow]
    text = clean("\n\n".join(part for part in parts if part))
    if len(text) > MOST:
        en, vi = f"H.1 was cut to {MOST} characters", f"H.1 bị cắt còn {MOST} ký tự"
        desk.notice("H.1", "cut", en, vi, "error")
        text = f"{text[: MOST - 1]}…"
    report.put("H.1", text)


def _head(desk: Desk) -> str:
    case = desk.case
    reasons = ", ".join(effective.of_case(case).reasons).replace("_", " ") or "none"
    child = desk.facts.subject
    stay = f", enrolled {when(child.enrolled)}" if child and child.enrolled else ""
    stay += f", left the trial {when(child.left)}" if child and child.left else ""
    return (
        f"Case {case.case_number}, version {case.version}, subject {case.subject_id}{stay}; "
        f"reported by: {ROLE[case.reporter_role].en.lower()}. Effective seriousness: {reasons}."
    )


def _event(event: AdverseEvent) -> str:
    lines = [f"Event: {_named(event)}."]
    if event.term is not None:
        lines.append(f"Coded: {event.term.dictionary} {event.term.version}, {event.term.code}.")
    if event.verbatim is not None:
        lines.append(f'As reported: "{_quoted(event.verbatim)}".')
    end = "ongoing" if event.ongoing and event.end is None else f"end {when(event.end)}"
    lines.append(f"Onset {when(event.onset)}, {end}; outcome: {OUTCOME[event.outcome].en.lower()}.")
    grades = ", ".join(f"{one.grade}{f' from {when(one.since)}' if one.since else ''}" for one in event.grades)
    if grades:
        lines.append(f"CTCAE grade: {grades}.")
    answers = event.seriousness.answers()
    for answer in ("yes", "no", "unknown"):
        named = ", ".join(SHORT_SERIOUSNESS[name].en.lower() for name, given in answers.items() if given == answer)
        if named:
            lines.append(f"Seriousness {answer}: {named}.")
    lines.append(
        f"Admission: {ADMISSION[event.admission].en.lower()}, prolonged: {event.admission_prolonged}; "
        f"medication error: {event.medication_error}; overdose: {event.overdose}."
    )
    if event.description is not None:
        lines.append(f"Course: {_quoted(event.description)}")
    return " ".join(lines)


def _told(desk: Desk) -> list[str]:
    given = desk.case.given
    kinds = ", ".join(KIND[kind].en for kind in given.kinds)
    words = f' "{_quoted(given.text)}"' if given.text else ""
    return [f"Given before the event, as told: {ANSWER[given.answer].en.lower()}. {kinds}{words}".strip()]


def _exposures(desk: Desk) -> list[str]:
    """Procedures, and what was begun after the event: no drug of this report, but part of its story."""
    found = []
    for one in desk.facts.given():
        if one.kind in ("rehabilitation", "planned_stay"):
            continue
        if one.kind in NO_DRUGS:
            found.append(f"Procedure: {_exposure(desk, one)}.")
        elif begun_after(desk.case.events, one):
            found.append(f"Begun after the event: {_exposure(desk, one)}.")
        elif one.note is not None:
            found.append(f"Note on {name_of(desk, one)}: {_quoted(one.note)}")
    return found


def _is_told(desk: Desk, one: Exposure) -> bool:
    """It has no G.k: what anybody thinks of it can only stand in words."""
    return one.kind in NO_DRUGS or begun_after(desk.case.events, one)


def _exposure(desk: Desk, one: Exposure) -> str:
    dose = f", {one.dose.value} {one.dose.unit or '(unit not given)'}" if one.dose else ""
    note = f" ({_quoted(one.note)})" if one.note else ""
    end = "ongoing" if one.ongoing and one.end is None else when(one.end)
    route = f", {plain(one.route)}" if plain(one.route).strip() else ""
    use = f", for {plain(one.indication)}" if plain(one.indication).strip() else ""
    return f"{name_of(desk, one)}, {when(one.start)} to {end}{dose}{route}{use}{note}"


def _comments(desk: Desk, report: Block) -> None:
    """H.2 is the investigator's reasons, H.4 the sponsor's assessment with expectedness, which has no element of its own."""
    reasons = []
    for event in desk.case.events:
        for one in event.opinions:
            about = _given(desk, one.exposure_id) or (KIND[one.kind].en if one.kind else "no exposure named")
            of = f" of {_named(event)}" if len(desk.case.events) > 1 else ""
            why = f": {_quoted(one.reason)}" if one.reason else ""
            reasons.append(f"Investigator, relation{of} to {about}: {one.related}{why}")
    desk.words(report, "H.2", "\n".join(reasons))
    desk.words(report, "H.4", "\n".join(_assessment(desk)))


def _assessment(desk: Desk) -> list[str]:
    found = []
    ctcae = sorted({one.term.version for one in desk.case.events if one.term and one.term.dictionary == "CTCAE"})
    if ctcae:
        found.append(f"Reactions are coded from CTCAE {', '.join(ctcae)} without a MedDRA licence.")
    assessment = desk.signed
    if assessment is None:
        return [*found, NOT_SIGNED]
    if assessment.illustrative:
        found.append("ILLUSTRATIVE reference safety information was used.")
    events = {one.event_id: _named(one) for one in desk.case.events}
    told = {one.exposure_id for one in desk.facts.given() if _is_told(desk, one)}
    for one in assessment.events:
        rsi = f" (reference safety information {one.rsi_version})" if one.rsi_version else ""
        found.append(
            f"Sponsor on {events.get(one.event_id, one.event_id)}: expected {one.expected}{rsi}; related {one.related}."
        )
        if one.expected_why_en.strip():
            found.append(f"Expectedness: {one.expected_why_en}")
        found += [
            f"Sponsor, relation to {_given(desk, row.exposure_id)}: {_verdict(row)}"
            for row in one.relatedness
            if row.exposure_id in told
        ]
        found += [
            f"Override for {_given(desk, row.exposure_id) or row.exposure_kind}: {_quoted(row.override_reason)}"
            for row in one.relatedness
            if row.override_reason is not None
        ]
    return found


def _verdict(row: Relatedness) -> str:
    accepted = f" ({row.method}: {row.accepted})" if row.accepted else ""
    return f"reasonable possibility {row.reasonable_possibility}{accepted}."


def _named(event: AdverseEvent) -> str:
    return event.term.term if event.term else said(event.verbatim) or "event not named"


def _given(desk: Desk, exposure_id: str | None) -> str:
    """What was given and when: our own ids say nothing to whoever reads the report. Empty without an id."""
    if exposure_id is None:
        return ""
    found = next((one for one in desk.facts.exposures if one.exposure_id == exposure_id), None)
    return f"{name_of(desk, found)}, {when(found.start)}" if found else "an exposure that is not recorded"


def _native(desk: Desk, report: Block) -> None:
    """H.5.r: the reporter's words that are not English, one block for each language."""
    spoken: dict[str, list[str]] = {}
    for event in desk.case.events:
        for text in (event.verbatim, event.description):
            if text is not None and said(text) and language(text) not in ("eng", "und"):
                spoken.setdefault(language(text), []).append(text.text)
    for code, texts in spoken.items():
        made = report.add("H.5.r")
        whole = clean("\n".join(texts))
        made.put("H.5.r.1a", whole if len(whole) <= NATIVE_MOST else f"{whole[: NATIVE_MOST - 1]}…")
        made.put("H.5.r.1b", code)


def _quoted(text: FreeText) -> str:
    return said(text) or WITHHELD
