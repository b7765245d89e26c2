"""A frozen data cut of the board, as it must stand again after a restore: every file of it, byte for byte, and no child's arm."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from shared.case.base import Published
from shared.case.text import Typed

CutFileKind = Literal["manifest", "closed", "open"]


class CutFile(Published):
    """One file of a cut: its place among the packed ones is its place in the list. `language` is that of a paper."""

    kind: CutFileKind
    language: str | None = None
    size: int
    """Bytes, unpacked."""
    sha256: str


class CutOffset(Published):
    """Where one partition stood when the cut was frozen: the next offset to be read."""

    topic: str
    partition: int
    next_offset: int


class CutPart(Published):
    """A piece of a cut's packed files (aggregate `cut_part/{cut_id}.{number}`), small enough for the log; numbered from 1."""

    trial_id: str
    cut_id: str
    version: int = 1
    number: int
    content_base64: str


class CutFrozen(Published):
    """A cut (aggregate `cut/{cut_id}`, version 1, immutable), published after its parts: it stands only with all of them.

    Which letter is which arm is not in it: the manifest seals that.
    """

    trial_id: str
    cut_id: str
    version: int = 1
    at: datetime
    purpose: Typed
    frozen_by: str
    manifest_sha256: str
    offsets: tuple[CutOffset, ...]
    documents: int
    """Entries of the manifest."""
    children: int
    parked: int
    opened: bool
    withheld: Literal["", "too_soon", "few_children"]
    """Why the open report has no tables; empty when it has."""
    files: tuple[CutFile, ...]
    """As they follow one another in the packed bytes (zlib)."""
    parts: tuple[str, ...]
    """SHA-256 of each part's bytes, the first part first."""
