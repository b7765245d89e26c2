"""What of the trial decides duties, as a document of its own: no contact, no arm, nothing that moves no date."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.sae_notifier.rules.trial_facts import Recipient, TrialFacts
from shared.canonical import canonical
from shared.case import ExposureKind


@dataclass(frozen=True)
class SitePart:
    country: str
    zone: str


@dataclass(frozen=True)
class TrialPart:
    """Sites by id; recipients by the names that rule files use."""

    trial_id: str
    desk_zone: str
    sites: Mapping[str, SitePart]
    recipients: Mapping[str, tuple[Recipient, ...]]
    settings: Mapping[str, str]
    product_kinds: frozenset[ExposureKind]
    administration_kinds: frozenset[ExposureKind]
    flags: Mapping[str, bool] = field(default_factory=dict)
    """Yes/no facts of the trial that triggers may name; what is not here is not answered."""

    def facts(self, site_id: str | None) -> TrialFacts:
        """As the clock sees it from one site; an unknown site leaves the country open, so every rule counts."""
        site = self.sites.get(site_id) if site_id else None
        return TrialFacts(
            trial_id=self.trial_id,
            site_country=site.country if site else None,
            site_zone=site.zone if site else self.desk_zone,
            desk_zone=self.desk_zone,
            recipients=self.recipients,
            settings=self.settings,
            countries_with_site=frozenset(one.country for one in self.sites.values()),
            product_kinds=self.product_kinds,
            administration_kinds=self.administration_kinds,
            flags=self.flags,
        )

    def text(self) -> str:
        """Canonical JSON, over several lines so that a difference can be read."""
        data = {
            "trial_id": self.trial_id,
            "desk_zone": self.desk_zone,
            "sites": {name: {"country": one.country, "zone": one.zone} for name, one in self.sites.items()},
            "recipients": {
                name: [{"id": one.recipient_id, "zone": one.zone} for one in found]
                for name, found in self.recipients.items()
            },
            "settings": dict(self.settings),
            "product_kinds": sorted(self.product_kinds),
            "administration_kinds": sorted(self.administration_kinds),
            "flags": dict(self.flags),
        }
        return json.dumps(json.loads(canonical(data)), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def read_trial_part(text: str) -> TrialPart:
    """The document as it was kept."""
    data = json.loads(text)
    return TrialPart(
        trial_id=data["trial_id"],
        desk_zone=data["desk_zone"],
        sites={name: SitePart(one["country"], one["zone"]) for name, one in data["sites"].items()},
        recipients={
            name: tuple(Recipient(one["id"], one["zone"]) for one in found)
            for name, found in data["recipients"].items()
        },
        settings=data["settings"],
        product_kinds=frozenset(data["product_kinds"]),
        administration_kinds=frozenset(data["administration_kinds"]),
        flags=data.get("flags", {}),
    )
