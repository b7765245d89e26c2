"""What every page needs, and how one assessment is read for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Path

from services.causality import handlers, store
from services.causality.handlers import Causality
from services.causality.pages import shown
from services.causality.pages.shown import AssessmentShown, WaitingShown
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.bus import heard
from shared.clock import Clock
from shared.db import Database, Tx
from shared.errors import NotFound
from shared.web.pages import Pages

T = TypeVar("T")
Id = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9-]+$")]
Viewer = Annotated[Identity, Depends(require("see_assessment"))]


@dataclass(frozen=True)
class Face:
    db: Database
    causality: Causality
    clock: Clock
    html: Pages

    async def read(self, unit: Callable[[Tx], T]) -> T:
        return await asyncio.to_thread(self.db.read, unit)

    async def write(self, unit: Callable[[Tx], T]) -> T:
        return await asyncio.to_thread(self.db.transact, unit)

    def sees(self, tx: Tx, who: Identity, subject_id: str, case_id: str) -> bool:
        """By the site of the child's code; where that says none, by the site the case was told from."""
        if not who.site_scoped:
            return True
        versions = heard.case_versions(tx, case_id)
        site = self.causality.trial.site_of(subject_id)
        return who.sees_site(site.id if site else (versions[-1].site_id if versions else None))

    def find(self, tx: Tx, who: Identity, case_id: str, version: int | None = None) -> AssessmentShown | None:
        """The newest version, or the one asked for; None when there is none. Raises NotFound for another site's case."""
        every = store.versions(tx, case_id)
        found = next((one for one in reversed(every) if version in (None, one.version)), None)
        if found is None:
            return None
        if not self.sees(tx, who, found.subject_id, case_id):
            raise NotFound("no assessment for that case yet")
        newest = found.version == every[-1].version
        stale = handlers.stale_reasons(tx, found) if newest else ()
        exposures = heard.exposures_of_child(tx, found.subject_id)
        return shown.assessment(
            found, heard.case_versions(tx, case_id), exposures, stale, every, newest, self.causality.trial
        )

    def waiting(self, tx: Tx, who: Identity) -> list[WaitingShown]:
        """Cases whose newest assessment nobody has signed, oldest first; says which had been signed before."""
        found = []
        for one in store.unsigned(tx):
            if self.sees(tx, who, one.subject_id, one.case_id):
                before = store.versions(tx, one.case_id) if one.version > 1 else []
                found.append(shown.waiting(one, before, heard.case_versions(tx, one.case_id)))
        return found
