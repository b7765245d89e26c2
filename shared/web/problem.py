"""RFC 9457 problem documents: what went wrong, in which field, and what to do about it."""

from __future__ import annotations

import re
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
            detail = f"the body is not JSON (near character {rest[0] if rest else 0})"
            found.append(ProblemField(detail=detail, remedy="send a JSON object in UTF-8"))
            continue
        said, remedy = sentence_of(problem), remedy_of(problem)
        if source == "body":
            found.append(ProblemField(pointer=pointer_of(rest), detail=said, remedy=remedy))
        else:
            parameter = f"{source}:{'.'.join(map(str, rest))}"
            found.append(ProblemField(parameter=parameter, detail=said, remedy=remedy))
    return found


def sentence_of(problem: Mapping[str, Any]) -> str:
    """What pydantic says about one field, without what was typed there: a validator's sentence may quote it."""
    said, typed = str(problem["msg"]), problem.get("input")
    if isinstance(typed, str) and typed:
        for length in (len(typed), *range(min(len(typed), 60), 3, -1)):
            said = said.replace(repr(typed[:length]), "…")
    return said.removeprefix("Value error, ")


_REMEDIES = {
    "extra_forbidden": "leave this field out; it is not known",
    "literal_error": "use one of the listed values",
    "missing": "give this field",
}
_SHAPES = {
    "Moment": 'send {"value": "2026-03-10T02:00", "zone": "Asia/Ho_Chi_Minh"}; leave off what is not known',
    "TextInput": 'send {"text": "…", "language": "vi"}',
    "Quantity": 'send {"value": "7.20", "unit": "mg"}',
}
"""By class, how to write what clients most often send as a plain text."""


def remedy_of(problem: Mapping[str, Any]) -> str:
    """What to do about one field."""
    if problem["type"] in ("model_type", "model_attributes_type"):
        return _SHAPES.get((problem.get("ctx") or {}).get("class_name", ""), "send a JSON object")
    return _REMEDIES.get(problem["type"], "correct this value")


_OUR_NAME = re.compile(r"^[a-z][a-z0-9_]{0,60}$")


def places_of(error: RequestValidationError) -> list[str]:
    """The pointers of `fields_of`, fit for a log: a field name that the client made up is not told."""
    found: list[str] = []
    for problem in error.errors():
        parts = problem["loc"][:-1] if problem["type"] == "extra_forbidden" else problem["loc"]
        parts = parts[1:] if parts[:1] == ("body",) else parts
        safe = [part if isinstance(part, int) or _OUR_NAME.match(part.lower()) else "…" for part in parts]
        found.append(pointer_of(safe))
    return found


def _documented(description: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}


def problem_schemas() -> dict[str, Any]:
    """The schemas that `PROBLEMS` and `problems` refer to, for `components` of an OpenAPI description."""
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    return schema.pop("$defs") | {Problem.__name__: schema}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": _documented("The request cannot be done as it is; `problems` names the fields."),
    "5XX": _documented("Something failed on our side; nothing was acknowledged."),
}
"""For `responses=` of a router, so that OpenAPI tells the truth about errors (it replaces FastAPI's own 422)."""

_MEANINGS = {
    400: "The body is not text in UTF-8.",
    401: "Sign in first, or the credentials are wrong.",
    403: "Your role, or your site, does not allow this.",
    404: "There is nothing here by that name, or nothing that you may see.",
    409: "The state has moved on, or the Idempotency-Key was used for another body.",
    412: "Somebody changed this since you read it: If-Match names another version.",
    413: "The request, or the document it makes, is larger than can be carried.",
    422: "Some fields do not fit; `problems` names each with what to do about it.",
    428: "If-Match is missing.",
    429: "Too many failed sign-ins; wait for the seconds in Retry-After.",
    500: "Something failed on our side; nothing was acknowledged.",
    503: "A part we depend on is away; nothing was done, try again.",
}
_ANYWHERE = (401, 403, 413, 422, 429, 500, 503)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For `responses=` of one route: the errors any route can answer with, and these."""
    return {status: _documented(_MEANINGS[status]) for status in sorted({*_ANYWHERE, *statuses})}
