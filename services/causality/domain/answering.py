"""Whether answers may be taken: about a pair that is proposed, a question it has, and nothing that contradicts itself."""

from __future__ import annotations

from collections.abc import Sequence

from services.causality.domain.reported import UNRECORDED
from services.causality.domain.temporal import SINGLE
from services.causality.domain.told import QUESTIONS, contradiction, standing
from shared.case import Assessment, PersonAnswer
from shared.errors import FieldProblem


def problems_with(
    assessment: Assessment, before: Sequence[PersonAnswer], new: Sequence[PersonAnswer]
) -> list[FieldProblem]:
    """One per answer that cannot be taken, by its place in `new`; an empty list takes them all."""
    kinds = {
        (event.event_id, one.exposure_id): one.exposure_kind for event in assessment.events for one in event.relatedness
    }
    held = standing(before)
    after = standing([*before, *new])
    seen: set[tuple[str, str, str]] = set()
    found: list[FieldProblem] = []
    for index, one in enumerate(new):
        place, pair = f"/answers/{index}", (one.event_id, one.exposure_id)
        question = (*pair, one.question)
        clash = contradiction(after.get(pair, {})) if one.answer == "yes" or one.answer == "no" else None
        if pair not in kinds:
            found.append(
                FieldProblem(place, "no such event and exposure in this assessment", "use the ids of the proposal")
            )
        elif one.question not in QUESTIONS:
            found.append(FieldProblem(f"{place}/question", "no such question", f"use one of {', '.join(QUESTIONS)}"))
        elif one.exposure_id.startswith(UNRECORDED):
            found.append(
                FieldProblem(
                    f"{place}/exposure_id",
                    "it was reported as given and is not recorded",
                    "record the exposure with its times, then answer",
                )
            )
        elif question in seen:
            found.append(FieldProblem(f"{place}/question", "this question is answered twice here", "answer it once"))
        elif one.answer == "withdrawn" and one.question not in held.get(pair, {}):
            found.append(FieldProblem(f"{place}/answer", "no answer stands here", "withdraw only what was answered"))
        elif one.question == "withdrawal_improved" and one.answer != "withdrawn" and kinds[pair] in SINGLE:
            found.append(
                FieldProblem(
                    f"{place}/question", "it was given once: there is nothing to stop", "leave this question out"
                )
            )
        elif clash is not None:
            found.append(
                FieldProblem(
                    f"{place}/answer", f"the answers contradict each other: {clash.en}", "withdraw one of them"
                )
            )
        seen.add(question)
    return found
