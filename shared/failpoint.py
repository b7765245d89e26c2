"""Named places where the chaos tests kill, stall or fail a process; nothing unless `TOCSIN_FAILPOINTS` arms them.

`relay.after_send=kill@3,consume.before_commit=sleep:2,filing.after_send=fail`: SIGKILL at the third hit, two seconds
at every hit, an error at every hit. `@n` limits an action to the n-th hit.
"""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from dataclasses import dataclass
from typing import Literal, get_args

Name = Literal[
    "intake.before_commit",
    "intake.after_commit",
    "relay.after_send",
    "relay.before_mark",
    "relay.after_mark",
    "consume.after_effect",
    "consume.before_commit",
    "consume.after_commit",
    "notify.after_claim",
    "notify.after_send",
    "notify.before_receipt",
    "form.after_render",
    "filing.after_send",
    "ack.after_take",
    "seal.before_commit",
    "restore.after_commit",
]
NAMES: frozenset[str] = frozenset(get_args(Name))
_SPEC = re.compile(r"^(?P<name>[a-z_.]+)=(?P<action>kill|fail|sleep:(?P<seconds>\d+(\.\d+)?))(@(?P<nth>[1-9]\d*))?$")


class FailpointHit(Exception):
    """Raised by the action `fail`; it is no TocsinError, so that it takes the path of the unexpected."""


@dataclass(frozen=True)
class _Action:
    kind: Literal["kill", "fail", "sleep"]
    seconds: float = 0.0
    nth: int | None = None


_armed: dict[str, _Action] = {}
_hits: dict[str, int] = {}
_lock = threading.Lock()


def parse(spec: str) -> dict[str, _Action]:
    """Read the setting; raises ValueError naming the part that is wrong."""
    actions: dict[str, _Action] = {}
    for part in filter(None, (piece.strip() for piece in spec.split(","))):
        match = _SPEC.fullmatch(part)
        if match is None:
            raise ValueError(f"failpoint {part[:60]!r}: write name=kill@3, name=sleep:2 or name=fail")
        name = match["name"]
        if name not in NAMES:
            raise ValueError(f"failpoint {name!r} does not exist; known: {', '.join(sorted(NAMES))}")
        kind: Literal["kill", "fail", "sleep"] = (
            "kill" if match["action"] == "kill" else "fail" if match["action"] == "fail" else "sleep"
        )
        actions[name] = _Action(kind, float(match["seconds"] or 0), int(match["nth"]) if match["nth"] else None)
    return actions


def arm(spec: str) -> None:
    """Arm the places named in `spec` and forget all hits; an empty text disarms."""
    actions = parse(spec)
    with _lock:
        _armed.clear()
        _armed.update(actions)
        _hits.clear()


def hit(name: Name) -> None:
    """Pass a named place. Runs in any thread; blocks that thread when told to sleep."""
    if not _armed:
        return
    action = _armed.get(name)
    if action is None:
        if name not in NAMES:
            raise ValueError(f"failpoint {name!r} is not in shared.failpoint.Name")
        return
    with _lock:
        _hits[name] = count = _hits.get(name, 0) + 1
    if action.nth is not None and count != action.nth:
        return
    match action.kind:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "fail":
            raise FailpointHit(f"failpoint {name}")
        case "sleep":
            time.sleep(action.seconds)
