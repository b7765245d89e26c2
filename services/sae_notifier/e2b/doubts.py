"""What the sources leave open, as named settings: each has a value, a reason, and can be changed without touching a rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.sae_notifier.e2b.finding import Severity


@dataclass(frozen=True)
class Doubts:
    """`WHY` says what stands against each value."""

    message_id_differs: Literal["by-profile", "error", "warning"] = "by-profile"
    fda_null_flavours: Literal["warning", "error"] = "warning"
    meddra_versions_mixed: Severity = "error"
    news_after_creation: Severity = "warning"
    coded_by_ctcae: Severity = "warning"
    ctcae_version_as: Literal["meddra", "ctcae"] = "meddra"
    clinician_is_physician: bool = True
    unanswered_is_suspected: bool = True
    test_receivers: bool = True
    aggregate_words: tuple[str, ...] = ("AGGREGATE", "AGGREGRATE")


WHY = {
    "message_id_differs": "N.2.r.1 must equal C.1.1 by the ICH guide; FDA's own instances carry a UUID there and are accepted "
    "(by-profile: an error for ich, a warning for fda-premarket)",
    "fda_null_flavours": "FDA's tables still allow null flavours that the ICH guide 5.03 has withdrawn (C.2.r.3, D.2.3, D.9.3 ...)",
    "meddra_versions_mixed": "one MedDRA version per report; FDA says so in its table, ICH in its guide",
    "news_after_creation": "C.1.5 after C.1.2 makes no sense, but no source forbids it and FDA's own instances have it",
    "coded_by_ctcae": "without a MedDRA licence the code is the one NCI prints in CTCAE; EudraVigilance takes only the current and "
    "the previous MedDRA version",
    "ctcae_version_as": "E.i.2.1a names a MedDRA version: CTCAE 5.0 prints codes of MedDRA 20.1, CTCAE 6.0 of 28.0 "
    "(meddra writes these, ctcae writes the CTCAE version itself)",
    "clinician_is_physician": "the role `clinician` is sent as C.2.r.4 = 1 (physician), else as 3 (other health professional)",
    "unanswered_is_suspected": "FDA knows only Suspected and Not Suspected; an unanswered or unsigned relatedness is sent as Suspected",
    "test_receivers": "FDA's test receiver ZZFDATST_PREMKT is accepted where the rules name only ZZFDA_PREMKT",
    "aggregate_words": "FDA's documents spell the aggregate patient both ways; we send AGGREGATE and read both",
}
