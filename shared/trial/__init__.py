"""A trial as data: models, the loader that names line and column, the on-call roster, lookups, findings against the plan."""

from shared.trial.catalogue import CatalogueEntry, CausalRole
from shared.trial.check import Checked, check
from shared.trial.findings import Finding, findings
from shared.trial.load import TrialInvalid, load
from shared.trial.recipient import E2bAddress, Recipient, Transport
from shared.trial.roster import OnCall, Person, Roster
from shared.trial.rsi import ListedTerm, RsiVersion
from shared.trial.site import Site
from shared.trial.trial import Trial

__all__ = [
    "CatalogueEntry",
    "CausalRole",
    "Checked",
    "E2bAddress",
    "Finding",
    "ListedTerm",
    "OnCall",
    "Person",
    "Recipient",
    "Roster",
    "RsiVersion",
    "Site",
    "Transport",
    "Trial",
    "TrialInvalid",
    "check",
    "findings",
    "load",
]
