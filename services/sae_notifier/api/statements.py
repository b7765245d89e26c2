"""What a safety officer signs of a duty: its report was complete, the news is not significant."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from services.sae_notifier import answers, views
from services.sae_notifier.api.bodies import Id, StateDuty
from services.sae_notifier.handlers import Notifier, stating
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.auth.proof import prove_again
from shared.clock import Clock
from shared.db import Database
from shared.web.off_loop import write
from shared.web.problem import problems


def add(router: APIRouter, db: Database, notifier: Notifier, clock: Clock) -> None:
    @router.post(
        "/obligations/{obligation_id}/statements",
        status_code=201,
        tags=["obligations"],
        summary="Sign that the report was complete, or that the news is not significant: the duty closes without another report",
        response_model=answers.Duty,
        responses=problems(400, 404, 409),
    )
    async def state(
        request: Request,
        obligation_id: Id,
        body: StateDuty,
        who: Annotated[Identity, Depends(require("state_duty"))],
    ) -> JSONResponse:
        what = stating.to_sign(obligation_id, body.says, body.case_version, body.reason)
        await prove_again(request, who, body.password, what)
        duty = await write(
            db,
            lambda tx: stating.state(
                notifier,
                tx,
                obligation_id,
                says=body.says,
                case_version=body.case_version,
                reason=body.reason,
                user_id=who.user_id,
                now=clock.now(),
            ),
        )
        return JSONResponse(views.obligation(duty, clock.now()), 201)
