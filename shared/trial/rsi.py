"""Reference safety information: which terms are listed, for what, up to which grade, from when, and who signed it."""

from __future__ import annotations

from datetime import date

from pydantic import Field, StrictBool, model_validator

from shared.case.exposure import ExposureKind
from shared.trial.base import Bilingual, Identifier, Spec


class MonitorSignature(Spec):
    """The medical monitor (by user id) who agreed that this term is listed."""

    user_id: Identifier
    signed_on: date


class ListedTerm(Spec):
    """One listed term. Until a monitor has signed it nothing is expected because of it."""

    code: str = Field(pattern=r"^\d{8}$")
    """The CTCAE term's code (a MedDRA LLT number)."""
    term: str
    listed_for: tuple[ExposureKind, ...] = Field(min_length=1)
    max_listed_grade: int = Field(ge=1, le=5)
    fatal_listed: StrictBool
    signed_by_monitor: MonitorSignature | None
    source: str
    """Where the term comes from (DOI, registration), so that a monitor can check it."""

    @model_validator(mode="after")
    def _fatal_agrees(self) -> ListedTerm:
        if (self.max_listed_grade == 5) != self.fatal_listed:
            raise ValueError(f"{self.term}: grade 5 is death; max_listed_grade 5 and fatal_listed true go together")
        return self

    @property
    def signed(self) -> bool:
        return self.signed_by_monitor is not None


class RsiVersion(Spec):
    """In force from the start of `effective_from` to the end of `effective_to`, local days of the trial's zone."""

    version: Identifier
    illustrative: StrictBool
    effective_from: date
    effective_to: date | None
    note: Bilingual
    terms: tuple[ListedTerm, ...]

    @model_validator(mode="after")
    def _in_order(self) -> RsiVersion:
        if self.effective_to is not None and self.effective_to < self.effective_from:
            raise ValueError(f"version {self.version}: effective_to lies before effective_from")
        return self

    def in_force(self, on: date) -> bool:
        return self.effective_from <= on and (self.effective_to is None or on <= self.effective_to)

    def listed(self, code: str, kind: ExposureKind) -> ListedTerm | None:
        """The listed term for this code and kind of exposure, signed or not: the caller looks at `signed`."""
        return next((one for one in self.terms if one.code == code and kind in one.listed_for), None)
