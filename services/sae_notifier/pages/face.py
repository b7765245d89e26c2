"""What every page needs: the database, the trial and the law, the clock, the templates."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Path
from starlette.requests import Request

from services.sae_notifier import store
from services.sae_notifier.handlers import Notifier
from shared.auth.guard import require
from shared.auth.identity import Identity
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

    def sees(self, tx: Tx, who: Identity, subject_id: str, case_id: str | None = None) -> bool:
        """By the site of the child's code; where that says none, by the site the case was told from."""
        if not who.site_scoped:
            return True
        versions = store.case_versions(tx, case_id) if case_id else []
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


def _slug(text: str) -> str:
    return "-".join("".join(ch if ch.isalnum() else " " for ch in text.lower()).split())
