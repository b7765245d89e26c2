"""G.k: what was given. One G.k for each exposure, so that every infusion keeps its own batch, action and relatedness."""

from __future__ import annotations

from dataclasses import dataclass

from services.sae_notifier.e2b.block import Block
from services.sae_notifier.e2b.draft.desk import Desk
from services.sae_notifier.e2b.draft.relatedness import Opinion, opinions
from services.sae_notifier.e2b.text import number, unit, when
from services.sae_notifier.forms.reading import begun_after
from services.sae_notifier.forms.vocabulary import KIND
from shared.case import Batch, Exposure
from shared.case.withholding import plain

NO_DRUGS = frozenset({"lumbar_puncture", "bone_marrow_harvest", "rehabilitation", "planned_stay"})
"""Procedures, courses and stays: told in the narrative and the history, never as a medicinal product."""
ACTION = {"withdrawn": "1", "reduced": "2", "increased": "3", "unchanged": "4", "unknown": "0", "not_applicable": "9"}
SUSPECT, CONCOMITANT, NOT_GIVEN = "1", "2", "4"
MOST_DOSE = 8


@dataclass(frozen=True)
class Drug:
    """One G.k of the report: the exposure (None: the product, of which no exposure is known), its id, its role."""

    exposure: Exposure | None
    id: str
    role: str
    opinions: tuple[Opinion, ...] = ()


def chosen(desk: Desk) -> list[Drug]:
    """The drugs of the report, suspects first. What was begun after every onset treats the event and is told in words."""
    found: list[Drug] = []
    for one in desk.facts.given():
        if one.kind in NO_DRUGS or begun_after(desk.case.events, one):
            continue
        held = opinions(desk, one)
        suspect = one.kind in desk.facts.suspects or any(each.related == "yes" for each in held)
        role = SUSPECT if suspect else CONCOMITANT
        found.append(Drug(one, desk.reference("drug", one.exposure_id), role, held))
    if not any(one.exposure and one.exposure.kind in desk.facts.suspects for one in found):
        found.append(_unrecorded(desk))
    return sorted(found, key=lambda one: one.role != SUSPECT)


def drugs(desk: Desk, report: Block, found: list[Drug]) -> None:
    for drug in found:
        made = report.add("G.k")
        made.put("G.k.id", drug.id)
        if drug.exposure is None:
            desk.words(made, "G.k.2.2", desk.facts.product)
            made.put("G.k.8", ACTION["unknown"])
        else:
            _one(desk, made, drug.exposure)
        if drug.role == SUSPECT:
            _errors(desk, made, found)
        role = report.add("G.k.1")
        role.put("G.k.1.drug", drug.id)
        role.put("G.k.1", drug.role)


def name_of(desk: Desk, exposure: Exposure) -> str:
    if plain(exposure.name).strip():  # a voided one's may have been taken back
        return plain(exposure.name)
    return desk.facts.product if exposure.kind in desk.facts.suspects else KIND[exposure.kind].en


def _unrecorded(desk: Desk) -> Drug:
    """A missing exposure counts as exposed: the product is named as suspect, unless the reporter said nothing was given."""
    none = desk.case.given.answer == "no"
    en = (
        "no exposure to the investigational product is recorded; it is named without dates, since missing is not absent"
    )
    vi = "chưa ghi nhận lần dùng sản phẩm nghiên cứu nào; vẫn nêu tên, không ghi ngày, vì thiếu dữ liệu không có nghĩa là không dùng"
    desk.notice("G.k.2.2", "no-exposure", en, vi)
    return Drug(None, desk.reference("drug", "product"), NOT_GIVEN if none else SUSPECT)


def _one(desk: Desk, made: Block, exposure: Exposure) -> None:
    desk.words(made, "G.k.2.2", name_of(desk, exposure))
    _dose(desk, made, exposure)
    use = made.add("G.k.7.r")
    desk.words_or(use, "G.k.7.r.1", plain(exposure.indication), "UNK")
    made.put("G.k.8", ACTION[exposure.action_taken])
    batch = desk.facts.batch(exposure.batch_id)
    details = [KIND[exposure.kind].en]
    if exposure.infusion_number is not None:
        details.append(f"infusion {exposure.infusion_number}")
    if exposure.ongoing and exposure.end is None:
        details.append("ongoing")
    if batch is not None:
        details += _batch(batch)
        if batch.sterility in ("negative", "positive"):
            made.add("G.k.10.r").put("G.k.10.r", "5" if batch.sterility == "negative" else "6")
    desk.words(made, "G.k.11", "; ".join(details))


def _dose(desk: Desk, made: Block, exposure: Exposure) -> None:
    given = made.add("G.k.4.r")
    dose = exposure.dose
    if dose is not None:
        value, measured_in = number(dose.value), unit(dose.unit)
        if value is not None and measured_in is not None and len(value) <= MOST_DOSE:
            given.put("G.k.4.r.1a", value)
            given.put("G.k.4.r.1b", measured_in)
        else:
            desk.words(given, "G.k.4.r.8", f"{dose.value} {dose.unit or '(unit not given)'}")
    desk.time(given, "G.k.4.r.4", exposure.start)
    desk.time(given, "G.k.4.r.5", exposure.end)
    if exposure.batch_id:
        desk.code(given, "G.k.4.r.7", exposure.batch_id)
    route = exposure.route or desk.facts.routes.get(exposure.kind, "")
    desk.words_or(given, "G.k.4.r.10.1", route, "UNK")


def _batch(batch: Batch) -> list[str]:
    organism = plain(batch.organism)
    tested = f" on {when(batch.sterility_on)}" if batch.sterility_on else ""
    found = [f"batch sterility {batch.sterility}{f' ({organism})' if organism else ''}{tested}"]
    for name, moment in (("harvested", batch.harvested), ("released", batch.released)):
        if moment is not None:
            found.append(f"{name} {when(moment)}")
    if batch.cells is not None:
        found.append(f"cells {batch.cells.value} {batch.cells.unit or '(unit not given)'}")
    if batch.viability_percent is not None:
        found.append(f"viability {batch.viability_percent} %")
    if batch.identity_checked is not None:
        found.append(f"chain of identity {'checked' if batch.identity_checked else 'not checked'}")
    return found


def _errors(desk: Desk, made: Block, found: list[Drug]) -> None:
    """Overdose and medication error are told of the event: they are put to a drug only where there is one suspect."""
    events = desk.case.events
    codes = [
        code
        for code, told in (
            ("2", any(one.overdose == "yes" for one in events)),
            ("7", any(one.medication_error == "yes" for one in events)),
        )
        if told
    ]
    if not codes:
        return
    if sum(one.role == SUSPECT for one in found) > 1:
        en = "an overdose or medication error was told, but not of which drug: it stands in H.1 only"
        desk.notice(
            "G.k.10.r", "which-drug", en, "có quá liều hoặc sai sót dùng thuốc nhưng không rõ thuốc nào: chỉ ghi ở H.1"
        )
        return
    for code in codes:
        made.add("G.k.10.r").put("G.k.10.r", code)
