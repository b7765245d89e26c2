"""The files that duties are judged by, as a named person made them the law: whole, so that they outlive the database."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from shared.case.base import Published


class LawText(Published):
    """One file of the set; `holidays` is the library's table of one country, `trial` what of the trial decides duties."""

    kind: Literal["rules", "calendar", "holidays", "trial"]
    name: str
    sha256: str
    body: str


class LawActivated(Published):
    """One activation (aggregate `law/{trial_id}`, its number the version)."""

    trial_id: str
    version: int
    law_sha256: str
    """Of the manifest: kind, name and hash of every file, and the version of the time zones."""
    manifest: str
    files: tuple[LawText, ...]
    libraries: str
    """Versions of the libraries the files were first used with."""
    signed: str
    """What was signed, as canonical JSON: the manifest, the reason, what it would move."""
    signed_sha256: str
    reason: str
    activated_by: str
    activated_at: datetime
