"""Who did what, when and why: append-only, chained per child, sealed globally within seconds, verifiable offline.

Every change writes one entry in its own transaction, under the child's stream lock: a gapless number and an HMAC-SHA256
over the stored bytes and the entry before, with a key that is not in the database. An entry names every row the change
wrote and the SHA-256 of what it wrote there, so a row edited, added or removed by hand no longer agrees with the trail.
The stream's head carries an HMAC of its own, which stands nowhere else: a tail cannot be cut by restoring an older head.
The relay adds a seal over all unsealed entries (found by anti-join, so a late commit is never skipped) and publishes it.

Some columns move without an entry: a place on the log, a reader's position, the answer kept for a repeat. Rows that have
such columns carry an HMAC over them in `proof`, made by whoever may move them.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Column, Integer, Text, UniqueConstraint, func, insert, select
from sqlmodel import Field, SQLModel, col

from shared.canonical import canonical
from shared.case.withholding import loosely
from shared.db import Tx
from shared.statement import Statement, insert_into

BIG = BigInteger().with_variant(Integer, "sqlite")
"""A 64-bit number that SQLite still takes as its row id."""
SERVICE_STREAM = "~service"
"""The stream of changes that concern no child; no child's code begins with a tilde."""
WHOLE_TRAIL_EVERY = timedelta(minutes=10)
SEALS_STREAM = "~seals"
"""Entries about seals (our own, and others' received): sealed with the next real change, never a reason for a seal
themselves, or two services would answer each other's seals for ever."""


class StreamRow(SQLModel, table=True):
    """The lock of one child in this service, and the head of its audit chain."""

    __tablename__: ClassVar[str] = "streams"  # type: ignore[misc]
    stream: str = Field(primary_key=True)
    seq: int = 0
    mac: str = ""
    head: str = ""


class AuditRow(SQLModel, table=True):
    """One entry: `entry` is the canonical JSON that the MAC covers."""

    __tablename__: ClassVar[str] = "audit"  # type: ignore[misc]
    __table_args__ = (UniqueConstraint("stream", "seq"),)
    id: int | None = Field(default=None, sa_column=Column(BIG, primary_key=True, autoincrement=True))
    stream: str
    seq: int
    entry: str = Field(sa_column=Column(Text, nullable=False))
    key_id: str
    mac: str


class SealRow(SQLModel, table=True):
    """A seal over every entry that was unsealed when it was made."""

    __tablename__: ClassVar[str] = "audit_seals"  # type: ignore[misc]
    number: int = Field(primary_key=True)
    entry: str = Field(sa_column=Column(Text, nullable=False))
    key_id: str
    mac: str


class SealedRow(SQLModel, table=True):
    """Which seal covers which entry."""

    __tablename__: ClassVar[str] = "audit_sealed"  # type: ignore[misc]
    audit_id: int = Field(sa_column=Column(BIG, primary_key=True, autoincrement=False))
    seal_number: int


class Audited(SQLModel):
    """A row that the trail vouches for, every column of it but those that `audit_apart` names: marks that the machinery
    moves without an entry (a place on the log, a claim). `audit_key` names the primary key."""

    audit_key: ClassVar[tuple[str, ...]] = ()
    audit_apart: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def audit_name(cls) -> str:
        return str(cls.__tablename__)

    def audit_reference(self) -> str:
        return row_reference(type(self), {name: getattr(self, name) for name in self.audit_key})

    def audit_digest(self) -> str:
        return row_digest(type(self), {name: getattr(self, name) for name in covered(type(self))})


class Proven(SQLModel):
    """A row whose `proven` columns move without an entry in the trail; `proof` stands for them, and for which row it is.

    `unproven` are values of a row that nothing has moved yet: then, and only then, it has no proof.
    """

    audit_key: ClassVar[tuple[str, ...]] = ()
    proven: ClassVar[tuple[str, ...]] = ()
    unproven: ClassVar[Mapping[str, Any] | None] = None


