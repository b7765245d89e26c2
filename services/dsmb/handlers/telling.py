"""Telling which letter is which arm: to a member of the board who asks, with the reason kept for ever."""

from __future__ import annotations

from datetime import datetime

from services.dsmb import store
from services.dsmb.handlers.dsmb import Dsmb
from shared.audit import SERVICE_STREAM
from shared.db import Tx
from shared.errors import NotFound


def tell_coding(dsmb: Dsmb, tx: Tx, cut_id: str, *, user_id: str, reason: str, now: datetime) -> dict[str, str]:
    """Letter -> arm. The entry in the trail says who asked and why, and no arm."""
    dsmb.audit.lock(tx, SERVICE_STREAM)
    coding = store.coding(tx, cut_id)
    if not coding:
        raise NotFound("no cut by that id")
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
