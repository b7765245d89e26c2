"""What the protocol plans: arms, infusions with windows, visits, rehabilitation. Months are counted from T0 (enrolment)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from shared.trial.base import Bilingual, Identifier, Spec


class PlannedInfusion(Spec):
    """Infusion `number` of an arm, due `month` months after T0, `window_days` either side."""

    number: int = Field(ge=1)
    month: int = Field(ge=0)
    window_days: int = Field(ge=0)


class Arm(Spec):
    """One arm; `control_until_month` is null where the first infusion is at once."""

    id: Identifier
    label: Bilingual
    infusions: tuple[PlannedInfusion, ...]
    control_until_month: int | None = Field(ge=0)
    last_visit: Identifier | None
    """Null where the protocol's last visit of the arm is not known to us."""


class Visit(Spec):
    """A planned visit of some arms; `window_days` is null where the protocol's window is not known to us."""

    id: Identifier
    month: int = Field(ge=0)
    window_days: int | None = Field(ge=0)
    arms: tuple[Identifier, ...] = Field(min_length=1)
    label: Bilingual


class Rehabilitation(Spec):
    """The courses both arms get: `days_per_course` days in a month, `courses` times."""

    days_per_course: int = Field(ge=1)
    courses: int = Field(ge=1)
    settings: tuple[Literal["centre", "home"], ...] = Field(min_length=1)
    deliverers: tuple[Literal["technician", "family"], ...] = Field(min_length=1)


class AgeRange(Spec):
    """Completed years at enrolment, both ends included: 10 means until the day before the eleventh birthday."""

    min_years: int = Field(ge=0)
    max_years: int = Field(ge=0)