class Written:
    """A row of `model` as it was just written, without the cost of a mapped object; the trail takes either."""

    __slots__ = ("model", "values")

    def __init__(self, model: type[Audited], values: Mapping[str, Any]) -> None:
        self.model, self.values = model, values

    def __getattr__(self, name: str) -> Any:
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None

    def audit_reference(self) -> str:
        return row_reference(self.model, self.values)

    def audit_digest(self) -> str:
        return row_digest(self.model, self.values)


def covered(model: type[Audited]) -> tuple[str, ...]:
    """The columns in the digest, in the table's order."""
    known = _COVERED.get(model.audit_name())
    if known is None:
        columns: Iterable[str] = model.__table__.columns.keys()  # type: ignore[attr-defined]
        known = tuple(name for name in columns if name not in model.audit_key and name not in model.audit_apart)
        _COVERED[model.audit_name()] = known
    return known


_COVERED: dict[str, tuple[str, ...]] = {}


def row_reference(model: type[Audited] | type[Proven], values: Mapping[str, Any]) -> str:
    return f"{model.__tablename__}/" + "/".join(str(values[name]) for name in model.audit_key)


def row_digest(model: type[Audited], values: Mapping[str, Any]) -> str:
    """SHA-256 over the covered columns in their order, times as UTC ISO text, bytes by their own SHA-256.

    A column that is null is left out (setting it, or clearing it, still changes the digest): a column added by a later
    revision is null in every older row, whose digest must hold.
    """
    parts = [[name, _plain(values[name])] for name in sorted(covered(model)) if values[name] is not None]
    return sha256(_COMPACT.encode(parts).encode()).hexdigest()


_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, str | int | bool) or value is None:
        return value
    if isinstance(value, bytes | memoryview):
        return sha256(value).hexdigest()
    return str(value)


@dataclass(frozen=True)
class AuditKeys:
    """The signing key and older ones, by id (first 8 hex digits of the key's SHA-256). Kept outside the database."""

    current: bytes
    previous: tuple[bytes, ...] = ()

    @staticmethod
    def id_of(key: bytes) -> str:
        return sha256(key).hexdigest()[:8]

    @property
    def current_id(self) -> str:
        return self.id_of(self.current)

    def by_id(self, key_id: str) -> bytes | None:
        return next((key for key in (self.current, *self.previous) if self.id_of(key) == key_id), None)


def proof_of(key: bytes, service: str, model: type[Proven], values: Mapping[str, Any]) -> str:
    """`key id:HMAC` over the service, which row it is, and its proven columns."""
    parts = [[name, _plain(values[name])] for name in model.proven]
    return f"{AuditKeys.id_of(key)}:{_mac(key, 'proof', service, row_reference(model, values), _COMPACT.encode(parts))}"


def proven_seal(keys: AuditKeys, entry: str, mac: str) -> str | None:
    """The id of our key that a published seal was made with, or None."""
    for key in (keys.current, *keys.previous):
        if hmac.compare_digest(_mac(key, "seal", entry), mac):
            return AuditKeys.id_of(key)
    return None


def _rank(stream: str) -> tuple[bool, str]:
    return stream == SERVICE_STREAM, stream


def _mac(key: bytes, *parts: str) -> str:
    return hmac.new(key, "\x1f".join(parts).encode(), sha256).hexdigest()


_LOCK = Statement(
    "streams",
    "SELECT seq, mac FROM streams WHERE stream = :stream FOR UPDATE",
    sqlite="SELECT seq, mac FROM streams WHERE stream = :stream",
)
_MAKE_AND_LOCK = Statement(
    "streams",
    "INSERT INTO streams (stream, seq, mac, head) VALUES (:stream, 0, '', '') "
    "ON CONFLICT (stream) DO UPDATE SET seq = streams.seq RETURNING seq, mac",
)
_MOVE_HEAD = Statement("streams", "UPDATE streams SET seq = :seq, mac = :mac, head = :head WHERE stream = :stream")
_FORGET = Statement("streams", "DELETE FROM streams WHERE stream = :stream AND seq = 0")
_ADD_ENTRY = insert_into(AuditRow, without=("id",))


def lock_question(stream: str) -> tuple[Statement, Mapping[str, Any]]:
    """For `Tx.foresee`: what `Audit.lock` will ask first."""
    return _LOCK, {"stream": stream}


