"""What every handler needs besides the transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.sae_notifier.rules import Calendar, Rulebook
from shared.audit import Audit
from shared.bus.wake import Wake
from shared.trial import Trial


@dataclass(frozen=True)
class Notifier:
    """The trial, the law, the trail; `wake` tells the dispatcher that something is due, `relay_wake` the relay."""

    trial: Trial
    rulebook: Rulebook
    calendars: Mapping[str, Calendar]
    audit: Audit
    wake: Wake
    relay_wake: Wake
