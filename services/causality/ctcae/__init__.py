"""CTCAE grades from numbers: a floor under the clinician's grade, refused with a reason when something it needs is missing."""

from services.causality.ctcae.check import check, reading_of
from services.causality.ctcae.criteria import TESTS, terms_of
from services.causality.ctcae.grade import Baseline, Grading, Reading, grade

__all__ = ["TESTS", "Baseline", "Grading", "Reading", "check", "grade", "reading_of", "terms_of"]
