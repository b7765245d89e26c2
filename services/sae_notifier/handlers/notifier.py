"""What every handler needs besides the transaction."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from services.sae_notifier.handlers.law import Laws
from shared.audit import Audit
from shared.bus.wake import Wake
from shared.trial import Trial


@dataclass(frozen=True)
class Electronic:
    """What electronic reports need of this installation: the official schemas, and which endpoints have an address."""

    schemas_dir: Path = Path("e2b-schemas")
    endpoints: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Notifier:
    """The trial, the law, the trail; `wake` tells the dispatcher that something is due, `relay_wake` the relay.

    `trial` says whom to call and how to reach a recipient, as configured; duties are judged by the trial inside the law.
    """

    trial: Trial
    laws: Laws
    audit: Audit
    wake: Wake
    relay_wake: Wake
    electronic: Electronic = Electronic()
