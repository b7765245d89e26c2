"""A request's work on the database, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from shared.db import Database, Tx

T = TypeVar("T")


async def read(db: Database, unit: Callable[[Tx], T], *, snapshot: bool = False) -> T:
    """`snapshot` for several statements that must see one state."""
    return await asyncio.to_thread(db.read, unit, snapshot=snapshot)


async def write(db: Database, unit: Callable[[Tx], T]) -> T:
    return await asyncio.to_thread(db.transact, unit)
