"""Where a child's actual course departs from the plan: findings for the desk, never refusals.

The arm is not known here (it travels on its own topic), so an infusion is held against every arm's windows.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from shared.case.exposure import Exposure
from shared.case.moment import Moment
from shared.case.periods import infusions
from shared.case.subject import Subject
from shared.trial.plan import Arm
from shared.trial.trial import Trial


@dataclass(frozen=True)
class Finding:
    """`certain` is False where a partial date allows both readings; `aggregate` is what to look at."""

    code: str
    aggregate: str
    why_en: str
    why_vi: str
    certain: bool = True


@dataclass(frozen=True)
class Days:
    """The local days a partial date can mean."""

    first: date
    last: date

    @classmethod
    def of(cls, moment: Moment) -> Days:
        zone = ZoneInfo(moment.zone)
        return cls(moment.earliest().astimezone(zone).date(), moment.latest().astimezone(zone).date())

    def plus_months(self, months: int) -> Days:
        return Days(months_after(self.first, months), months_after(self.last, months))


def months_after(day: date, months: int) -> date:
    """The same day `months` later, cut to the length of the month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def findings(trial: Trial, subject: Subject, exposures: Sequence[Exposure]) -> tuple[Finding, ...]:
    """Every departure from the plan that the child's own data show; voided exposures are ignored."""
    given = infusions(exposures)
    return (
        *_age(trial, subject),
        *_missing(trial, subject, given),
        *_windows(trial, subject, given),
        *_numbers(trial, given),
    )


def _age(trial: Trial, subject: Subject) -> Iterator[Finding]:
    who = f"subject/{subject.subject_id}"
    if subject.birth is None or subject.enrolled is None:
        yield Finding(
            "age_not_checked",
            who,
            "birth or enrolment is missing, so the age at enrolment is not checked",
            "thiếu ngày sinh hoặc ngày tuyển vào nên chưa kiểm tra được tuổi khi tuyển",
        )
        return
    born, enrolled = Days.of(subject.birth), Days.of(subject.enrolled)
    low, high = trial.age.min_years, trial.age.max_years
    youngest, oldest = _years(born.last, enrolled.first), _years(born.first, enrolled.last)
    if low <= youngest and oldest <= high:
        return
    certain = oldest < low or youngest > high
    age = str(youngest) if youngest == oldest else f"{youngest}-{oldest}"
    yield Finding(
        "age_outside_range",
        who,
        f"aged {age} at enrolment; the protocol says {low}-{high} years",
        f"{age} tuổi khi tuyển vào; đề cương quy định {low}-{high} tuổi",
        certain,
    )


def _years(born: date, on: date) -> int:
    """Completed years; somebody born on 29 February completes them on 28 February of common years."""
    return on.year - born.year - (on < months_after(born, 12 * (on.year - born.year)))


def _missing(trial: Trial, subject: Subject, given: Sequence[Exposure]) -> Iterator[Finding]:
    if subject.enrolled is None and given:
        yield Finding(
            "window_not_checked",
            f"subject/{subject.subject_id}",
            "enrolment is missing, so the infusion windows are not checked",
            "thiếu ngày tuyển vào nên chưa kiểm tra được khung thời gian truyền",
        )
    for one in given:
        if one.start is None:
            yield Finding(
                "infusion_undated",
                _of(one),
                "the infusion has no start; it counts as given at some time before it was recorded",
                "lần truyền không có thời điểm bắt đầu; được tính là đã truyền trước khi ghi nhận",
            )
        elif one.start.is_future(one.recorded_at):
            yield Finding(
                "infusion_in_future",
                _of(one),
                f"the start {one.start.value} lies after the infusion was recorded; it counts as missing",
                f"thời điểm bắt đầu {one.start.value} sau lúc ghi nhận; được coi là thiếu",
            )


