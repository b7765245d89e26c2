"""Sites: where children are treated, in which country and zone, and whom to call there (roles, never persons)."""

from __future__ import annotations

from pydantic import Field

from shared.trial.base import Bilingual, Identifier, Spec, Zone


class Contact(Spec):
    role: Bilingual
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")


class Site(Spec):
    """`subject_prefix` begins the code of every child of this site (`VN01` in `VN01-007`)."""

    id: Identifier
    name: Bilingual
    country: str = Field(pattern=r"^[A-Z]{2}$")
    zone: Zone
    subject_prefix: Identifier
    contacts: tuple[Contact, ...] = Field(min_length=1)
