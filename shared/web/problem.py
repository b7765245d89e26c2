"""RFC 9457 problem documents: what went wrong, in which field, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from shared.errors import FieldProblem, TocsinError
from shared.telemetry import current_traceparent, trace_id_of

MEDIA_TYPE = "application/problem+json"


class ProblemField(BaseModel):
    """`pointer` (RFC 6901) leads into the body; for a query, path or header value it is empty and `parameter` names it."""

    pointer: str = Field(default="", examples=["/events/0/term"])
    parameter: str | None = Field(default=None, examples=["limit"])
    detail: str
    remedy: str = ""


class Problem(BaseModel):
    """The body of every answer that is not a success."""

    type: str = Field(examples=["urn:tocsin:problem:refused"])
    title: str
    status: int
    code: str = Field(examples=["refused"])
    detail: str
    trace_id: str | None = None
    problems: list[ProblemField] = []


class ProblemResponse(JSONResponse):
    media_type = MEDIA_TYPE


def problem_response(
    status: int,
    code: str,
    title: str,
    detail: str = "",
    *,
    problems: Sequence[ProblemField | FieldProblem] = (),
    headers: Mapping[str, str] | None = None,
    **extensions: Any,
) -> ProblemResponse:
    """A problem document; `extensions` are further members of it (RFC 9457 section 3.2)."""
    traceparent = current_traceparent()
    body = Problem(
        type=f"urn:tocsin:problem:{code}",
        title=title,
        status=status,
        code=code,
        detail=detail or title,
        trace_id=trace_id_of(traceparent) if traceparent else None,
        problems=[p if isinstance(p, ProblemField) else ProblemField(**p.as_json()) for p in problems],
    )
    content = body.model_dump(exclude_none=True) | extensions
    return ProblemResponse(content, status_code=status, headers=dict(headers or {}))


def problem_of(error: TocsinError, **extensions: Any) -> ProblemResponse:
    """The problem document of one of our errors, with the headers its status asks for."""
    return problem_response(
        error.status,
        error.code,
        error.title,
        error.detail,
        problems=error.problems,
        headers=headers_for(error),
        **extensions,
    )


def headers_for(error: TocsinError) -> dict[str, str]:
    wait = getattr(error, "wait_s", None)
    match error.status:
        case 401:
            return {"WWW-Authenticate": 'Bearer realm="tocsin"'}
        case 429:
            return {"Retry-After": str(wait or 5)}
        case 503:
            return {"Retry-After": "5"}
    return {}


def pointer_of(location: Sequence[int | str]) -> str:
    """RFC 6901 pointer of a pydantic location without its first part (`body`)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


def fields_of(error: RequestValidationError) -> list[ProblemField]:
    """One entry per field, never echoing what was typed."""
    found: list[ProblemField] = []
    for problem in error.errors():
        location: tuple[int | str, ...] = tuple(problem["loc"])
        source, rest = (location[0], location[1:]) if location else ("body", ())
        if problem["type"] == "json_invalid":
            found.append(ProblemField(detail=f"the body is not JSON (near character {rest[0] if rest else 0})"))
        elif source == "body":
            found.append(ProblemField(pointer=pointer_of(rest), detail=str(problem["msg"])))
        else:
            found.append(ProblemField(parameter=f"{source}:{'.'.join(map(str, rest))}", detail=str(problem["msg"])))
    return found


def _documented(description: str) -> dict[str, Any]:
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    field = schema.pop("$defs")["ProblemField"]
    schema["properties"]["problems"]["items"] = field
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": _documented("The request cannot be done as it is; `problems` names the fields."),
    "5XX": _documented("Something failed on our side; nothing was acknowledged."),
}
"""For `responses=` of a router, so that OpenAPI tells the truth about errors (it replaces FastAPI's own 422)."""
