"""Taking words back: every text of the case and its child with a box beside it, then what would be blanked where, then the
signature. What was sent already, and cannot be called back, is shown by whoever sent it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.ae_intake import handlers, redacting
from services.ae_intake.commands import RedactCase
from services.ae_intake.pages.desk import Desk, Id, Words, fresh_key, who_of
from services.ae_intake.pages.posted import Posted
from services.ae_intake.redacting import Standing
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.auth.proof import prove_again
from shared.auth.throttle import TooManyAttempts
from shared.bus import redacted
from shared.bus.idempotency import form_key
from shared.case import CaseReport
from shared.db import Tx
from shared.errors import Forbidden, Refused

Redactor = Annotated[Identity, Depends(require("redact_case"))]
Also = Annotated[
    str, Query(max_length=300, pattern=r"^(assessment/[A-Za-z0-9-]+#[0-9]+#[A-Za-z0-9_/]+#[0-9a-f]{64})?$")
]


@dataclass(frozen=True)
class Choice:
    """One text, once, however often it stands; `value` names its newest place."""

    value: str
    words: str
    where: tuple[str, ...]
    sha256: str
    judged: tuple[tuple[str, str], ...]
    """(place, address) of records from which verdicts are computed: they are corrected before the words can go."""


def add(router: APIRouter, desk: Desk) -> None:
    @router.get("/cases/{case_id}/redact")
    async def form(request: Request, case_id: Id, who: Redactor, also: Also = "") -> Response:
        posted = Posted([("also", also)] if also else [])
        return await _page(desk, request, case_id, who, posted)

    @router.post("/cases/{case_id}/redact")
    async def send(request: Request, case_id: Id, who: Redactor) -> Response:
        posted = await Posted.of(request)
        if posted.text("step") != "sign":
            return await _page(desk, request, case_id, who, posted, previewing=True)
        try:
            command = _command(posted)
        except ValidationError:
            return await _page(desk, request, case_id, who, posted, 422, trouble="reason", previewing=True)
        try:
            proved_at = await prove_again(request, who, posted.text("password"), redacting.to_sign(case_id, command))
        except Forbidden:
            return await _page(desk, request, case_id, who, posted, 403, trouble="password", previewing=True)
        except TooManyAttempts:
            return await _page(desk, request, case_id, who, posted, 429, trouble="wait", previewing=True)

        def unit(tx: Tx, now: Any) -> dict[str, Any]:
            return redacting.shown(redacting.redact(desk.intake, tx, case_id, command, who_of(who), proved_at, now))

        body = command.model_dump(mode="json")
        try:
            await desk.once(who, f"POST /cases/{case_id}/redact", form_key(posted.text("key")), body, unit)
        except Refused as refused:
            trouble = "quotes" if any(one.pointer == "/reason" for one in refused.problems) else "nothing"
            if any(one.detail.startswith(redacting.JUDGED) for one in refused.problems):
                trouble = "judged"
            return await _page(
                desk, request, case_id, who, posted, 422, trouble=trouble, previewing=trouble != "nothing"
            )
        return RedirectResponse(f"/cases/{case_id}?done=redacted", 303)


def _command(posted: Posted) -> RedactCase:
    texts = [_named(value) for value in posted.all("text")]
    if posted.text("also"):
        texts.append(_named(posted.text("also")))
    rejected = [one.strip() for one in posted.text("rejected").replace(",", " ").split()]
    asked = {"texts": texts, "rejected": rejected, "reason": posted.text("reason")}
    return RedactCase.model_validate_json(json.dumps(asked))


def _named(value: str) -> dict[str, Any]:
    parts = value.split("#")
    if len(parts) != 4 or not parts[1].isdecimal():
        return {"pointer": ""}
    return {"aggregate": parts[0], "version": int(parts[1]), "pointer": parts[2], "sha256": parts[3]}


def _value(one: Standing) -> str:
    return f"{one.aggregate}#{one.version}#{one.text.pointer}#{one.text.sha256}"


def _choices(standing: list[Standing], subject_id: str, t: Words) -> list[Choice]:
    by_hash: dict[str, list[Standing]] = {}
    for one in standing:
        by_hash.setdefault(one.text.sha256, []).append(one)
    return [
        Choice(
            _value(places[-1]),
            places[-1].text.words or "",
            tuple(dict.fromkeys(where(one, t) for one in places)),
            places[-1].text.sha256,
            _judged(places, subject_id, t),
        )
        for places in by_hash.values()
    ]


PLURAL = {"exposure": "exposures", "measurement": "measurements"}


def _judged(places: list[Standing], subject_id: str, t: Words) -> tuple[tuple[str, str], ...]:
    found = []
    for one in places:
        kind, _, identity = one.aggregate.partition("/")
        if one.judged:
            found.append((where(one, t), f"/subjects/{subject_id}/{PLURAL[kind]}/{identity}"))
    return tuple(found)


def where(one: Standing, t: Words) -> str:
    """`Case, version 2: description (event 1)`."""
    kind = one.aggregate.partition("/")[0]
    parts = one.text.pointer.strip("/").split("/")
    name = next((part for part in reversed(parts) if t.has(f"redact.field.{part}")), "")
    number = f" ({t('redact.number', number=int(parts[1]) + 1)})" if len(parts) > 1 and parts[1].isdecimal() else ""
    label = t(f"redact.field.{name}") if name else one.text.pointer
    return f"{t(f'redact.kind.{kind}')}, {t('version')} {one.version}: {label}{number}"


async def _page(
    desk: Desk,
    request: Request,
    case_id: str,
    who: Identity,
    posted: Posted,
    status: int = 200,
    *,
    trouble: str = "",
    previewing: bool = False,
) -> Response:
    t = desk.words(request)

    def unit(tx: Tx) -> tuple[CaseReport, list[Standing], list[Standing], list[Any]]:
        case = handlers.read_case(desk.intake, tx, case_id, who_of(who), desk.clock.now()).case
        chosen = frozenset(value.rpartition("#")[2] for value in (*posted.all("text"), posted.text("also")) if value)
        everywhere = redacting.touched(tx, case.subject_id, chosen)
        return case, redacting.standing(tx, case), everywhere, redacted.of_case(tx, case.case_id)

    case, standing, touched, done = await desk.read(unit)
    ready = previewing and bool(posted.all("text") or posted.text("also") or posted.text("rejected").strip())
    judged = _judged(touched, case.subject_id, t) if ready else ()
    if judged:
        ready, trouble = False, "judged"
    posted.set("key", posted.text("key") or fresh_key())
    context = {
        "case": case,
        "form": posted,
        "chosen": set(posted.all("text")),
        "choices": _choices(standing, case.subject_id, t),
        "judged": judged,
        "preview": list(dict.fromkeys(where(one, t) for one in touched)) if ready else None,
        "also": posted.text("also"),
        "done": done,
        "trouble": trouble or ("nothing" if previewing and not ready else ""),
        "active": "cases",
    }
    return desk.pages.html(
        request, "redact.html", context, status=status if ready or not previewing else max(status, 422)
    )
