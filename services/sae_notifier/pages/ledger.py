"""The ledger at a glance: per case and recipient who was told what, when, with which proof, and what is still owed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from services.sae_notifier import store
from services.sae_notifier.pages import shown
from services.sae_notifier.pages.face import Face
from services.sae_notifier.pages.shown import DutyShown, FilingShown
from services.sae_notifier.store import AckRow, FilingRow
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.db import Tx

MOST_CASES = 50
Cell = list[tuple[DutyShown, FilingShown | None]]


@dataclass(frozen=True)
class CaseLine:
    """One case: a cell per recipient with its duties, each with the newest telling under it."""

    case_id: str
    case_number: str
    owed: int
    cells: tuple[Cell, ...]


def lines(recipients: Sequence[str], duties: Sequence[DutyShown], filings: Sequence[FilingShown]) -> list[CaseLine]:
    newest: dict[str, FilingShown] = {}
    for one in filings:  # newest first
        newest.setdefault(one.obligation_id, one)
    by_case: dict[str, list[DutyShown]] = {}
    for duty in duties:
        by_case.setdefault(duty.case_id, []).append(duty)
    return [
        CaseLine(
            case_id,
            mine[0].case_number,
            sum(one.owed for one in mine),
            tuple(
                [(one, newest.get(one.obligation_id)) for one in mine if one.recipient_id == recipient]
                for recipient in recipients
            ),
        )
        for case_id, mine in by_case.items()
    ]


def _told(tx: Tx, parked: Sequence[AckRow]) -> dict[str, FilingRow]:
    """Filing id -> the telling that a parked answer names."""
    found = [store.filing(tx, one.filing_id) for one in parked if one.filing_id]
    return {row.filing_id: row for row in found if row is not None}


def add(router: APIRouter, face: Face) -> None:
    trial = face.notifier.trial

    @router.get("/ledger")
    async def ledger(
        request: Request,
        who: Annotated[Identity, Depends(require("see_ledger"))],
        case: Annotated[str, Query(max_length=80)] = "",
    ) -> Response:
        wanted = case.replace("\x00", "").strip()
        now = face.clock.now()

        def unit(tx: Tx) -> dict[str, object]:
            cases = store.cases_with_duties(tx, wanted, MOST_CASES + 1)
            more, cases = len(cases) > MOST_CASES, cases[:MOST_CASES]
            found = store.obligations_of(tx, cases)
            place = {case_id: index for index, case_id in enumerate(cases)}
            found.sort(key=lambda one: place[one.case_id])
            rows = [row for case_id in cases for row in store.filings(tx, case_id=case_id)]
            receipts = store.receipts_of(tx, [row.filing_id for row in rows])
            duties = [shown.duty(face.notifier, one, now) for one in found]
            filings = [shown.filing(trial, row, receipts) for row in rows]
            known = [one.id for one in trial.recipients]
            columns = [one for one in known if any(duty.recipient_id == one for duty in duties)]
            columns += sorted({duty.recipient_id for duty in duties} - set(known))
            parked = store.acks(tx, state="parked")
            return {
                "lines": lines(columns, duties, filings),
                "columns": [shown.recipient_name(trial, one) for one in columns],
                "filings": sorted(filings, key=lambda one: one.filed_at, reverse=True),
                "more": more,
                "parked_answers": parked,
                "told": _told(tx, parked),
            }

        context = await face.read(unit) | {"case": wanted, "most": MOST_CASES, "active": "ledger"}
        context |= {"may_file": who.can("file_report"), "by_computer": any(one.transport for one in trial.recipients)}
        return face.html.html(request, "ledger.html", context)
