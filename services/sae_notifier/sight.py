"""What a person of a site may see of duties and alerts: their own site's, even where the child's code is not known."""

from __future__ import annotations

from shared.auth.identity import Identity
from shared.bus import heard
from shared.db import Tx
from shared.trial import Trial


class Sight:
    """One person's view within one transaction; each case's site is looked up once."""

    def __init__(self, tx: Tx, trial: Trial, who: Identity) -> None:
        self._tx, self._trial, self._who = tx, trial, who
        self._sites: dict[str, str | None] = {}

    def sees(self, subject_id: str, case_id: str | None) -> bool:
        """By the site of the child's code; where that says none, by the site the case was told from."""
        if not self._who.site_scoped:
            return True
        if case_id is not None and case_id not in self._sites:
            versions = heard.case_versions(self._tx, case_id)
            self._sites[case_id] = versions[-1].site_id if versions else None
        site = self._trial.site_of(subject_id)
        told_from = self._sites[case_id] if case_id is not None else None
        return self._who.sees_site(site.id if site else told_from)
