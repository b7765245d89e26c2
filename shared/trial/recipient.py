"""Who must be told: authorities, ethics committees, the sponsor; and which group of duties goes to whom."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from shared.trial.base import Bilingual, Identifier, Spec, Zone

ReportFormat = Literal["vn_sae_form", "cioms_i", "e2b_r3"]
FilingChannel = Literal["mail", "hand", "post", "portal"]


class Recipient(Spec):
    """`address` is an e-mail for `mail`, an https address for `portal`, words for `hand` and `post`."""

    id: Identifier
    name: Bilingual
    country: str = Field(pattern=r"^[A-Z]{2}$")
    zone: Zone
    channel: FilingChannel
    address: str = Field(min_length=1)
    report_format: ReportFormat = "vn_sae_form"
    """What is made for it unless a person chooses another."""
    language: Literal["vi", "en"]

    @model_validator(mode="after")
    def _address_fits(self) -> Recipient:
        if self.channel == "mail" and (self.address.count("@") != 1 or " " in self.address):
            raise ValueError(f"recipient {self.id}: channel mail needs an e-mail address, not {self.address[:60]!r}")
        if self.channel == "portal" and not self.address.startswith("https://"):
            raise ValueError(
                f"recipient {self.id}: channel portal needs an https:// address, not {self.address[:60]!r}"
            )
        return self


class DutyGroup(Spec):
    """A name that rule files use for recipients; every recipient of the group gets a duty of its own."""

    id: Identifier
    label: Bilingual
    recipients: tuple[Identifier, ...] = Field(min_length=1)