def _windows(trial: Trial, subject: Subject, given: Sequence[Exposure]) -> Iterator[Finding]:
    if subject.enrolled is None:
        return
    start = Days.of(subject.enrolled)
    dated = [
        ((one.infusion_number or index) - 1, one, Days.of(one.start))
        for index, one in enumerate(given, start=1)
        if one.start is not None and not one.start.is_future(one.recorded_at)
    ]
    for order, one, days in dated:
        if days.last < start.first:
            yield Finding(
                "infusion_before_enrolment",
                _of(one),
                f"the infusion on {days.last} lies before enrolment on {start.first}",
                f"lần truyền ngày {days.last} trước ngày tuyển vào {start.first}",
            )
            continue
        verdicts = [_inside(arm, order, start, days) for arm in _possible(trial, start, dated, order)]
        if not verdicts or "in" in verdicts:
            continue
        certain = "perhaps" not in verdicts
        yield Finding(
            "infusion_outside_window",
            _of(one),
            f"infusion {order + 1} on {days.first} is outside the window of every arm",
            f"lần truyền {order + 1} ngày {days.first} nằm ngoài khung thời gian của mọi nhánh",
            certain,
        )
        if order == 0 and certain and _between_arms(trial, start, days):
            yield Finding(
                "early_crossover",
                _of(one),
                f"the first infusion on {days.first} lies between the arms' windows: a late start, or an early crossover",
                f"lần truyền đầu ngày {days.first} nằm giữa khung của các nhánh: bắt đầu muộn hoặc chuyển nhánh sớm",
            )


def _possible(trial: Trial, start: Days, dated: Sequence[tuple[int, Exposure, Days]], order: int) -> list[Arm]:
    """The arms a child can belong to, judged by its first infusion; all of them where that fits none."""
    planned = [arm for arm in trial.arms if order < len(arm.infusions)]
    first = next((days for at, _, days in dated if at == 0), None)
    if order == 0 or first is None:
        return planned
    return [arm for arm in planned if _inside(arm, 0, start, first) != "out"] or planned


def _inside(arm: Arm, order: int, start: Days, days: Days) -> str:
    """`in`, `out`, or `perhaps` where partial dates allow both."""
    plan = arm.infusions[order]
    due, slack = start.plus_months(plan.month), timedelta(days=plan.window_days)
    if days.last < due.first - slack or days.first > due.last + slack:
        return "out"
    return "in" if days.first >= due.last - slack and days.last <= due.first + slack else "perhaps"


def _between_arms(trial: Trial, start: Days, days: Days) -> bool:
    """After one arm's first window is over and before another's begins."""
    firsts = [
        (start.plus_months(p.month), timedelta(days=p.window_days))
        for p in (a.infusions[0] for a in trial.arms if a.infusions)
    ]
    over = any(days.first > due.last + slack for due, slack in firsts)
    return over and any(days.last < due.first - slack for due, slack in firsts)


def _numbers(trial: Trial, given: Sequence[Exposure]) -> Iterator[Finding]:
    planned = max((len(arm.infusions) for arm in trial.arms), default=0)
    for order, one in enumerate(given):
        if order >= planned:
            yield Finding(
                "more_infusions_than_planned",
                _of(one),
                f"infusion {order + 1} of {planned} planned",
                f"lần truyền thứ {order + 1} trong khi đề cương dự kiến {planned}",
            )
    numbers = [one.infusion_number for one in given if one.infusion_number is not None]
    for one in given:
        number = one.infusion_number
        if number is not None and numbers.count(number) > 1:
            yield Finding(
                "infusion_number_twice",
                _of(one),
                f"two infusions bear the number {number}",
                f"hai lần truyền cùng mang số {number}",
            )
    by_date = [one.infusion_number for one in given if one.infusion_number is not None and one.start is not None]
    if by_date != sorted(by_date):
        yield Finding(
            "infusion_number_out_of_order",
            _of(given[0]),
            "the infusion numbers do not follow their dates",
            "số thứ tự các lần truyền không theo ngày truyền",
        )
    absent = sorted(set(range(1, max(numbers, default=0))) - set(numbers))
    if absent and len(given) < max(numbers):
        listed = ", ".join(str(number) for number in absent)
        yield Finding(
            "infusion_missing",
            _of(given[0]),
            f"infusion {listed} is not recorded although a later one is; it counts as given",
            f"chưa ghi nhận lần truyền {listed} dù đã có lần sau; được tính là đã truyền",
        )


def _of(exposure: Exposure) -> str:
    return f"exposure/{exposure.exposure_id}"
