"""What every page needs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Path

from services.dsmb import store
from services.dsmb.handlers import Dsmb
from services.dsmb.store import CutRow
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.clock import Clock
from shared.db import Database, Tx
from shared.errors import NotFound
from shared.web.pages import Pages

T = TypeVar("T")
Id = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9-]+$")]
Reader = Annotated[Identity, Depends(require("see_open_report"))]
Board = Annotated[Identity, Depends(require("see_arms"))]
Freezer = Annotated[Identity, Depends(require("freeze_cut"))]
LEAST_WORDS = 3
"""Characters of a purpose or a reason, as the API asks."""


@dataclass(frozen=True)
class Face:
    db: Database
    dsmb: Dsmb
    clock: Clock
    html: Pages

    async def read(self, unit: Callable[[Tx], T]) -> T:
        return await asyncio.to_thread(self.db.read, unit)

    async def write(self, unit: Callable[[Tx], T]) -> T:
        return await asyncio.to_thread(self.db.transact, unit)

    @staticmethod
    def known(tx: Tx, cut_id: str) -> CutRow:
        row = store.cut(tx, cut_id)
        if row is None:
            raise NotFound("no cut by that id")
        return row
