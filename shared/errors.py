"""Every error a user can meet, with its status, a code and a safe text.

    TocsinError
    ├── Refused            422  the input cannot become what it claims to be (carries problems by field)
    ├── NotFound           404
    ├── Forbidden          403
    ├── SignInNeeded       401
    ├── Conflict           409  the state has moved on, or the key was used for another body
    ├── PreconditionFailed 412  If-Match names another version
    ├── PreconditionNeeded 428  If-Match is missing
    ├── TooLarge           413
    └── Unavailable        503  a database, the log or a channel is away, or the service is held (`bus.guard.Held`, `Unverified`)

The text of an error never contains patient data: it goes to logs and to the screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FieldProblem:
    """One field and what to do about it; `pointer` is an RFC 6901 JSON pointer into the request body."""

    pointer: str
    detail: str
    remedy: str = ""

    def as_json(self) -> dict[str, str]:
        return {"pointer": self.pointer, "detail": self.detail, "remedy": self.remedy}


class TocsinError(Exception):
    status = 500
    code = "internal-error"
    title = "Something failed on our side"

    def __init__(self, detail: str = "", *, problems: Sequence[FieldProblem] = ()) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.problems = tuple(problems)


class Refused(TocsinError):
    status = 422
    code = "refused"
    title = "The input cannot be accepted as it is"


class NotFound(TocsinError):
    status = 404
    code = "not-found"
    title = "There is nothing here by that name"


class Forbidden(TocsinError):
    status = 403
    code = "forbidden"
    title = "Your role does not allow this"


class SignInNeeded(TocsinError):
    status = 401
    code = "sign-in-needed"
    title = "Sign in first"


class Conflict(TocsinError):
    status = 409
    code = "conflict"
    title = "The state has moved on"


class PreconditionFailed(TocsinError):
    status = 412
    code = "precondition-failed"
    title = "Somebody changed this since you read it"


class PreconditionNeeded(TocsinError):
    status = 428
    code = "precondition-needed"
    title = "Say which version you are changing with If-Match"


class TooLarge(TocsinError):
    status = 413
    code = "too-large"
    title = "The document is larger than the log can carry"


class Unavailable(TocsinError):
    status = 503
    code = "unavailable"
    title = "A part we depend on is away; nothing was done, try again"
