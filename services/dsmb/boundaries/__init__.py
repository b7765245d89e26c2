"""Stopping rules: where a rule stands, and how likely it is to cross by chance. A crossing asks people to look; it stops nothing."""

from services.dsmb.boundaries.chance import crossing_probability
from services.dsmb.boundaries.state import State, state

__all__ = ["State", "crossing_probability", "state"]
