"""Rows as the JSON routes answer them."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from services.dsmb import store
from services.dsmb.boundaries import State
from services.dsmb.store import CrossingRow, CutRow
from shared.db import Tx


def cut(tx: Tx, row: CutRow, *, board: bool) -> dict[str, Any]:
    """The closed report's hash is the board's too: whoever knows every document could try arms until it fits.

    The manifest's hash is salted, so that it tells nothing. What the cut is for is a member's own words after a closed session.
    """
    return {
        "cut_id": row.cut_id,
        "sha256": row.manifest_sha256,
        "at": row.at.isoformat(),
        "purpose": row.purpose if board else "",
        "frozen_by": row.frozen_by,
        "offsets": json.loads(row.offsets),
        "documents": row.documents,
        "subjects": row.children,
        "parked": row.parked,
        "open_withheld": row.withheld,
        "reports": [
            {"kind": one.kind, "sha256": one.sha256, "path": f"/api/v1/dsmb/cuts/{row.cut_id}/{one.kind}"}
            for one in store.reports(tx, row.cut_id)
            if board or one.kind == "open"
        ],
    }


def standing(one: State) -> dict[str, Any]:
    return asdict(one)


def crossing(row: CrossingRow) -> dict[str, Any]:
    return {
        "rule_id": row.rule_id,
        "charter_version": row.charter_version,
        "look": row.look,
        "evaluable": row.evaluable,
        "stop_at": row.stop_at,
        "posterior": row.posterior,
        "crossed_at": row.crossed_at.isoformat(),
    }
