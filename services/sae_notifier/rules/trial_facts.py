"""What the clock must know about the trial and the site; the caller takes it from the trial file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.case import ExposureKind


@dataclass(frozen=True)
class Recipient:
    """Somebody who must be told; `zone` is IANA and used where a rule counts in the recipient's own zone."""

    recipient_id: str
    zone: str


@dataclass(frozen=True)
class TrialFacts:
    """Facts of one trial seen from the site of the case.

    `site_country` is ISO 3166 alpha-2, or `None` when the site is unknown (then every country's rule counts).
    `recipients` resolves the names in a rule file (`necbr`) to who they are in this trial.
    `authorities` names the rule files that are switched on; `None` means all of them.
    """

    trial_id: str
    site_country: str | None
    site_zone: str
    desk_zone: str
    recipients: Mapping[str, tuple[Recipient, ...]]
    settings: Mapping[str, str] = field(default_factory=dict)
    authorities: frozenset[str] | None = None
    countries_with_site: frozenset[str] = frozenset()
    flags: Mapping[str, bool] = field(default_factory=dict)
    """Yes/no facts of the trial that triggers may name (`ind`, `ide`, `blinded`, `same_substance_in_eu`)."""
    product_kinds: frozenset[ExposureKind] = frozenset({"bm_mnc_infusion"})
    administration_kinds: frozenset[ExposureKind] = frozenset({"lumbar_puncture", "sedation", "anaesthetic_agent"})
    """Procedures that are part of giving the product (EU CTR Q&A 7.3)."""
