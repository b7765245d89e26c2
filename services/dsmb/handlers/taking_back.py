"""After a restore: a cut as its own events tell of it, byte for byte, or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import ValidationError

from services.dsmb import store
from services.dsmb.domain import Manifest, coding_again, packing
from services.dsmb.domain.manifest import coding_sha256
from services.dsmb.domain.packing import Damaged
from services.dsmb.handlers.publishing import part_name
from services.dsmb.store import CodingRow, CutRow, PrintRow, ReportRow
from shared.audit import Audited
from shared.bus.outbox import of_aggregate
from shared.bus.reading import Poison
from shared.canonical import canonical, sha256
from shared.case import CutFrozen, CutPart
from shared.db import Tx
from shared.events.envelope import Event

MANIFEST = ("manifest", None)


def check_part(event: Event) -> None:
    """A part whose bytes can be read stands in the outbox again until its cut asks for it. Raises Poison."""
    try:
        told = CutPart.read(event.data)
        if event.aggregate != part_name(told.cut_id, told.number):
            raise Damaged("the part is about another cut, or another piece, than its record")
        packing.as_bytes(told.content_base64)
    except (ValidationError, Damaged) as error:
        raise _poison(event, error) from None


def take_back(tx: Tx, event: Event) -> Sequence[Audited]:
    """The rows of one cut with everything the board had of it. Writes nothing when it raises Poison."""
    try:
        rows = _rows(tx, event)
    except (ValidationError, Damaged) as error:
        raise _poison(event, error) from None
    row = rows[0]
    assert isinstance(row, CutRow)
    known = store.cut(tx, row.cut_id)
    if known is None:
        store.add_rows(tx, rows)
        return rows
    stored = [known, *store.codings(tx, row.cut_id), *store.reports(tx, row.cut_id), *store.prints(tx, row.cut_id)]
    if _as_set(stored) != _as_set(rows):
        raise Poison("conflict", f"{event.aggregate} stands already, and is not what the log tells of it")
    return ()


def _rows(tx: Tx, event: Event) -> list[Audited]:
    told = CutFrozen.read(event.data)
    if event.aggregate != f"cut/{told.cut_id}":
        raise Damaged("the cut is another one than its record says")
    bodies = packing.unpack(_parts(tx, told), [(one.size, one.sha256) for one in told.files])
    files = {(one.kind, one.language): body for one, body in zip(told.files, bodies, strict=True)}
    if len(files) != len(bodies) or [one for one in files if one[0] == "manifest"] != [MANIFEST]:
        raise Damaged("it has no manifest, or a file twice")
    body = files.pop(MANIFEST)
    manifest = _manifest(told, body)
    row = CutRow(
        manifest=body.decode(),
        offsets=canonical(_offsets(told)).decode(),
        **told.model_dump(include=set(CutRow.model_fields) - {"offsets"}),
    )
    arms = manifest.plan.arms
    coding = coding_again(arms, lambda one: coding_sha256(one.items(), manifest.salt) == manifest.coding_sha256)
    if coding is None:
        raise Damaged("no letters of the arms fit the seal in its manifest")
    rows: list[Audited] = [row]
    rows += [CodingRow(cut_id=row.cut_id, arm=arm, letter=letter) for arm, letter in sorted(coding.items())]
    for (kind, language), content in files.items():
        of = {"cut_id": row.cut_id, "kind": kind, "sha256": sha256(content)}
        if language is None:
            rows.append(ReportRow(body=content.decode(), **of))
        else:
            rows.append(PrintRow(content=content, language=language, **of))
    return rows


def _offsets(told: CutFrozen) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for one in told.offsets:
        found.setdefault(one.topic, {})[str(one.partition)] = one.next_offset
    return found


def _parts(tx: Tx, told: CutFrozen) -> list[bytes]:
    found = []
    for number, digest in enumerate(told.parts, start=1):
        named = of_aggregate(tx, part_name(told.cut_id, number))
        if not named:
            raise Damaged(f"part {number} of {len(told.parts)} did not come back")
        part = packing.as_bytes(CutPart.read(json.loads(named[0].body)).content_base64)
        if sha256(part) != digest:
            raise Damaged(f"part {number} of {len(told.parts)} has another SHA-256 than the cut says")
        found.append(part)
    return found


def _manifest(told: CutFrozen, body: bytes) -> Manifest:
    """What the cut says of itself and what its manifest says must agree."""
    if sha256(body) != told.manifest_sha256:
        raise Damaged("its manifest has another SHA-256 than the cut")
    try:
        manifest = Manifest.from_json(json.loads(body))
    except (ValueError, TypeError, KeyError, IndexError):
        raise Damaged("its manifest cannot be read") from None
    if (manifest.cut_id, manifest.at, len(manifest.entries)) != (told.cut_id, told.at, told.documents):
        raise Damaged("its manifest is another cut's")
    return manifest


def _as_set(rows: Sequence[Audited]) -> set[str]:
    return {f"{type(one).__name__} {canonical(_plain(one)).decode()}" for one in rows}


def _plain(row: Audited) -> dict[str, str]:
    return {name: _said(value) for name, value in row.model_dump().items()}


def _said(value: object) -> str:
    """One value as every database gives it back."""
    if isinstance(value, bytes | memoryview):
        return sha256(bytes(value))
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)


def _poison(event: Event, error: ValidationError | Damaged) -> Poison:
    """A validation error may quote what it found; the name of the event is enough."""
    why = str(error) if isinstance(error, Damaged) else "it does not have the fields of its type"
    return Poison("damaged", f"{event.aggregate}: {why}")
