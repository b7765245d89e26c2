"""`tocsin audit verify`: reads the whole trail of one service and names every place that does not agree."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from shared.audit import (
    SEALS_STREAM,
    Audit,
    Audited,
    AuditRow,
    Proven,
    SealedRow,
    SealRow,
    StreamRow,
    _mac,
    covered,
    proof_of,
    row_digest,
    row_reference,
)
from shared.bus.cursor import CursorRow
from shared.bus.port import PARTITIONS, SAFETY_TOPIC
from shared.db import Tx


@dataclass(frozen=True)
class Breach:
    """One disagreement: where it is and what is wrong there."""

    place: str
    what: str


@dataclass(frozen=True)
class Verified:
    """The result for one service."""

    service: str
    entries: int
    seals: int
    rows: int
    breaches: tuple[Breach, ...]
    lost: tuple[int, ...] = ()
    """Seals that a restore brought back from the log; the entries they covered were lost with the database."""

    @property
    def ok(self) -> bool:
        return not self.breaches


def verify(
    tx: Tx,
    audit: Audit,
    tables: Sequence[type[Audited]],
    published_seals: dict[int, str] | None = None,
    *,
    reads_log: bool = True,
) -> Verified:
    """`tables` are the audited tables of the service; `published_seals` maps seal numbers on the log to their MAC.

    `reads_log` is False where there is no reading position: the users' database.
    """
    latest: dict[str, tuple[str | None, str]] = {}
    breaches: list[Breach] = []
    entries = 0
    heads: dict[str, tuple[int, str]] = {}
    changed: dict[str, str] = {}
    """Entries that are not the bytes of their MAC, and what they are now."""
    blanked: dict[str, set[str]] = {}
    """Entries that a later one says words were taken from, and what each is to be since."""
    macs: dict[int, tuple[str, int, str]] = {}
    lost: set[int] = set()
    for row in _rows(tx, select(AuditRow).order_by(col(AuditRow.stream), col(AuditRow.seq))):
        entries += 1
        place = f"audit {row.stream} #{row.seq}"
        seq, before = heads.get(row.stream, (0, ""))
        if row.seq != seq + 1:
            breaches.append(
                Breach(place, f"the entry before it should be #{row.seq - 1}, but #{seq} is the last one there")
            )
        key = audit.keys.by_id(row.key_id)
        if key is None:
            breaches.append(Breach(place, f"signed with key {row.key_id}, which is not configured"))
        elif hmac.compare_digest(_mac(key, row.entry, before), row.mac):
            for name, digest in _load(row.entry).get("detail", {}).get("blanked_entries", {}).items():
                blanked.setdefault(name, set()).add(digest)
        else:
            changed[f"{row.stream}#{row.seq}"] = sha256(row.entry.encode()).hexdigest()
        entry = _load(row.entry)
        if entry.get("stream") != row.stream or entry.get("seq") != row.seq:
            breaches.append(Breach(place, "its columns do not say what its signed bytes say"))
        heads[row.stream] = (row.seq, row.mac)
        macs[row.id] = (row.stream, row.seq, row.mac)
        restored = entry.get("detail", {}).get("restored_seal")
        if row.stream == SEALS_STREAM and isinstance(restored, int):
            lost.add(restored)
        for reference, digest in entry.get("rows", {}).items():
            latest[reference] = (digest, place)
    for name, digest in changed.items():
        if digest not in blanked.get(name, ()):
            stream, _, seq = name.rpartition("#")
            breaches.append(Breach(f"audit {stream} #{seq}", "its bytes, or the entry before it, were changed"))
    for name in blanked.keys() - changed.keys():
        stream, _, seq = name.rpartition("#")
        if int(seq) <= heads.get(stream, (0, ""))[0]:
            breaches.append(Breach(f"audit {stream} #{seq}", "its bytes hold words again that were taken back"))
    breaches.extend(_heads(tx, audit, heads))
    seals, found = _seals(tx, audit, macs, published_seals, lost)
    breaches.extend(found)
    rows, found = _tables(tx, tables, latest)
    breaches.extend(found)
    for table in (one for one in tables if issubclass(one, Proven)):
        breaches.extend(_proofs(tx, audit, table))
    if reads_log:
        breaches.extend(_proofs(tx, audit, CursorRow))
        breaches.extend(_missing_cursors(tx))
    return Verified(audit.service, entries, seals, rows, tuple(breaches), tuple(sorted(lost)))


def _heads(tx: Tx, audit: Audit, heads: dict[str, tuple[int, str]]) -> list[Breach]:
    found = []
    seen = set()
    for row in _rows(tx, select(StreamRow)):
        seen.add(row.stream)
        seq, mac = heads.get(row.stream, (0, ""))
        if not seq:
            found.append(Breach(f"stream {row.stream}", "it has no entry: the row was added, or its entries were cut"))
            continue
        if row.seq != seq or row.mac != mac:
            found.append(
                Breach(
                    f"stream {row.stream}",
                    f"its head says #{row.seq}, the trail ends at #{seq}: entries were cut or added",
                )
            )
            continue
        if seq:
            key = audit.keys.by_id(row.head.partition(":")[0])
            if key is None or not hmac.compare_digest(audit._head_mac(key, row.stream, row.seq, row.mac), row.head):
                found.append(Breach(f"stream {row.stream}", "its head was put back by hand: entries after it were cut"))
    found.extend(Breach(f"stream {name}", "its head row is gone") for name in heads.keys() - seen)
    return found


def _seals(
    tx: Tx, audit: Audit, macs: dict[int, tuple[str, int, str]], published: dict[int, str] | None, lost: set[int]
) -> tuple[int, list[Breach]]:
    found: list[Breach] = []
    covered: dict[int, list[int]] = {}
    for row in _rows(tx, select(SealedRow).order_by(col(SealedRow.audit_id))):
        covered.setdefault(row.seal_number, []).append(row.audit_id)
    number, before = 0, ""
    known: dict[int, str] = {}
    for row in _rows(tx, select(SealRow).order_by(col(SealRow.number))):
        place = f"seal {row.number}"
        if row.number != number + 1:
            found.append(Breach(place, f"seal {number + 1} is missing"))
        entry = _load(row.entry)
        key = audit.keys.by_id(row.key_id)
        if key is None or not hmac.compare_digest(_mac(key, "seal", row.entry), row.mac):
            found.append(Breach(place, "the seal was changed"))
        if entry.get("previous") != before:
            found.append(Breach(place, "it does not follow the seal before it"))
        ids = covered.pop(row.number, [])
        if row.number in lost and not ids:
            number, before = row.number, row.mac
            known[row.number] = row.mac
            continue
        gone = [str(i) for i in ids if i not in macs]
        if gone:
            found.append(Breach(place, f"sealed entries are gone (audit ids {', '.join(gone[:5])})"))
        else:
            lines = "\n".join("\x1f".join((macs[i][0], str(macs[i][1]), macs[i][2])) for i in ids)
            if len(ids) != entry.get("entries") or sha256(lines.encode()).hexdigest() != entry.get("digest"):
                found.append(Breach(place, "the entries it covers are not the ones that were sealed"))
        number, before = row.number, row.mac
        known[row.number] = row.mac
    found.extend(Breach(f"seal {n}", "entries point to a seal that is gone") for n in covered)
    for n, mac in sorted((published or {}).items()):
        if n not in known:
            found.append(Breach(f"seal {n}", "it was published on the log, but the database no longer has it"))
        elif known[n] != mac:
            found.append(Breach(f"seal {n}", "the log holds another seal of that number"))
    return number, found


def _tables(
    tx: Tx, tables: Sequence[type[Audited]], latest: dict[str, tuple[str | None, str]]
) -> tuple[int, list[Breach]]:
    found: list[Breach] = []
    rows = 0
    names = {table.audit_name(): table for table in tables}
    seen: set[str] = set()
    for table in tables:
        columns = (*table.audit_key, *covered(table))
        statement = select(*(getattr(table, name) for name in columns))
        for values in tx.execute(statement.execution_options(yield_per=50)):  # some hold documents
            rows += 1
            mapping = dict(zip(columns, values, strict=True))
            reference = row_reference(table, mapping)
            seen.add(reference)
            digest, place = latest.get(reference, (None, ""))
            if digest is None:
                found.append(Breach(reference, "the row was added by hand: the trail does not know it"))
            elif digest != row_digest(table, mapping):
                found.append(Breach(reference, f"the row was edited after {place}"))
    for reference, (digest, place) in latest.items():
        if digest is not None and reference not in seen and reference.partition("/")[0] in names:
            found.append(Breach(reference, f"the row written at {place} is gone"))
    return rows, found


def _proofs(tx: Tx, audit: Audit, table: type[Proven]) -> list[Breach]:
    """What moves without an entry must be what its mover proved."""
    found = []
    columns = (*table.audit_key, *table.proven)
    statement = select(*(getattr(table, name) for name in (*columns, "proof")))
    for *values, proof in tx.execute(statement.execution_options(yield_per=200)):
        mapping = dict(zip(columns, values, strict=True))
        if proof is None:
            fine = table.unproven is not None and all(mapping[k] == v for k, v in table.unproven.items())
        else:
            key = audit.keys.by_id(proof.partition(":")[0])
            fine = key is not None and hmac.compare_digest(proof_of(key, audit.service, table, mapping), proof)
        if not fine:
            names = ", ".join(table.proven)
            found.append(Breach(row_reference(table, mapping), f"its marks ({names}) were changed by hand"))
    return found


def _missing_cursors(tx: Tx) -> list[Breach]:
    seen = {(topic, n) for topic, n in tx.execute(select(col(CursorRow.topic), col(CursorRow.partition)))}
    topics = {SAFETY_TOPIC, *(topic for topic, _ in seen)}
    gone = sorted({(topic, n) for topic in topics for n in range(PARTITIONS)} - seen)
    extra = sorted(one for one in seen if not 0 <= one[1] < PARTITIONS)
    return [
        *(Breach(f"cursors/{topic}/{n}", "the reading position is gone") for topic, n in gone),
        *(Breach(f"cursors/{topic}/{n}", "there is no such partition") for topic, n in extra),
    ]


def _rows(tx: Tx, statement: Any) -> Iterator[Any]:
    yield from tx.session.execute(statement.execution_options(yield_per=500)).scalars()


def _load(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
