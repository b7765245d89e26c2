"""Codes from a dictionary with its version; without a MedDRA licence, the code that NCI prints in CTCAE."""

from __future__ import annotations

from services.sae_notifier.e2b.block import Block
from services.sae_notifier.e2b.draft.desk import Desk
from services.sae_notifier.e2b.rules.case import MEDDRA_OF_CTCAE
from services.sae_notifier.e2b.text import clean
from shared.case import CodedTerm
from shared.errors import Refused
from shared.terms import as_version


def coded(desk: Desk, block: Block, term: CodedTerm | None, code: str, version: str) -> None:
    """Put code and version; nothing is made up for a term that nobody coded."""
    if term is None or not term.code.strip():
        return
    block.put(code, clean(term.code))
    if term.dictionary == "MedDRA":
        block.put(version, clean(term.version))
        return
    block.put(version, _version(desk, term.version))
    en = (
        f"{code} is coded from CTCAE {term.version[:10]} with the MedDRA code NCI prints there: there is no MedDRA licence; "
        "receivers that take only current MedDRA codes will refuse it"
    )
    vi = (
        f"{code} lấy từ CTCAE {term.version[:10]} với mã MedDRA do NCI in kèm: chưa có giấy phép MedDRA; "
        "nơi chỉ nhận mã MedDRA hiện hành sẽ từ chối"
    )
    desk.notice(code, "coded-by-ctcae", en, vi, desk.doubts.coded_by_ctcae)


def _version(desk: Desk, ctcae: str) -> str:
    try:
        known = as_version(ctcae)
    except Refused:
        return clean(ctcae)
    return known if desk.doubts.ctcae_version_as == "ctcae" else MEDDRA_OF_CTCAE[known]
