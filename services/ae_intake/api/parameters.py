"""What a request says outside its body: who asks, which version was read, a key for repeats. One place, so that all refuse alike."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Header, Path, Request

from services.ae_intake.handlers import Who
from shared.auth.guard import require
from shared.auth.identity import Identity
from shared.bus.idempotency import KEY_PATTERN, MAX_KEY
from shared.errors import FieldProblem, PreconditionNeeded, Refused

Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=MAX_KEY, pattern=KEY_PATTERN)]
AnyKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", json_schema_extra={"maxLength": MAX_KEY, "pattern": KEY_PATTERN}),
]
"""Of a report: one with a wrong key is kept as rejected like any other, so the framework may not turn it away."""
Id = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9._:-]+$")]
_ETAG = re.compile(r'^(?:W/)?"?([0-9]{1,9})"?$')
Reporter = Annotated[Identity, Depends(require("report_case"))]
Reader = Annotated[Identity, Depends(require("see_cases"))]
Redactor = Annotated[Identity, Depends(require("redact_case"))]
Amender = Annotated[Identity, Depends(require("amend_case"))]


def who_of(identity: Identity) -> Who:
    return Who(identity.user_id, identity.sites if identity.site_scoped else None)


def expected_version(request: Request) -> int:
    """The version in If-Match; raises PreconditionNeeded when missing, Refused when it is not a version."""
    header = request.headers.get("if-match")
    if header is None:
        raise PreconditionNeeded(
            problems=[FieldProblem("", "If-Match is missing", 'send If-Match: "3" with the version you read')]
        )
    match = _ETAG.match(header.strip())
    if match is None:
        raise Refused(
            "If-Match is not a version",
            problems=[FieldProblem("", "If-Match", 'send If-Match: "3" with the version you read')],
        )
    return int(match[1])


IfMatch = Annotated[int, Depends(expected_version)]
IF_MATCH: dict[str, Any] = {
    "parameters": [
        {
            "name": "If-Match",
            "in": "header",
            "required": True,
            "description": "The version that you read, as its ETag says it",
            "schema": {"type": "string", "pattern": _ETAG.pattern},
            "example": '"3"',
        }
    ]
}
"""For `openapi_extra=`: without it the answer is 428, which a header that FastAPI requires could not say."""


def aware(at: datetime | None) -> datetime | None:
    if at is not None and at.tzinfo is None:
        raise Refused(
            "the time has no zone", problems=[FieldProblem("", "before has no zone", "write 2026-03-09T02:10:00Z")]
        )
    if at is not None and not 1900 <= at.year <= 2200:
        raise Refused(
            "the time is out of range", problems=[FieldProblem("", "before", "give a year between 1900 and 2200")]
        )
    return at
