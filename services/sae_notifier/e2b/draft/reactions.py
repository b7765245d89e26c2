"""E.i: every event of the case, as reported and as coded."""

from __future__ import annotations

from services.sae_notifier.e2b.block import Block
from services.sae_notifier.e2b.draft.coding import coded
from services.sae_notifier.e2b.draft.desk import Desk
from services.sae_notifier.e2b.text import language, said
from services.sae_notifier.forms.reading import ticked
from shared.case import AdverseEvent
from shared.case.report import Criterion

CRITERIA: dict[Criterion, str] = {
    "death": "E.i.3.2a",
    "life_threatening": "E.i.3.2b",
    "hospitalisation": "E.i.3.2c",
    "disability": "E.i.3.2d",
    "congenital_anomaly": "E.i.3.2e",
    "medically_important": "E.i.3.2f",
}
OUTCOME = {
    "recovered": "1",
    "recovering": "2",
    "not_recovered": "3",
    "recovered_with_sequelae": "4",
    "fatal": "5",
    "unknown": "0",
}
PROFESSIONALS = ("clinician", "investigator", "technician")


def reactions(desk: Desk, report: Block) -> None:
    for event in desk.case.events:
        made = report.add("E.i")
        made.put("E.i.id", desk.reference("reaction", event.event_id))
        words = said(event.verbatim)
        if words and event.verbatim is not None:
            desk.words(made, "E.i.1.1a", words)
            made.put("E.i.1.1b", language(event.verbatim))
        desk.words(made, "E.i.1.2", desk.facts.translations.get(event.event_id, ""))
        coded(desk, made, event.term, "E.i.2.1b", "E.i.2.1a")
        if event.term is None:
            en, vi = "an event is not coded; nothing is made up", "có biến cố chưa mã hóa; không tự đặt mã"
            desk.notice("E.i.2.1b", "uncoded", en, vi)
        _seriousness(desk, made, event)
        desk.time(made, "E.i.4", event.onset)
        desk.time(made, "E.i.5", event.end)
        made.put("E.i.7", OUTCOME[event.outcome])
        if desk.case.reporter_role in PROFESSIONALS:
            made.put("E.i.8", "true")
        desk.code(made, "E.i.9", desk.facts.source.country)


def _seriousness(desk: Desk, made: Block, event: AdverseEvent) -> None:
    """`true`, or the null flavour NI: E2B(R3) has no way to say no."""
    found = ticked(event)
    for name, element in CRITERIA.items():
        if name in found:
            made.put(element, "true")
        else:
            made.null(element, "NI")
    if desk.fda:
        made.null("FDA.E.i.3.2h", "NI")
    if not found and "unknown" in event.seriousness.answers().values():
        en = "no criterion of seriousness is answered yes and some are unanswered: the file cannot show that it counts as serious"
        vi = "chưa tiêu chí nghiêm trọng nào trả lời có và còn câu chưa trả lời: tệp không thể hiện ca được coi là nghiêm trọng"
        desk.notice("E.i.3.2a", "unanswered", en, vi)
