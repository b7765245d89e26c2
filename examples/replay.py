"""Read the example payloads and make them ready to send: nothing here talks to a server.

`{"exposure_key": K}` and `{"event_key": K}` stand for ids that the server gave to what was sent under the key K (`case-key#0`
for the first event of a case), `{K}` in a path likewise. Who sends keeps the answers in a dict and asks `resolve`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

COHORT_ORDER = ("subjects", "allocations", "batches", "exposures", "measurements", "cases")
_ANSWERS = {
    "subjects": "subject_id",
    "batches": "batch_id",
    "exposures": "exposure_id",
    "measurements": "measurement_id",
    "cases": "case_id",
}
_FORMS = {4: "%Y", 7: "%Y-%m", 10: "%Y-%m-%d", 13: "%Y-%m-%dT%H", 16: "%Y-%m-%dT%H:%M", 19: "%Y-%m-%dT%H:%M:%S"}


@dataclass(frozen=True)
class Request:
    """One call. `key` is the Idempotency-Key; `if_match` is the key of what must be at its last known version."""

    method: str
    path: str
    key: str
    body: dict[str, Any]
    if_match: str | None = None

    def resolved(self, ids: Mapping[str, str]) -> Request:
        """The same with every reference put in place; raises KeyError for a key not sent before."""
        path = re.sub(r"\{([^}]+)\}", lambda match: ids[match[1]], self.path)
        return replace(self, path=path, body=resolve(self.body, ids))

    def moved(self, days: int) -> Request:
        """The same, `days` later."""
        return replace(self, body=moved(self.body, days))


@dataclass(frozen=True)
class Step:
    """One step of a story, in words, with the calls that make it."""

    number: int
    title_en: str
    title_vi: str
    requests: tuple[Request, ...]

    def moved(self, days: int) -> Step:
        return replace(self, requests=tuple(one.moved(days) for one in self.requests))


def cohort(folder: Path) -> Iterator[Request]:
    """Every call of the cohort, in an order in which each finds what it refers to."""
    for name in COHORT_ORDER:
        for one in json.loads((folder / f"{name}.json").read_text(encoding="utf-8")):
            yield Request("POST", f"/api/v1/{name}", one["key"], one["body"])


def story(folder: Path) -> tuple[Step, ...]:
    """The steps of a story, from its numbered files."""
    read = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("[0-9]*.json"))]
    return tuple(
        Step(one["step"], one["title"]["en"], one["title"]["vi"], tuple(Request(**each) for each in one["requests"]))
        for one in read
    )


def resolve(value: Any, ids: Mapping[str, str]) -> Any:
    """References by key replaced by ids, however deep."""
    if isinstance(value, list):
        return [resolve(one, ids) for one in value]
    if not isinstance(value, dict):
        return value
    found = {name: resolve(one, ids) for name, one in value.items() if name not in ("exposure_key", "event_key")}
    for name, becomes in (("exposure_key", "exposure_id"), ("event_key", "event_id")):
        if name in value:
            found[becomes] = ids[value[name]]
    return found


def moved(value: Any, days: int) -> Any:
    """Every moment (`{"value", "zone"}`) moved by whole days, as precise as it was; the hour of the day stays."""
    if isinstance(value, list):
        return [moved(one, days) for one in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"value", "zone"}:
        form = _FORMS[len(value["value"])]
        later = datetime.strptime(value["value"], form) + timedelta(days=days)  # noqa: DTZ007  wall clock of its zone
        return {"value": later.strftime(form), "zone": value["zone"]}
    return {name: moved(one, days) for name, one in value.items()}


def days_until(steps: tuple[Step, ...], now: datetime) -> int:
    """By how many whole days the story can move so that its last moment is the latest one before `now` (aware)."""
    return (now - last_instant(request for step in steps for request in step.requests)) // timedelta(days=1)


def identity(request: Request, answer: Mapping[str, Any]) -> str:
    """The id that the server's answer to a POST gave to what was sent; remember it under the request's key."""
    return str(answer[_ANSWERS[request.path.rsplit("/", 1)[1]]])


def last_instant(requests: Iterable[Request]) -> datetime:
    """The latest moment told to the minute in any body."""
    return max(_instants([request.body for request in requests]))


def _instants(value: Any) -> Iterator[datetime]:
    """Every moment known to the minute or better."""
    if isinstance(value, list):
        for one in value:
            yield from _instants(one)
    elif isinstance(value, dict):
        if value.keys() == {"value", "zone"}:
            if len(value["value"]) >= 16:
                yield datetime.fromisoformat(value["value"]).replace(tzinfo=ZoneInfo(value["zone"]))
        else:
            for one in value.values():
                yield from _instants(one)
