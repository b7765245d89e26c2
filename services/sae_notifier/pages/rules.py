"""The files that judge: those in force, those that wait, what they would move, and the signed decision."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.sae_notifier import store, views
from services.sae_notifier.handlers import activation
from services.sae_notifier.handlers.law import Law
from services.sae_notifier.pages.face import Face
from services.sae_notifier.pages.shown import recipient_name
from services.sae_notifier.rules import Change
from services.sae_notifier.store import ActivationRow
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.auth.proof import prove_again
from shared.auth.throttle import TooManyAttempts
from shared.db import Tx
from shared.errors import Conflict, Forbidden, PreconditionFailed, Refused
from shared.trial import Trial
from shared.trial.base import Bilingual

Reader = Annotated[Identity, Depends(require("see_desk"))]
Activator = Annotated[Identity, Depends(require("activate_files"))]
MOST_LINES = 400
LEAST_REASON = 3


@dataclass(frozen=True)
class ChangeShown:
    """One duty that would move, with its recipient's name."""

    one: Change
    recipient: Bilingual
    zone: str


@dataclass(frozen=True)
class WaitingShown:
    sha256: str
    tzdata: tuple[str, str]
    files: list[dict[str, str]]
    diffs: tuple[tuple[str, str, str], ...]
    preview_sha256: str
    changes: tuple[ChangeShown, ...]
    relaxations: int
    same: int
    recipients: tuple[Bilingual, ...]
    failed: tuple[str, ...]


@dataclass(frozen=True)
class RulesShown:
    """`history` is newest first; its first is in force."""

    files: list[dict[str, str]]
    tzdata: str
    history: list[ActivationRow]
    reviewed: bool
    waiting: WaitingShown | None


def rules_page(face: Face, tx: Tx, now: datetime) -> RulesShown:
    active = face.notifier.laws.active(tx)
    found = activation.waiting(face.notifier, tx, now)
    shown = None
    if found is not None:
        trial = face.notifier.trial
        shown = WaitingShown(
            sha256=found.law.sha256,
            tzdata=(active.law.tzdata, found.law.tzdata),
            files=views.law_files(found.law, active.law),
            diffs=tuple(_diffs(active.law, found.law)),
            preview_sha256=found.preview.sha256,
            changes=tuple(
                ChangeShown(one, recipient_name(trial, one.recipient_id), _zone(trial, one.recipient_id))
                for one in found.preview.shown
            ),
            relaxations=len(found.preview.relaxations),
            same=found.preview.counts.get("same", 0),
            recipients=tuple(recipient_name(trial, one) for one in found.preview.recipients),
            failed=found.preview.failed,
        )
    return RulesShown(
        files=views.law_files(active.law, active.law),
        tzdata=active.law.tzdata,
        history=store.activations(tx),
        reviewed=store.review(tx, active.number) is not None,
        waiting=shown,
    )


def _zone(trial: Trial, recipient_id: str) -> str:
    found = trial.recipient(recipient_id)
    return found.zone if found else trial.desk_zone


def _diffs(before: Law, after: Law) -> Iterator[tuple[str, str, str]]:
    """(kind, name, unified difference) of every file that is not the same; a table of holidays one day a line."""
    old = {(one.kind, one.name): one.body for one in before.files}
    new = {(one.kind, one.name): one.body for one in after.files}
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) == new.get(key):
            continue
        was, will_be = (_lines(text.get(key, ""), key[0]) for text in (old, new))
        changed = list(difflib.unified_diff(was, will_be, lineterm="", n=2))[2:]
        rest = [] if len(changed) <= MOST_LINES else [f"… {len(changed) - MOST_LINES}"]
        yield key[0], key[1], "\n".join([*changed[:MOST_LINES], *rest])


def _lines(text: str, kind: str) -> list[str]:
    return (text.replace(",", ",\n") if kind == "holidays" else text).splitlines()


def add(router: APIRouter, face: Face) -> None:
    async def page(request: Request, who: Identity, status: int = 200, **more: object) -> Response:
        view = await asyncio.to_thread(face.db.read, lambda tx: rules_page(face, tx, face.clock.now()), snapshot=True)
        context: dict[str, object] = {
            "view": view,
            "may_activate": who.can("activate_files") and view.waiting is not None and not view.waiting.failed,
            "typed": "",
            "trouble": "",
            "wait_s": 0,
            "active": "desk",
        }
        return face.html.html(request, "rules.html", context | more, status=status)

    @router.get("/rules")
    async def rules(request: Request, who: Reader) -> Response:
        return await page(request, who)

    @router.post("/rules/activate")
    async def activate(
        request: Request,
        who: Activator,
        sha256: Annotated[str, Form(max_length=64)] = "",
        preview_sha256: Annotated[str, Form(max_length=64)] = "",
        reason: Annotated[str, Form(max_length=2_000)] = "",
        password: Annotated[str, Form(max_length=256)] = "",
    ) -> Response:
        reason = reason.replace("\x00", "").strip()

        async def again(status: int, trouble: str, wait_s: int = 0) -> Response:
            return await page(request, who, status, typed=reason, trouble=trouble, wait_s=wait_s)

        if len(reason) < LEAST_REASON:
            return await again(422, "reason")
        try:
            await prove_again(request, who, password, activation.to_sign(sha256, preview_sha256, reason))
        except Forbidden:
            return await again(403, "password")
        except TooManyAttempts as error:
            return await again(429, "wait", error.wait_s)
        try:
            await asyncio.to_thread(
                activation.decide,
                face.db,
                face.notifier,
                face.clock,
                law_sha256=sha256,
                reason=reason,
                user_id=who.user_id,
                seen=preview_sha256,
            )
        except (PreconditionFailed, Conflict) as error:
            return await again(error.status, "newer")
        except Refused:
            return await again(422, "failed")
        return RedirectResponse("/rules", status_code=303)