@dataclass
class _Head:
    seq: int
    mac: str
    dirty: bool = False


class _Floor:
    """Below it every entry is sealed: the search for unsealed ones need not read the whole trail every two seconds.

    The whole trail is read at the start and every ten minutes; the floor is the newest entry of the reading before the
    last one, so an entry may be committed ten minutes after it took its number and is still found, at worst, by the next.
    """

    def __init__(self) -> None:
        self.sealed_through = 0
        self._next = 0
        self._read_at: datetime | None = None

    def due(self, at: datetime) -> bool:
        return self._read_at is None or abs(at - self._read_at) >= WHOLE_TRAIL_EVERY

    def rise(self, at: datetime, newest: int) -> None:
        self.sealed_through, self._next, self._read_at = self._next, newest, at


class Audit:
    """Writes and verifies the trail of one service."""

    def __init__(self, service: str, keys: AuditKeys) -> None:
        self.service, self.keys = service, keys
        self._floor = _Floor()

    def prove(self, model: type[Proven], values: Mapping[str, Any]) -> str:
        """The `proof` column for these values; they include the row's key."""
        return proof_of(self.keys.current, self.service, model, values)

    def lock(self, tx: Tx, stream: str) -> None:
        """Lock the stream's row (made when missing) before anything of that child is written or numbered.

        Ascending, the service's own stream last: whoever parks or closes an event holds its child's lock by then.
        What this transaction has read before is read anew.
        """
        if stream in tx.locked:
            return
        later = [held for held in tx.locked if _rank(held) > _rank(stream)]
        if later:
            raise RuntimeError(f"stream locks must be taken in ascending order ({stream!r} after {later[-1]!r})")
        found = tx.rows(_LOCK, {"stream": stream}) or tx.rows(_MAKE_AND_LOCK, {"stream": stream})
        tx.read_anew()
        seq, mac = found[0]
        head = tx.locked[stream] = _Head(seq, mac)
        if seq == 0:
            tx.before_commit(lambda: self._forget_unused(tx, stream, head))

    def _forget_unused(self, tx: Tx, stream: str, head: _Head) -> None:
        """A stream nothing was written to leaves no row: one that stands there with no entry was put there by hand."""
        if head.seq == 0:
            tx.write(_FORGET, {"stream": stream})

    def record(
        self,
        tx: Tx,
        *,
        stream: str,
        actor: str,
        action: str,
        at: datetime,
        reason: str | None = None,
        detail: Mapping[str, Any] | None = None,
        rows: Iterable[Audited | Written] = (),
        removed: Sequence[str] = (),
    ) -> None:
        """Append one entry to a locked stream; `rows` are the rows as just written, `removed` references of deleted ones."""
        head = tx.locked.get(stream)
        if not isinstance(head, _Head):
            raise RuntimeError(f"audit entry for {stream!r} without its stream lock")
        rows = (*tx.unrecorded, *rows)
        tx.unrecorded.clear()
        entry = canonical(
            {
                "service": self.service,
                "stream": stream,
                "seq": head.seq + 1,
                "at": at.isoformat(),
                "actor": actor,
                "action": action,
                "reason": reason,
                "detail": dict(detail or {}),
                "rows": {row.audit_reference(): row.audit_digest() for row in rows} | dict.fromkeys(removed),
            }
        ).decode()
        mac = _mac(self.keys.current, entry, head.mac)
        tx.write(
            _ADD_ENTRY,
            {"stream": stream, "seq": head.seq + 1, "entry": entry, "key_id": self.keys.current_id, "mac": mac},
        )
        head.seq, head.mac = head.seq + 1, mac
        if not head.dirty:
            head.dirty = True
            tx.before_commit(lambda: self._write_head(tx, stream, head))

    def blank_entries(self, tx: Tx, streams: Sequence[str], hashes: frozenset[str]) -> dict[str, str]:
        """Take words back out of older entries (a reason that somebody typed): `stream#number` and the SHA-256 of what the
        entry says now. Its MAC stays, so that the chain holds; the next entry must name what is given back here."""
        statement = select(AuditRow).where(col(AuditRow.stream).in_(streams))
        blanked: dict[str, str] = {}
        for row in tx.session.execute(statement).scalars():
            made, count = loosely(json.loads(row.entry), hashes)
            if count:
                row.entry = canonical(made).decode()
                tx.session.add(row)
                blanked[f"{row.stream}#{row.seq}"] = sha256(row.entry.encode()).hexdigest()
        return blanked

    def _write_head(self, tx: Tx, stream: str, head: _Head) -> None:
        # The head row is written once per transaction: the lock has been ours since `lock`.
        proof = self._head_mac(self.keys.current, stream, head.seq, head.mac)
        tx.write(_MOVE_HEAD, {"stream": stream, "seq": head.seq, "mac": head.mac, "head": proof})

    def _head_mac(self, key: bytes, stream: str, seq: int, mac: str) -> str:
        return f"{AuditKeys.id_of(key)}:{_mac(key, 'head', self.service, stream, str(seq), mac)}"

    def count_unsealed(self, tx: Tx) -> int:
        """How many entries no seal covers yet."""
        unsealed = (
            select(func.count()).select_from(AuditRow).outerjoin(SealedRow, col(SealedRow.audit_id) == col(AuditRow.id))
        )
        above = col(AuditRow.id) > self._floor.sealed_through
        return int(tx.scalar(unsealed.where(above, col(SealedRow.audit_id).is_(None))))

    def oldest_unsealed(self, tx: Tx) -> datetime | None:
        """When the oldest entry that should be sealed by now was made."""
        entry = tx.execute(
            select(col(AuditRow.entry))
            .outerjoin(SealedRow, col(SealedRow.audit_id) == col(AuditRow.id))
            .where(col(SealedRow.audit_id).is_(None), col(AuditRow.id) > self._floor.sealed_through)
            .where(col(AuditRow.stream) != SEALS_STREAM)
            .order_by(col(AuditRow.id))
            .limit(1)
        ).scalar()
        return datetime.fromisoformat(json.loads(entry)["at"]) if entry else None

    def seal(self, tx: Tx, at: datetime, limit: int = 2000) -> tuple[int, bytes] | None:
        """Seal the unsealed entries: returns (number, canonical entry) to publish, or None when there are none."""
        whole = self._floor.due(at)
        newest = int(tx.scalar(select(func.max(col(AuditRow.id)))) or 0) if whole else 0
        unsealed = tx.execute(
            select(col(AuditRow.id), col(AuditRow.stream), col(AuditRow.seq), col(AuditRow.mac))
            .outerjoin(SealedRow, col(SealedRow.audit_id) == col(AuditRow.id))
            .where(col(SealedRow.audit_id).is_(None), col(AuditRow.id) > (0 if whole else self._floor.sealed_through))
            .order_by(col(AuditRow.id))
            .limit(limit)
        ).all()
        if whole and len(unsealed) < limit:
            tx.after_commit(lambda: self._floor.rise(at, newest))
        if all(stream == SEALS_STREAM for _, stream, _, _ in unsealed):
            return None
        before = tx.execute(select(SealRow).order_by(col(SealRow.number).desc()).limit(1)).scalar()
        number = before.number + 1 if before else 1
        digest = sha256("\n".join(f"{s}\x1f{q}\x1f{m}" for _, s, q, m in unsealed).encode()).hexdigest()
        entry = canonical(
            {
                "service": self.service,
                "number": number,
                "at": at.isoformat(),
                "entries": len(unsealed),
                "first_id": unsealed[0][0],
                "last_id": unsealed[-1][0],
                "digest": digest,
                "previous": before.mac if before else "",
            }
        )
        mac = _mac(self.keys.current, "seal", entry.decode())
        tx.execute(insert(SealRow).values(number=number, entry=entry.decode(), key_id=self.keys.current_id, mac=mac))
        tx.execute(insert(SealedRow), [{"audit_id": row[0], "seal_number": number} for row in unsealed])
        return number, canonical({**json.loads(entry), "mac": mac})
