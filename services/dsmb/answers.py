"""The shape of every answer of the JSON routes, for their OpenAPI description; `views` fills them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.dsmb.handlers.checking import Verdict

Kind = Literal["closed", "open"]


class Answered(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ReportHash(Answered):
    """A report of a cut: `sha256` is that of its JSON bytes."""

    kind: Kind
    sha256: str
    path: str


class Cut(Answered):
    """A frozen cut. `sha256` is the manifest's; `offsets` are where both topics stood."""

    cut_id: str
    sha256: str
    at: datetime
    purpose: str
    """For the board alone; empty for everybody else."""
    frozen_by: str
    offsets: dict[str, dict[str, int]] = Field(examples=[{"tocsin.safety": {"0": 12}, "tocsin.allocation": {"0": 1}}])
    documents: int
    subjects: int
    parked: int
    """Events set aside when it was taken: not counted in it."""
    open_withheld: Literal["", "too_soon", "few_children"]
    """Why its open report has no tables; empty when it has."""
    reports: list[ReportHash]


class Cuts(Answered):
    cuts: list[Cut]


class Report(Answered):
    """`header` names the cut; `tables` are lists of rows of cells. Numbers that are not whole are decimal text."""

    header: dict[str, Any]
    tables: list[dict[str, Any]]


class ManifestAnswer(Answered):
    """What the cut's hash is of: every document version with the SHA-256 of its bytes, and how they were counted."""

    cut_id: str
    at: datetime
    program: str
    salt: str
    coding_sha256: str
    plan: dict[str, Any]
    entries: list[list[str | int]]


class Check(Answered):
    """Both reports made once more from the documents that the manifest names."""

    documents: int
    missing: int
    closed: Verdict
    open: Verdict


class Coding(Answered):
    """Letter -> arm."""

    coding: dict[str, str]


class Standing(Answered):
    rule_id: str
    evaluable: int
    with_event: int
    waiting: int
    stop_at: int
    posterior: str
    crossed: bool


class Crossing(Answered):
    rule_id: str
    charter_version: str
    look: int
    evaluable: int | None
    stop_at: int | None
    posterior: str | None
    """How it stood then; null after a restore."""
    crossed_at: datetime


class Rules(Answered):
    standings: list[Standing]
    crossings: list[Crossing]
