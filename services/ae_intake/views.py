"""What the API answers: plain JSON built from documents, the same for the API, the pages and the tests."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.ae_intake.handlers import CaseOutcome
from services.ae_intake.store import CaseRow, RejectedRow
from shared.trial import Trial


def on_call(trial: Trial, at: datetime) -> list[dict[str, Any]]:
    """Whom the notifier will call, in order: role-like ids and titles, no addresses."""
    return [
        {
            "person": one.person.id,
            "title": {"en": one.person.title.en, "vi": one.person.title.vi},
            "reason": one.reason,
            "call_after_s": one.call_after_s,
        }
        for one in trial.on_call(at)
    ]


def case_answer(outcome: CaseOutcome, trial: Trial, now: datetime) -> dict[str, Any]:
    """The receipt of a submission or an amendment."""
    case = outcome.case
    return {
        "case_id": case.case_id,
        "case_number": case.case_number,
        "version": case.version,
        "subject_id": case.subject_id,
        "recorded_at": _iso(case.recorded_at),
        "missing": [question.as_json() for question in outcome.missing],
        "possible_duplicates": [
            {"case_id": one.case_id, "case_number": one.case_number, "why": list(one.why)} for one in outcome.suspected
        ],
        "on_call": on_call(trial, now),
        "links": links(case.case_id),
    }


def links(case_id: str) -> dict[str, str]:
    return {
        "self": f"/api/v1/cases/{case_id}",
        "page": f"/cases/{case_id}",
        "receipt": f"/report/{case_id}/receipt",
        "alerts": f"/api/v1/alerts?case_id={case_id}",
        "obligations": f"/api/v1/obligations?case_id={case_id}",
        "assessment": f"/api/v1/assessments/{case_id}",
    }


def case_document(outcome: CaseOutcome) -> dict[str, Any]:
    """One version, whole, with its questions and suspicions."""
    return {
        "case": outcome.case.model_dump(mode="json"),
        "missing": [question.as_json() for question in outcome.missing],
        "possible_duplicates": [
            {"case_id": one.case_id, "case_number": one.case_number, "why": list(one.why)} for one in outcome.suspected
        ],
        "links": links(outcome.case.case_id),
    }


def case_line(row: CaseRow) -> dict[str, Any]:
    return {
        "case_id": row.case_id,
        "case_number": row.case_number,
        "subject_id": row.subject_id,
        "site_id": row.site_id,
        "version": row.version,
        "serious": row.serious,
        "nullified": row.nullified,
        "terms": row.summary,
        "first_recorded_at": _iso(row.first_recorded_at),
        "recorded_at": _iso(row.recorded_at),
    }


def rejected_line(row: RejectedRow) -> dict[str, Any]:
    import json

    return {
        "rejected_id": row.rejected_id,
        "client": row.client,
        "route": row.route,
        "at": _iso(row.at),
        "problems": json.loads(row.problems),
        "state": row.state,
        "closed_by": row.closed_by,
        "closed_at": _iso(row.closed_at) if row.closed_at else None,
        "closed_reason": row.closed_reason,
    }


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
