"""What several services' routes ask of what is sent to them."""

from __future__ import annotations

import re

_DATE = re.compile(r"^\d{4}-")


def iso_only(value: object) -> object:
    """For `BeforeValidator`: a time is written as ISO 8601 says; a bare number would be taken for seconds since 1970."""
    if isinstance(value, bool | int | float) or (isinstance(value, str) and not _DATE.match(value)):
        raise ValueError("write the time like 2026-03-09T02:10:00+07:00")
    return value


def without_nul(text: str | None) -> str | None:
    """No text of ours holds NUL and PostgreSQL takes none: without it the question is answered instead of failing."""
    return None if text is None else text.replace("\x00", "")
