"""Words taken back in what only this service keeps: reasons of overrides and of a person's answers, and what a signer wrote.

An assessment keeps its version, its categories and its signature, whose hash is of what was signed: the words as they were.
"""

from __future__ import annotations

import json

from services.causality import store
from shared.bus.blanking import Taking
from shared.canonical import canonical
from shared.case import Assessment, FreeText
from shared.case.withholding import Text, hash_of


def blank(taking: Taking) -> None:
    """Assessments and answers about the child, in every version."""
    for row in store.assessments_of_child(taking.tx, taking.child):
        body = taking.body(Assessment, f"assessment/{row.case_id}", row.version, row.body)
        if body is not None:
            taking.change(row, body=body)
    for row in store.answers_of_child(taking.tx, taking.child):
        reason = FreeText.model_validate_json(row.reason)
        if reason.redacted or not reason.text:
            continue
        text = Text("/reason", hash_of(reason.text), reason.text)
        if text.sha256 in taking.rules.hashes:
            taking.words.add(reason.text)
            blanked = {**json.loads(row.reason), "text": "", "redacted": True, "sha256": text.sha256}
            taking.change(row, reason=canonical(blanked).decode())
