"""Words taken back: which text of which document, by its hash and never by itself, who took it back and why."""

from __future__ import annotations

from datetime import datetime

from shared.case.base import Published
from shared.case.text import Typed


class TakenText(Published):
    """One text: the document, its version, the JSON pointer (RFC 6901) and the SHA-256 of the words (UTF-8)."""

    aggregate: str
    version: int
    pointer: str
    sha256: str


class CaseRedacted(Published):
    """One redaction (aggregate `redaction/{redaction_id}`): the case keeps its version, its duties and their dates.

    Whoever keeps a document of that child blanks what `texts` names; with `everywhere`, also the same words wherever else
    they stand in that child's documents, later ones too.
    """

    redaction_id: str
    version: int = 1
    trial_id: str
    subject_id: str
    case_id: str
    case_number: str
    texts: tuple[TakenText, ...] = ()
    everywhere: bool = True
    rejected: tuple[str, ...] = ()
    """Submissions that never became a case, whose bytes are taken back too: by their number."""
    reason: Typed
    redacted_by: str
    redacted_at: datetime
    """When the officer proved anew who signed."""
    signed_sha256: str
    """Of the canonical JSON of this document without this field and `recorded_at`."""
    recorded_at: datetime
