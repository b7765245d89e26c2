"""Who must be told: authorities, ethics committees, the sponsor; and which group of duties goes to whom."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from shared.trial.base import Bilingual, Identifier, Spec, Zone

ReportFormat = Literal["vn_sae_form", "cioms_i", "e2b_r3"]
FilingChannel = Literal["mail", "hand", "post", "portal"]


class E2bAddress(Spec):
    """How this recipient is named in an E2B(R3) message, and by whose rules the message is judged."""

    profile: Literal["ich", "fda-premarket"]
    batch_receiver: str = Field(min_length=1, max_length=60)
    """N.1.4."""
    receiver: str = Field(min_length=1, max_length=60)
    """N.2.r.3."""


class Transport(Spec):
    """How a recipient's computer is reached. `endpoint` names an entry of TOCSIN_ENDPOINTS: the address and its secret
    stand there, never in a trial file."""

    kind: Literal["file_drop", "http_gateway", "smtp"]
    endpoint: Identifier
    answer_within_hours: int = Field(default=48, ge=1, le=720)
    """Without an acknowledgement by then somebody is alarmed."""


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
    e2b: E2bAddress | None = None
    """Only and always where `report_format` is `e2b_r3`."""
    transport: Transport | None = None
    """With one, reports go out as E2B(R3) first; `channel` is the way when that one is closed."""

    @model_validator(mode="after")
    def _address_fits(self) -> Recipient:
        if self.channel == "mail" and (self.address.count("@") != 1 or " " in self.address):
            raise ValueError(f"recipient {self.id}: channel mail needs an e-mail address, not {self.address[:60]!r}")
        if self.channel == "portal" and not self.address.startswith("https://"):
            raise ValueError(
                f"recipient {self.id}: channel portal needs an https:// address, not {self.address[:60]!r}"
            )
        if (self.report_format == "e2b_r3") != (self.e2b is not None):
            raise ValueError(f"recipient {self.id}: `e2b` belongs to the report format e2b_r3; give both or neither")
        if self.transport is not None and self.e2b is None:
            raise ValueError(
                f"recipient {self.id}: a transport carries E2B(R3); write `report_format: e2b_r3` and `e2b`"
            )
        return self


class DutyGroup(Spec):
    """A name that rule files use for recipients; every recipient of the group gets a duty of its own."""

    id: Identifier
    label: Bilingual
    recipients: tuple[Identifier, ...] = Field(min_length=1)
