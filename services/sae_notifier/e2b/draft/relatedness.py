"""G.k.9.i: who thinks what about each event and each drug. The investigator's view is never overwritten by the sponsor's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.sae_notifier.e2b.block import Block
from services.sae_notifier.e2b.draft.desk import Desk
from services.sae_notifier.e2b.draft.intervals import intervals
from services.sae_notifier.e2b.draft.rechallenge import rechallenge
from shared.case import Answer, Exposure, Relatedness

if TYPE_CHECKING:
    from services.sae_notifier.e2b.draft.drugs import Drug

ORDER: dict[Answer, int] = {"yes": 0, "unknown": 1, "no": 2}
WORDS: dict[Answer, str] = {"yes": "Related", "no": "Not related", "unknown": "Unknown"}
POSSIBILITY: dict[Answer, str] = {
    "yes": "Reasonable possibility",
    "no": "No reasonable possibility",
    "unknown": "Unknown",
}
FDA_METHOD, FDA_YES, FDA_NO = "FDA", "Suspected", "Not Suspected"
INVESTIGATOR, SPONSOR = "Investigator", "Sponsor"


@dataclass(frozen=True)
class Opinion:
    """What one source says about one event and one exposure; `signed` is the sponsor's row, where there is one."""

    event_id: str
    source: str
    related: Answer
    signed: Relatedness | None = None


def opinions(desk: Desk, exposure: Exposure) -> tuple[Opinion, ...]:
    """Every opinion on this exposure; of two by one source on one event the graver counts."""
    found: dict[tuple[str, str], Opinion] = {}

    def take(opinion: Opinion) -> None:
        key = (opinion.event_id, opinion.source)
        if key not in found or ORDER[opinion.related] < ORDER[found[key].related]:
            found[key] = opinion

    for event in desk.case.events:
        for one in event.opinions:
            if one.exposure_id == exposure.exposure_id or (one.exposure_id is None and one.kind == exposure.kind):
                take(Opinion(event.event_id, INVESTIGATOR, one.related))
    for assessed in desk.signed.events if desk.signed else ():
        for row in assessed.relatedness:
            if row.exposure_id == exposure.exposure_id and row.event_id in {one.event_id for one in desk.case.events}:
                take(Opinion(row.event_id, SPONSOR, row.reasonable_possibility, row))
    return tuple(found.values())


def relatedness(desk: Desk, report: Block, drugs: list[Drug]) -> None:
    blocks = {one.text("G.k.id"): one for one in report.of("G.k")}
    for drug in drugs:
        for event in desk.case.events:
            held = [one for one in drug.opinions if one.event_id == event.event_id]
            if desk.fda:
                _fda(desk, report, drug, event.event_id, held)
            else:
                for one in held:
                    _ich(desk, report, drug, one)
            if drug.exposure is not None:
                intervals(desk, blocks[drug.id], drug.exposure, event)
                if drug.role == "1":
                    rechallenge(desk, blocks[drug.id], drug.exposure, event)


def _ich(desk: Desk, report: Block, drug: Drug, opinion: Opinion) -> None:
    if opinion.source == INVESTIGATOR:
        _row(desk, report, drug, opinion.event_id, INVESTIGATOR, "", WORDS[opinion.related])
        return
    if opinion.signed is not None and opinion.signed.accepted is not None:
        _row(desk, report, drug, opinion.event_id, SPONSOR, opinion.signed.method, opinion.signed.accepted.capitalize())
    _row(desk, report, drug, opinion.event_id, SPONSOR, "Reasonable possibility", POSSIBILITY[opinion.related])


def _fda(desk: Desk, report: Block, drug: Drug, event_id: str, held: list[Opinion]) -> None:
    """FDA knows two answers. For a suspect drug the sponsor must give one: what nobody answered is suspected."""
    by_source = {one.source: one for one in held}
    sponsor, investigator = by_source.get(SPONSOR), by_source.get(INVESTIGATOR)
    if sponsor is not None or drug.role == "1":
        answer = sponsor.related if sponsor is not None else "unknown"
        if answer == "unknown":
            if not desk.doubts.unanswered_is_suspected:
                return
            en = "the sponsor's relatedness is unsigned or unanswered: sent as Suspected"
            vi = "nhà tài trợ chưa ký hoặc chưa trả lời về liên quan: gửi là Suspected"
            desk.notice("G.k.9.i.2.r.3", "unanswered", en, vi)
        _row(desk, report, drug, event_id, SPONSOR, FDA_METHOD, FDA_NO if answer == "no" else FDA_YES)
    if investigator is not None and investigator.related != "unknown":
        result = FDA_YES if investigator.related == "yes" else FDA_NO
        _row(desk, report, drug, event_id, INVESTIGATOR, FDA_METHOD, result)


def _row(desk: Desk, report: Block, drug: Drug, event_id: str, source: str, method: str, result: str) -> None:
    made = report.add("G.k.9.i.2.r")
    made.put("G.k.9.i.2.r.drug", drug.id)
    made.put("G.k.9.i.2.r.reaction", desk.reference("reaction", event_id))
    made.put("G.k.9.i.2.r.1", source)
    desk.words(made, "G.k.9.i.2.r.2", method)
    made.put("G.k.9.i.2.r.3", result)
