"""From the text of a trial file to a `Trial`, or to a refusal that names file, line, column and remedy of every problem."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from shared.canonical import sha256
from shared.errors import FieldProblem, Refused
from shared.trial.cross import cross_check
from shared.trial.source import Document, Path, Place, read
from shared.trial.trial import Trial

_REMEDIES = {
    "string_type": "write text here",
    "int_parsing": "write a whole number",
    "int_type": "write a whole number",
    "bool_type": "write true or false",
    "tuple_type": "write a list (lines that begin with '- ')",
    "model_type": "write keys and values here",
    "date_from_datetime_parsing": "write a date like 2026-03-09",
    "date_parsing": "write a date like 2026-03-09",
    "time_parsing": 'write a time like "19:00"',
    "too_short": "give at least one",
    "string_too_short": "do not leave it empty",
}


class TrialInvalid(Refused):
    """The trial file cannot be used; `problems` has one entry per place, each beginning with `file:line:col`."""

    code = "trial-invalid"
    title = "The trial file cannot be used as it is"


def load(text: str, filename: str) -> Trial:
    """Read, validate and cross-check a trial file; raises TrialInvalid with every problem found."""
    return load_with_places(text, filename)[0]


def load_with_places(text: str, filename: str) -> tuple[Trial, Document]:
    """The same, with the document that knows where everything stands."""
    document = read(text)
    if document.misread:
        raise _invalid(
            filename, [problem_at(filename, one.place, one.path, one.what, one.remedy) for one in document.misread]
        )
    if not isinstance(document.data, dict):
        raise _invalid(
            filename,
            [
                problem_at(
                    filename, Place(1, 1), (), "there is no trial in it", "begin with `id:` and a trial's other keys"
                )
            ],
        )
    problems = list(_typed_by_hand(filename, document))
    try:
        trial = Trial.model_validate(document.data)
    except ValidationError as error:
        found = error.errors(include_url=False)
        # A list whose only element is wrong is also reported as empty: that one would mislead.
        inside = {one["loc"][:-depth] for one in found for depth in range(1, len(one["loc"]))}
        told = [one for one in found if one["type"] != "too_short" or one["loc"] not in inside]
        problems += [_from_pydantic(filename, document, one) for one in told]
        raise _invalid(filename, problems) from None
    problems += [
        problem_at(filename, document.place(one.path), one.path, one.what, one.remedy) for one in cross_check(trial)
    ]
    if problems:
        raise _invalid(filename, problems)
    return trial.model_copy(update={"sha256": sha256(text.encode())}), document


def _invalid(filename: str, problems: list[FieldProblem]) -> TrialInvalid:
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return TrialInvalid(f"{filename}: {count}; the first: {problems[0].detail}", problems=problems)


def _typed_by_hand(filename: str, document: Document) -> Iterator[FieldProblem]:
    if isinstance(document.data, dict) and "sha256" in document.data:
        place = document.place(("sha256",), key=True)
        yield problem_at(filename, place, ("sha256",), "a file cannot hold its own hash", "remove it, it is computed")


def problem_at(filename: str, place: Place, path: Path, what: str, remedy: str) -> FieldProblem:
    pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)
    where = ".".join(str(part) for part in path)
    named = f"{where}: {what}" if where else what
    return FieldProblem(pointer, f"{filename}:{place.line}:{place.column}: {named}; {remedy}", remedy)


def _from_pydantic(filename: str, document: Document, error: Any) -> FieldProblem:
    path: Path = tuple(error["loc"])
    match error["type"]:
        case "missing":
            place = document.place(path[:-1])
            return problem_at(filename, place, path, "is missing", f"add `{path[-1]}:` here")
        case "extra_forbidden":
            known = _keys_at(path[:-1])
            close = difflib.get_close_matches(str(path[-1]), known, n=1)
            remedy = f"did you mean `{close[0]}`?" if close else f"remove it; known here: {', '.join(known)}"
            return problem_at(filename, document.place(path, key=True), path, "is not known", remedy)
        case "literal_error":
            what = f"{str(error['input'])[:60]!r} is not one of the choices"
            return problem_at(filename, document.place(path), path, what, f"write {error['ctx']['expected']}")
        case "value_error":
            what, _, remedy = str(error["ctx"]["error"]).partition("; ")
            return problem_at(filename, document.place(path), path, what, remedy or "correct one or the other")
        case kind:
            message = str(error["msg"])
            remedy = _REMEDIES.get(kind, message[:1].lower() + message[1:])
            what = f"{str(error['input'])[:60]!r} does not fit" if error["input"] is not None else "is empty"
            return problem_at(filename, document.place(path), path, what, remedy)


def _keys_at(path: Path) -> list[str]:
    """The keys that the model at this path knows."""
    models: list[type[BaseModel]] = [Trial]
    for part in path:
        if isinstance(part, str):
            fields = [model.model_fields[part] for model in models if part in model.model_fields]
            models = [found for one in fields for found in _models_in(one.annotation)]
    return [name for model in models for name in model.model_fields if name != "sha256"]


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and get_origin(annotation) is None and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)
