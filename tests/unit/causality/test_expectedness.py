"""Expectedness against the version in force at onset; every doubt counts as unexpected."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.causality.domain import ListedTerm, RsiVersion, expectedness
from shared.case import AdverseEvent, Answer, ExposureKind
from tests.unit.causality.build import FEVER, MENINGITIS, NOW, VOMITING, event

OUT_OF_DANGER = {"death": "no"}
GIVEN: dict[ExposureKind, Answer] = {"bm_mnc_infusion": "yes", "lumbar_puncture": "yes", "piracetam": "unknown"}


def _row(code: str = FEVER, **more: object) -> ListedTerm:
    fields: dict[str, object] = {
        "code": code,
        "term": "Fever",
        "max_grade": 2,
        "kinds": ("bm_mnc_infusion",),
        "fatal_listed": False,
        "signed": True,
    }
    return ListedTerm(**(fields | more))  # type: ignore[arg-type]


def _version(*rows: ListedTerm, name: str = "1", start: int = 2026, end: int | None = None, **more: bool) -> RsiVersion:
    return RsiVersion(
        name,
        datetime(start, 1, 1, tzinfo=UTC),
        datetime(end, 1, 1, tzinfo=UTC) if end else None,
        more.get("illustrative", False),
        rows,
    )


def _event(code: str | None = FEVER, grade: int | None = 2, **more: object) -> AdverseEvent:
    grades = () if grade is None else ({"grade": grade},)
    return event(code, **({"grades": grades, "outcome": "recovered", "seriousness": OUT_OF_DANGER} | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("case", "row", "answer", "word"),
    [
        (_event(), _row(), "yes", "listed up to grade 2"),
        (_event(grade=3), _row(), "no", "above the listed grade 2"),
        (_event(grade=4), _row(max_grade=None), "yes", "any grade"),
        (_event(), _row(signed=False), "no", "no monitor has signed"),
        (_event(code=VOMITING), _row(), "no", "not listed"),
        (_event(outcome="fatal"), _row(), "no", "not listed as fatal"),
        (_event(grade=5), _row(), "no", "not listed as fatal"),
        (_event(seriousness={"death": "yes"}), _row(), "no", "not listed as fatal"),
        (_event(grade=5, outcome="fatal"), _row(fatal_listed=True), "yes", "listed"),
        (_event(outcome="unknown", seriousness={}), _row(), "unknown", "fatal is not answered"),
        (_event(grade=None), _row(), "unknown", "No grade"),
        (_event(grade=None), _row(max_grade=None), "yes", "any grade"),
        (_event(), _row(kinds=("botulinum_toxin",)), "no", "not given before onset"),
        (_event(), _row(kinds=("piracetam",)), "unknown", "not known"),
        (_event(), _row(kinds=("piracetam", "lumbar_puncture")), "yes", "listed"),
        (_event(), _row(kinds=()), "yes", "listed"),
        (_event(code=None), _row(), "unknown", "not coded"),
    ],
)
def test_against_one_listed_term(case: AdverseEvent, row: ListedTerm, answer: Answer, word: str) -> None:
    result = expectedness(case, [_version(row)], GIVEN, NOW)
    assert result.answer == answer, result.why.en
    assert word in result.why.en
    assert result.why.vi
    assert result.rsi_version == "1"


def test_two_rows_of_one_term_are_read_for_each_kind() -> None:
    rows = (_row(kinds=("botulinum_toxin",), max_grade=4), _row(kinds=("lumbar_puncture",), max_grade=1))
    assert expectedness(_event(grade=3), [_version(*rows)], GIVEN, NOW).answer == "no"


def test_the_version_at_onset_counts_not_the_latest() -> None:
    old, new = _version(name="1", start=2025, end=2026), _version(_row(), name="2", start=2026)
    assert expectedness(_event(onset="2025-12-31T20:00"), [old, new], GIVEN, NOW).rsi_version == "1"
    assert expectedness(_event(onset="2026-03-10T05:00"), [old, new], GIVEN, NOW).answer == "yes"
    turn = _event(onset="2026-01-01T07:00")
    assert expectedness(turn, [old, new], GIVEN, NOW).rsi_version == "2"


@pytest.mark.parametrize("onset", [None, "2040-01-01", "2024-05-05", "2026-01-01", "2025"])
def test_no_single_version_certain_is_unknown_and_counts_as_unexpected(onset: str | None) -> None:
    versions = [_version(_row(), name="1", start=2025, end=2026), _version(_row(), name="2", start=2026)]
    result = expectedness(_event(onset=onset), versions, GIVEN, NOW)
    assert (result.answer, result.rsi_version) == ("unknown", None)
    assert "unexpected" in result.why.en
    assert "ngoài dự kiến" in result.why.vi


def test_an_illustrative_version_says_so() -> None:
    result = expectedness(_event(code=MENINGITIS), [_version(illustrative=True)], GIVEN, NOW)
    assert result.illustrative
    assert "ILLUSTRATIVE" in result.why.en
