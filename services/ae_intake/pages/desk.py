"""What every page needs: the database off the event loop, the templates, who asks, and a command that is done once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Path
from starlette.requests import Request

from services.ae_intake import store
from services.ae_intake.handlers import Intake, Who
from services.ae_intake.submission import Submissions
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.bus import idempotency
from shared.clock import Clock
from shared.db import Database, Tx
from shared.ids import new_id
from shared.web.i18n import language_of
from shared.web.pages import Pages, templates

T = TypeVar("T")
Id = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9._:-]+$")]
Reporter = Annotated[Identity, Depends(require("report_case"))]
Reader = Annotated[Identity, Depends(require("see_cases"))]
Amender = Annotated[Identity, Depends(require("amend_case"))]
Nullifier = Annotated[Identity, Depends(require("nullify_case"))]
Recorder = Annotated[Identity, Depends(require("record_exposure"))]
SubjectRecorder = Annotated[Identity, Depends(require("record_subject"))]
Closer = Annotated[Identity, Depends(require("close_rejected"))]


def who_of(identity: Identity) -> Who:
    return Who(identity.user_id, identity.sites if identity.site_scoped else None)


@dataclass(frozen=True)
class Words:
    """The catalogue in one reader's language: `t("report.title")`."""

    pages: Pages
    lang: str

    def __call__(self, key: str, /, **values: object) -> str:
        return self.pages.catalogue.text(self.lang, key, **values)

    def has(self, key: str) -> bool:
        return self.pages.catalogue.has(key)


@dataclass(frozen=True)
class Desk:
    db: Database
    intake: Intake
    clock: Clock
    pages: Pages
    submissions: Submissions

    @classmethod
    def make(cls, db: Database, intake: Intake, clock: Clock) -> Desk:
        pages = templates("ae_intake")
        pages.environment.filters["instant"] = datetime.fromisoformat
        return cls(db, intake, clock, pages, Submissions(db, intake, clock))

    def words(self, request: Request) -> Words:
        return Words(self.pages, language_of(request))

    async def read(self, unit: Callable[[Tx], T]) -> T:
        return await asyncio.to_thread(self.db.read, unit)

    async def write(self, unit: Callable[[Tx], T]) -> T:
        return await asyncio.to_thread(self.db.transact, unit)

    async def once(
        self, who: Identity, route: str, key: str | None, body: object, unit: Callable[[Tx, datetime], dict[str, Any]]
    ) -> dict[str, Any]:
        """Run a command under the form's key: the same form sent twice acts once and gets the first answer."""

        def run(tx: Tx) -> dict[str, Any]:
            now, said = self.clock.now(), {"client": who.user_id, "route": route, "key": key, "body": body}
            return idempotency.once(tx, self.intake.audit, lambda: unit(tx, now), now=now, **said)[0]

        return await self.write(run)

    def zone_of_site(self, site_id: str | None) -> str:
        """The authority's zone: that of the site, else the safety desk's."""
        site = self.intake.trial.site(site_id) if site_id else None
        return site.zone if site else self.intake.trial.desk_zone

    def zone_of_reader(self, identity: Identity) -> str:
        """The zone in which somebody of these sites writes times."""
        return self.zone_of_site(min(identity.sites) if identity.site_scoped and identity.sites else None)

    def subject_codes(self, tx: Tx, identity: Identity) -> list[str]:
        """Known codes this reader may see, for a list to choose from."""
        found = store.newest_of_kind(tx, "subject", limit=500)
        return [one.subject_id for one in found if not one.provisional and identity.sees_site(one.site_id)]


def fresh_key() -> str:
    return new_id()
