"""An objective, specific phenomenon: a term that names the procedure, or a germ grown from the child's own batch."""

from __future__ import annotations

from collections.abc import Sequence

from services.causality.domain.pair import Pair
from services.causality.words import Words
from shared.case import Answer, Batch
from shared.case.withholding import plain
from shared.terms import VERSIONS, find

_FEVER = "10016558"
_INFECTIONS = "Infections and infestations"


def specific(pair: Pair, batches: Sequence[Batch]) -> tuple[Answer, Words]:
    """From records alone only yes or unknown."""
    window = pair.delay.window
    if pair.delay.answer == "yes" and window is not None and window.specific:
        return "yes", Words("The term itself names this procedure.", "Chính thuật ngữ nêu thủ thuật này.")
    for batch in batches:
        if batch.batch_id == pair.exposure.batch_id and not batch.voided and batch.sterility == "positive":
            if pair.event.term is not None and _infection(pair.event.term.code):
                germ = f" ({plain(batch.organism)})" if plain(batch.organism) else ""
                return "yes", Words(
                    f"The culture of batch {batch.batch_id} is positive{germ}.",
                    f"Mẫu cấy của lô {batch.batch_id} dương tính{germ}.",
                )
    return "unknown", Words(
        "No specific test or phenomenon is recorded.", "Chưa ghi nhận xét nghiệm hay dấu hiệu đặc hiệu."
    )


def _infection(code: str) -> bool:
    terms = [find(code, version) for version in VERSIONS]
    return code == _FEVER or any(term is not None and term.soc == _INFECTIONS for term in terms)
