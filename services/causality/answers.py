"""The shape of every answer of the JSON routes, for their OpenAPI description."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared.case import Assessment


class Answered(BaseModel):
    model_config = ConfigDict(extra="forbid")


class UnsignedLine(Answered):
    case_id: str
    case_number: str
    version: int
    case_version: int


class Unsigned(Answered):
    unsigned: list[UnsignedLine]


class StaleReason(Answered):
    """One document that is newer than what was judged, or was not there."""

    aggregate: str
    why_en: str
    why_vi: str


class AssessmentAnswer(Answered):
    """`status`: proposed, signed, or stale (something became known after it was judged)."""

    status: Literal["proposed", "signed", "stale"]
    stale: list[StaleReason]
    assessment: Assessment


class AssessmentVersions(Answered):
    versions: list[Assessment]
