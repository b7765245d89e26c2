"""What other files would do, told in full and relaxations first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.sae_notifier.rules import Preview, change
from services.sae_notifier.rules.holiday_table import YEARS, Year, library_year, read_table, table_text
from services.sae_notifier.rules.preview import RELAXING
from shared.case import DutyCause, Obligation
from tests.unit.sae_notifier.rules.cases import CALENDARS

DUE = datetime(2026, 3, 20, 16, 59, 59, tzinfo=UTC)
DAY = timedelta(days=1)
VN = CALENDARS["VN"]


def duty(state: str = "open", name: str = "o1", **more: object) -> Obligation:
    fields: dict[str, object] = {
        "obligation_id": name,
        "version": 1,
        "trial_id": "T",
        "subject_id": "S",
        "case_id": "C",
        "case_number": "VN-1",
        "rule_id": "VN-SAE-7WD",
        "recipient_id": "necbr",
        "recipient_zone": "Asia/Ho_Chi_Minh",
        "state": state,
        "aware_at": DUE - 10 * DAY,
        "due_at": DUE,
        "due_strict_at": DUE - DAY,
        "due_on": DUE.date(),
        "rule_sha256": "a",
        "calendar_sha256": "b",
        "recorded_at": DUE - 10 * DAY,
    }
    return Obligation.model_validate(fields | more)


KEPT = DutyCause(at=DUE, aggregate="case/C", version=1, code="kept_unexplained", why_en="-", why_vi="-")


@pytest.mark.parametrize(
    ("before", "after", "effect"),
    [
        (None, duty(), "added"),
        (None, duty("ended"), "same"),
        (duty(), duty("ended"), "ended"),
        (duty("filed"), duty("ended"), "ended"),
        (duty("rejected"), duty("ended"), "ended"),
        (duty(), duty(due_at=DUE + DAY), "later"),
        (duty(), duty(due_strict_at=DUE), "later"),
        (duty(), duty(due_at=DUE + DAY, due_strict_at=DUE - 5 * DAY), "later"),
        (duty(), duty(due_at=DUE - DAY, due_strict_at=DUE - DAY), "earlier"),
        (duty(), duty(due_strict_at=DUE - 3 * DAY), "earlier"),
        (duty(), duty(rule_sha256="c"), "same"),
        (duty(), duty(rule_id="VN-SAE-15WD"), "moved_rule"),
        (duty(), duty(causes=(KEPT,)), "unexplained"),
        (duty("ended"), duty(), "reopened"),
        (duty("received"), duty("received", due_at=DUE + DAY), "same"),
    ],
)
def test_each_effect_has_its_name(before: Obligation | None, after: Obligation, effect: str) -> None:
    found = change(before, after)
    assert (found.effect, found.relaxes) == (effect, effect in ("ended", "later"))


def test_relaxations_come_first_and_nothing_is_left_out() -> None:
    made = [
        change(duty(name="same"), duty(name="same")),
        change(duty(name="early"), duty(name="early", due_at=DUE - DAY)),
        change(None, duty(name="new")),
        change(duty(name="late"), duty(name="late", due_at=DUE + DAY)),
        change(duty(name="over"), duty("ended", name="over")),
    ]
    found = Preview.of(made, ["C9", "C1"])
    assert [one.obligation_id for one in found.changes] == ["over", "late", "new", "early", "same"]
    assert [one.obligation_id for one in found.relaxations] == ["over", "late"]
    assert [one.obligation_id for one in found.shown] == ["over", "late", "new", "early"]
    assert found.counts == {"ended": 1, "later": 1, "added": 1, "earlier": 1, "same": 1}
    assert (found.recipients, found.failed) == (("necbr",), ("C1", "C9"))
    assert {"ended", "later"} == RELAXING


def test_the_hash_is_that_of_what_would_move() -> None:
    late = change(duty(), duty(due_at=DUE + DAY))
    found = Preview.of([late])
    assert found.sha256 == Preview.of([late, change(duty(name="o2"), duty(name="o2"))]).sha256
    assert found.sha256 != Preview.of([change(duty(), duty(due_at=DUE + 2 * DAY))]).sha256
    assert found.sha256 != Preview.of([late], ["C1"]).sha256


def test_a_table_says_what_the_library_says_and_stands_by_itself() -> None:
    country, years = read_table(table_text("VN"))
    assert (country, sorted(years)) == ("VN", list(YEARS))
    assert all(years[year] == library_year("VN", year) for year in YEARS)
    table = VN.with_table(years, {"holidays": "abc", "tzdata": "2026a"})
    begin = datetime(2026, 1, 1, tzinfo=UTC).date()
    for reading in ("legal", "strict"):
        for offset in range(730):
            day = begin + timedelta(days=offset)
            assert table.is_working(day, reading) == VN.is_working(day, reading)  # type: ignore[arg-type]


def test_a_newer_library_moves_no_date_of_an_activated_table() -> None:
    _, years = read_table(table_text("VN"))
    wednesday = datetime(2026, 7, 15, tzinfo=UTC).date()
    other = {**years, 2026: Year({**years[2026].names, wednesday: "A day off"}, years[2026].make_up)}
    mine = VN.with_table(years, {"holidays": "abc", "tzdata": "2026a"})
    theirs = VN.with_table(other, {"holidays": "def", "tzdata": "2026a"})
    assert mine.is_working(wednesday, "legal") and not theirs.is_working(wednesday, "legal")
    assert mine.sha256 != theirs.sha256
    assert mine.sha256 == VN.with_table(years, {"holidays": "abc", "tzdata": "2026a"}).sha256
