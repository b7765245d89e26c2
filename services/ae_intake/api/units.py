"""A request's work on the database, off the event loop; a command is done once however often its key comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from fastapi.responses import JSONResponse

from services.ae_intake.handlers import Intake
from shared.auth.identity import Identity
from shared.bus import idempotency
from shared.clock import Clock
from shared.db import Database, Tx
from shared.web import off_loop

T = TypeVar("T")


def versioned(body: dict[str, Any], version: int, status: int = 200, *, repeated: bool = False) -> JSONResponse:
    """The body with its version as the ETag."""
    headers = {"ETag": f'"{version}"'}
    if repeated:
        headers["Idempotency-Replayed"] = "true"
    return JSONResponse(body, status, headers=headers)


@dataclass(frozen=True)
class Units:
    """What every route needs: the database, the handlers' surroundings and the clock."""

    db: Database
    intake: Intake
    clock: Clock

    async def write(self, unit: Callable[[Tx], T]) -> T:
        return await off_loop.write(self.db, unit)

    async def read(self, unit: Callable[[Tx], T]) -> T:
        return await off_loop.read(self.db, unit)

    async def once(
        self,
        who: Identity,
        route: str,
        key: str | None,
        body: Any,
        status: int,
        unit: Callable[[Tx, datetime], dict[str, Any]],
    ) -> tuple[dict[str, Any], int, bool]:
        """A command under its Idempotency-Key: its answer, its status, and whether the answer was given before."""

        def run(tx: Tx) -> tuple[dict[str, Any], int, bool]:
            now = self.clock.now()
            said = {"client": who.user_id, "route": route, "key": key, "body": body}
            return idempotency.once(tx, self.intake.audit, lambda: unit(tx, now), now=now, status=status, **said)

        return await self.write(run)

    async def once_versioned(
        self,
        who: Identity,
        route: str,
        key: str | None,
        body: Any,
        status: int,
        unit: Callable[[Tx, datetime], dict[str, Any]],
    ) -> JSONResponse:
        """The same; the answer's `version` becomes the ETag."""
        answer, code, repeated = await self.once(who, route, key, body, status, unit)
        return versioned(answer, answer["version"], code, repeated=repeated)
