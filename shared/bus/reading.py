"""A record of the log as an event, or the reason why it can never be one."""

from __future__ import annotations

import json

from shared.audit import SEALS_STREAM
from shared.bus.port import Delivery
from shared.events.catalogue import CATALOGUE, SEAL_TYPES
from shared.events.envelope import Event, Undecodable, decode

_SEALS = frozenset(SEAL_TYPES.values())


class Poison(Exception):
    """This event can never be handled as it is; `reason` is the parking code."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def read_event(one: Delivery) -> Event:
    """A record of a known type as its event. Raises Poison."""
    name = one.header("ce_type")
    known = CATALOGUE.get(name or "")
    if known is None:
        raise Poison(
            "unknown_type" if name else "undecodable", f"no such event type is known here: {(name or '')[:100]}"
        )
    try:
        event = decode(one)
    except Undecodable as error:
        raise Poison("undecodable", str(error)) from None
    if event.source not in known.sources:
        raise Poison("wrong_source", f"{event.source[:60]} may not publish {event.type}")
    if event.partition_key != one.key:
        raise Poison("wrong_key", "the record's key is not the event's partitionkey")
    return event


def stream_of(one: Delivery) -> str:
    """The audit stream and lock of a record: its child's, or the seals' own."""
    return SEALS_STREAM if one.header("ce_type") in _SEALS else one.key


def diagnose(error: Exception) -> tuple[str, str, bool]:
    """Why something could not be handled: (parking code, detail without values, may pass by itself)."""
    if isinstance(error, Poison):
        return error.reason, error.detail, False
    if isinstance(error, json.JSONDecodeError):
        return "undecodable", "the body is not JSON", False
    return "handler_failed", f"{type(error).__name__} while handling it", True
