"""The rows that tables count, one per child and period and one per episode and period, as columns of plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from services.dsmb.domain.child import Child
from services.dsmb.domain.follow_up import SPANS, FollowUp, follow_up
from services.dsmb.domain.occurrence import Occurrence, episodes, occurrences
from services.dsmb.domain.plan import Plan

UNALLOCATED = "none"
"""The column of children for whom no arm was received."""


@dataclass
class Columns:
    """One table as columns; `add` appends a row."""

    names: tuple[str, ...]
    values: dict[str, list[object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.values = {name: [] for name in self.names}

    def add(self, *row: object) -> None:
        for name, value in zip(self.names, row, strict=True):
            self.values[name].append(value)

    def __len__(self) -> int:
        return len(self.values[self.names[0]])


SUBJECTS = ("subject", "arm", "infusions", "left", "enrolled")
TIMES = ("subject", "arm", "span", "first", "last")
EVENTS = (
    "subject",
    "arm",
    "span",
    "episode",
    "day",
    "grade",
    "serious",
    "unanswered",
    "related",
    "investigator",
    "sponsor",
    "term_code",
    "term",
)


@dataclass
class Dataset:
    """`arms` are the letters of this cut in order; `left_out` counts what was not used or not exactly known, by reason."""

    arms: tuple[str, ...]
    subjects: Columns
    times: Columns
    events: Columns
    left_out: dict[str, int]


def dataset(found: Iterable[Child], plan: Plan, coding: Mapping[str, str], at: datetime) -> Dataset:
    """The rows of every child of a cut taken `at`. Void subjects are left out with everything about them, and counted."""
    made = Dataset(
        arms=tuple(sorted(coding[arm] for arm in plan.control_months)),
        subjects=Columns(SUBJECTS),
        times=Columns(TIMES),
        events=Columns(EVENTS),
        left_out={},
    )
    left_out: Counter[str] = Counter()
    for child in sorted(found, key=lambda one: one.subject_id):
        if child.subject is not None and child.subject.voided:
            left_out["void_subjects"] += 1
            continue
        _add(made, left_out, child, plan, coding, at)
    made.left_out = {reason: left_out[reason] for reason in LEFT_OUT}
    return made


LEFT_OUT = (
    "void_subjects",
    "void_cases",
    "cases_without_event",
    "unknown_arms",
    "not_enrolled",
    "left_before_enrolment",
    "before_enrolment",
    "outside_follow_up",
    "imputed_onsets",
    "uncertain_infusions",
    "uncoded",
    "fatal_but_not_left",
)


def _add(
    made: Dataset, left_out: Counter[str], child: Child, plan: Plan, coding: Mapping[str, str], at: datetime
) -> None:
    arm = coding.get(child.arm, UNALLOCATED) if child.arm is not None else UNALLOCATED
    if child.arm is not None and child.arm not in plan.control_months:
        left_out["unknown_arms"] += 1
        arm = UNALLOCATED
    time = follow_up(child, plan, at)
    has_left = child.subject is not None and child.subject.left is not None
    made.subjects.add(child.subject_id, arm, time.infusions, has_left, time.problem != "not_enrolled")
    if time.problem:
        left_out[time.problem] += 1
    left_out["uncertain_infusions"] += time.uncertain
    left_out["void_cases"] += sum(case.nullified is not None for case in child.cases)
    left_out["cases_without_event"] += sum(case.nullified is None and not case.events for case in child.cases)
    for span in SPANS:
        days = time.days.get(span)
        if days is not None:
            made.times.add(child.subject_id, arm, span, days.first, days.last)
    fatal = False
    for episode in episodes(child, plan):
        placed = list(occurrences(episode, time, plan))
        left_out["before_enrolment"] += not placed
        left_out["imputed_onsets"] += any(one.imputed for one in placed)
        left_out["uncoded"] += not episode.term_code
        left_out["outside_follow_up"] += _outside(placed, time)
        fatal = fatal or bool({"death", "fatal_outcome", "grade_5"} & set(episode.serious_reasons))
        for one in placed:
            made.events.add(
                child.subject_id,
                arm,
                one.span,
                episode.key,
                one.day,
                one.grade,
                episode.serious,
                episode.serious_reasons == ("unanswered",),
                one.related,
                episode.opinions.investigator,
                episode.opinions.sponsor,
                episode.term_code,
                episode.term,
            )
    left_out["fatal_but_not_left"] += fatal and not has_left


def _outside(placed: Iterable[Occurrence], time: FollowUp) -> bool:
    return "whole" in time.days and any(one.span == "whole" and one.day is None for one in placed)
