"""What every handler needs besides the transaction."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from services.dsmb.domain import Plan
from shared.audit import Audit
from shared.bus.wake import Wake
from shared.canonical import canonical, sha256
from shared.trial import Trial


@dataclass(frozen=True)
class Dsmb:
    """`wake` tells the relay."""

    trial: Trial
    audit: Audit
    wake: Wake

    @cached_property
    def plan(self) -> Plan:
        return Plan.of(self.trial)

    @cached_property
    def plan_sha256(self) -> str:
        return sha256(canonical(self.plan.as_json()))
