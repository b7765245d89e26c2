"""The knowledge tables are whole: terms that exist, hours in order, every row with a source, doubts marked."""

from __future__ import annotations

from typing import get_args

import pytest

from services.causality.domain.delay import delay
from services.causality.domain.temporal import temporal
from services.causality.knowledge import note, other_causes, windows
from services.causality.knowledge.background import _table as background_table
from services.causality.knowledge.tables import rows
from services.causality.knowledge.windows import _table
from services.causality.words import KINDS
from shared.case import Answer, ExposureKind
from shared.terms import VERSIONS, find
from tests.unit.causality.build import CSF_LEAK, FEVER, HEADACHE, MENINGITIS, NOW, PNEUMONIA, SEIZURE, event, exposure


def test_every_window_is_sound() -> None:
    table = _table()
    assert len({w.id for w in table}) == len(table) == 172
    for window in table:
        assert window.kind in get_args(ExposureKind)
        assert window.min_h <= window.typical_h <= window.max_h
        assert window.codes
        assert all(any(find(code, v) for v in VERSIONS) for code in window.codes)
        assert window.sources
        assert note(window) or window.doubt


def test_every_background_row_is_sound() -> None:
    assert len(background_table()) == 20
    for cause in background_table():
        assert cause.words.en
        assert cause.words.vi
        assert all(any(find(code, v) for v in VERSIONS) for code in cause.codes)
    assert len({row["id"] for row in rows("sources.csv")}) == len(rows("sources.csv"))
    assert other_causes(SEIZURE)


def test_every_kind_has_words_in_both_languages() -> None:
    assert set(KINDS) == set(get_args(ExposureKind))


@pytest.mark.parametrize(
    ("kind", "code", "low", "typical", "high"),
    [
        ("bm_mnc_infusion", FEVER, 1, 20, 72),
        ("bm_mnc_infusion", "10047700", 0, 12, 72),
        ("bm_mnc_infusion", SEIZURE, 1, 20, 168),
        ("lumbar_puncture", MENINGITIS, 4, 15, 72),
        ("lumbar_puncture", HEADACHE, 0.5, 36, 120),
        ("botulinum_toxin", "10013950", 48, 192, 504),
    ],
)
def test_the_core_windows(kind: ExposureKind, code: str, low: float, typical: float, high: float) -> None:
    known = [(float(w.min_h), float(w.typical_h), float(w.max_h)) for w in windows(kind, None, code)]
    assert (low, typical, high) in known


@pytest.mark.parametrize(
    ("name", "agents"),
    [("Vitamin D3 drops", {"d3"}), ("vitamin B12", {"b12"}), ("Vitamin K", set()), (None, {"d", "b12", "e"})],
)
def test_an_agent_is_known_by_its_words(name: str | None, agents: set[str]) -> None:
    found = {agent for w in _table() if w.kind == "vitamin" and w.agents and w.fits(name) for agent in w.agents}
    assert agents <= found
    if name == "Vitamin K":
        assert not found
    if name == "vitamin B12":
        assert "thiamine" not in found


@pytest.mark.parametrize(
    ("code", "kind", "onset", "answer", "imprecise"),
    [
        (FEVER, "bm_mnc_infusion", "2026-03-10T05:12", "yes", False),
        (FEVER, "bm_mnc_infusion", "2026-03-12T09:12", "yes", False),
        (FEVER, "bm_mnc_infusion", "2026-03-12T09:13", "no", False),
        (FEVER, "bm_mnc_infusion", "2026-03-10", "yes", False),
        (FEVER, "bm_mnc_infusion", "2026-03-12", "unknown", True),
        (FEVER, "bm_mnc_infusion", "2026-03-09", "unknown", True),
        (FEVER, "bm_mnc_infusion", "2026-03-08", "no", False),
        (PNEUMONIA, "bm_mnc_infusion", "2026-03-10T05:12", "unknown", False),
        ("10027198", "bm_mnc_infusion", "2026-05-10", "unknown", False),
        (CSF_LEAK, "lumbar_puncture", "2026-03-09T12:12", "yes", False),
        ("10040752", "bone_marrow_harvest", "2026-03-09T09:05", "yes", False),
    ],
)
def test_a_delay_is_judged_by_what_was_read(code: str, kind: str, onset: str, answer: Answer, imprecise: bool) -> None:
    given = exposure(kind=kind)
    result = delay(temporal(event(code, onset), given, NOW), given, code)
    assert (result.answer, result.imprecise) == (answer, imprecise), result.why.en
    assert result.why.vi


def test_a_window_that_rests_on_memory_never_rules_out_and_says_so() -> None:
    doubtful = [w for w in _table() if w.doubt]
    assert doubtful
    given = exposure()
    result = delay(temporal(event("10027198", "2026-05-10"), given, NOW), given, "10027198")
    assert result.answer == "unknown"
    assert "doubt" in result.why.en
    assert "nghi ngờ" in result.why.vi


def test_a_withdrawal_window_counts_from_the_last_dose() -> None:
    stopped = exposure(kind="muscle_relaxant", name="Baclofen", start="2025-01-01T09:00", end="2026-03-09T09:00")
    result = delay(temporal(event("10037087", "2026-03-10T15:00"), stopped, NOW), stopped, "10037087")
    assert result.answer == "yes"
    assert result.window is not None
    assert result.window.anchor == "stop"
    going_on = stopped.model_copy(update={"end": None, "ongoing": True})
    assert delay(temporal(event("10037087"), going_on, NOW), going_on, "10037087").window is None
