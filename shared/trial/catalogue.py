"""The exposure catalogue: which kinds of exposure there are, what they are to the trial, and how they are usually given."""

from __future__ import annotations

from typing import Literal

from shared.case.exposure import ExposureKind
from shared.trial.base import Bilingual, Spec

CausalRole = Literal["IP", "IP_ADMIN", "HARVEST_PROC", "AXMP", "BACKGROUND", "NONE"]
"""The investigational product, the procedure that gives it, what is done upstream to make it, an auxiliary medicine of the
protocol, background treatment, or nothing that could be a cause (a planned stay)."""


class Agent(Spec):
    """One name a record of this kind may carry, by its international nonproprietary name where it has one."""

    name: str
    label: Bilingual
    route: str | None = None
    """Where it differs from the kind's default."""
    units: tuple[str, ...] = ()
    """UCUM; empty means those of the kind."""


class CatalogueEntry(Spec):
    """One kind of exposure. A name outside `agents` is a finding for the desk, never a refusal."""

    kind: ExposureKind
    label: Bilingual
    role: CausalRole
    default_route: str | None
    units: tuple[str, ...] = ()
    agents: tuple[Agent, ...] = ()

    @property
    def investigational(self) -> bool:
        """The product itself or the procedure that gives it."""
        return self.role in ("IP", "IP_ADMIN")

    def agent(self, name: str) -> Agent | None:
        wanted = name.strip().casefold()
        return next((one for one in self.agents if one.name.casefold() == wanted), None)

    def route_of(self, name: str | None) -> str | None:
        """The usual route: the agent's own, else the kind's."""
        agent = self.agent(name) if name else None
        return agent.route if agent and agent.route else self.default_route
