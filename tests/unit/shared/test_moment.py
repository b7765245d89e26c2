"""A time as it was told: what is read, what is refused with a usable sentence."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from shared.case import Moment

HANOI = "Asia/Ho_Chi_Minh"


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("2026-11-16T02:10+07:00", "2026-11-16T02:10"),
        ("2026-11-15T19:10Z", "2026-11-16T02:10"),
        ("2026-11-15T19:10:05.250Z", "2026-11-16T02:10:05"),
        ("2026-11-15T14:10:05-05:00", "2026-11-16T02:10:05"),
    ],
)
def test_an_instant_with_its_offset_is_the_local_time_of_the_zone(told: str, kept: str) -> None:
    assert Moment(value=told, zone=HANOI).value == kept


@pytest.mark.parametrize(
    "told",
    ["2026-02-30", "2026-13", "2026-11-16T24:00", "2026-11-16T02:10+25:00", "٢٠٢٦", "2026-11-16Z", "yesterday", ""],
)
def test_what_is_no_time_is_refused_without_an_echo(told: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Moment(value=told, zone=HANOI)
    said = str(refused.value.errors()[0]["msg"])
    assert "there is no such day" in said or "use YYYY" in said
    assert not told or told not in said


def test_an_hour_alone_is_read() -> None:
    assert Moment(value="2026-11-16T02", zone=HANOI).precision == "hour"
