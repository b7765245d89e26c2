"""The story of `examples/meningitis`, moved to now: nothing here talks to a server or reads a clock."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from examples import replay
from examples.replay import Request, Step
from shared.case.moment import Moment

STORY = Path(replay.__file__).parent / "meningitis"
CHILD = "VN01-041"
FIRST_FREE = 41
LAST_STEP = 4
"""What comes after it (back on the ward, days later) is left for the reader to report."""
AWARE_BEFORE = timedelta(minutes=25)
REPORT = "meningitis-case"
_MINUTE, _SECOND = "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"


def free_child(taken: Collection[str]) -> str:
    """The first code from VN01-041 on that nobody has: telling the story twice makes two children and two cases."""
    return next(code for number in range(FIRST_FREE, 10_000) if (code := f"VN01-{number:03d}") not in taken)


def night(child: str, now: datetime) -> tuple[Step, ...]:
    """The story about this child, with the site's awareness 25 minutes before `now` (aware) and nothing after `now`.

    What led to the report keeps every distance (14 hours after the infusion). What followed it took two days in the story and
    is squeezed, in its order, into the minutes since: nothing may be recorded as known before it can be.
    """
    told = [step for step in replay.story(STORY) if step.number <= LAST_STEP]
    aware = instant(told[1].requests[0].body["site_aware"])
    last = replay.last_instant(request for step in told for request in step.requests)
    move = _Move(aware, (now - AWARE_BEFORE).replace(second=0, microsecond=0), last, now - timedelta(minutes=1))
    return tuple(replace(step, requests=tuple(_about(one, child, move, now) for one in step.requests)) for step in told)


def _about(request: Request, child: str, move: _Move, now: datetime) -> Request:
    body = _still_going_on(move(json.loads(json.dumps(request.body).replace(CHILD, child))), now)
    return replace(request, path=request.path.replace(CHILD, child), body=body)


def _still_going_on(body: dict[str, Any], now: datetime) -> dict[str, Any]:
    """A stay planned until the day after tomorrow has not ended."""
    end = body.get("end")
    if isinstance(end, dict) and Moment(**end).is_future(now):
        return body | {"end": None, "ongoing": True}
    return body


class _Move:
    """Maps the story's moments: rigidly up to the awareness, squeezed after it; dates by whole days."""

    def __init__(self, aware: datetime, new_aware: datetime, last: datetime, new_last: datetime) -> None:
        self._aware, self._new_aware = aware, new_aware
        self._ratio = (new_last - new_aware) / (last - aware)

    def __call__(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self(one) for one in value]
        if not isinstance(value, dict):
            return value
        if value.keys() != {"value", "zone"}:
            return {name: self(one) for name, one in value.items()}
        if len(value["value"]) < len("2026-11-17T02:20"):
            zone = ZoneInfo(value["zone"])
            days = (self._new_aware.astimezone(zone).date() - self._aware.astimezone(zone).date()).days
            return replay.moved(value, days)
        return {"value": self._moved(instant(value), ZoneInfo(value["zone"])), "zone": value["zone"]}

    def _moved(self, at: datetime, zone: ZoneInfo) -> str:
        since = at - self._aware
        if since <= timedelta():
            return (self._new_aware + since).astimezone(zone).strftime(_MINUTE)
        return (self._new_aware + since * self._ratio).astimezone(zone).strftime(_SECOND)


def instant(moment: dict[str, str]) -> datetime:
    """Of a moment told to the minute or better."""
    return datetime.fromisoformat(moment["value"]).replace(tzinfo=ZoneInfo(moment["zone"]))
