"""What a service has heard of a child, as documents: read from the versions it received."""

from __future__ import annotations

from shared.bus import received
from shared.case import Batch, CaseReport, Exposure, Measurement, Subject
from shared.db import Tx


def case_versions(tx: Tx, case_id: str) -> list[CaseReport]:
    return [received.read_as(CaseReport, row.body) for row in received.history(tx, f"case/{case_id}")]


def cases_of_child(tx: Tx, subject_id: str) -> list[CaseReport]:
    return [received.read_as(CaseReport, row.body) for row in received.latest_of_child(tx, subject_id, "case/")]


def exposures_of_child(tx: Tx, subject_id: str) -> list[Exposure]:
    return [received.read_as(Exposure, row.body) for row in received.latest_of_child(tx, subject_id, "exposure/")]


def measurements_of_child(tx: Tx, subject_id: str) -> list[Measurement]:
    return [received.read_as(Measurement, row.body) for row in received.latest_of_child(tx, subject_id, "measurement/")]


def batches_of_child(tx: Tx, subject_id: str) -> list[Batch]:
    return [received.read_as(Batch, row.body) for row in received.latest_of_child(tx, subject_id, "batch/")]


def subject(tx: Tx, subject_id: str) -> Subject | None:
    rows = received.latest_of_child(tx, subject_id, "subject/")
    return received.read_as(Subject, rows[0].body) if rows else None
