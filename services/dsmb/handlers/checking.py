"""Making a cut's reports once more from the documents it names, and comparing them with what was stored."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from services.dsmb import store
from services.dsmb.domain import Document, Manifest
from services.dsmb.handlers.letters import letters
from services.dsmb.handlers.making import make
from services.dsmb.store import CutRow
from services.dsmb.tables import PROGRAM
from shared.canonical import sha256
from shared.db import Tx
from shared.errors import NotFound

Verdict = Literal["identical", "different", "other_program", "documents_missing"]


@dataclass(frozen=True)
class Checked:
    """`documents` are here with the bytes the manifest names; `missing` are not. One verdict for each report."""

    documents: int
    missing: int
    closed: Verdict
    open: Verdict


def check_cut(tx: Tx, cut_id: str) -> Checked:
    """Pure recomputation: takes as long as freezing. Raises NotFound, CodingDiffers."""
    row = store.cut(tx, cut_id)
    if row is None:
        raise NotFound("no cut by that id")
    manifest = Manifest.from_json(json.loads(row.manifest))
    coding = letters(tx, manifest)
    found = list(documents_of(tx, manifest))
    missing = len(manifest.entries) - len(found)
    if manifest.program != PROGRAM or missing:
        why: Verdict = "documents_missing" if missing else "other_program"
        return Checked(len(found), missing, why, why)
    made = make(
        manifest,
        found,
        coding,
        json.loads(row.offsets),
        row.parked,
        row.withheld if row.withheld == "too_soon" else "",
    )
    closed = _verdict(tx, row, "closed", made.body("closed"))
    return Checked(len(found), 0, closed, _verdict(tx, row, "open", made.body("open")))


def documents_of(tx: Tx, manifest: Manifest) -> list[Document]:
    """The manifest's documents, each held against its SHA-256: bytes that differ are not the document.

    Words that were taken back since changed the bytes and no figure: the version is known by what it was called then.
    """
    former = store.former_hashes(tx)
    wanted = {(one.aggregate, one.version): one.sha256 for one in manifest.entries}
    return [
        one
        for one in store.documents(tx, manifest.entries)
        if (now := sha256(one.body.encode())) == wanted[one.aggregate, one.version]
        or (now == one.sha256 and wanted[one.aggregate, one.version] in former.get((one.aggregate, one.version), ()))
    ]


def _verdict(tx: Tx, row: CutRow, kind: str, body: bytes) -> Verdict:
    stored = store.report(tx, row.cut_id, kind)
    return "identical" if stored is not None and stored.body.encode() == body else "different"
