"""Telling which letter is which arm: to a member of the board who asks, with the reason kept for ever."""

from __future__ import annotations

import json
from datetime import datetime

from services.dsmb import store
from services.dsmb.domain import Manifest
from services.dsmb.handlers.dsmb import Dsmb
from services.dsmb.handlers.letters import letters
from shared.audit import SERVICE_STREAM
from shared.db import Tx
from shared.errors import NotFound


def tell_coding(dsmb: Dsmb, tx: Tx, cut_id: str, *, user_id: str, reason: str, now: datetime) -> dict[str, str]:
    """Letter -> arm. The entry in the trail says who asked and why, and no arm. Raises NotFound, CodingDiffers."""
    dsmb.audit.lock(tx, SERVICE_STREAM)
    row = store.cut(tx, cut_id)
    if row is None:
        raise NotFound("no cut by that id")
    coding = letters(tx, Manifest.from_json(json.loads(row.manifest)))
    dsmb.audit.record(
        tx,
        stream=SERVICE_STREAM,
        actor=user_id,
        action="asked which letter is which arm",
        at=now,
        reason=reason,
        detail={"cut_id": cut_id},
    )
    return {letter: arm for arm, letter in sorted(coding.items(), key=lambda one: one[1])}
