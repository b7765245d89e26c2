"""Idempotency-Key: the first row of a command's transaction, kept as long as the case.

The same key with the same body answers what was answered; with another body it is a conflict (409).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, ClassVar

from sqlalchemy import Column, Text
from sqlmodel import Field

from shared.audit import SERVICE_STREAM, Audit, Audited, Proven, Written
from shared.db import Tx
from shared.errors import Conflict, FieldProblem
from shared.statement import Statement, insert_into

MAX_KEY = 200
KEY_PATTERN = r"^[!-~]+$"
"""Visible ASCII characters."""
_FORM_KEY = re.compile(r"[!-~]{8,200}")


class IdempotencyRow(Audited, Proven, table=True):
    """`client` is the user id: two clients may use the same key. The answer comes last, so it is proven."""

    __tablename__: ClassVar[str] = "idempotency"  # type: ignore[misc]
    audit_key: ClassVar[tuple[str, ...]] = ("client", "route", "key")
    audit_apart: ClassVar[tuple[str, ...]] = ("status", "answer", "proof")
    proven: ClassVar[tuple[str, ...]] = ("status", "answer")
    client: str = Field(primary_key=True)
    route: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    body_sha256: str
    status: int = 0
    answer: str = Field(default="", sa_column=Column(Text, nullable=False))
    at: datetime
    proof: str | None = None


@dataclass(frozen=True)
class Answered:
    """What was answered the first time."""

    status: int
    answer: str


_CLAIM = insert_into(IdempotencyRow, without=("proof",), then="ON CONFLICT DO NOTHING RETURNING 1")
_KNOWN = Statement(
    "idempotency",
    "SELECT body_sha256, status, answer FROM idempotency WHERE client = :client AND route = :route AND key = :key",
)
_SETTLE = Statement(
    "idempotency",
    "UPDATE idempotency SET status = :status, answer = :answer, proof = :proof "
    "WHERE client = :client AND route = :route AND key = :key",
)


def claim_question(
    *, client: str, route: str, key: str, body_sha256: str, now: datetime
) -> tuple[Statement, Mapping[str, Any]]:
    """For `Tx.foresee`: what `claim` will ask first."""
    return _CLAIM, {
        "client": client,
        "route": route,
        "key": key,
        "body_sha256": body_sha256,
        "status": 0,
        "answer": "",
        "at": now,
    }


def claim(
    tx: Tx, audit: Audit, *, client: str, route: str, key: str, body_sha256: str, now: datetime
) -> Answered | None:
    """Claim the key; None means it is ours to answer. A racing request waits here for the first one's commit."""
    question, values = claim_question(client=client, route=route, key=key, body_sha256=body_sha256, now=now)
    if tx.rows(question, values):
        row = Written(IdempotencyRow, values)
        tx.unrecorded.append(row)  # the command's own entry names it
        tx.before_commit(lambda: _record_alone(tx, audit, row, now))
        return None
    ((known, status, answer),) = tx.rows(_KNOWN, {"client": client, "route": route, "key": key})
    if known != body_sha256:
        raise Conflict(
            "this Idempotency-Key was used for another body",
            problems=[FieldProblem("", "Idempotency-Key was used before", "use a new key for a new report")],
        )
    return Answered(status, answer)


def _record_alone(tx: Tx, audit: Audit, row: Written, now: datetime) -> None:
    """A command that changed nothing has no entry of its own, but its answer is kept all the same."""
    if row in tx.unrecorded:
        audit.lock(tx, SERVICE_STREAM)
        audit.record(tx, stream=SERVICE_STREAM, actor=row.client, action="asked for what stood already", at=now)


def settle(tx: Tx, audit: Audit, *, client: str, route: str, key: str, status: int, answer: str) -> None:
    """Keep the answer for a repeat of the request."""
    values = {"client": client, "route": route, "key": key, "status": status, "answer": answer}
    tx.write(_SETTLE, {**values, "proof": audit.prove(IdempotencyRow, values)})


def once(
    tx: Tx,
    audit: Audit,
    unit: Callable[[], dict[str, Any]],
    *,
    client: str,
    route: str,
    key: str | None,
    body: object,
    now: datetime,
    status: int = 200,
) -> tuple[dict[str, Any], int, bool]:
    """(answer, status, whether it had been answered before). Without a key the command simply runs."""
    if key is None:
        return unit(), status, False
    before = claim(tx, audit, client=client, route=route, key=key, body_sha256=_digest(body), now=now)
    if before is not None:
        return json.loads(before.answer), before.status, True
    answer = unit()
    text = json.dumps(answer, ensure_ascii=False)
    settle(tx, audit, client=client, route=route, key=key, status=status, answer=text)
    return answer, status, False


def sent_before(tx: Tx, *, client: str, route: str, key: str | None, body: object) -> bool:
    """Whether this very form has acted already: asked when the world has moved on, perhaps by this form. Claims nothing."""
    rows = tx.rows(_KNOWN, {"client": client, "route": route, "key": key}) if key else ()
    return any(known == _digest(body) for known, _, _ in rows)


def form_key(typed: str) -> str | None:
    """What stands in a form's hidden field, when it can be a key."""
    return typed if _FORM_KEY.fullmatch(typed) else None


def _digest(body: object) -> str:
    return sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
