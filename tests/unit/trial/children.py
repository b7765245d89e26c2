"""Children and infusions for the tests of periods and findings."""

from __future__ import annotations

from datetime import UTC, datetime

from shared.case import Exposure, Moment, Subject

ZONE = "Asia/Ho_Chi_Minh"
RECORDED = datetime(2026, 11, 20, tzinfo=UTC)


def moment(value: str, zone: str = ZONE) -> Moment:
    return Moment(value=value, zone=zone)


def child(enrolled: str | None = "2025-01-10", birth: str | None = "2020-03", *, provisional: bool = False) -> Subject:
    return Subject(
        subject_id="VN01-001",
        version=1,
        trial_id="t",
        provisional=provisional,
        birth=moment(birth) if birth else None,
        enrolled=moment(enrolled) if enrolled else None,
        recorded_at=RECORDED,
    )


def infusion(
    start: str | None,
    number: int | None = None,
    *,
    end: str | None = None,
    voided: bool = False,
    zone: str = ZONE,
    recorded: datetime = RECORDED,
) -> Exposure:
    return Exposure(
        exposure_id=f"inf-{number}-{start}",
        version=1,
        trial_id="t",
        subject_id="VN01-001",
        kind="bm_mnc_infusion",
        start=moment(start, zone) if start else None,
        end=moment(end, zone) if end else None,
        infusion_number=number,
        voided=voided,
        recorded_at=recorded,
    )
