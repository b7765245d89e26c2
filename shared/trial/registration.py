"""What a report to an authority says of sender and study (E2B(R3) C.3 and C.5); nothing here is ever guessed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from shared.trial.base import Bilingual, Spec

Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
"""ISO 3166 alpha-2; EU for the European Union."""


class SafetySender(Spec):
    """C.3. The person is a function of the sponsor's desk; FDA wants the block whole, the EU wants it short."""

    e2b_id: str = Field(min_length=1, max_length=60)
    """N.1.3 and N.2.r.2: how the sender is registered with the receivers."""
    organisation: str = Field(min_length=1, max_length=100)
    kind: Literal["1", "2", "3", "4", "5", "6", "7"] = "1"
    """C.3.1; 1 is a pharmaceutical company (the sponsor)."""
    department: str = Field(default="", max_length=60)
    title: str = Field(default="", max_length=50)
    given_name: str = Field(default="", max_length=60)
    family_name: str = Field(default="", max_length=60)
    street: str = Field(default="", max_length=100)
    city: str = Field(default="", max_length=35)
    state: str = Field(default="", max_length=40)
    postcode: str = Field(default="", max_length=15)
    country: Country
    telephone: str = Field(default="", max_length=33)
    fax: str = Field(default="", max_length=33)
    email: str = Field(default="", max_length=100)


class RegisteredNumber(Spec):
    """C.5.1.r."""

    number: str = Field(min_length=1, max_length=50)
    country: Country


class Study(Spec):
    """C.5. A number that is not known is left out, and `why_unknown` says why; the rules that ask for it count all the same."""

    name: str = Field(min_length=1, max_length=2000)
    """C.5.2, in English."""
    sponsor_number: str = Field(min_length=1, max_length=50)
    condition: str = Field(default="", max_length=250)
    """What every child of the trial has, in English."""
    ind_number: str | None = Field(default=None, pattern=r"^\d{5,10}$")
    """FDA.C.5.5a: under which IND the trial runs in the United States, 5 to 10 digits."""
    eu_number: str | None = Field(default=None, pattern=r"^\d{4}-\d{6}-\d{2}(-\d{2})?$")
    """EU CT number (2099-500000-00-00) or EudraCT number (2099-000000-00)."""
    registrations: tuple[RegisteredNumber, ...] = ()
    """In other registries."""
    why_unknown: Bilingual | None = None

    @model_validator(mode="after")
    def _once(self) -> Study:
        numbers = [(one.number, one.country) for one in self.all_registrations]
        if len(set(numbers)) != len(numbers):
            raise ValueError("a registration stands here twice; keep one of the two")
        return self

    @property
    def all_registrations(self) -> tuple[RegisteredNumber, ...]:
        """C.5.1.r, the EU's first."""
        eu = (RegisteredNumber(number=self.eu_number, country="EU"),) if self.eu_number else ()
        return (*eu, *self.registrations)
