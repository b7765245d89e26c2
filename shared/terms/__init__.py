"""CTCAE v5.0 and v6.0 terms: code, name, organ class and the grades that exist; no grade texts, no definitions.

Source: US National Cancer Institute, CTCAE v5.0 (2017-11-27) and v6.0 with the errata of 2026-01-20. The codes are the MedDRA
lowest-level-term codes that NCI prints; E2B coding needs the sponsor's own MedDRA licence.
"""

from shared.terms.ctcae import VERSIONS, CtcaeVersion, Term, as_version, available_grades, find, get, terms
from shared.terms.search import Match, search
from shared.terms.vietnamese import label

__all__ = [
    "VERSIONS",
    "CtcaeVersion",
    "Match",
    "Term",
    "as_version",
    "available_grades",
    "find",
    "get",
    "label",
    "search",
    "terms",
]
