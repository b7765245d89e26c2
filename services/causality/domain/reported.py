"""What the reporter said had been given before anyone recorded it: judged too, as far as that goes."""

from __future__ import annotations

from collections.abc import Sequence

from services.causality.methods.who_umc import reasonable_possibility
from services.causality.words import KINDS
from shared.case import AdverseEvent, CaseReport, Exposure, ExposureKind, Relatedness
from shared.case.assessment import Criterion

UNRECORDED = "reported:"
"""Before the kind: the `exposure_id` of an exposure that was reported and is not recorded (`reported:piracetam`)."""


def not_recorded(case: CaseReport, exposures: Sequence[Exposure]) -> tuple[ExposureKind, ...]:
    """Kinds the reporter named for which no exposure of the child is recorded."""
    if case.given.answer == "no":
        return ()
    recorded = {exposure.kind for exposure in exposures}
    named: list[ExposureKind] = []
    for kind in case.given.kinds:
        if kind not in recorded and kind != "planned_stay" and kind not in named:
            named.append(kind)
    return tuple(named)


def reported_relatedness(event: AdverseEvent, kind: ExposureKind) -> Relatedness:
    """Conditional until the exposure is recorded with its time."""
    name = KINDS[kind]
    return Relatedness(
        event_id=event.event_id,
        exposure_id=f"{UNRECORDED}{kind}",
        exposure_kind=kind,
        exposed="unknown",
        criteria=(
            Criterion(
                code="information_sufficient",
                answer="no",
                why_en=f"Reported as given, not recorded: record {name.en} with its times.",
                why_vi=f"Được báo cáo là đã dùng nhưng chưa ghi nhận: hãy ghi {name.vi} kèm thời gian.",
            ),
        ),
        proposed="conditional",
        reasonable_possibility=reasonable_possibility("conditional"),
    )
