"""What every page needs: the database, the trial and the law, the clock, the templates."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Path
from starlette.requests import Request

from services.sae_notifier.handlers import Notifier
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.bus import heard
from shared.bus.idempotency import form_key, once
from shared.clock import Clock
from shared.db import Database, Tx
from shared.errors import FieldProblem
from shared.web.i18n import language_of
from shared.web.pages import Pages

T = TypeVar("T")
Id = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9-]+$")]
Seer = Annotated[Identity, Depends(require("see_desk", "see_cases"))]
"""Whoever may see a case; a clinician or an investigator only those of their sites."""


@dataclass(frozen=True)
class Face:
    db: Database
    notifier: Notifier
    clock: Clock
    html: Pages

    async def read(self, unit: Callable[[Tx], T]) -> T:
        return await asyncio.to_thread(self.db.read, unit)

    async def write(self, unit: Callable[[Tx], T]) -> T:
        return await asyncio.to_thread(self.db.transact, unit)

    async def once(
        self, who: Identity, route: str, key: str, body: object, unit: Callable[[Tx, datetime], dict[str, Any]]
    ) -> dict[str, Any]:
        """Act under the form's key: the same form sent twice acts once and gets the first answer."""

        def run(tx: Tx) -> dict[str, Any]:
            now = self.clock.now()
            said = {"client": who.user_id, "route": route, "key": form_key(key), "body": body}
            return once(tx, self.notifier.audit, partial(unit, tx, now), now=now, **said)[0]

        return await self.write(run)

    def sees(self, tx: Tx, who: Identity, subject_id: str, case_id: str | None = None) -> bool:
        """By the site of the child's code; where that says none, by the site the case was told from."""
        if not who.site_scoped:
            return True
        versions = heard.case_versions(tx, case_id) if case_id else []
        site = self.notifier.trial.site_of(subject_id)
        return who.sees_site(site.id if site else (versions[-1].site_id if versions else None))

    def translated(self, request: Request, problems: Sequence[FieldProblem]) -> tuple[FieldProblem, ...]:
        """What handlers say about a field, in the reader's language where the catalogue has it."""
        language = language_of(request)

        def said(part: str, text: str) -> str:
            key = f"problem.{part}.{_slug(text)}"
            return self.html.catalogue.text(language, key) if self.html.catalogue.has(key) else text

        return tuple(
            FieldProblem(one.pointer, said("what", one.detail), said("do", one.remedy) if one.remedy else "")
            for one in problems
        )

    def said(self, request: Request, detail: str) -> str:
        """What a handler says of a conflict, in the reader's language where the catalogue has its words."""
        for name, words in _CONFLICTS.items():
            found = words.search(detail)
            if found:
                return self.html.catalogue.text(language_of(request), f"conflict.{name}", **found.groupdict())
        return detail


_CONFLICTS = {
    "ended": re.compile(r"this duty has ended"),
    "moved_on_unread": re.compile(r"the case is at version (?P<version>\d+) now; read it"),
    "answered": re.compile(r"a report was sent for this duty already"),
    "moved_on": re.compile(r"the case is at version (?P<version>\d+) now"),
    "made_meanwhile": re.compile(r"somebody else made this report"),
    "filed_as_other": re.compile(r"this version is filed as another form already \((?P<number>[^)]+)\)"),
    "filed_already": re.compile(r"this version is filed by \w+ already \((?P<number>[^)]+)\)"),
    "not_sent": re.compile(r"this filing is \w+; only what was sent"),
    "sent_before": re.compile(r"Idempotency-Key was used"),
}
"""Name in the catalogue -> the handler's words."""


def _slug(text: str) -> str:
    return "-".join("".join(ch if ch.isalnum() else " " for ch in text.lower()).split())
